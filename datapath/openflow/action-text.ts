/**
 * Actions and instructions as text, both ways (OVS: the parse_ and format_ functions of lib/ofp-actions.c). Reading also
 * checks what the actions need of the match (ofpacts_check) and sends them over the wire (action-wire.ts), so that what
 * comes out is what the switch holds.
 *
 * Over 400 lines: one case for each of about fifty actions, twice.
 */

import { parseIpv4, parseMac } from "../wire/addresses.ts";
import {
  OFPP_CONTROLLER,
  OFPP_IN_PORT,
  OFPP_LOCAL,
  OFPP_MAX,
  OFPP_NONE,
  OFPP_UNSET,
  type OfAction,
  type OpenFlowVersion,
} from "./action.ts";
import { crossWire } from "./action-wire.ts";
import { bitsMask, type Subfield } from "./field.ts";
import {
  formatFieldValue,
  formatSubfield,
  fullMask,
  integer,
  isValid,
  parseFieldValue,
  parseSubfield,
} from "./field-text.ts";
import { fieldNamed, findField, refusedField } from "./fields.ts";
import { OFPG_MAX } from "./group.ts";
import { parseBundle, parseMultipath } from "./hash-text.ts";
import { formatLearn, parseLearn } from "./learn-text.ts";
import { type PortNames, type PortNumbers, portFromText, portToText } from "./port-name.ts";
import { hasVlan, isIp, isMet, isMpls, type Known } from "./prerequisite.ts";
import {
  alternateHex,
  bigOf,
  hex,
  integerPrefix,
  keyValues,
  type Span,
  shown,
  u8,
  u16,
  u32,
  unsigned,
  wordsOf,
} from "./syntax.ts";

export interface ActionContext {
  readonly version: OpenFlowVersion;
  readonly ports: PortNumbers | undefined;
  /** True for groups that there are; undefined: unknown, nothing is checked. */
  readonly groups?: ((id: number) => boolean) | undefined;
  /** What the match says of the packets; undefined: unknown, nothing is checked (buckets of a group). */
  readonly known: Known | undefined;
  /** Of the rule; 255 = not said. */
  readonly table: number;
  /** Within write_actions: what packets the set will meet is not known, so less is checked. */
  readonly inSet?: boolean;
}

/** What Open vSwitch has and this does not, with the reason. */
const REFUSED: Readonly<Record<string, string>> = {
  ct: "connection tracking is not supported",
  ct_clear: "connection tracking is not supported",
  nat: "connection tracking is not supported",
  dec_nsh_ttl: "NSH is not supported",
  sample: "IPFIX and sFlow sampling is not supported",
  meter: "meters are not supported",
  delete_field: "tunnel metadata (TLV options) is not supported",
  debug_recirc: "debugging actions are not supported",
  debug_slow: "debugging actions are not supported",
  stat_trigger: "statistics triggers are not supported",
  unroll_xlate: "it is internal to Open vSwitch",
};

/** The order that instructions must stand in; actions are the first. */
const INSTRUCTIONS: readonly string[] = [
  "apply_actions",
  "clear_actions",
  "write_actions",
  "write_metadata",
  "goto_table",
];
const instructionOf = (action: OfAction): number => Math.max(0, INSTRUCTIONS.indexOf(action.kind));

/** Reads what stands behind "actions=". */
export function parseActions(span: Span, context: ActionContext): readonly OfAction[] {
  return parseList(span, context, true);
}

/** Reads actions without instructions: of a bucket, of clone, of write_actions. */
export function parseActionList(span: Span, context: ActionContext): readonly OfAction[] {
  return parseList(span, context, false);
}

function parseList(span: Span, context: ActionContext, instructions: boolean): readonly OfAction[] {
  const known = context.known === undefined ? undefined : { ...context.known };
  const own = { ...context, known };
  const out: OfAction[] = [];
  let last = 0;
  let drop: Span | undefined;
  let count = 0;
  let conjunction: Span | undefined;
  let other: Span | undefined;
  for (const { key, value } of keyValues(span)) {
    if (key.text.toLowerCase() === "drop") {
      drop = key;
      continue;
    }
    const action = parseAction(key, value, own);
    count++;
    const instruction = instructionOf(action);
    if (instruction > 0 && !instructions) key.fail(`instruction ${key.text}`, "actions only");
    if (instruction < last || (instruction === last && instruction > 0)) {
      key.fail(
        `${key.text} behind ${INSTRUCTIONS[last]}`,
        `the order ${INSTRUCTIONS.join(", ")}, each instruction once`,
      );
    }
    last = instruction;
    if (action.kind === "conjunction") conjunction = key;
    else if (action.kind !== "note") other = key;
    check(action, key, own);
    for (const arrived of crossWire(action, own.version, known?.nwProto ?? 0)) {
      if (instructionOf(arrived) < instructionOf(out.at(-1) ?? arrived)) {
        key.fail(`${key.text} behind ${out.at(-1)!.kind}`, "another order: OpenFlow 1.0 has no goto_table instruction");
      }
      // The switch checks what arrives: a mod_nw_ttl that has become a load needs its field for sure.
      if (arrived.kind === "set_field" && known !== undefined && !isMet(arrived.field.prerequisite, known)) {
        key.fail(
          `${key.text} without a match on ${arrived.field.prerequisite}`,
          `a rule that matches ${arrived.field.prerequisite}`,
        );
      }
      out.push(arrived);
    }
  }
  if (drop !== undefined && count > 0) drop.fail("drop beside other actions", "drop alone, or no drop");
  if (conjunction !== undefined && other !== undefined)
    other.fail(`${other.text} beside conjunction`, "only conjunction and note");
  return out;
}

function parseAction(key: Span, value: Span, context: ActionContext): OfAction {
  const { ports } = context;
  const name = key.text.toLowerCase();
  switch (name) {
    case "output":
      return parseOutput(value, ports);
    case "controller":
      return parseController(value);
    case "enqueue": {
      const found = /^([^:q,]+)[:q,]+(.+)$/.exec(value.text);
      if (found === null)
        return value.fail(`enqueue ${shown(value.text)}`, "enqueue:PORT:QUEUE or enqueue(PORT,QUEUE)");
      const queue = value.slice(value.text.length - found[2].length);
      return { kind: "enqueue", port: portOf(value.slice(0, found[1].length), ports), queue: u32(queue, "queue") };
    }
    case "group":
      return { kind: "group", group: groupId(value, context.groups) };
    case "bundle":
    case "bundle_load":
      return parseBundle(value, name === "bundle_load", ports);
    case "mod_vlan_vid":
    case "set_vlan_vid":
      return {
        kind: "set_vlan_vid",
        vid: limited(value, 0xfff, "VLAN ID"),
        pushIfNeeded: name === "mod_vlan_vid",
        hasVlan: hasTag(context),
      };
    case "mod_vlan_pcp":
    case "set_vlan_pcp":
      return {
        kind: "set_vlan_pcp",
        pcp: limited(value, 7, "VLAN priority"),
        pushIfNeeded: name === "mod_vlan_pcp",
        hasVlan: hasTag(context),
      };
    case "strip_vlan":
    case "pop_vlan":
      return { kind: "strip_vlan", pop: name === "pop_vlan" };
    case "push_vlan": {
      const ethertype = u16(value, "ethertype");
      if (ethertype !== 0x8100 && ethertype !== 0x88a8) value.fail(`ethertype ${value.text}`, "0x8100 or 0x88a8");
      if (context.version === 1) key.fail("push_vlan in OpenFlow 1.0", "OpenFlow 1.1 or later");
      return { kind: "push_vlan", ethertype };
    }
    case "mod_dl_src":
    case "mod_dl_dst": {
      const mac = parseMac(value.text);
      if (mac === undefined || value.text.includes("-"))
        value.fail(shown(value.text), "a MAC address like 52:54:00:0a:00:02");
      const words = Int32Array.of(0, 0, mac.high >>> 16, (mac.high << 16) | mac.low);
      return { kind: name === "mod_dl_src" ? "set_eth_src" : "set_eth_dst", mac: words };
    }
    case "mod_nw_src":
    case "mod_nw_dst": {
      const address = parseIpv4(value.text);
      if (address === undefined) value.fail(shown(value.text), "an IPv4 address like 10.0.0.1");
      return { kind: name === "mod_nw_src" ? "set_ipv4_src" : "set_ipv4_dst", address };
    }
    case "mod_nw_tos": {
      const tos = u8(value, "ToS");
      if ((tos & 3) !== 0) value.fail(`ToS ${tos}`, "a multiple of 4 (the two low bits are ECN)");
      return { kind: "set_ip_dscp", tos };
    }
    case "mod_nw_ecn":
      return { kind: "set_ip_ecn", ecn: limited(value, 3, "ECN") };
    case "mod_nw_ttl":
    case "set_nw_ttl":
      return { kind: "set_ip_ttl", ttl: u8(value, "TTL") };
    case "mod_tp_src":
      return { kind: "set_l4_src_port", port: u16(value, "port") };
    case "mod_tp_dst":
      return { kind: "set_l4_dst_port", port: u16(value, "port") };
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
    case "dec_ttl": {
      if (value.text === "") return { kind: "dec_ttl", controllers: [0], plain: true };
      const ids = value.text.split(/[, ]+/).filter((id) => id !== "");
      if (ids.length === 0 || !ids.every((id) => /^\d+$/.test(id))) {
        value.fail(`dec_ttl(${value.text})`, "controller ids, at least one");
      }
      return { kind: "dec_ttl", controllers: ids.map((id) => Number(id) & 0xffff) };
    }
    case "set_mpls_label":
      return { kind: "set_mpls_label", label: limited(value, 0xfffff, "MPLS label", 32) };
    case "set_mpls_tc":
      return { kind: "set_mpls_tc", tc: limited(value, 7, "MPLS traffic class") };
    case "set_mpls_ttl":
      return { kind: "set_mpls_ttl", ttl: u8(value, "MPLS TTL") };
    case "dec_mpls_ttl":
      return { kind: "dec_mpls_ttl" };
    case "push_mpls": {
      const ethertype = u16(value, "ethertype");
      if (ethertype !== 0x8847 && ethertype !== 0x8848) value.fail(`ethertype ${value.text}`, "0x8847 or 0x8848");
      return { kind: "push_mpls", ethertype };
    }
    case "pop_mpls":
      return { kind: "pop_mpls", ethertype: u16(value, "ethertype") };
    case "set_tunnel":
    case "set_tunnel64": {
      const id = wordsOf(unsigned(value, 64, "tunnel id"));
      return { kind: "set_tunnel", high: id[2], low: id[3], wide: name === "set_tunnel64" };
    }
    case "set_queue":
      return { kind: "set_queue", queue: u32(value, "queue") };
    case "pop_queue":
      return { kind: "pop_queue" };
    case "fin_timeout": {
      let idle = 0;
      let hard = 0;
      for (const pair of keyValues(value)) {
        if (pair.key.text === "idle_timeout") idle = u16(pair.value, "idle_timeout");
        else if (pair.key.text === "hard_timeout") hard = u16(pair.value, "hard_timeout");
        else pair.key.fail(`${shown(pair.key.text)} in fin_timeout`, "idle_timeout or hard_timeout");
      }
      return { kind: "fin_timeout", idle, hard };
    }
    case "resubmit":
      return parseResubmit(value, ports);
    case "learn":
      return parseLearn(value, { ports, known: context.known });
    case "conjunction": {
      const found = /^\s*(\w+)\s*,\s*(\d+)\s*\/\s*(\d+)\s*$/.exec(value.text);
      const id = found === null ? undefined : integerPrefix(found[1]);
      if (id === undefined || id.length !== found![1].length || id.value > 0xffffffffn) {
        return value.fail(`conjunction(${value.text})`, "conjunction(ID,K/N)");
      }
      const clause = Number(found![2]);
      const clauses = Number(found![3]);
      if (clauses < 2 || clauses > 64 || clause < 1 || clause > clauses) {
        value.fail(`clause ${clause} of ${clauses}`, "2 to 64 clauses, counted from 1");
      }
      return { kind: "conjunction", id: Number(id.value), clause: clause - 1, clauses };
    }
    case "multipath":
      return parseMultipath(value);
    case "note":
      return { kind: "note", bytes: hexBytes(value) };
    case "exit":
      return { kind: "exit" };
    case "clone":
      return { kind: "clone", actions: parseList(value, context, false) };
    case "check_pkt_larger": {
      const found = /^(\w+)\)->/.exec(value.text);
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
    case "encap":
      if (context.version < 4) key.fail("encap before OpenFlow 1.3", "OpenFlow 1.3 or later");
      if (value.text === "ethernet") return { kind: "encap" };
      if (value.text.startsWith("nsh")) value.fail("action encap(nsh): NSH is not supported", "encap(ethernet)");
      if (value.text === "mpls" || value.text === "mpls_mc")
        value.fail(
          `action encap(${value.text}): MPLS in front of Ethernet is not supported`,
          "encap(ethernet), push_mpls",
        );
      return value.fail(`encap(${value.text})`, "encap(ethernet)");
    case "decap": {
      if (context.version < 4) key.fail("decap before OpenFlow 1.3", "OpenFlow 1.3 or later");
      if (value.text === "") return { kind: "decap", packetType: undefined };
      const found = /^packet_type\(ns=(\w+),type=(\w+)\)$/.exec(value.text);
      if (found === null)
        return value.fail(`decap(${value.text})`, "decap() or decap(packet_type(ns=NAMESPACE,type=TYPE))");
      const at = value.text.indexOf(found[2], value.text.indexOf("type=", 12));
      const namespace = limited(value.slice(15, 15 + found[1].length), 1, "namespace");
      return { kind: "decap", packetType: namespace * 0x10000 + u16(value.slice(at, at + found[2].length), "type") };
    }
    case "clear_actions":
      return { kind: "clear_actions" };
    case "write_actions": {
      const actions = parseList(value, { ...context, inSet: true }, false);
      const bad = actions.find((action) => !ACTION_SET.has(action.kind));
      if (bad !== undefined)
        value.fail(`${formatActions([bad])} in write_actions`, "actions that an action set can hold");
      return { kind: "write_actions", actions };
    }
    case "write_metadata": {
      const slash = value.text.indexOf("/");
      const bits = wordsOf(unsigned(slash < 0 ? value : value.slice(0, slash), 64, "metadata"));
      const mask = slash < 0 ? wordsOf(0xffffffffffffffffn) : wordsOf(unsigned(value.slice(slash + 1), 64, "mask"));
      return { kind: "write_metadata", valueHigh: bits[2], valueLow: bits[3], maskHigh: mask[2], maskLow: mask[3] };
    }
    case "goto_table": {
      const table = u8(value, "table");
      if (context.table !== 255 && table <= context.table) {
        value.fail(`goto_table:${table} from table ${context.table}`, "a later table");
      }
      if (table === 255 || (table === 0 && context.known !== undefined)) {
        value.fail(`goto_table:${table}`, "a table from 1 to 254");
      }
      return { kind: "goto_table", table };
    }
    case "apply_actions":
      return key.fail("apply_actions", "the actions themselves: to be applied is what they are for by default");
    default: {
      const reason = REFUSED[name];
      if (reason !== undefined) key.fail(`action ${key.text}: ${reason}`, "");
      const port = portFromText(key.text, ports);
      if (port === undefined) key.fail(`action ${shown(key.text)} is not known`, "an action or a port");
      return { kind: "output", port, maxLength: 0 };
    }
  }
}

/** Actions that may be in an action set (ofpact_is_allowed_in_actions_set). */
const ACTION_SET: ReadonlySet<OfAction["kind"]> = new Set<OfAction["kind"]>([
  "strip_vlan",
  "pop_mpls",
  "decap",
  "encap",
  "push_mpls",
  "push_vlan",
  "dec_ttl",
  "dec_mpls_ttl",
  "resubmit",
  "output",
  "group",
  "set_field",
  "move",
  "set_eth_dst",
  "set_eth_src",
  "set_ip_dscp",
  "set_ip_ecn",
  "set_ip_ttl",
  "set_ipv4_dst",
  "set_ipv4_src",
  "set_l4_dst_port",
  "set_l4_src_port",
  "set_mpls_label",
  "set_mpls_tc",
  "set_mpls_ttl",
  "set_queue",
  "set_tunnel",
  "set_vlan_pcp",
  "set_vlan_vid",
]);

const hasTag = ({ known }: ActionContext): boolean => known !== undefined && hasVlan(known);

function limited(span: Span, most: number, what: string, bits = 16): number {
  const number = Number(unsigned(span, bits, what));
  if (number > most) span.fail(`${what} ${span.text}`, `a number from 0 to ${most}`);
  return number;
}

function groupId(span: Span, groups: ActionContext["groups"]): number {
  const id = u32(span, "group");
  if (id > OFPG_MAX) span.fail(`group ${id}`, `a group from 0 to ${OFPG_MAX}`);
  // OFPBAC_BAD_OUT_GROUP of a flow mod; a bucket may name a group that comes later.
  if (groups?.(id) === false) span.fail(`there is no group ${id}`, "a group that was added before");
  return id;
}

function portOf(span: Span, ports: PortNumbers | undefined): number {
  const port = portFromText(span.text, ports);
  if (port === undefined) span.fail(`port ${shown(span.text)} is not known`, "a port number or the name of a port");
  return port;
}

/** "value->field" in two. */
function arrow(span: Span): [Span, Span] {
  const at = span.text.indexOf("->");
  if (at < 0 || at + 2 === span.text.length) span.fail(shown(span.text), "VALUE->FIELD");
  return [span.slice(0, at), span.slice(at + 2)];
}

function writable(span: Span): Subfield {
  const subfield = parseSubfield(span);
  if (!subfield.field.writable) span.fail(`field ${subfield.field.name} is read-only`, "a field that can be written");
  return subfield;
}

function parseOutput(value: Span, ports: PortNumbers | undefined): OfAction {
  const pairs = keyValues(value);
  if (value.text.includes("port") && value.text.includes("max_len") && pairs.length > 0) {
    let port = OFPP_NONE;
    let maxLength = 0;
    for (const pair of pairs) {
      if (pair.key.text === "port") port = portOf(pair.value, ports);
      else if (pair.key.text === "max_len") maxLength = u32(pair.value, "max_len");
      else pair.key.fail(`${shown(pair.key.text)} in output`, "port and max_len");
    }
    if (maxLength < 14) value.fail(`max_len ${maxLength}`, "at least 14, the length of an Ethernet header");
    if (port >= OFPP_MAX && port !== OFPP_LOCAL && port !== OFPP_IN_PORT) {
      value.fail(`${portToText(port)} with max_len`, "a port, LOCAL or IN_PORT");
    }
    return { kind: "output_trunc", port, maxLength };
  }
  const port = portFromText(value.text, ports);
  if (port !== undefined) return { kind: "output", port, maxLength: port === OFPP_CONTROLLER ? 0xffff : 0 };
  const name = /^[^[]*/.exec(value.text)![0];
  if (!value.text.includes("[") && findField(name) === undefined) {
    value.fail(`output to port ${shown(value.text)}, which is not known`, "a port, the name of a port or a subfield");
  }
  return { kind: "output_reg", source: parseSubfield(value), maxLength: 0xffff };
}

const REASONS: readonly string[] = ["no_match", "action", "invalid_ttl", "action_set", "group", "packet_out"];

function parseController(value: Span): OfAction {
  if (value.text === "" || /^\d+$/.test(value.text)) {
    return { kind: "output", port: OFPP_CONTROLLER, maxLength: value.text === "" ? 0xffff : u16(value, "max_len") };
  }
  let maxLength = 0xffff;
  let reason = "action";
  let controller = 0;
  let userdata: readonly number[] = [];
  for (const pair of keyValues(value)) {
    switch (pair.key.text) {
      case "max_len":
        maxLength = u16(pair.value, "max_len");
        break;
      case "reason":
        reason = pair.value.text.toLowerCase();
        if (!REASONS.includes(reason)) pair.value.fail(`reason ${shown(pair.value.text)}`, REASONS.join(", "));
        break;
      case "id":
        controller = u16(pair.value, "id");
        break;
      case "userdata":
        userdata = hexBytes(pair.value);
        break;
      case "pause":
        pair.key.fail("pause: continuations are not supported", "");
        break;
      case "meter_id":
        pair.key.fail("meter_id: meters are not supported", "");
        break;
      default:
        pair.key.fail(`${shown(pair.key.text)} in controller`, "max_len, reason, id or userdata");
    }
  }
  if (reason === "action" && controller === 0 && userdata.length === 0) {
    return { kind: "output", port: OFPP_CONTROLLER, maxLength };
  }
  return { kind: "controller", maxLength, reason, controller, userdata };
}

/** "01.02ff": bytes of two digits, dots and spaces between them allowed. */
function hexBytes(span: Span): readonly number[] {
  const digits = span.text.replace(/[. ]/g, "");
  if (!/^([0-9a-fA-F]{2})*$/.test(digits)) span.fail(shown(span.text), "bytes as pairs of hexadecimal digits");
  return Array.from(digits.matchAll(/../g), ([pair]) => Number.parseInt(pair, 16));
}

function parseResubmit(value: Span, ports: PortNumbers | undefined): OfAction {
  const parts = value.text.split(",");
  const portSpan = value.slice(0, parts[0].length);
  const port = parts[0] === "" ? OFPP_IN_PORT : portOf(portSpan, ports);
  const tableSpan = value.slice(Math.min(value.text.length, parts[0].length + 1)).slice(0, parts[1]?.length ?? 0);
  const table = parts[1] === undefined || parts[1] === "" ? 255 : u8(tableSpan, "table");
  if (parts[2] !== undefined && parts[2] !== "") {
    value.fail(parts[2] === "ct" ? "resubmit with ct: connection tracking is not supported" : shown(parts[2]), "");
  }
  if (port === OFPP_IN_PORT && table === 255) value.fail(`resubmit(${value.text})`, "a port or a table, or both");
  return { kind: "resubmit", port, table, ofpact: parts.length > 1 ? "table" : "port" };
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

/** ofpact_check__: what the action needs, and what is known behind it. */
function check(action: OfAction, span: Span, { known, version, inSet }: ActionContext): void {
  if (action.kind === "output" || action.kind === "enqueue" || action.kind === "output_trunc") {
    const { port } = action;
    const special =
      action.kind === "output" ? port > OFPP_UNSET && port !== OFPP_NONE : port === OFPP_IN_PORT || port === OFPP_LOCAL;
    if (port >= OFPP_MAX && !special) span.fail(`output to port ${portToText(port)}`, "another port");
  }
  if (known === undefined) return;
  const need = (met: boolean, what: string): void => {
    if (!met && version > 1 && inSet !== true)
      span.fail(`${span.text} without a match on ${what}`, `a rule that matches ${what}`);
  };
  const exists = (subfield: Subfield): void => {
    const { field } = subfield;
    if (!isMet(field.prerequisite, known)) {
      span.fail(`${span.text} of ${field.name} without its prerequisite`, `a rule that matches ${field.prerequisite}`);
    }
  };
  switch (action.kind) {
    case "set_vlan_vid":
    case "set_vlan_pcp":
      if (!action.pushIfNeeded) need(hasVlan(known), "a VLAN tag");
      known.tci |= 0x1000;
      break;
    case "strip_vlan":
      need(hasVlan(known), "a VLAN tag");
      known.tci = known.innerTci;
      known.innerTci = 0;
      break;
    case "push_vlan":
      if ((known.innerTci & 0x1000) !== 0) span.fail("push_vlan of a third tag", "two tags at most");
      known.innerTci = known.tci;
      known.tci = 0x1000;
      break;
    case "set_ipv4_src":
    case "set_ipv4_dst":
      need(known.dlType === 0x0800, "ip");
      break;
    case "set_ip_dscp":
    case "set_ip_ecn":
    case "set_ip_ttl":
    case "dec_ttl":
      need(isIp(known), "ip or ipv6");
      break;
    case "set_l4_src_port":
    case "set_l4_dst_port":
      need(isIp(known) && (known.nwFrag & 2) === 0 && [6, 17, 132].includes(known.nwProto), "tcp, udp or sctp");
      break;
    case "set_field": {
      const { field } = action;
      exists({ field, at: 0, width: field.bits });
      if (field.name === "vlan_vid" && !hasVlan(known))
        span.fail("vlan_vid set without a tag", "a rule that matches a VLAN tag");
      if (field.name === "vlan_vid" && !action.load && version >= 3 && (action.value[3] & 0x1000) === 0) {
        span.fail(`vlan_vid ${action.value[3]}`, "bit 0x1000 set, as OpenFlow 1.2 has it");
      }
      if (field.name === "in_port_oxm" && !action.load && version >= 3)
        span.fail("set_field of in_port_oxm", "load or in_port");
      if (field.name === "vlan_tci") known.tci = action.value[3] & 0xffff;
      break;
    }
    case "move":
      exists(action.source);
      exists(action.destination);
      break;
    case "push":
    case "pop":
      exists(action.subfield);
      break;
    case "output_reg":
      exists(action.source);
      break;
    case "bundle":
      if (action.destination !== undefined) exists(action.destination);
      break;
    case "multipath":
      exists(action.destination);
      break;
    case "set_mpls_label":
    case "set_mpls_tc":
    case "set_mpls_ttl":
    case "dec_mpls_ttl":
      need(isMpls(known), "mpls");
      break;
    case "push_mpls":
      need(known.packetType === 0, "Ethernet");
      known.dlType = action.ethertype;
      known.nwProto = 0;
      break;
    case "pop_mpls":
      need(known.packetType === 0 && isMpls(known), "mpls");
      known.dlType = action.ethertype;
      break;
    case "fin_timeout":
      need(known.nwProto === 6, "tcp");
      break;
    case "encap":
      known.packetType = 0;
      if (!isIp(known)) known.nwProto = 0;
      break;
    case "decap":
      if (known.packetType === 0) known.packetType = 0x10000 + known.dlType;
      else {
        known.packetType = 0xffffffff;
        known.dlType = 0xffff;
      }
      break;
    default:
      break;
  }
}

/** Actions as ovs-ofctl prints them, "drop" for none. `ports`: how a port number is printed. */
export function formatActions(actions: readonly OfAction[], ports: PortNames = portToText): string {
  return actions.length === 0 ? "drop" : actions.map((action) => formatAction(action, ports)).join(",");
}

function formatAction(action: OfAction, ports: PortNames): string {
  switch (action.kind) {
    case "output":
      if (action.port < OFPP_MAX) return `output:${ports(action.port)}`;
      return action.port === OFPP_CONTROLLER ? `${ports(action.port)}:${action.maxLength}` : ports(action.port);
    case "output_reg":
      return `output:${formatSubfield(action.source)}`;
    case "output_trunc":
      return `output(port=${ports(action.port)},max_len=${action.maxLength})`;
    case "controller": {
      const parts: string[] = [];
      if (action.reason !== "action") parts.push(`reason=${action.reason}`);
      if (action.maxLength !== 0xffff) parts.push(`max_len=${action.maxLength}`);
      if (action.controller !== 0) parts.push(`id=${action.controller}`);
      if (action.userdata.length > 0) parts.push(`userdata=${formatBytes(action.userdata)}`);
      return `controller(${parts.join(",")})`;
    }
    case "enqueue":
      return `enqueue:${ports(action.port)}:${action.queue}`;
    case "group":
      return `group:${action.group}`;
    case "bundle": {
      const members = `members:${action.members.map(ports).join(",")}`;
      const hash = `${action.fields},${action.basis},${action.algorithm}`;
      if (action.destination === undefined) return `bundle(${hash},ofport,${members})`;
      return `bundle_load(${hash},ofport,${formatSubfield(action.destination)},${members})`;
    }
    case "multipath": {
      const hash = `${action.fields},${action.basis},${action.algorithm}`;
      return `multipath(${hash},${action.maxLink + 1},${action.argument},${formatSubfield(action.destination)})`;
    }
    case "set_vlan_vid":
      return `${action.pushIfNeeded ? "mod" : "set"}_vlan_vid:${action.vid}`;
    case "set_vlan_pcp":
      return `${action.pushIfNeeded ? "mod" : "set"}_vlan_pcp:${action.pcp}`;
    case "strip_vlan":
      return action.pop === true ? "pop_vlan" : "strip_vlan";
    case "push_vlan":
      return `push_vlan:${hex(action.ethertype)}`;
    case "set_eth_src":
      return `mod_dl_src:${formatFieldValue(SRC, action.mac, fullMask(SRC))}`;
    case "set_eth_dst":
      return `mod_dl_dst:${formatFieldValue(SRC, action.mac, fullMask(SRC))}`;
    case "set_ipv4_src":
      return `mod_nw_src:${formatFieldValue(IP, Int32Array.of(0, 0, 0, action.address), fullMask(IP))}`;
    case "set_ipv4_dst":
      return `mod_nw_dst:${formatFieldValue(IP, Int32Array.of(0, 0, 0, action.address), fullMask(IP))}`;
    case "set_ip_dscp":
      return `mod_nw_tos:${action.tos}`;
    case "set_ip_ecn":
      return `mod_nw_ecn:${action.ecn}`;
    case "set_ip_ttl":
      return `mod_nw_ttl:${action.ttl}`;
    case "set_l4_src_port":
      return `mod_tp_src:${action.port}`;
    case "set_l4_dst_port":
      return `mod_tp_dst:${action.port}`;
    case "set_field":
      if (!action.load)
        return `set_field:${formatFieldValue(action.field, action.value, action.mask, ports)}->${action.field.name}`;
      return formatLoads(action);
    case "move":
      return `move:${formatSubfield(action.source)}->${formatSubfield(action.destination)}`;
    case "push":
      return `push:${formatSubfield(action.subfield)}`;
    case "pop":
      return `pop:${formatSubfield(action.subfield)}`;
    case "dec_ttl":
      return action.plain === true ? "dec_ttl" : `dec_ttl(${action.controllers.join(",")})`;
    case "set_mpls_label":
      return `set_mpls_label(${action.label})`;
    case "set_mpls_tc":
      return `set_mpls_tc(${action.tc})`;
    case "set_mpls_ttl":
      return `set_mpls_ttl(${action.ttl})`;
    case "push_mpls":
    case "pop_mpls":
      return `${action.kind}:0x${action.ethertype.toString(16).padStart(4, "0")}`;
    case "set_tunnel": {
      const id = bigOf([0, 0, action.high, action.low]);
      return `set_tunnel${action.wide || action.high !== 0 ? "64" : ""}:${alternateHex(id)}`;
    }
    case "set_queue":
      return `set_queue:${action.queue}`;
    case "fin_timeout": {
      const parts: string[] = [];
      if (action.idle !== 0) parts.push(`idle_timeout=${action.idle}`);
      if (action.hard !== 0) parts.push(`hard_timeout=${action.hard}`);
      return `fin_timeout(${parts.join(",")})`;
    }
    case "resubmit": {
      const port = action.port === OFPP_IN_PORT ? "" : ports(action.port);
      if (port !== "" && action.table === 255) return `resubmit:${port}`;
      return `resubmit(${port},${action.table === 255 ? "" : action.table})`;
    }
    case "learn":
      return formatLearn(action, ports);
    case "conjunction":
      return `conjunction(${action.id},${action.clause + 1}/${action.clauses})`;
    case "note":
      return `note:${formatBytes(action.bytes)}`;
    case "clone":
      return `clone(${formatActions(action.actions, ports)})`;
    case "check_pkt_larger":
      return `check_pkt_larger(${action.length})->${formatSubfield(action.destination)}`;
    case "encap":
      return "encap(ethernet)";
    case "decap": {
      const type = action.packetType;
      if (type === undefined) return "decap()";
      return `decap(packet_type(ns=${Math.floor(type / 0x10000)},type=${alternateHex(type & 0xffff)}))`;
    }
    case "write_actions":
      return `write_actions(${formatActions(action.actions, ports)})`;
    case "write_metadata": {
      const mask = bigOf([0, 0, action.maskHigh, action.maskLow]);
      const value = alternateHex(bigOf([0, 0, action.valueHigh, action.valueLow]));
      return `write_metadata:${value}${mask === 0xffffffffffffffffn ? "" : `/${alternateHex(mask)}`}`;
    }
    case "goto_table":
      return `goto_table:${action.table}`;
    default:
      return action.kind; // pop_queue, dec_mpls_ttl, exit, clear_actions
  }
}

const SRC = fieldNamed("eth_src");
const IP = fieldNamed("ip_src");

const formatBytes = (bytes: readonly number[]): string =>
  bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(".");

/** One "load:" for each run of mask bits. */
function formatLoads(action: Extract<OfAction, { kind: "set_field" }>): string {
  const mask = bigOf(action.mask);
  const value = bigOf(action.value);
  const parts: string[] = [];
  for (let at = 0; at < action.field.bits; ) {
    if (((mask >> BigInt(at)) & 1n) === 0n) {
      at++;
      continue;
    }
    let end = at + 1;
    while (end < action.field.bits && end < at + 64 && ((mask >> BigInt(end)) & 1n) === 1n) end++;
    const bits = (value >> BigInt(at)) & ((1n << BigInt(end - at)) - 1n);
    parts.push(`load:${alternateHex(bits)}->${formatSubfield({ field: action.field, at, width: end - at })}`);
    at = end;
  }
  return parts.join(",");
}
