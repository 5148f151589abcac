/**
 * What one translation knows and says, apart from what it does (OVS: struct xlate_ctx, xlate_wc_init, xlate_wc_finish). Three
 * flows are kept: `flow` as the tables see the packet now, `base` as the packet really is after the datapath actions written
 * so far, and `mask`, everything that was looked at. xlate-change.ts, xlate-output.ts and xlate.ts each add their part.
 */
import type { OdpAction } from "../action/odp-action.ts";
import {
  FLOW_WORDS,
  FRAG_ANY,
  KEY_WORDS,
  VLAN_PRESENT,
  W_ETH0,
  W_ETH1,
  W_ETH2,
  W_IN_PORT,
  W_MPLS0,
  W_PACKET_TYPE,
  W_PKT_MARK,
  W_PORTS,
  W_RECIRC,
  W_TOSTTL,
  W_TUN_DST,
  W_TUN_ERSPAN,
  W_TUN_GTPU,
  W_TUN_ID_HI,
  W_TUN_META,
  W_TUN_SRC,
  W_TYPE,
  W_VLAN0,
} from "../flow/flow-key.ts";
import type { OfAction } from "../openflow/action.ts";
import { type Subfield, subfieldGet } from "../openflow/field.ts";
import { formatFieldValue, formatSubfield, fullMask } from "../openflow/field-text.ts";
import type { Rule } from "../openflow/rule.ts";
import { alternateHex, bigOf } from "../openflow/syntax.ts";
import type { Bridge } from "./bridge.ts";
import { commitActions } from "./commit.ts";
import { Effects } from "./effects.ts";
import { examineSubfield, isIp, isIpv4, isIpv6, isLaterFragment, nwProto, writeSubfield } from "./flow-field.ts";
import { isMplsType } from "./flow-mpls.ts";
import { isVlanType } from "./flow-vlan.ts";
import { type FrozenActions, type FrozenState, frozenMetadata, type StackEntry } from "./frozen.ts";
import { type TraceKind, type TraceNode, traceNode } from "./trace.ts";
import type { Underlay } from "./underlay.ts";

const ECN_BITS = 0x03000000;
const TUN_END = W_PKT_MARK; // the words of the tunnel are W_TUN_ID_HI up to here, and two more

/** What a translation needs of the switch that it runs in. */
export interface XlateHost {
  readonly underlay: Underlay;
  /** The state for a recirculation id, and an id for a state. */
  freeze(state: FrozenState): number;
  /** Something that megaflows depend on has changed. */
  changed(): void;
}

/**
 * The words of a translation under way. A switch has one of these for all its translations, as they come one after another
 * and keep none of it; one that is traced gives them away. Four arrays too large for V8's own heap were a fifth of the time
 * of a short translation, and more again for the garbage collector.
 */
export class XlateFlows {
  readonly initial = new Int32Array(FLOW_WORDS);
  readonly flow = new Int32Array(FLOW_WORDS);
  readonly base = new Int32Array(FLOW_WORDS);
  readonly mask = new Int32Array(FLOW_WORDS);
}

export abstract class XlateState {
  readonly host: XlateHost;
  readonly now: number;
  sideEffects: boolean;
  /** What is done is kept for later packets, as a cached flow's effects; a trace without side effects keeps nothing. */
  remembers = true;
  bridge: Bridge;
  readonly initial: Int32Array;
  readonly flow: Int32Array;
  readonly base: Int32Array;
  mask: Int32Array;
  actions: OdpAction[] = [];
  readonly effects = new Effects();
  trace: TraceNode[] | undefined = undefined;
  slow = false;
  /** Without side effects: one was left out that would have changed something. */
  suppressed = false;
  error: string | undefined = undefined;
  lookups = 0;

  protected depth = 0;
  protected resubmits = 0;
  protected table = 0;
  protected rule: Rule | undefined = undefined;
  protected stack: StackEntry[] = [];
  protected actionSet: OfAction[] = [];
  protected actionSetHasGroup = false;
  protected inActionSet = false;
  protected exit = false;
  protected wasMpls = false;
  protected freezing = false;
  protected frozen: FrozenActions[] = [];
  protected hashWanted = false;
  protected hashBasis = 0;
  protected hashIsSymmetric = true;
  protected originalPriority = 0;
  /** Rules that this packet has made: not for it yet, though their masks show. */
  protected withheld: Set<Rule> | undefined = undefined;
  /** Rules that it has changed, with what they do for it. */
  protected kept: Map<Rule, readonly OfAction[]> | undefined = undefined;
  /** Outer destination of the packet as it came in, int32; 0 = not from a tunnel. */
  protected originalTunnelDst = 0;

  constructor(host: XlateHost, bridge: Bridge, now: number, sideEffects: boolean, flows = new XlateFlows()) {
    this.host = host;
    this.bridge = bridge;
    this.now = now;
    this.sideEffects = sideEffects;
    this.initial = flows.initial;
    this.flow = flows.flow;
    this.base = flows.base;
    this.mask = flows.mask;
  }

  /** What is always matched (xlate_wc_init, tnl_wc_init). */
  protected initializeMask(mask: Int32Array): void {
    const { flow } = this;
    mask.fill(0);
    mask[W_PACKET_TYPE] = -1;
    mask[W_IN_PORT] = -1;
    mask[W_RECIRC] = -1;
    mask[W_TYPE] = 0xffff0000 | 0;
    if (isIp(flow)) mask[W_TYPE] |= 0x0300;
    if (flow[W_TUN_DST] !== 0) {
      mask[W_TUN_ID_HI] = -1;
      mask[W_TUN_ID_HI + 1] = -1;
      mask[W_TUN_SRC] = -1;
      mask[W_TUN_DST] = -1;
      mask[W_TUN_META] = 0xff000007 | 0; // tos, and the flags df, csum, key
      if (isIp(flow) && ((flow[W_TUN_META] >>> 24) & 3) === 3) mask[W_TOSTTL] |= ECN_BITS;
    }
  }

  /** Takes out what the packet cannot have (xlate_wc_finish). */
  protected finishMask(key: Int32Array, at: number): void {
    const { flow, mask } = this;
    for (let w = KEY_WORDS; w < FLOW_WORDS; w++) mask[w] = 0;
    if (key[at + W_PACKET_TYPE] !== 0) {
      mask[W_ETH0] = 0;
      mask[W_ETH1] = 0;
      mask[W_ETH2] = 0;
    }
    if ((isIpv4(flow) && nwProto(flow) === 1) || (isIpv6(flow) && nwProto(flow) === 58)) mask[W_PORTS] &= 0x00ff00ff;
    for (let i = 0; i < 2; i++) {
      if ((mask[W_VLAN0 + i] & 0xffff) !== 0) mask[W_VLAN0 + i] |= VLAN_PRESENT;
      if (!isVlanType(key[at + W_VLAN0 + i] >>> 16)) mask[W_VLAN0 + i] = 0;
    }
    if (isLaterFragment(flow)) mask[W_PORTS] = 0;
    // A packet from no tunnel has no tunnel fields to be told by.
    if (key[at + W_TUN_DST] === 0) clearTunnel(mask);
    if (!isMplsType(key[at + W_TYPE] >>> 16)) for (let i = 0; i < 3; i++) mask[W_MPLS0 + i] = 0;
  }

  /** The outer header's congestion mark goes to the inner one; false: the packet cannot carry it and dies (tnl_process_ecn). */
  protected acceptCongestion(): boolean {
    const { flow } = this;
    if (flow[W_TUN_DST] === 0 || !isIp(flow) || ((flow[W_TUN_META] >>> 24) & 3) !== 3) return true;
    if ((flow[W_TOSTTL] & ECN_BITS) === 0) {
      return false;
    }
    flow[W_TOSTTL] |= ECN_BITS;
    return true;
  }

  note(kind: TraceKind, text: string): void {
    this.trace?.push(traceNode(kind, text));
  }

  /** Runs `body` with reports going inside a node. */
  protected inside(node: TraceNode, body: () => void): void {
    if (this.trace === undefined) {
      body();
      return;
    }
    const outer = this.trace;
    outer.push(node);
    this.trace = node.inner;
    body();
    this.trace = outer;
  }

  protected push(kind: TraceKind, text: string, body: () => void): void {
    this.inside(traceNode(kind, text), body);
  }

  /** Looks a table up; transport ports of fragments read as 0 there (rule_dpif_lookup_from_table). */
  protected lookup(bridge: Bridge, table: number, inPort: number): Rule | undefined {
    const { flow } = this;
    const savedPort = flow[W_IN_PORT];
    const savedPorts = flow[W_PORTS];
    flow[W_IN_PORT] = inPort;
    if ((flow[W_TYPE] & (FRAG_ANY << 8)) !== 0) flow[W_PORTS] = 0;
    this.lookups++;
    const rule = bridge.lookup(table, flow, this.mask, this.withheld);
    flow[W_IN_PORT] = savedPort;
    flow[W_PORTS] = savedPorts;
    return rule;
  }

  /** A rule that was learned just now does not count for the rest of this translation. */
  withhold(rule: Rule): void {
    this.withheld ??= new Set();
    this.withheld.add(rule);
  }

  /** A rule that was changed just now still does `actions` for the rest of this translation. */
  keepActions(rule: Rule, actions: readonly OfAction[]): void {
    this.kept ??= new Map();
    if (!this.kept.has(rule)) this.kept.set(rule, actions);
  }

  protected actionsOf(rule: Rule | undefined): readonly OfAction[] {
    if (rule === undefined) return [];
    return this.kept?.get(rule) ?? rule.actions;
  }

  protected noteRule(table: number, rule: Rule | undefined): void {
    const counters = this.bridge.tableCounters(table);
    this.effects.counts(rule === undefined ? counters.miss : counters.match);
    if (rule !== undefined) this.effects.counts(rule);
  }

  /** nxm_reg_load. */
  protected loadRegister(destination: Subfield, value: number): void {
    examineSubfield(destination, this.mask);
    writeSubfield(destination, this.flow, Int32Array.of(0, 0, 0, value));
    this.reportSubfield(destination);
  }

  reportSubfield(subfield: Subfield): void {
    if (this.trace === undefined) return;
    const { field, at, width } = subfield;
    const value = subfieldGet(subfield, this.flow, new Int32Array(4));
    const whole = at === 0 && width === field.bits;
    const text = whole ? formatFieldValue(field, value, fullMask(field)) : alternateHex(bigOf(value));
    this.note("detail", `${formatSubfield(subfield)} is now ${text}`);
  }

  /** What is known here, to go on from when the packet comes round the datapath again. */
  protected frozenState(actions: readonly FrozenActions[]): FrozenState {
    return {
      bridge: this.bridge,
      table: 0,
      metadata: frozenMetadata(this.flow),
      stack: this.stack.slice(),
      userdata: [],
      actions,
      actionSet: this.actionSet,
    };
  }

  commit(): void {
    if (commitActions(this.flow, this.base, this.mask, this.actions)) this.slow = true;
  }
}

export function clearTunnel(words: Int32Array): void {
  for (let w = W_TUN_ID_HI; w < TUN_END; w++) words[w] = 0;
  words[W_TUN_ERSPAN] = 0;
  words[W_TUN_GTPU] = 0;
}
