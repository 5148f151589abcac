/**
 * Actions that write any field, or what is kept beside the packet: registers, stack, tunnel, queue.
 */

import type { OfAction } from "./action.ts";
import { type ActionContext, arrow, hasTag, writable } from "./action-argument.ts";
import { bitsMask } from "./field.ts";
import { integer, isValid, parseFieldValue, parseSubfield } from "./field-text.ts";
import { findField, refusedField } from "./fields.ts";
import { parseMultipath } from "./hash-text.ts";
import { bigOf, type Span, shown, u16, u32, unsigned, wordsOf } from "./syntax.ts";

/** The action, or undefined: the name is none of these. */
export function parseFieldAction(name: string, value: Span, context: ActionContext): OfAction | undefined {
  switch (name) {
    case "set_field":
      return parseSetField(value, context);
    case "load":
      return parseLoad(value, context);
    case "move": {
      const [source, destination] = arrow(value);
      const from = parseSubfield(source);
      const to = writable(destination);
      if (from.width !== to.width) {
        value.fail(`${from.width} bits moved to ${to.width}`, "a source and a destination of one width");
      }
      return { kind: "move", source: from, destination: to };
    }
    case "push":
      return { kind: "push", subfield: parseSubfield(value) };
    case "pop":
      return { kind: "pop", subfield: writable(value) };
    case "set_tunnel":
    case "set_tunnel64": {
      const id = wordsOf(unsigned(value, 64, "tunnel id"));
      return { kind: "set_tunnel", high: id[2], low: id[3], wide: name === "set_tunnel64" };
    }
    case "set_queue":
      return { kind: "set_queue", queue: u32(value, "queue") };
    case "pop_queue":
      return { kind: "pop_queue" };
    case "multipath":
      return parseMultipath(value);
    case "check_pkt_larger": {
      const found = /^(\+?\w+)\)?->/.exec(value.text);
      if (found === null) return value.fail(`check_pkt_larger(${value.text}`, "check_pkt_larger(LENGTH)->FIELD[BIT]");
      const destination = value.slice(found[0].length);
      const subfield = writable(destination);
      if (subfield.width !== 1) destination.fail(`${subfield.width} bits`, "one bit for the result");
      return {
        kind: "check_pkt_larger",
        length: u16(value.slice(0, found[1].length), "length"),
        destination: subfield,
      };
    }
    default:
      return undefined;
  }
}

function parseSetField(value: Span, context: ActionContext): OfAction {
  const [text, name] = arrow(value);
  const field = findField(name.text);
  if (field === undefined) {
    const refused = refusedField(name.text);
    return name.fail(
      `field ${shown(name.text)}${refused === undefined ? " is not known" : `: ${refused}`}`,
      "a field to set",
    );
  }
  if (!field.writable) name.fail(`field ${field.name} is read-only`, "a field that can be written");
  if (field.nxm === undefined)
    name.fail(`field ${field.name} has no NXM or OXM name`, "another, such as vlan_vid or vlan_pcp");
  const parsed = parseFieldValue(field, text, context.ports);
  if (!isValid(field, parsed.value)) text.fail(`${shown(text.text)} does not fit ${field.name}`, `${field.bits} bits`);
  if (context.version === 6 && (bigOf(parsed.value) & ~bigOf(parsed.mask)) !== 0n) {
    text.fail(`${shown(text.text)} has bits outside its mask`, "none in OpenFlow 1.5");
  }
  return { kind: "set_field", field, ...parsed, load: false, hasVlan: hasTag(context) };
}

function parseLoad(value: Span, context: ActionContext): OfAction {
  const [text, name] = arrow(value);
  const destination = writable(name);
  const { field, at, width } = destination;
  const number = bigOf(integer(field, text, "value"));
  if (number >> BigInt(width) !== 0n) text.fail(`${text.text} does not fit`, `a number of at most ${width} bits`);
  if (context.version === 6 && field.name === "arp_op" && number > 0xffn)
    text.fail(`${text.text} as arp_op`, "at most 255");
  return {
    kind: "set_field",
    field,
    value: wordsOf(number << BigInt(at)),
    mask: bitsMask(at, width),
    load: true,
    hasVlan: hasTag(context),
  };
}
