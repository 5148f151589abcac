/**
 * A flow in OpenFlow syntax as the words of a flow, for tracing packets that were never on a wire.
 */

import { FLOW_WORDS, VLAN_PRESENT, W_PACKET_TYPE, W_TYPE, W_VLAN0, W_VLAN1 } from "../../datapath/flow/flow-key.ts";
import type { Bridge } from "../../datapath/translate/bridge.ts";

/** The values of the fields that `text` names, all others 0; an Error says what does not parse. */
export function parseFlowText(text: string, bridge: Bridge): Int32Array {
  const match = bridge.parseMatch(text);
  const flow = new Int32Array(FLOW_WORDS);
  flow.set(match.value);
  // A packet without an Ethernet header has its type from its packet type.
  if (flow[W_PACKET_TYPE] >>> 16 === 1) flow[W_TYPE] |= flow[W_PACKET_TYPE] << 16;
  // A tag has a type; a text only says its TCI.
  for (const word of [W_VLAN0, W_VLAN1]) {
    if ((flow[word] & VLAN_PRESENT) !== 0 && flow[word] >>> 16 === 0) flow[word] |= 0x8100 << 16;
  }
  return flow;
}
