/**
 * Rules as text: what `ovs-ofctl add-flows`, `mod-flows` and `del-flows` take, one a line, and what `dump-flows` prints
 * (OVS: lib/ofp-flow.c).
 */
import { OFPP_NONE, type OfAction, type OpenFlowVersion } from "./action.ts";
import { formatActions } from "./action-format.ts";
import { parseActions } from "./action-text.ts";
import { OFPG_ALL, OFPG_ANY } from "./group.ts";
import { Match } from "./match.ts";
import { formatMatch } from "./match-format.ts";
import { applyMatchKey, isMixed, needsVlanTag, portsOfLaterFragment, sendMatch } from "./match-text.ts";
import { type PortNames, type PortNumbers, portFromText, portToText } from "./port-name.ts";
import { knownFrom } from "./prerequisite.ts";
import {
  DEFAULT_PRIORITY,
  FLAG_CHECK_OVERLAP,
  FLAG_NO_BYTE_COUNTS,
  FLAG_NO_PACKET_COUNTS,
  FLAG_RESET_COUNTS,
  FLAG_SEND_FLOW_REM,
  type FlowMod,
  type Rule,
} from "./rule.ts";
import { decimal, hex, keyValues, Span, shown, u16, u32, unsigned } from "./syntax.ts";
import { needsNxm } from "./wire-format.ts";

export interface TextOptions {
  /** For messages; "" by default. */
  readonly file?: string;
  /** What the text is sent with; 1 (OpenFlow 1.0) by default. */
  readonly version?: OpenFlowVersion;
  /** Number of a port by its name. */
  readonly ports?: PortNumbers;
  /** True for groups that there are; left out: unknown, any may be named. */
  readonly groups?: ((id: number) => boolean) | undefined;
}

type Command = FlowMod["command"];

/** On the wire: leave the cookie as it is. */
const NO_COOKIE = 0xffffffffffffffffn;

/** All rules of a text, one a line; comments begin with "#". A line may begin with add, modify, delete, *_strict. */
export function parseFlows(text: string, options: TextOptions = {}): FlowMod[] {
  const parsed: (Parsed & { line: number })[] = [];
  const lines = text.split("\n");
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i].replace(/#.*$/s, "");
    if (line.trim() === "") continue;
    parsed.push({ ...parseLine(new Span(line, 0, options.file ?? "", i + 1), undefined, options), line: i + 1 });
  }
  const nxm = parsed.some((one) => one.nxm);
  return parsed.map(({ mod, line }) => ({ ...sent(mod, options, nxm), line }));
}

/** One rule, or one selection of rules, for `command` (add by default). */
export function parseFlow(text: string, command: Command = "add", options: TextOptions = {}): FlowMod {
  const { mod, nxm } = parseLine(new Span(text, 0, options.file ?? "", 1), command, options);
  return sent(mod, options, nxm);
}

/** A message before it crosses the wire; `nxm`: the fixed match of OpenFlow 1.0 cannot say it. */
interface Parsed {
  readonly mod: FlowMod;
  readonly nxm: boolean;
}

/** `mod` as it arrives. */
function sent(mod: FlowMod, options: TextOptions, nxm: boolean): FlowMod {
  sendMatch(mod.match, { version: options.version ?? 1, nxm });
  return mod;
}

/** A match alone, as in `dump-flows BRIDGE MATCH`. Nothing is dropped from it. */
export function parseMatch(text: string, options: TextOptions = {}): Match {
  const match = new Match();
  const span = new Span(text, 0, options.file ?? "", 1);
  for (const pair of keyValues(span)) {
    if (!applyMatchKey(match, pair, { ports: options.ports })) {
      pair.key.fail(`${shown(pair.key.text)} is not known`, "a field to match");
    }
  }
  return match;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  add: "add",
  modify: "modify",
  modify_strict: "modify_strict",
  delete: "delete",
  delete_strict: "delete_strict",
};

const IGNORED: ReadonlySet<string> = new Set([
  "duration",
  "n_packets",
  "n_bytes",
  "idle_age",
  "hard_age",
  "no_readonly_table",
  "allow_hidden_fields",
]);

function parseLine(line: Span, given: Command | undefined, options: TextOptions): Parsed {
  let span = line;
  let command = given ?? "add";
  if (given === undefined) {
    const first = /^\s*([^,\s]+)/.exec(line.text);
    if (first !== null && Object.hasOwn(COMMANDS, first[1])) {
      command = COMMANDS[first[1]];
      span = line.slice(first[0].length);
    }
  }
  const version = options.version ?? 1;
  const { ports } = options;
  const deletes = command === "delete" || command === "delete_strict";
  let actionSpan: Span | undefined;
  if (!deletes) {
    const found = /action[^=]*=/s.exec(span.text);
    if (found === null) return span.slice(span.text.length).fail("there are no actions", "actions=...");
    actionSpan = span.slice(found.index + found[0].length);
    span = span.slice(0, found.index);
  }
  const match = new Match();
  let nxm = false;
  const onNxm = (): void => {
    nxm = true;
  };
  const mod = {
    command,
    table: 255,
    priority: DEFAULT_PRIORITY,
    newCookie: 0n,
    modifyCookie: command === "add",
    cookie: 0n,
    cookieMask: 0n,
    idleTimeout: 0,
    hardTimeout: 0,
    importance: 0,
    flags: 0,
    outPort: undefined as number | undefined,
    outGroup: undefined as number | undefined,
  };
  const flag = (bit: number, since: OpenFlowVersion, name: Span): void => {
    if (version < since) name.fail(`${name.text} in OpenFlow 1.${version - 1}`, `OpenFlow 1.${since - 1} or later`);
    mod.flags |= bit;
  };
  for (const pair of keyValues(span)) {
    const { key, value } = pair;
    if (IGNORED.has(key.text)) continue;
    if (!deletes && takeFlag(pair.key, flag)) continue;
    if (applyMatchKey(match, pair, { ports, onNxm })) continue;
    if (value.text === "")
      key.fail(`${shown(key.text)} is not known, or its value is missing`, "a field, or key=value");
    switch (key.text) {
      case "table":
        mod.table = decimal(value, 8, "table");
        if (mod.table === 254 && command !== "delete_strict")
          value.fail("table 254, Open vSwitch's own", "a table from 0 to 253");
        continue;
      case "cookie": {
        const slash = value.text.indexOf("/");
        if (slash < 0) {
          if (deletes) value.fail(`cookie=${value.text}`, `a mask, such as cookie=${value.text}/-1`);
          mod.newCookie = cookieOf(value);
          mod.modifyCookie = true;
        } else {
          if (command === "add") value.fail(`cookie=${value.text}`, "a cookie without a mask");
          nxm = true;
          mod.cookie = cookieOf(value.slice(0, slash));
          const mask = value.slice(slash + 1);
          mod.cookieMask = mask.text === "-1" ? 0xffffffffffffffffn : unsigned(mask, 64, "mask of cookie");
        }
        continue;
      }
      case "out_port":
        if (!deletes) break;
        mod.outPort = portFromText(value.text, ports);
        if (mod.outPort === undefined) value.fail(`port ${shown(value.text)} is not known`, "a port");
        if (mod.outPort === OFPP_NONE) mod.outPort = undefined;
        continue;
      case "out_group":
        if (!deletes) break;
        if (version === 1) key.fail("out_group in OpenFlow 1.0", "OpenFlow 1.1 or later");
        mod.outGroup = groupFromText(value);
        continue;
      case "priority":
        if (command === "delete") break;
        mod.priority = u16(value, "priority");
        continue;
      case "idle_timeout":
        if (deletes) break;
        mod.idleTimeout = u16(value, "idle_timeout");
        continue;
      case "hard_timeout":
        if (deletes) break;
        mod.hardTimeout = u16(value, "hard_timeout");
        continue;
      case "importance": {
        if (command !== "add") break;
        const importance = u16(value, "importance");
        if (version >= 5) mod.importance = importance; // older versions do not carry it
        continue;
      }
      default:
    }
    key.fail(
      `${shown(key.text)} is not known here`,
      deletes
        ? "a field, table, cookie, out_port, out_group"
        : "a field, or table, priority, cookie, idle_timeout, hard_timeout, importance, send_flow_rem, check_overlap",
    );
  }
  // OpenFlow 1.0 and 1.1 always reset the counters of a rule that is added again.
  if (command === "add" && version <= 2) mod.flags |= FLAG_RESET_COUNTS;
  let actions: readonly OfAction[] = [];
  if (actionSpan !== undefined) {
    if (needsNxm(actionSpan.text)) nxm = true;
    actions = parseActions(actionSpan, {
      version,
      ports,
      groups: options.groups,
      known: knownFrom(match),
      table: mod.table,
    });
  }
  if (isMixed(match)) span.fail("Ethernet fields of packets without Ethernet", "packet_type without them");
  if (portsOfLaterFragment(match)) span.fail("ports of later fragments", "tp_src and tp_dst of packets that have them");
  if (version >= 3 && needsVlanTag(match))
    span.fail("a VLAN priority without a tag", "bit 0x1000 of vlan_tci matched and set");
  // Without a table, a delete is about all of them, but in OpenFlow 1.1 about the first.
  if (version === 2 && mod.table === 255) mod.table = 0;
  // OpenFlow 1.1 and later: a modify changes no cookies and is about one table; from 1.2 on it adds no rules either.
  if (version > 1 && !deletes && command !== "add") {
    const table = mod.table === 255 ? 0 : mod.table;
    return { mod: { ...mod, table, match, actions, modifyCookie: false, mayAdd: version === 2 }, nxm };
  }
  // In 1.0 it sets the cookie, to 0 where none is given; only one that selects by cookie, and gives none, leaves it alone.
  // A cookie of 64 ones is none.
  const modifyCookie = mod.newCookie !== NO_COOKIE && (mod.modifyCookie || mod.cookieMask === 0n);
  return { mod: { ...mod, match, actions, modifyCookie }, nxm };
}

function takeFlag(key: Span, flag: (bit: number, since: OpenFlowVersion, name: Span) => void): boolean {
  switch (key.text) {
    case "send_flow_rem":
      flag(FLAG_SEND_FLOW_REM, 1, key);
      return true;
    case "check_overlap":
      flag(FLAG_CHECK_OVERLAP, 1, key);
      return true;
    case "reset_counts":
      flag(FLAG_RESET_COUNTS, 3, key);
      return true;
    case "no_packet_counts":
      flag(FLAG_NO_PACKET_COUNTS, 4, key);
      return true;
    case "no_byte_counts":
      flag(FLAG_NO_BYTE_COUNTS, 4, key);
      return true;
    default:
      return false;
  }
}

const FLAG_NAMES: readonly (readonly [number, string])[] = [
  [FLAG_SEND_FLOW_REM, "send_flow_rem"],
  [FLAG_CHECK_OVERLAP, "check_overlap"],
  [FLAG_RESET_COUNTS, "reset_counts"],
  [FLAG_NO_PACKET_COUNTS, "no_packet_counts"],
  [FLAG_NO_BYTE_COUNTS, "no_byte_counts"],
];

/**
 * One line of `ovs-ofctl dump-flows`, without the blank it begins with. `now`: ns, for `duration`; undefined: no statistics.
 * `version`: what it is dumped with: 1.3 and later show flags, 1.4 and later the importance.
 */
export function formatRule(
  rule: Rule,
  now?: number,
  ports: PortNames = portToText,
  version: OpenFlowVersion = 1,
): string {
  const parts: string[] = [];
  const stats = now !== undefined;
  if (stats || rule.cookie !== 0n) parts.push(`cookie=${hex(rule.cookie)}, `);
  if (stats) parts.push(`duration=${formatDuration(now - rule.created)}s, `);
  if (stats || rule.table !== 0) parts.push(`table=${rule.table}, `);
  if (stats) parts.push(`n_packets=${rule.packets}, n_bytes=${rule.bytes}, `);
  if (rule.idleTimeout !== 0) parts.push(`idle_timeout=${rule.idleTimeout}, `);
  if (rule.hardTimeout !== 0) parts.push(`hard_timeout=${rule.hardTimeout}, `);
  if (version >= 4) for (const [bit, name] of FLAG_NAMES) if ((rule.flags & bit) !== 0) parts.push(`${name} `);
  if (version >= 5 && rule.importance !== 0) parts.push(`importance=${rule.importance}, `);
  const fields: string[] = [];
  if (rule.priority !== DEFAULT_PRIORITY) fields.push(`priority=${rule.priority}`);
  const match = formatMatch(rule.match, ports);
  if (match !== "") fields.push(match);
  if (fields.length > 0) parts.push(`${fields.join(",")} `);
  parts.push(`actions=${formatActions(rule.actions, ports)}`);
  return parts.join("");
}

/** Seconds with as many digits behind the point as there are milliseconds. */
function formatDuration(ns: number): string {
  const ms = Math.floor(ns / 1e6);
  return (
    String(Math.floor(ms / 1000)) +
    (ms % 1000 === 0
      ? ""
      : `.${String(ms % 1000)
          .padStart(3, "0")
          .replace(/0+$/, "")}`)
  );
}

/** As strtoull: -1 is 64 bits of ones. */
const cookieOf = (span: Span): bigint =>
  BigInt.asUintN(64, span.text.startsWith("-") ? -unsigned(span.slice(1), 64, "cookie") : unsigned(span, 64, "cookie"));

/** A group by number or keyword; undefined: any. */
function groupFromText(span: Span): number | undefined {
  const keyword = span.text.toLowerCase();
  const group = keyword === "any" ? OFPG_ANY : keyword === "all" ? OFPG_ALL : u32(span, "group");
  return group === OFPG_ANY ? undefined : group;
}
