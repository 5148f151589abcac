/**
 * NORMAL: what a learning switch with VLANs does (OVS: xlate_normal and the xvlan_* functions,
 * ofproto/ofproto-dpif-xlate.c). A packet has up to two VLAN tags inside the bridge; the mode of the port that it comes in
 * by says which, the mode of the port that it leaves by says what of them goes on the wire.
 */
import {
  VLAN_PRESENT,
  W_ETH0,
  W_ETH1,
  W_ETH2,
  W_IN_PORT,
  W_NW_DST,
  W_NW_SRC,
  W_TYPE,
  W_VLAN0,
  W_VLAN1,
} from "../flow/flow-key.ts";
import { OFPP_CONTROLLER, OFPP_NONE } from "../openflow/action.ts";
import { macToText } from "../wire/addresses.ts";
import { dlType, isArp, nwProto, PROTO_BITS } from "./flow-field.ts";
import { isVlanType } from "./flow-vlan.ts";
import type { Port } from "./port.ts";
import type { XlateState } from "./xlate-state.ts";

/** A translation, and how it sends a packet out of a port of its bridge (xlate-output.ts). */
interface Forwarding extends XlateState {
  composeOutput(number: number, last: boolean, truncated: boolean): void;
}

/** The tags of a packet: Ethernet type, VLAN ID, priority (bits 13..15) of the outer and the inner one. */
interface Tags {
  tpid: number;
  vid: number;
  pcp: number;
  innerTpid: number;
  innerVid: number;
  innerPcp: number;
}

const PCP_BITS = 0xe000;

function tagsOf(flow: Int32Array): Tags {
  const tags: Tags = { tpid: 0, vid: 0, pcp: 0, innerTpid: 0, innerVid: 0, innerPcp: 0 };
  const outer = flow[W_VLAN0];
  if (!isVlanType(outer >>> 16) || (outer & VLAN_PRESENT) === 0) return tags;
  tags.tpid = outer >>> 16;
  tags.vid = outer & 0xfff;
  tags.pcp = outer & PCP_BITS;
  const inner = flow[W_VLAN1];
  if (!isVlanType(inner >>> 16) || (inner & VLAN_PRESENT) === 0) return tags;
  tags.innerTpid = inner >>> 16;
  tags.innerVid = inner & 0xfff;
  tags.innerPcp = inner & PCP_BITS;
  return tags;
}

const withoutOuter = (tags: Tags): Tags => ({
  tpid: tags.innerTpid,
  vid: tags.innerVid,
  pcp: tags.innerPcp,
  innerTpid: 0,
  innerVid: 0,
  innerPcp: 0,
});

/** A tag word for the wire; a tag that says nothing (VLAN 0, priority 0) is none. */
function tagWord(tpid: number, vid: number, pcp: number, old: number): number {
  const tci = vid | pcp;
  return tci === 0 ? old & (0xffff0000 | 0) : ((tpid === 0 ? 0x8100 : tpid) << 16) | tci | VLAN_PRESENT;
}

/** Why a packet with this VLAN ID (0: untagged) may not come in by the port, or undefined (input_vid_is_valid). */
function refusal(port: Port, vid: number): string | undefined {
  switch (port.vlanMode) {
    case "access":
      if (vid === 0) return undefined;
      return `dropping VLAN ${vid} tagged packet received on port ${port.name} configured as VLAN ${port.vlan} access port`;
    case "native-tagged":
    case "native-untagged":
      if (vid === 0) return undefined;
      break;
    case "trunk":
      break;
    case "dot1q-tunnel":
      if (port.carriesVlan(vid)) return undefined;
      return `dropping VLAN ${vid} packet received on dot1q-tunnel port ${port.name} that excludes this VLAN`;
  }
  if (port.carriesVlan(vid)) return undefined;
  return `dropping VLAN ${vid} packet received on port ${port.name} not configured for trunking VLAN ${vid}`;
}

/** The tags of a packet inside the bridge (xvlan_input_translate). */
function tagsInside(port: Port, tags: Tags): Tags {
  const own = (): Tags => ({ ...tags, tpid: tags.tpid === 0 ? 0x8100 : tags.tpid, vid: port.vlan });
  switch (port.vlanMode) {
    case "access":
      return { ...own(), innerTpid: 0, innerVid: 0, innerPcp: 0 };
    case "trunk":
      return tags;
    case "native-tagged":
    case "native-untagged":
      return tags.vid === 0 ? own() : tags;
    case "dot1q-tunnel":
      return { tpid: 0x88a8, vid: port.vlan, pcp: 0, innerTpid: tags.tpid, innerVid: tags.vid, innerPcp: tags.pcp };
  }
}

/** The tags on the wire (xvlan_output_translate). */
function tagsOutside(port: Port, tags: Tags): Tags {
  switch (port.vlanMode) {
    case "access":
      return { tpid: 0, vid: 0, pcp: 0, innerTpid: 0, innerVid: 0, innerPcp: 0 };
    case "trunk":
    case "native-tagged":
      return tags;
    case "native-untagged":
      return tags.vid === port.vlan ? withoutOuter(tags) : tags;
    case "dot1q-tunnel":
      return withoutOuter(tags);
  }
}

function outputTo(x: Forwarding, port: Port, tags: Tags): void {
  const { flow } = x;
  if (port.vlanMode === "dot1q-tunnel" && port.trunks !== undefined) x.mask[W_VLAN1] |= 0xffff;
  const out = tagsOutside(port, tags);
  const saved0 = flow[W_VLAN0];
  const saved1 = flow[W_VLAN1];
  flow[W_VLAN0] = tagWord(out.tpid, out.vid, out.pcp, saved0);
  flow[W_VLAN1] = tagWord(out.innerTpid, out.innerVid, out.innerPcp, saved1);
  x.composeOutput(port.ofport, false, false);
  flow[W_VLAN0] = saved0;
  flow[W_VLAN1] = saved1;
}

function flood(x: Forwarding, from: Port | undefined, tags: Tags): void {
  for (const port of x.bridge.floodPorts) {
    if (port === from || port.noFlood || !port.includesVlan(tags.vid, tags.innerVid)) continue;
    outputTo(x, port, tags);
  }
}

/** Addresses that bridges keep for themselves: 01:80:c2:00:00:0x and those of Extreme and Cisco (eth_addr_is_reserved). */
export function isReservedAddress(high: number, low: number): boolean {
  switch (high >>> 0) {
    case 0x0180c200:
      return low >= 0x0000 && low <= 0x000f;
    case 0x00e02b00:
      return low === 0x0000 || low === 0x0004 || low === 0x0006;
    case 0x01000c00:
      return low === 0x0000;
    case 0x01000ccc:
      return low === 0xcccc || low === 0xcccd || (low >= 0xccc0 && low <= 0xccc7);
    case 0x01000ccd:
      return low === 0xcdcd;
    default:
      return false;
  }
}

/** Who has moved tells everybody with an ARP packet about itself; what tells one is matched (is_gratuitous_arp). */
function isGratuitousArp(flow: Int32Array, mask: Int32Array): boolean {
  if (!isArp(flow)) return false;
  mask[W_ETH0] = -1;
  mask[W_ETH1] |= 0xffff0000 | 0;
  if (flow[W_ETH0] !== -1 || flow[W_ETH1] >>> 16 !== 0xffff) return false;
  mask[W_TYPE] |= PROTO_BITS;
  if (nwProto(flow) !== 1) return nwProto(flow) === 2;
  mask[W_NW_SRC] = -1;
  mask[W_NW_DST] = -1;
  return flow[W_NW_SRC] === flow[W_NW_DST];
}

export function translateNormal(x: Forwarding): void {
  const { flow, mask, bridge } = x;
  mask[W_ETH0] = -1;
  mask[W_ETH1] = -1;
  mask[W_ETH2] = -1;
  mask[W_VLAN0] |= 0xfff | VLAN_PRESENT;
  const from = bridge.inputPort(flow);
  const number = flow[W_IN_PORT] & 0xffff;
  // What a controller sends comes from no port; it is treated as if from a trunk (OVS: ofpp_none_bundle).
  if (from === undefined && number !== OFPP_NONE && number !== OFPP_CONTROLLER) {
    x.note("error", `received packet on unknown port ${number}`);
    x.note("warn", "no input bundle, dropping");
    return;
  }
  if (isVlanType(dlType(flow)) && (flow[W_VLAN0] & VLAN_PRESENT) === 0) {
    x.note("warn", "partial VLAN tag, dropping");
    return;
  }
  const received = tagsOf(flow);
  const refused = from === undefined ? undefined : refusal(from, received.vid);
  if (refused !== undefined) {
    x.note("error", refused);
    x.note("warn", "disallowed VLAN VID for this input port, dropping");
    return;
  }
  const tags = from === undefined ? received : tagsInside(from, received);
  const targetLow = flow[W_ETH1] >>> 16;
  if (from !== undefined && isReservedAddress(flow[W_ETH0], targetLow) && bridge.config.forwardBpdu !== true) {
    x.note("detail", "packet has reserved destination MAC, dropping");
    return;
  }
  const gratuitous = isGratuitousArp(flow, mask);
  const { vid } = tags;
  if (from !== undefined) learnSource(x, from, vid, gratuitous);

  const target = bridge.floodVlans.has(vid) ? -1 : bridge.macs.lookup(vid, flow[W_ETH0], targetLow);
  if (target === -1) {
    x.note("detail", "no learned MAC for destination, flooding");
    flood(x, from, tags);
    return;
  }
  const port = bridge.port(target);
  if (port === undefined) x.note("warn", "learned port is unknown, dropping");
  else if (port === from) x.note("detail", "learned port is input port, dropping");
  else {
    x.note("detail", "forwarding to learned port");
    outputTo(x, port, tags);
  }
}

/** Remembers where the packet's source is (update_learning_table). */
function learnSource(x: Forwarding, from: Port, vid: number, gratuitous: boolean): void {
  const { flow, bridge } = x;
  const sourceHigh = (flow[W_ETH1] << 16) | (flow[W_ETH2] >>> 16);
  const sourceLow = flow[W_ETH2] & 0xffff;
  const learn = (now: number, first: boolean): void => {
    if (bridge.floodVlans.has(vid)) return;
    if (!first && bridge.macs.lookup(vid, sourceHigh, sourceLow) !== from.ofport) return;
    if (!bridge.macs.learn(vid, sourceHigh, sourceLow, from.ofport, now, gratuitous)) return;
    x.note("detail", `learned that ${macToText(sourceHigh, sourceLow)} is on port ${from.name} in VLAN ${vid}`);
    x.host.changed();
  };
  if (x.sideEffects) learn(x.now, true);
  else if (bridge.macs.isNews(vid, sourceHigh, sourceLow, from.ofport)) x.suppressed = true;
  x.effects.repeats(learn);
}
