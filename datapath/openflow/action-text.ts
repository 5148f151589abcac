/**
 * Actions and instructions read from text (OVS: the parse_ functions of lib/ofp-actions.c); action-format.ts prints them.
 * Reading also checks what the actions need of the match (ofpacts_check) and sends them over the wire (action-wire.ts), so
 * that what comes out is what the switch holds. Here are lists of them; single ones are read by family.
 */

import type { OfAction } from "./action.ts";
import type { ActionContext } from "./action-argument.ts";
import { checkAction } from "./action-check.ts";
import { parseFieldAction } from "./action-field-text.ts";
import { formatActions } from "./action-format.ts";
import { parseHeaderAction } from "./action-header-text.ts";
import { parseOutputAction } from "./action-output-text.ts";
import { parsePipelineAction } from "./action-pipeline-text.ts";
import { crossWire } from "./action-wire.ts";
import { portFromText } from "./port-name.ts";
import { isMet } from "./prerequisite.ts";
import { keyValues, type Span, shown } from "./syntax.ts";

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

/** Lists within lists, the outermost counted: as many as Open vSwitch reads (MAX_OFPACT_PARSE_DEPTH). */
const MAX_DEPTH = 100;

function parseList(span: Span, context: ActionContext, instructions: boolean): readonly OfAction[] {
  const depth = (context.depth ?? 0) + 1;
  if (depth > MAX_DEPTH) span.fail("actions nested too deeply", `at most ${MAX_DEPTH} lists within one another`);
  const known = context.known === undefined ? undefined : { ...context.known };
  const own = { ...context, known, depth };
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
    checkAction(action, key, own);
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
  const name = key.text.toLowerCase();
  const action =
    parseOutputAction(name, value, context) ??
    parseHeaderAction(name, key, value, context) ??
    parseFieldAction(name, value, context) ??
    parsePipelineAction(name, key, value, context);
  if (action !== undefined) return action;
  switch (name) {
    case "clone":
      return { kind: "clone", actions: parseList(value, context, false) };
    case "write_actions": {
      const actions = parseList(value, { ...context, inSet: true }, false);
      const bad = actions.find((action) => !ACTION_SET.has(action.kind));
      if (bad !== undefined)
        value.fail(`${formatActions([bad])} in write_actions`, "actions that an action set can hold");
      return { kind: "write_actions", actions };
    }
    default: {
      const reason = Object.hasOwn(REFUSED, name) ? REFUSED[name] : undefined;
      if (reason !== undefined) key.fail(`action ${key.text}: ${reason}`, "");
      const port = portFromText(key.text, context.ports);
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
