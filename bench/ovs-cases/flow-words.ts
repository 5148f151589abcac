/**
 * A flow in OpenFlow syntax as the words of a flow, for tracing packets that were never on a wire.
 */

import {
  FLOW_WORDS,
  VLAN_PRESENT,
  W_IN_PORT,
  W_PACKET_TYPE,
  W_TYPE,
  W_VLAN0,
  W_VLAN1,
} from "../../datapath/flow/flow-key.ts";
import { OFPP_NONE } from "../../datapath/openflow/action.ts";
import type { Bridge } from "../../datapath/translate/bridge.ts";

/** The values of the fields that `text` names, all others 0, and no port where it names none; an Error says what does not parse. */
export function parseFlowText(text: string, bridge: Bridge): Int32Array {
  const match = bridge.parseExactFlow(text);
  const flow = new Int32Array(FLOW_WORDS);
  flow.set(match.value);
  // There is no port 0: it stands for a packet that came in by no port (OVS: parse_ofp_exact_flow).
  if (flow[W_IN_PORT] === 0) flow[W_IN_PORT] = OFPP_NONE;
  // A packet without an Ethernet header has its type from its packet type.
  if (flow[W_PACKET_TYPE] >>> 16 === 1) flow[W_TYPE] |= flow[W_PACKET_TYPE] << 16;
  // A tag has a type; a text only says its TCI.
  for (const word of [W_VLAN0, W_VLAN1]) {
    if ((flow[word] & VLAN_PRESENT) !== 0 && flow[word] >>> 16 === 0) flow[word] |= 0x8100 << 16;
  }
  return flow;
}
