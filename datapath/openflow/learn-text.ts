/** The learn action as text (OVS: lib/learn.c). */
import type { LearnAction, LearnSpec } from "./action.ts";
import type { Subfield } from "./field.ts";
import {
  formatFieldValue,
  formatSubfield,
  fullMask,
  integer,
  isFull,
  parseFieldValue,
  parseShortSubfield,
} from "./field-text.ts";
import { findField, findSubfieldName } from "./fields.ts";
import type { PortNames, PortNumbers } from "./port-name.ts";
import { isMet, type Known } from "./prerequisite.ts";
import { DEFAULT_PRIORITY } from "./rule.ts";
import { alternateHex, bigOf, decimal, hex, keyValues, type Span, shown, u32, unsigned, wordsOf } from "./syntax.ts";

interface LearnContext {
  readonly ports: PortNumbers | undefined;
  readonly known: Known | undefined;
}

const EMPTY: Known = { dlType: 0, nwProto: 0, nwFrag: 0, tpSrc: 0, tpDst: 0, packetType: 0, tci: 0, innerTci: 0 };

export function parseLearn(span: Span, context: LearnContext): LearnAction {
  const learn = {
    kind: "learn" as const,
    idleTimeout: 0,
    hardTimeout: 0,
    priority: DEFAULT_PRIORITY,
    cookie: 0n,
    table: 1,
    finIdleTimeout: 0,
    finHardTimeout: 0,
    sendFlowRemoved: false,
    deleteLearned: false,
    limit: 0,
    result: undefined as Subfield | undefined,
    specs: [] as LearnSpec[],
  };
  const made = { ...EMPTY }; // what the new rule matches
  for (const { key, value } of keyValues(span)) {
    switch (key.text) {
      case "table":
        learn.table = decimal(value, 8, "table");
        if (learn.table === 255) value.fail("table 255", "a table from 0 to 254");
        break;
      case "priority":
        learn.priority = decimal(value, 16, "priority");
        break;
      case "idle_timeout":
        learn.idleTimeout = decimal(value, 16, "idle_timeout");
        break;
      case "hard_timeout":
        learn.hardTimeout = decimal(value, 16, "hard_timeout");
        break;
      case "fin_idle_timeout":
        learn.finIdleTimeout = decimal(value, 16, "fin_idle_timeout");
        break;
      case "fin_hard_timeout":
        learn.finHardTimeout = decimal(value, 16, "fin_hard_timeout");
        break;
      case "cookie":
        learn.cookie = unsigned(value, 64, "cookie");
        break;
      case "send_flow_rem":
        learn.sendFlowRemoved = true;
        break;
      case "delete_learned":
        learn.deleteLearned = true;
        break;
      case "limit":
        learn.limit = u32(value, "limit");
        break;
      case "result_dst": {
        const result = parseShortSubfield(value);
        if (result.width !== 1) value.fail(`${result.width} bits`, "one bit for the result");
        if (!result.field.writable)
          value.fail(`field ${result.field.name} is read-only`, "a field that can be written");
        learn.result = result;
        break;
      }
      default: {
        const spec = parseSpec(key, value, context.ports);
        checkSpec(spec, key, context.known, made);
        learn.specs.push(spec);
      }
    }
  }
  return learn;
}

function parseSpec(key: Span, value: Span, ports: PortNumbers | undefined): LearnSpec {
  if (key.text === "output") {
    const source = parseShortSubfield(value);
    return { kind: "output", bits: source.width, source, value: undefined, destination: undefined };
  }
  if (key.text === "load") return parseLoadSpec(value);
  const name = /^[^[]*/.exec(key.text)![0];
  if (findSubfieldName(name) === undefined) {
    key.fail(`${shown(key.text)} in learn`, "an argument of learn, a field to match, load or output");
  }
  const whole = findField(key.text);
  const destination = parseShortSubfield(key);
  const bits = destination.width;
  if (value.text === "") return { kind: "match", bits, source: destination, value: undefined, destination };
  const from = /^[^[]*/.exec(value.text)![0];
  if (findSubfieldName(from) !== undefined) {
    const source = parseShortSubfield(value);
    if (source.width !== bits) value.fail(`${source.width} bits for ${bits} of ${key.text}`, "as many");
    return { kind: "match", bits, source, value: undefined, destination };
  }
  if (whole !== undefined) {
    const parsed = parseFieldValue(whole, value, ports);
    if (!isFull(whole, parsed.mask))
      value.fail(`${shown(value.text)}: learn matches whole fields`, "a value without a mask");
    return { kind: "match", bits, source: undefined, value: parsed.value, destination };
  }
  return { kind: "match", bits, source: undefined, value: fitting(value, destination), destination };
}

function parseLoadSpec(span: Span): LearnSpec {
  const at = span.text.indexOf("->");
  if (at < 0) span.fail(`load:${span.text}`, "load:VALUE->FIELD[..] or load:FIELD[..]->FIELD[..]");
  const text = span.slice(0, at);
  const to = span.slice(at + 2);
  const destination = parseShortSubfield(to);
  if (!destination.field.writable)
    to.fail(`field ${destination.field.name} is read-only`, "a field that can be written");
  const bits = destination.width;
  if (findSubfieldName(/^[^[]*/.exec(text.text)![0]) === undefined) {
    return { kind: "load", bits, source: undefined, value: fitting(text, destination), destination };
  }
  const source = parseShortSubfield(text);
  if (source.width !== bits) span.fail(`${source.width} bits loaded into ${bits}`, "as many");
  return { kind: "load", bits, source, value: undefined, destination };
}

/** A number that fits the subfield, right-aligned. */
function fitting(span: Span, { field, width }: Subfield): Int32Array {
  const number = bigOf(integer(field, span, "value"));
  if (number >> BigInt(width) !== 0n) span.fail(`${span.text} does not fit`, `a number of at most ${width} bits`);
  return wordsOf(number);
}

/** learn_check: fields exist where they are read, and where the new rule matches or writes them. */
function checkSpec(spec: LearnSpec, span: Span, known: Known | undefined, made: Known): void {
  const exists = (subfield: Subfield, where: Known, which: string): void => {
    const { field } = subfield;
    if (isMet(field.prerequisite, where)) return;
    span.fail(`${field.name} ${which} without its prerequisite`, `a match on ${field.prerequisite} before`);
  };
  if (spec.source !== undefined && known !== undefined) exists(spec.source, known, "of the packet");
  if (spec.destination === undefined) return;
  exists(spec.destination, made, "of the new rule");
  if (spec.kind !== "match" || spec.value === undefined || spec.destination.at !== 0) return;
  const low = spec.value[3];
  switch (spec.destination.field.name) {
    case "eth_type":
      made.dlType = low & 0xffff;
      break;
    case "nw_proto":
      made.nwProto = low & 0xff;
      break;
    case "ip_frag":
      made.nwFrag = low & 3;
      break;
    case "icmpv6_type":
      made.tpSrc = low & 0xff;
      break;
    case "icmpv6_code":
      made.tpDst = low & 0xff;
      break;
    case "vlan_tci":
    case "vlan_vid":
      made.tci = low & 0xffff;
      break;
    case "dl_vlan":
    case "dl_vlan_pcp":
      made.tci |= 0x1000;
      break;
    default:
      break;
  }
}

export function formatLearn(learn: LearnAction, ports: PortNames): string {
  const parts = [`table=${learn.table}`];
  if (learn.idleTimeout !== 0) parts.push(`idle_timeout=${learn.idleTimeout}`);
  if (learn.hardTimeout !== 0) parts.push(`hard_timeout=${learn.hardTimeout}`);
  if (learn.finIdleTimeout !== 0) parts.push(`fin_idle_timeout=${learn.finIdleTimeout}`);
  if (learn.finHardTimeout !== 0) parts.push(`fin_hard_timeout=${learn.finHardTimeout}`);
  if (learn.priority !== DEFAULT_PRIORITY) parts.push(`priority=${learn.priority}`);
  if (learn.sendFlowRemoved) parts.push("send_flow_rem");
  if (learn.deleteLearned) parts.push("delete_learned");
  if (learn.cookie !== 0n) parts.push(`cookie=${hex(learn.cookie)}`);
  if (learn.limit !== 0) parts.push(`limit=${learn.limit}`);
  if (learn.result !== undefined) parts.push(`result_dst=${formatSubfield(learn.result)}`);
  for (const spec of learn.specs) parts.push(formatSpec(spec, ports));
  return `learn(${parts.join(",")})`;
}

function formatSpec({ kind, source, value, destination }: LearnSpec, ports: PortNames): string {
  if (kind === "output") return `output:${formatSubfield(source!)}`;
  if (kind === "load") {
    return `load:${source === undefined ? alternateHex(bigOf(value!)) : formatSubfield(source)}->${formatSubfield(destination!)}`;
  }
  const { field, at, width } = destination!;
  if (source !== undefined) {
    const same = source.field === field && source.at === at;
    return same ? formatSubfield(source) : `${formatSubfield(destination!)}=${formatSubfield(source)}`;
  }
  if (at === 0 && width === field.bits)
    return `${field.name}=${formatFieldValue(field, value!, fullMask(field), ports)}`;
  return `${formatSubfield(destination!)}=${alternateHex(bigOf(value!))}`;
}
