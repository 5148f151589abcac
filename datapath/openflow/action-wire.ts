/**
 * What becomes of an action on its way to the switch in a given OpenFlow version (OVS: the encode_ and decode_ functions of
 * lib/ofp-actions.c): 1.0 knows no set_field, 1.2 and later know little else, and a rule means what arrives.
 */
import type { OfAction, OpenFlowVersion } from "./action.ts";
import type { FieldValue } from "./field.ts";
import { fullMask, isExperimenter, isFull } from "./field-text.ts";
import { fieldNamed } from "./fields.ts";
import { bigOf, wordsOf } from "./syntax.ts";

type SetField = Extract<OfAction, { kind: "set_field" }>;

/** Sets all of a field, as put_set_field does. */
function setField(name: string, value: FieldValue, hasVlan = false): SetField {
  const field = fieldNamed(name);
  return { kind: "set_field", field, value, mask: fullMask(field), load: false, hasVlan };
}

const small = (value: number): FieldValue => Int32Array.of(0, 0, 0, value);

/** A load of all bits of a field. */
function loadField(name: string, value: number): SetField {
  const field = fieldNamed(name);
  const mask = wordsOf((1n << BigInt(field.bits)) - 1n);
  return { kind: "set_field", field, value: small(value), mask, load: true, hasVlan: false };
}

/** Actions that one action is when it has arrived. `nwProto`: what the rule matches, for the transport ports of 1.2+. */
export function crossWire(action: OfAction, version: OpenFlowVersion, nwProto: number): readonly OfAction[] {
  switch (action.kind) {
    case "set_vlan_vid":
    case "set_vlan_pcp":
      return vlanAction(action, version);
    case "set_eth_src":
      return version < 3 ? [action] : [setField("eth_src", action.mac)];
    case "set_eth_dst":
      return version < 3 ? [action] : [setField("eth_dst", action.mac)];
    case "set_ipv4_src":
      return version < 3 ? [action] : [setField("ip_src", small(action.address))];
    case "set_ipv4_dst":
      return version < 3 ? [action] : [setField("ip_dst", small(action.address))];
    case "set_ip_dscp":
      return version < 3 ? [action] : [setField("ip_dscp", small(action.tos >> 2))];
    case "set_ip_ecn":
      return version === 1
        ? [loadField("nw_ecn", action.ecn)]
        : version === 2
          ? [action]
          : [setField("nw_ecn", small(action.ecn))];
    case "set_ip_ttl":
      return version === 1 ? [loadField("nw_ttl", action.ttl)] : [action];
    case "set_l4_src_port":
    case "set_l4_dst_port": {
      const protocol = { 6: "tcp", 17: "udp", 132: "sctp" }[nwProto];
      if (version < 3 || protocol === undefined) return [action];
      return [setField(`${protocol}_${action.kind === "set_l4_src_port" ? "src" : "dst"}`, small(action.port))];
    }
    case "set_mpls_label":
      return version < 3 ? [action] : [setField("mpls_label", small(action.label))];
    case "set_mpls_tc":
      return version < 3 ? [action] : [setField("mpls_tc", small(action.tc))];
    case "set_tunnel":
      if (version < 3) return [{ ...action, wide: action.wide || action.high !== 0 }];
      return [setField("tun_id", Int32Array.of(0, 0, action.high, action.low))];
    case "enqueue":
      if (version === 1) return [action];
      return [
        { kind: "set_queue", queue: action.queue },
        { kind: "output", port: action.port, maxLength: 0xffff },
        { kind: "pop_queue" },
      ];
    case "push_vlan":
      return version === 1 ? [] : [action];
    case "strip_vlan":
      return [{ kind: "strip_vlan", pop: version > 1 }];
    case "set_field":
      return setFieldAction(action, version);
    case "note": {
      // The action is padded to a multiple of 8 bytes, and what pads it arrives as part of the note.
      const length = Math.ceil((10 + action.bytes.length) / 8) * 8 - 10;
      return [{ kind: "note", bytes: [...action.bytes, ...new Array(length - action.bytes.length).fill(0)] }];
    }
    case "clear_actions":
      return version === 1 ? [] : [action];
    case "write_actions":
      return version === 1 || action.actions.length === 0 ? [] : [action];
    case "goto_table":
      return version === 1 ? [{ kind: "resubmit", port: 0xfff8, table: action.table, ofpact: "table" }] : [action];
    default:
      return [action];
  }
}

function vlanAction(
  action: Extract<OfAction, { kind: "set_vlan_vid" | "set_vlan_pcp" }>,
  version: OpenFlowVersion,
): readonly OfAction[] {
  if (version === 1) return [{ ...action, pushIfNeeded: true, hasVlan: false }];
  const out: OfAction[] = [];
  if (action.pushIfNeeded && !action.hasVlan) out.push({ kind: "push_vlan", ethertype: 0x8100 });
  if (version === 2) out.push({ ...action, pushIfNeeded: false, hasVlan: false });
  else if (action.kind === "set_vlan_vid") out.push(setField("vlan_vid", small(action.vid | 0x1000), true));
  else out.push(setField("vlan_pcp", small(action.pcp), true));
  return out;
}

function setFieldAction(action: SetField, version: OpenFlowVersion): readonly OfAction[] {
  // The wire format of load has no room for the number of an experimenter's field.
  if (version === 6 || (version > 2 && isExperimenter(action.field)))
    return [{ ...action, load: false, ...(action.load && version === 6 ? widened(action) : {}) }];
  if (action.load) return loads(action);
  if (version < 3) return legacy(action, version);
  return isFull(action.field, action.mask) ? [action] : loads(action);
}

/** A load of a whole field is one without a mask in 1.5, whatever its spare bits. */
function widened(action: SetField): { mask: FieldValue } {
  const bits = (1n << BigInt(action.field.bits)) - 1n;
  return { mask: bigOf(action.mask) === bits ? fullMask(action.field) : action.mask };
}

/** One load for each run of at most 64 mask bits (next_load_segment). */
function loads({ field, value, mask, hasVlan }: SetField): readonly OfAction[] {
  const all = bigOf(mask);
  const bits = bigOf(value);
  const out: OfAction[] = [];
  for (let at = 0; at < field.bits; ) {
    if (((all >> BigInt(at)) & 1n) === 0n) {
      at++;
      continue;
    }
    let end = at + 1;
    while (end < field.bits && end < at + 64 && ((all >> BigInt(end)) & 1n) === 1n) end++;
    const run = ((1n << BigInt(end - at)) - 1n) << BigInt(at);
    out.push({ kind: "set_field", field, value: wordsOf(bits & run), mask: wordsOf(run), load: true, hasVlan });
    at = end;
  }
  return out;
}

/** 1.0 and 1.1 have an action for each of some fields, and no masks (set_field_to_legacy_openflow). */
function legacy(action: SetField, version: 1 | 2 | OpenFlowVersion): readonly OfAction[] {
  const { field, value } = action;
  const low = value[3];
  const pushIfNeeded = version === 1;
  const vid = (tci: number): OfAction => ({ kind: "set_vlan_vid", vid: tci & 0xfff, pushIfNeeded, hasVlan: false });
  const pcp = (bits: number): OfAction => ({ kind: "set_vlan_pcp", pcp: bits & 7, pushIfNeeded, hasVlan: false });
  switch (field.name) {
    case "vlan_tci": {
      if ((low & 0x1000) === 0) return [{ kind: "strip_vlan", pop: version > 1 }];
      const push: OfAction[] = version === 1 || action.hasVlan ? [] : [{ kind: "push_vlan", ethertype: 0x8100 }];
      return [...push, vid(low), pcp(low >> 13)];
    }
    case "vlan_vid":
      return [vid(low)];
    case "vlan_pcp":
      return [pcp(low)];
    case "eth_src":
      return [{ kind: "set_eth_src", mac: value }];
    case "eth_dst":
      return [{ kind: "set_eth_dst", mac: value }];
    case "ip_src":
      return [{ kind: "set_ipv4_src", address: low }];
    case "ip_dst":
      return [{ kind: "set_ipv4_dst", address: low }];
    case "nw_tos":
      return [{ kind: "set_ip_dscp", tos: low & 0xfc }];
    case "ip_dscp":
      return [{ kind: "set_ip_dscp", tos: (low << 2) & 0xfc }];
    case "nw_ecn":
      return version === 1 ? [loadField("nw_ecn", low & 3)] : [{ kind: "set_ip_ecn", ecn: low & 3 }];
    case "tcp_src":
    case "udp_src":
      return [{ kind: "set_l4_src_port", port: low & 0xffff }];
    case "tcp_dst":
    case "udp_dst":
      return [{ kind: "set_l4_dst_port", port: low & 0xffff }];
    default:
      return loads(action);
  }
}
