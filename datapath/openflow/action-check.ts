/**
 * What an action needs of the packets, and what is known of them behind it (OVS: ofpact_check__ of lib/ofp-actions.c).
 */

import { OFPP_IN_PORT, OFPP_LOCAL, OFPP_MAX, OFPP_NONE, OFPP_UNSET, type OfAction } from "./action.ts";
import type { ActionContext } from "./action-argument.ts";
import type { Subfield } from "./field.ts";
import { portToText } from "./port-name.ts";
import { hasVlan, isIp, isMet, isMpls, typeOf } from "./prerequisite.ts";
import type { Span } from "./syntax.ts";

/** Fails at `span` when the action has not what it needs; `known` is then what is known behind it. */
export function checkAction(action: OfAction, span: Span, { known, version, inSet }: ActionContext): void {
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
      need(typeOf(known) === 0x0800, "ip");
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
