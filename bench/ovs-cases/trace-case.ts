/**
 * One question of `ofproto/trace`: a flow in OpenFlow syntax and a bridge, or a flow in the datapath's syntax, which says by
 * its port which bridge it is; perhaps with a frame. Answered as a text.
 */
import {
  FLOW_WORDS,
  W_DP_HASH,
  W_IN_PORT,
  W_PKT_MARK,
  W_RECIRC,
  W_SKB_PRIORITY,
  W_TUN_DST,
  W_TUN_ID_HI,
} from "../../datapath/flow/flow-key.ts";
import { isDatapathFlow, parseDatapathFlow } from "../../datapath/ovs/datapath-flow-text.ts";
import { formatTrace } from "../../datapath/ovs/trace-text.ts";
import type { Bridge } from "../../datapath/translate/bridge.ts";
import type { OvsSwitch } from "../../datapath/translate/switch.ts";
import { parseFlowText } from "./flow-words.ts";
import { parseFrame } from "./frame-flow.ts";

/** What a packet brings along beside its bytes, and tunnel fields (OVS: pkt_metadata_from_flow). */
const METADATA: ReadonlySet<number> = new Set([W_IN_PORT, W_SKB_PRIORITY, W_PKT_MARK, W_DP_HASH, W_RECIRC]);

export interface TraceQuestion {
  /** Virtual time, ns. */
  readonly now: number;
  /** An Ethernet frame in hexadecimal digits: only metadata is then taken from the flow, and the packet has its effects. */
  readonly frame?: string | undefined;
  /** A packet is made of the flow, and has its effects. */
  readonly generate?: boolean;
}

/** What `ofproto/trace [BRIDGE] FLOW [FRAME]` prints; `named` counts for a flow in OpenFlow syntax. Throws an InputError or FlowSyntaxError. */
export function traceText(host: OvsSwitch, named: Bridge, flowText: string, question: TraceQuestion): string {
  const { bridge, flow } = isDatapathFlow(flowText)
    ? parseDatapathFlow(flowText, host)
    : { bridge: named, flow: parseFlowText(flowText, named) };
  if (question.frame !== undefined) {
    const parsed = parseFrame(question.frame, host.vlanLimit);
    const fromTunnel = flow[W_TUN_DST] !== 0;
    for (let w = 0; w < FLOW_WORDS; w++) {
      const kept = METADATA.has(w) || (fromTunnel && w >= W_TUN_ID_HI && w < W_PKT_MARK);
      if (!kept) flow[w] = parsed[w];
    }
  }
  const effects = question.frame !== undefined || question.generate === true;
  return formatTrace(host, bridge.name, host.traceFlow(bridge.name, flow, question.now, effects));
}
