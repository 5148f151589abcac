/**
 * Actions and instructions as ovs-ofctl prints them (OVS: the format_ functions of lib/ofp-actions.c).
 */
import { OFPP_CONTROLLER, OFPP_IN_PORT, OFPP_MAX, type OfAction } from "./action.ts";
import { formatFieldValue, formatSubfield, fullMask } from "./field-text.ts";
import { fieldNamed } from "./fields.ts";
import { formatLearn } from "./learn-text.ts";
import { type PortNames, portToText } from "./port-name.ts";
import { alternateHex, bigOf, hex } from "./syntax.ts";

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
