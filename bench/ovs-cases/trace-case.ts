/**
 * One question of `ofproto/trace`: a flow in OpenFlow syntax, perhaps with a frame, and a bridge, answered as a text.
 */
import { FLOW_WORDS, KEY_WORDS, W_IN_PORT } from "../../datapath/flow/flow-key.ts";
import { formatTrace } from "../../datapath/ovs/trace-text.ts";
import type { Bridge } from "../../datapath/translate/bridge.ts";
import type { OvsSwitch } from "../../datapath/translate/switch.ts";
import { parseFlowText } from "./flow-words.ts";
import { parseFrame } from "./frame-flow.ts";

export interface TraceQuestion {
  /** Virtual time, ns. */
  readonly now: number;
  /** An Ethernet frame in hexadecimal digits: only metadata is then taken from the flow, and the packet has its effects. */
  readonly frame?: string | undefined;
  /** A packet is made of the flow, and has its effects. */
  readonly generate?: boolean;
}

/** What `ofproto/trace BRIDGE FLOW [FRAME]` prints. Throws an InputError or FlowSyntaxError. */
export function traceText(host: OvsSwitch, bridge: Bridge, flowText: string, question: TraceQuestion): string {
  const flow = parseFlowText(flowText, bridge);
  if (question.frame !== undefined) {
    const parsed = parseFrame(question.frame, host.vlanLimit);
    for (let w = 0; w < KEY_WORDS; w++) if (w !== W_IN_PORT) flow[w] = w < FLOW_WORDS ? parsed[w] : 0;
  }
  const effects = question.frame !== undefined || question.generate === true;
  return formatTrace(host, bridge.name, host.traceFlow(bridge.name, flow, question.now, effects));
}
