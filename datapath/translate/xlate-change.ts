/**
 * Actions that change headers of the packet: on the flow only, with what they depend on in the mask (OVS: the cases of
 * do_xlate_actions, compose_dec_ttl, compose_mpls_push_action and their like).
 */

import {
  VLAN_PRESENT,
  W_ETH0,
  W_ETH1,
  W_ETH2,
  W_MPLS0,
  W_NW_DST,
  W_NW_SRC,
  W_PACKET_TYPE,
  W_PORTS,
  W_SKB_PRIORITY,
  W_TOSTTL,
  W_TUN_ID_HI,
  W_TYPE,
  W_VLAN0,
} from "../flow/flow-key.ts";
import type { OfAction } from "../openflow/action.ts";
import { subfieldGet } from "../openflow/field.ts";
import { alternateHex } from "../openflow/syntax.ts";
import {
  copySubfield,
  dlType,
  examine,
  examineSubfield,
  hasField,
  isIp,
  isIpv4,
  isLaterFragment,
  maskNetworkPrerequisite,
  PROTO_BITS,
  writeField,
  writeSubfield,
} from "./flow-field.ts";
import { isMplsType, MAX_MPLS_LABELS, mplsCount, popMpls, pushMpls } from "./flow-mpls.ts";
import { popVlan, pushVlan } from "./flow-vlan.ts";
import { XlateState } from "./xlate-state.ts";

const TTL_BITS = 0x00ff0000;
const DSCP_BITS = 0xfc000000 | 0;
const ECN_BITS = 0x03000000;
const VID_BITS = 0xfff;
const PCP_BITS = 0xe000;

export abstract class XlateChange extends XlateState {
  abstract sendToController(maxLength: number, reason: string, controller: number, userdata?: readonly number[]): void;

  /** Does one action on the packet's headers; false: the rest of the list is not done. */
  protected change(action: OfAction): boolean {
    const { flow, mask } = this;
    switch (action.kind) {
      case "set_vlan_vid":
        mask[W_VLAN0] |= VID_BITS | VLAN_PRESENT;
        if ((flow[W_VLAN0] & VLAN_PRESENT) !== 0 || action.pushIfNeeded) this.setVlan(VID_BITS, action.vid);
        return true;
      case "set_vlan_pcp":
        mask[W_VLAN0] |= PCP_BITS | VLAN_PRESENT;
        if ((flow[W_VLAN0] & VLAN_PRESENT) !== 0 || action.pushIfNeeded) this.setVlan(PCP_BITS, action.pcp << 13);
        return true;
      case "strip_vlan":
        popVlan(flow, mask);
        return true;
      case "push_vlan":
        pushVlan(flow, mask, action.ethertype);
        return true;
      case "set_eth_src":
        mask[W_ETH1] |= 0xffff;
        mask[W_ETH2] = -1;
        flow[W_ETH1] = (flow[W_ETH1] & (0xffff0000 | 0)) | (action.mac[2] & 0xffff);
        flow[W_ETH2] = action.mac[3];
        return true;
      case "set_eth_dst":
        mask[W_ETH0] = -1;
        mask[W_ETH1] |= 0xffff0000 | 0;
        flow[W_ETH0] = (action.mac[2] << 16) | (action.mac[3] >>> 16);
        flow[W_ETH1] = (flow[W_ETH1] & 0xffff) | (action.mac[3] << 16);
        return true;
      case "set_ipv4_src":
      case "set_ipv4_dst":
        if (isIpv4(flow)) {
          const word = action.kind === "set_ipv4_src" ? W_NW_SRC : W_NW_DST;
          mask[W_TYPE] |= PROTO_BITS;
          mask[word] = -1;
          flow[word] = action.address;
        }
        return true;
      case "set_ip_dscp":
        this.setTosTtl(DSCP_BITS, action.tos << 24);
        return true;
      case "set_ip_ecn":
        this.setTosTtl(ECN_BITS, action.ecn << 24);
        return true;
      case "set_ip_ttl":
        this.setTosTtl(TTL_BITS, action.ttl << 16);
        return true;
      case "set_l4_src_port":
        this.setPorts(0xffff0000 | 0, action.port << 16);
        return true;
      case "set_l4_dst_port":
        this.setPorts(0xffff, action.port);
        return true;
      case "set_field":
        if (hasField(action.field, flow, mask)) {
          examine(action.field, mask, action.mask);
          maskNetworkPrerequisite(action.field, flow, mask);
          writeField(action.field, flow, action.value, action.mask);
        } else {
          this.note("warn", `unmet prerequisites for ${action.field.name}, set_field ignored`);
        }
        return true;
      case "move":
        copySubfield(action.source, action.destination, flow, mask);
        this.reportSubfield(action.destination);
        return true;
      case "push":
        examineSubfield(action.subfield, mask);
        this.stack.push({
          value: subfieldGet(action.subfield, flow, new Int32Array(4)),
          bytes: Math.ceil(action.subfield.width / 8),
        });
        return true;
      case "pop": {
        const entry = this.stack.pop();
        if (entry === undefined) {
          this.note("error", "stack underflow");
          return true;
        }
        examineSubfield(action.subfield, mask);
        writeSubfield(action.subfield, flow, entry.value);
        this.reportSubfield(action.subfield);
        return true;
      }
      case "dec_ttl":
        return this.decrementTtl(action.controllers);
      case "set_mpls_label":
        this.setMpls(0xfffff000 | 0, action.label << 12);
        return true;
      case "set_mpls_tc":
        this.setMpls(0xe00, action.tc << 9);
        return true;
      case "set_mpls_ttl":
        this.setMpls(0xff, action.ttl);
        return true;
      case "dec_mpls_ttl":
        return this.decrementMplsTtl();
      case "push_mpls":
        this.pushMplsLabel(action.ethertype);
        return true;
      case "pop_mpls":
        this.popMplsLabel(action.ethertype);
        return true;
      case "set_tunnel":
        flow[W_TUN_ID_HI] = action.high;
        flow[W_TUN_ID_HI + 1] = action.low;
        return true;
      case "set_queue":
        mask[W_SKB_PRIORITY] = -1;
        flow[W_SKB_PRIORITY] = action.queue;
        return true;
      case "pop_queue":
        mask[W_SKB_PRIORITY] = -1;
        flow[W_SKB_PRIORITY] = this.originalPriority;
        this.note("detail", `queue = ${alternateHex(BigInt(this.originalPriority >>> 0))}`);
        return true;
      case "encap":
        this.encapsulate();
        return true;
      case "decap":
        this.decapsulate();
        return true;
      default:
        return true; // note
    }
  }

  protected setVlan(bits: number, value: number): void {
    const { flow } = this;
    if (flow[W_VLAN0] >>> 16 === 0) flow[W_VLAN0] |= 0x8100 << 16;
    flow[W_VLAN0] = (flow[W_VLAN0] & ~bits) | value | VLAN_PRESENT;
  }

  protected setTosTtl(bits: number, value: number): void {
    const { flow, mask } = this;
    if (!isIp(flow)) return;
    mask[W_TYPE] |= PROTO_BITS;
    mask[W_TOSTTL] |= bits;
    flow[W_TOSTTL] = (flow[W_TOSTTL] & ~bits) | (value & bits);
  }

  protected setPorts(bits: number, value: number): void {
    const { flow, mask } = this;
    if (!isIp(flow) || isLaterFragment(flow)) return;
    mask[W_TYPE] |= PROTO_BITS;
    mask[W_PORTS] |= bits;
    flow[W_PORTS] = (flow[W_PORTS] & ~bits) | value;
  }

  protected setMpls(bits: number, value: number): void {
    const { flow, mask } = this;
    if (!isMplsType(dlType(flow))) return;
    mask[W_MPLS0] |= bits;
    flow[W_MPLS0] = (flow[W_MPLS0] & ~bits) | value;
  }

  protected decrementTtl(controllers: readonly number[]): boolean {
    const { flow, mask } = this;
    mask[W_TOSTTL] |= TTL_BITS;
    mask[W_TYPE] |= PROTO_BITS;
    if (!isIp(flow)) return true;
    if (((flow[W_TOSTTL] >>> 16) & 0xff) > 1) {
      flow[W_TOSTTL] -= 0x10000;
      return true;
    }
    for (const controller of controllers) this.sendToController(0xffff, "invalid_ttl", controller);
    this.note("warn", `IPv${isIpv4(flow) ? 4 : 6} decrement TTL exception`);
    return false;
  }

  protected decrementMplsTtl(): boolean {
    const { flow, mask } = this;
    if (isMplsType(dlType(flow))) {
      mask[W_MPLS0] |= 0xff;
      if ((flow[W_MPLS0] & 0xff) > 1) {
        flow[W_MPLS0]--;
        return true;
      }
      this.sendToController(0xffff, "invalid_ttl", 0);
    }
    this.note("warn", "MPLS decrement TTL exception");
    return false;
  }

  /** An error that is only told of a packet, not of a flow that is only traced. */
  protected notePacket(text: string): void {
    if (this.sideEffects) this.note("error", text);
  }

  protected pushMplsLabel(ethertype: number): void {
    const { flow, mask } = this;
    const count = mplsCount(flow, mask);
    if (count === 0) this.commit();
    else if (count >= MAX_MPLS_LABELS) {
      this.notePacket(
        `dropping packet on which an MPLS push action can't be performed as it would have more MPLS LSEs than the ${MAX_MPLS_LABELS} supported.`,
      );
      this.error = "Too many MPLS labels";
      return;
    }
    pushMpls(flow, count, ethertype, mask, true);
  }

  protected popMplsLabel(ethertype: number): void {
    const { flow, mask } = this;
    const count = mplsCount(flow, mask);
    if (popMpls(flow, count, ethertype, mask)) {
      if (!isMplsType(ethertype)) this.wasMpls = true;
    } else if (count >= MAX_MPLS_LABELS) {
      this.notePacket(
        `dropping packet on which an MPLS pop action can't be performed as it has more MPLS LSEs than the ${MAX_MPLS_LABELS} supported.`,
      );
      this.error = "Too many MPLS labels";
      this.actions.length = 0;
    }
  }

  protected encapsulate(): void {
    const { flow, mask } = this;
    this.commit();
    mask[W_PACKET_TYPE] = -1;
    if (flow[W_PACKET_TYPE] === 0) {
      this.refusePacketType("Dropping packet as encap(ethernet) is not supported for packet type ethernet.");
      return;
    }
    flow[W_TYPE] = (flow[W_TYPE] & 0xffff) | (flow[W_PACKET_TYPE] << 16);
    flow[W_PACKET_TYPE] = 0;
    flow[W_ETH0] = 0;
    flow[W_ETH1] = 0;
    flow[W_ETH2] = 0;
  }

  protected refusePacketType(why: string): void {
    this.note("action", why);
    this.error = "Unsupported packet type";
  }

  protected decapsulate(): void {
    const { flow } = this;
    this.commit();
    if (flow[W_PACKET_TYPE] !== 0 || (flow[W_VLAN0] & VLAN_PRESENT) !== 0) {
      const type = flow[W_PACKET_TYPE];
      this.refusePacketType(
        type === 0
          ? "Dropping packet, cannot decap Ethernet if VLAN is present."
          : `Dropping packet as the decap() does not support packet type (${type >>> 16},0x${(type & 0xffff).toString(16)})`,
      );
      return;
    }
    flow[W_PACKET_TYPE] = 0x10000 | dlType(flow);
    flow[W_ETH0] = 0;
    flow[W_ETH1] = 0;
    flow[W_ETH2] = 0;
  }
}
