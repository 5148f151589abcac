/**
 * A flow in OpenFlow syntax as the words of a flow, for tracing packets that were never on a wire.
 */

import { FLOW_WORDS } from "../../datapath/flow/flow-key.ts";
import type { Bridge } from "../../datapath/translate/bridge.ts";

/** The values of the fields that `text` names, all others 0; an Error says what does not parse. */
export function parseFlowText(text: string, bridge: Bridge): Int32Array {
  const match = bridge.parseMatch(text);
  const flow = new Int32Array(FLOW_WORDS);
  flow.set(match.value);
  return flow;
}
