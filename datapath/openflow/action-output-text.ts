/**
 * Actions that send a packet somewhere: to ports, groups, the controller, other tables.
 */

import { OFPP_CONTROLLER, OFPP_IN_PORT, OFPP_LOCAL, OFPP_MAX, OFPP_NONE, type OfAction } from "./action.ts";
import { type ActionContext, groupId, hexBytes, portOf } from "./action-argument.ts";
import { parseSubfield } from "./field-text.ts";
import { findSubfieldName } from "./fields.ts";
import { parseBundle } from "./hash-text.ts";
import { type PortNumbers, portFromText, portToText } from "./port-name.ts";
import { decimal, keyValues, type Span, shown, u16, u32 } from "./syntax.ts";

/** The action, or undefined: the name is none of these. */
export function parseOutputAction(name: string, value: Span, context: ActionContext): OfAction | undefined {
  const { ports } = context;
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
    case "resubmit":
      return parseResubmit(value, ports);
    default:
      return undefined;
  }
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
  if (!value.text.includes("[") && findSubfieldName(value.text) === undefined) {
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

function parseResubmit(value: Span, ports: PortNumbers | undefined): OfAction {
  const parts = value.text.split(",");
  const portSpan = value.slice(0, parts[0].length);
  const port = parts[0] === "" ? OFPP_IN_PORT : portOf(portSpan, ports);
  const tableSpan = value.slice(Math.min(value.text.length, parts[0].length + 1)).slice(0, parts[1]?.length ?? 0);
  const table = parts[1] === undefined || parts[1] === "" ? 255 : decimal(tableSpan, 8, "table");
  if (parts[2] !== undefined && parts[2] !== "") {
    value.fail(parts[2] === "ct" ? "resubmit with ct: connection tracking is not supported" : shown(parts[2]), "");
  }
  if (port === OFPP_IN_PORT && table === 255) value.fail(`resubmit(${value.text})`, "a port or a table, or both");
  return { kind: "resubmit", port, table, ofpact: parts.length > 1 ? "table" : "port" };
}
