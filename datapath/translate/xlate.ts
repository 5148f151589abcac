/**
 * One translation: a packet's flow through the OpenFlow tables of as many bridges as it crosses, to datapath actions and
 * the mask of everything that was looked at on the way (OVS: struct xlate_ctx and do_xlate_actions,
 * ofproto/ofproto-dpif-xlate.c; function names in comments are from there). Three flows are kept: `flow` as the tables see
 * the packet now, `base` as the packet really is after the datapath actions written so far, and `mask`.
 *
 * What belongs to one action alone is beside this (normal.ts, learn.ts, select.ts, tunnel-output.ts, commit.ts); here is
 * what calls itself: tables, actions, groups, clones, patch ports, tunnels. That recursion is why the file is long.
 */
import type { OdpAction } from "../action/odp-action.ts";
import {
  FLOW_WORDS,
  FRAG_ANY,
  KEY_WORDS,
  VLAN_PRESENT,
  W_ACTSET_OUTPUT,
  W_ETH0,
  W_ETH1,
  W_ETH2,
  W_IN_PORT,
  W_IPV6_DST,
  W_IPV6_SRC,
  W_METADATA,
  W_METADATA_HI,
  W_MPLS0,
  W_NW_DST,
  W_NW_SRC,
  W_PACKET_TYPE,
  W_PKT_MARK,
  W_PORTS,
  W_RECIRC,
  W_REG0,
  W_SKB_PRIORITY,
  W_TOSTTL,
  W_TUN_DST,
  W_TUN_ERSPAN,
  W_TUN_GTPU,
  W_TUN_ID_HI,
  W_TUN_META,
  W_TUN_SRC,
  W_TUN_TP,
  W_TYPE,
  W_VLAN0,
} from "../flow/flow-key.ts";
import {
  OFPP_ALL,
  OFPP_CONTROLLER,
  OFPP_FLOOD,
  OFPP_IN_PORT,
  OFPP_LOCAL,
  OFPP_NONE,
  OFPP_NORMAL,
  OFPP_TABLE,
  OFPP_UNSET,
  type OfAction,
} from "../openflow/action.ts";
import { type FieldValue, type Subfield, subfieldGet } from "../openflow/field.ts";
import type { Bucket, Group } from "../openflow/group.ts";
import type { Rule } from "../openflow/rule.ts";
import { ipv4ToText, macToText } from "../wire/addresses.ts";
import { orderedActionSet } from "./action-set.ts";
import type { Bridge } from "./bridge.ts";
import { commitActions } from "./commit.ts";
import { Effects } from "./effects.ts";
import {
  copySubfield,
  dlType,
  examine,
  examineSubfield,
  hasField,
  isIp,
  isIpv4,
  isIpv6,
  isLaterFragment,
  maskNetworkPrerequisite,
  nwProto,
  PROTO_BITS,
  writeField,
  writeSubfield,
} from "./flow-field.ts";
import { isMplsType, MAX_MPLS_LABELS, mplsCount, popMpls, pushMpls } from "./flow-mpls.ts";
import { isVlanType, popVlan, pushVlan } from "./flow-vlan.ts";
import { type FrozenActions, type FrozenState, frozenMetadata, thawMetadata } from "./frozen.ts";
import { executeLearn } from "./learn.ts";
import { translateNormal } from "./normal.ts";
import { NO_DATAPATH_PORT, type Port } from "./port.ts";
import { chooseBucket, chooseLink, chooseMember, DP_HASH } from "./select.ts";
import { type TraceKind, type TraceNode, traceAction, traceNode, traceRule } from "./trace.ts";
import { buildHeader, sendIntoTunnel } from "./tunnel-output.ts";
import type { Underlay } from "./underlay.ts";

/** Nested resubmits, MAX_DEPTH. */
export const MAX_DEPTH = 64;
/** Resubmits of one packet, MAX_RESUBMITS. */
export const MAX_RESUBMITS = MAX_DEPTH * MAX_DEPTH;

const TTL_BITS = 0x00ff0000;
const DSCP_BITS = 0xfc000000 | 0;
const ECN_BITS = 0x03000000;
const VID_BITS = 0xfff;
const PCP_BITS = 0xe000;
const TUN_END = W_PKT_MARK; // the words of the tunnel are W_TUN_ID_HI up to here, and two more

/** OpenFlow's packet-in reasons (OFPR_*), as a datapath action prints them. */
const REASONS: Readonly<Record<string, number>> = {
  no_match: 0,
  action: 1,
  invalid_ttl: 2,
  action_set: 3,
  group: 4,
  packet_out: 5,
};

/** What a translation needs of the switch that it runs in. */
export interface XlateHost {
  readonly underlay: Underlay;
  /** The state for a recirculation id, and an id for a state. */
  freeze(state: FrozenState): number;
  /** Something that megaflows depend on has changed. */
  changed(): void;
}

interface StackEntry {
  readonly value: FieldValue;
}

export class Xlate {
  readonly host: XlateHost;
  readonly now: number;
  sideEffects: boolean;
  bridge: Bridge;
  readonly initial = new Int32Array(FLOW_WORDS);
  readonly flow = new Int32Array(FLOW_WORDS);
  readonly base = new Int32Array(FLOW_WORDS);
  mask = new Int32Array(FLOW_WORDS);
  actions: OdpAction[] = [];
  readonly effects = new Effects();
  trace: TraceNode[] | undefined = undefined;
  slow = false;
  error: string | undefined = undefined;
  lookups = 0;

  private depth = 0;
  private resubmits = 0;
  private table = 0;
  private rule: Rule | undefined = undefined;
  private stack: StackEntry[] = [];
  private actionSet: OfAction[] = [];
  private actionSetHasGroup = false;
  private inActionSet = false;
  private exit = false;
  private wasMpls = false;
  private freezing = false;
  private frozen: FrozenActions[] = [];
  private hashWanted = false;
  private hashBasis = 0;
  private originalPriority = 0;
  /** Rules that this packet has made: not for it yet, though their masks show. */
  private withheld: Set<Rule> | undefined = undefined;
  /** Outer destination of the packet as it came in, int32; 0 = not from a tunnel. */
  private originalTunnelDst = 0;

  constructor(host: XlateHost, bridge: Bridge, now: number, sideEffects: boolean) {
    this.host = host;
    this.bridge = bridge;
    this.now = now;
    this.sideEffects = sideEffects;
  }

  /**
   * Translates the flow whose `words` words (KEY_WORDS or FLOW_WORDS) lie in `key` at `at`. It came in by `inPort`, which
   * has the OpenFlow number `number`; `frozen`: the state that it comes back with.
   */
  run(
    key: Int32Array,
    at: number,
    words: number,
    inPort: Port | undefined,
    number: number,
    frozen: FrozenState | undefined,
  ): void {
    const { flow, base, mask } = this;
    for (let w = 0; w < words; w++) flow[w] = key[at + w];
    flow[W_IN_PORT] = number;
    flow[W_ACTSET_OUTPUT] = OFPP_UNSET;
    base.set(flow);
    this.initial.set(flow);
    this.originalTunnelDst = flow[W_TUN_DST];
    this.originalPriority = flow[W_SKB_PRIORITY];
    // The datapath keeps no tunnel fields of its own accord on output.
    clearTunnel(base);
    this.initializeMask(mask);
    this.push("bridge", this.bridge.name, () => {
      if (frozen !== undefined) this.thaw(frozen);
      else this.start(inPort);
    });
    if (this.error === undefined) {
      this.finishMask(key, at);
    } else {
      this.actions = [];
      this.slow = false;
    }
    this.unwrapLastClone();
  }

  private start(inPort: Port | undefined): void {
    const rule = this.lookup(this.bridge, 0, this.flow[W_IN_PORT]);
    this.noteRule(0, rule);
    if (inPort?.tunnel !== undefined) {
      this.effects.counts({ credit: (packets, bytes) => inPort.creditRx(packets, bytes) });
    }
    this.rule = rule;
    this.inside(traceRule(0, rule), () => {
      if (!this.acceptCongestion()) return;
      this.table = 0;
      this.translate(rule?.actions ?? [], true, false);
      if (this.error !== undefined) return;
      this.finishPipeline();
    });
  }

  /** A frozen translation goes on where it stopped. */
  private thaw(state: FrozenState): void {
    const { flow } = this;
    this.bridge = state.bridge;
    thawMetadata(state.metadata, flow);
    this.table = 0;
    this.stack = state.stack.map((value) => ({ value: value.slice() }));
    this.wasMpls = false;
    this.note("thaw", "thaw");
    if (state.actionSet.length > 0) {
      flow[W_ACTSET_OUTPUT] = OFPP_UNSET;
      this.writeActions(state.actionSet);
    }
    if (state.actions.length === 0) {
      const rule = this.lookup(this.bridge, 0, flow[W_IN_PORT]);
      this.noteRule(0, rule);
      this.rule = rule;
      this.inside(traceRule(0, rule), () => this.translate(rule?.actions ?? [], true, false));
    } else {
      this.translateFrozen(state.actions);
    }
    if (this.error === undefined) this.finishPipeline();
  }

  private translateFrozen(segments: readonly FrozenActions[]): void {
    for (let i = 0; i < segments.length; i++) {
      this.table = segments[i].table;
      this.translate(segments[i].actions, i === segments.length - 1, false);
      if (this.error !== undefined) return;
      if (this.exit) {
        if (this.freezing) this.frozen.push(...segments.slice(i + 1));
        return;
      }
    }
  }

  private finishPipeline(): void {
    if (!this.freezing) this.executeActionSet();
    if (this.freezing) this.finishFreezing();
  }

  // Wildcards.

  /** What is always matched (xlate_wc_init, tnl_wc_init). */
  private initializeMask(mask: Int32Array): void {
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
  private finishMask(key: Int32Array, at: number): void {
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
    if (!isMplsType(key[at + W_TYPE] >>> 16)) for (let i = 0; i < 3; i++) mask[W_MPLS0 + i] = 0;
  }

  /** The outer header's congestion mark goes to the inner one; false: the packet cannot carry it and dies (tnl_process_ecn). */
  private acceptCongestion(): boolean {
    const { flow } = this;
    if (flow[W_TUN_DST] === 0 || !isIp(flow) || ((flow[W_TUN_META] >>> 24) & 3) !== 3) return true;
    if ((flow[W_TOSTTL] & ECN_BITS) === 0) {
      this.note("warn", "dropping tunnel packet marked ECN CE but is not ECN capable");
      return false;
    }
    flow[W_TOSTTL] |= ECN_BITS;
    return true;
  }

  // Reports.

  note(kind: TraceKind, text: string): void {
    this.trace?.push(traceNode(kind, text));
  }

  /** Runs `body` with reports going inside a node. */
  private inside(node: TraceNode, body: () => void): void {
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

  private push(kind: TraceKind, text: string, body: () => void): void {
    this.inside(traceNode(kind, text), body);
  }

  // Tables.

  /** Looks a table up; transport ports of fragments read as 0 there (rule_dpif_lookup_from_table). */
  private lookup(bridge: Bridge, table: number, inPort: number): Rule | undefined {
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

  private noteRule(table: number, rule: Rule | undefined): void {
    const counters = this.bridge.tableCounters(table);
    this.effects.counts({
      credit: (packets) => {
        counters.lookups += packets;
        if (rule !== undefined) counters.matches += packets;
      },
    });
    if (rule !== undefined) this.effects.counts(rule);
  }

  private withinLimits(): boolean {
    if (this.depth >= MAX_DEPTH) {
      this.error = `over max translation depth ${MAX_DEPTH}`;
    } else if (this.resubmits >= MAX_RESUBMITS) {
      this.error = `over ${MAX_RESUBMITS} resubmit actions`;
    } else if (this.stack.length >= 65536 / 16) {
      this.error = "resubmits yielded over 64 kB of stack";
    } else {
      return true;
    }
    this.note("error", this.error);
    return false;
  }

  /**
   * A lookup in `table` as if the packet had come in at `inPort`, and what the rule found does (xlate_table_action).
   * `missCounts`: finding nothing is a table miss, which drops, rather than nothing at all.
   */
  private tableAction(inPort: number, table: number, missCounts: boolean, last: boolean, cloned: boolean): void {
    if (this.wasMpls) {
      this.triggerFreeze();
      return;
    }
    if (!this.withinLimits()) return;
    const oldTable = this.table;
    this.table = table;
    const rule = this.lookup(this.bridge, table, inPort);
    this.noteRule(table, rule);
    if (rule !== undefined || missCounts) {
      const deepens = table <= oldTable;
      const oldRule = this.rule;
      this.resubmits++;
      if (deepens) this.depth++;
      this.rule = rule;
      this.inside(traceRule(table, rule), () => {
        const actions = rule?.actions ?? [];
        if (cloned) this.cloneActions(actions, last);
        else this.translate(actions, last, false);
      });
      this.rule = oldRule;
      if (deepens) this.depth--;
    } else if (this.trace !== undefined) {
      this.inside(traceRule(table, undefined), () => undefined);
    }
    this.table = oldTable;
  }

  // Actions.

  /** do_xlate_actions. `last`: nothing comes after these; `bucket`: they are a group bucket's. */
  private translate(actions: readonly OfAction[], last: boolean, bucket: boolean): void {
    if (actions.length === 0) {
      this.note("action", "drop");
      return;
    }
    for (let i = 0; i < actions.length; i++) {
      if (this.error !== undefined) return;
      const action = actions[i];
      this.recirculateForMpls(action);
      if (this.exit) {
        if (this.freezing) this.frozen.push({ table: this.table, actions: actions.slice(i) });
        return;
      }
      this.trace?.push(traceAction(action));
      const lastHere = last && i === actions.length - 1 && this.actionSet.length === 0;
      if (action.kind === "check_pkt_larger") {
        this.checkPacketLarger(action.length, action.destination, actions.slice(i + 1));
        return;
      }
      if (!this.act(action, lastHere, bucket)) return;
      const resumesItself = action.kind === "resubmit" || action.kind === "goto_table";
      if (this.error === undefined && this.exit && this.freezing && this.frozen.length === 0 && !resumesItself) {
        // Only an action that itself asks for the packet to come round gets here: a group that hashes comes again whole.
        const from = action.kind === "group" || action.kind === "output" ? i : i + 1;
        this.frozen.push({ table: this.table, actions: actions.slice(from) });
        return;
      }
    }
  }

  /** Does one action; false: the rest of the list is not done. */
  private act(action: OfAction, last: boolean, bucket: boolean): boolean {
    const { flow, mask } = this;
    switch (action.kind) {
      case "output":
        this.outputAction(action.port, action.maxLength, last, false, bucket);
        return true;
      case "output_reg": {
        const port = subfieldGet(action.source, flow, new Int32Array(4));
        if (port[0] !== 0 || port[1] !== 0 || port[2] !== 0 || port[3] >>> 16 !== 0) {
          this.note("warn", "output port is out of range");
          return true;
        }
        this.note("detail", `output port is ${port[3]}`);
        examineSubfield(action.source, mask);
        this.outputAction(port[3], action.maxLength, last, false, bucket);
        return true;
      }
      case "output_trunc":
        this.outputTruncated(action.port, action.maxLength, last, bucket);
        return true;
      case "controller":
        this.sendToController(action.maxLength, action.reason, action.controller);
        return true;
      case "enqueue": {
        mask[W_SKB_PRIORITY] = -1;
        const port = action.port === OFPP_IN_PORT ? flow[W_IN_PORT] : action.port;
        if (action.port !== OFPP_IN_PORT && port === flow[W_IN_PORT]) return true;
        const priority = flow[W_SKB_PRIORITY];
        flow[W_SKB_PRIORITY] = action.queue;
        this.composeOutput(port, last, false);
        flow[W_SKB_PRIORITY] = priority;
        return true;
      }
      case "group":
        return this.groupAction(action.group, last);
      case "bundle": {
        const port = chooseMember(action, flow, mask, (member) => this.isAlive(member));
        if (action.destination === undefined) this.outputAction(port, 0, last, false, bucket);
        else this.loadRegister(action.destination, port);
        return true;
      }
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
        this.stack.push({ value: subfieldGet(action.subfield, flow, new Int32Array(4)).slice() });
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
        return true;
      case "encap":
        this.encapsulate(action.header);
        return true;
      case "decap":
        this.decapsulate();
        return true;
      case "resubmit":
        this.tableAction(
          action.port === undefined || action.port === OFPP_IN_PORT ? flow[W_IN_PORT] : action.port,
          action.table === 255 ? this.table : action.table,
          false,
          last,
          false,
        );
        return true;
      case "goto_table":
        this.tableAction(flow[W_IN_PORT], action.table, true, last, false);
        return true;
      case "learn":
        executeLearn(this, action);
        return true;
      case "conjunction":
        this.note("error", "executing no-op conjunction action");
        return true;
      case "multipath":
        this.loadRegister(action.destination, chooseLink(action, flow, mask));
        return true;
      case "fin_timeout":
        this.finTimeout(action.idle, action.hard);
        return true;
      case "clone":
        this.cloneActions(action.actions, last);
        return true;
      case "exit":
        this.exit = true;
        return true;
      case "clear_actions":
        this.noteActionSet("was");
        this.actionSet = [];
        flow[W_ACTSET_OUTPUT] = OFPP_UNSET;
        this.actionSetHasGroup = false;
        return true;
      case "write_actions":
        this.writeActions(action.actions);
        this.noteActionSet("is");
        return true;
      case "write_metadata":
        flow[W_METADATA_HI] = (flow[W_METADATA_HI] & ~action.maskHigh) | (action.valueHigh & action.maskHigh);
        flow[W_METADATA] = (flow[W_METADATA] & ~action.maskLow) | (action.valueLow & action.maskLow);
        return true;
      default:
        return true; // note
    }
  }

  private setVlan(bits: number, value: number): void {
    const { flow } = this;
    if (flow[W_VLAN0] >>> 16 === 0) flow[W_VLAN0] |= 0x8100 << 16;
    flow[W_VLAN0] = (flow[W_VLAN0] & ~bits) | value | VLAN_PRESENT;
  }

  private setTosTtl(bits: number, value: number): void {
    const { flow, mask } = this;
    if (!isIp(flow)) return;
    mask[W_TYPE] |= PROTO_BITS;
    mask[W_TOSTTL] |= bits;
    flow[W_TOSTTL] = (flow[W_TOSTTL] & ~bits) | (value & bits);
  }

  private setPorts(bits: number, value: number): void {
    const { flow, mask } = this;
    if (!isIp(flow) || isLaterFragment(flow)) return;
    mask[W_TYPE] |= PROTO_BITS;
    mask[W_PORTS] |= bits;
    flow[W_PORTS] = (flow[W_PORTS] & ~bits) | value;
  }

  private setMpls(bits: number, value: number): void {
    const { flow, mask } = this;
    if (!isMplsType(dlType(flow))) return;
    mask[W_MPLS0] |= bits;
    flow[W_MPLS0] = (flow[W_MPLS0] & ~bits) | value;
  }

  /** nxm_reg_load. */
  private loadRegister(destination: Subfield, value: number): void {
    examineSubfield(destination, this.mask);
    writeSubfield(destination, this.flow, Int32Array.of(0, 0, 0, value));
    this.reportSubfield(destination);
  }

  reportSubfield(subfield: Subfield): void {
    if (this.trace === undefined) return;
    const value = subfieldGet(subfield, this.flow, new Int32Array(4));
    const digits = [...value]
      .map((word) => (word >>> 0).toString(16).padStart(8, "0"))
      .join("")
      .replace(/^0+/, "");
    this.note("detail", `${subfieldText(subfield)} is now ${digits === "" ? "0" : `0x${digits}`}`);
  }

  private decrementTtl(controllers: readonly number[]): boolean {
    const { flow, mask } = this;
    mask[W_TOSTTL] |= TTL_BITS;
    if (!isIp(flow)) return true;
    mask[W_TYPE] |= PROTO_BITS;
    if (((flow[W_TOSTTL] >>> 16) & 0xff) > 1) {
      flow[W_TOSTTL] -= 0x10000;
      return true;
    }
    for (const controller of controllers) this.sendToController(0xffff, "invalid_ttl", controller);
    this.note("warn", `IPv${isIpv4(flow) ? 4 : 6} decrement TTL exception`);
    return false;
  }

  private decrementMplsTtl(): boolean {
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

  private pushMplsLabel(ethertype: number): void {
    const { flow, mask } = this;
    const count = mplsCount(flow, mask);
    if (count === 0) this.commit();
    else if (count >= MAX_MPLS_LABELS) {
      this.error = `an MPLS push would have more labels than the ${MAX_MPLS_LABELS} supported`;
      this.note("error", this.error);
      return;
    }
    pushMpls(flow, count, ethertype, mask, true);
  }

  private popMplsLabel(ethertype: number): void {
    const { flow, mask } = this;
    const count = mplsCount(flow, mask);
    if (popMpls(flow, count, ethertype, mask)) {
      if (!isMplsType(ethertype)) this.wasMpls = true;
    } else if (count >= MAX_MPLS_LABELS) {
      this.error = `an MPLS pop of more labels than the ${MAX_MPLS_LABELS} supported`;
      this.note("error", this.error);
      this.actions.length = 0;
    }
  }

  private encapsulate(header: "ethernet" | "mpls" | "mpls_mc"): void {
    const { flow, mask } = this;
    this.commit();
    mask[W_PACKET_TYPE] = -1;
    if (header !== "ethernet" || flow[W_PACKET_TYPE] === 0) {
      this.error = `encap(${header}) is not supported for this packet type`;
      this.note("error", this.error);
      return;
    }
    flow[W_TYPE] = (flow[W_TYPE] & 0xffff) | (flow[W_PACKET_TYPE] << 16);
    flow[W_PACKET_TYPE] = 0;
    flow[W_ETH0] = 0;
    flow[W_ETH1] = 0;
    flow[W_ETH2] = 0;
  }

  private decapsulate(): void {
    const { flow } = this;
    this.commit();
    if (flow[W_PACKET_TYPE] !== 0 || (flow[W_VLAN0] & VLAN_PRESENT) !== 0) {
      this.error =
        flow[W_PACKET_TYPE] === 0 ? "cannot decap Ethernet if VLAN is present" : "decap() does not support packet type";
      this.note("error", this.error);
      return;
    }
    flow[W_PACKET_TYPE] = 0x10000 | dlType(flow);
    flow[W_ETH0] = 0;
    flow[W_ETH1] = 0;
    flow[W_ETH2] = 0;
  }

  /** fin_timeout: a TCP packet that ends a connection shortens the timeouts of its rule. */
  private finTimeout(idle: number, hard: number): void {
    const { flow, mask, bridge } = this;
    const rule = this.rule;
    mask[W_TYPE] |= PROTO_BITS;
    if (rule === undefined || !isIp(flow) || nwProto(flow) !== 6) return;
    // Hits carry no TCP flags here, so packets with FIN or RST get a megaflow of their own (see README.md).
    mask[W_TOSTTL] |= 0x005;
    if ((flow[W_TOSTTL] & 0x005) === 0) return;
    const shorten = (): void => bridge.tables.reduceTimeouts(rule, idle, hard);
    if (this.sideEffects) shorten();
    this.effects.repeats(shorten);
  }

  /** Both answers are translated: the rest of the list with the bit set, and with it cleared. */
  private checkPacketLarger(length: number, destination: Subfield, rest: readonly OfAction[]): void {
    const savedStack = this.stack.slice();
    const savedSet = this.actionSet.slice();
    const flow = this.flow.slice();
    this.commit();
    const base = this.base.slice();
    const { wasMpls } = this;
    const outer = this.actions;
    const branch = (bit: number): OdpAction[] => {
      this.actions = [];
      writeSubfield(destination, this.flow, Int32Array.of(0, 0, 0, bit));
      this.translate(rest, true, false);
      if (this.error === undefined) this.finishPipeline();
      const actions = this.actions;
      this.flow.set(flow);
      this.base.set(base);
      this.wasMpls = wasMpls;
      this.stack = savedStack.slice();
      this.actionSet = savedSet.slice();
      return actions;
    };
    const greater = branch(1);
    const { exit } = this;
    this.exit = false;
    const lesser = branch(0);
    this.exit = exit;
    this.actions = outer;
    this.actions.push({ kind: "check_pkt_len", size: length, greater, lesser });
    // The rest has been done, on both sides: nothing of the action set is left.
    this.actionSet = [];
  }

  // Action sets and groups.

  private writeActions(actions: readonly OfAction[]): void {
    if (!this.actionSetHasGroup) {
      for (const action of actions) {
        if (action.kind === "output") this.flow[W_ACTSET_OUTPUT] = action.port;
        else if (action.kind === "group") {
          this.flow[W_ACTSET_OUTPUT] = OFPP_UNSET;
          this.actionSetHasGroup = true;
          break;
        }
      }
    }
    this.actionSet.push(...actions);
  }

  private noteActionSet(verb: string): void {
    this.trace?.push({ ...traceNode("detail", `action set ${verb}:`), actionSet: orderedActionSet(this.actionSet) });
  }

  private executeActionSet(): void {
    const ordered = orderedActionSet(this.actionSet);
    this.actionSet = [];
    if (ordered.length === 0) return;
    this.inActionSet = true;
    this.push("table", "--. Executing action set:", () => this.translate(ordered, true, false));
    this.inActionSet = false;
  }

  private isAlive(port: number): boolean {
    if (port >= OFPP_IN_PORT && port !== OFPP_LOCAL) return port !== OFPP_CONTROLLER;
    return this.bridge.port(port)?.up ?? false;
  }

  private isBucketAlive = (bucket: Bucket, depth: number): boolean => {
    if (depth >= MAX_DEPTH) return false;
    const watchesPort = bucket.watchPort !== OFPP_NONE;
    const watchesGroup = bucket.watchGroup !== 0xffffffff;
    if (!watchesPort && !watchesGroup) return true;
    if (watchesPort && this.isAlive(bucket.watchPort)) return true;
    const group = watchesGroup ? this.bridge.group(bucket.watchGroup) : undefined;
    return group?.buckets.some((inner) => this.isBucketAlive(inner, depth + 1)) ?? false;
  };

  /** Returns false when the group does not exist: the rest of the list is then not done. */
  private groupAction(id: number, last: boolean): boolean {
    if (!this.withinLimits()) return true;
    const group = this.bridge.group(id);
    if (group === undefined) {
      this.note("warn", `output to nonexistent group ${id}`);
      return false;
    }
    if (group.type === "all" || group.type === "indirect") {
      group.buckets.forEach((bucket, i) => this.bucketAction(bucket, last && i === group.buckets.length - 1));
      this.countGroup(group, undefined);
      return true;
    }
    const alive = (bucket: Bucket): boolean => this.isBucketAlive(bucket, 0);
    let bucket: Bucket | undefined;
    if (group.type === "fast_failover") {
      bucket = group.buckets.find(alive);
    } else {
      if (this.wasMpls) {
        this.triggerFreeze();
        return true;
      }
      const chosen = chooseBucket(group, this.flow, this.mask, alive);
      if (chosen === DP_HASH) {
        this.hashWanted = true;
        this.hashBasis = Number(group.selectionParam & 0xffffffffn) | 0;
        this.triggerFreeze();
        return true;
      }
      bucket = chosen;
    }
    if (bucket === undefined) {
      this.note("detail", "no live bucket");
      return true;
    }
    this.note("detail", `using bucket ${bucket.id}`);
    this.bucketAction(bucket, last);
    this.countGroup(group, bucket);
    return true;
  }

  private countGroup(group: Group, bucket: Bucket | undefined): void {
    const counters = this.bridge.groupCounters(group.id);
    if (counters !== undefined)
      this.effects.counts({ credit: (packets, bytes) => counters.credit(bucket, packets, bytes) });
  }

  /** As on a copy of the packet (xlate_group_bucket). */
  private bucketAction(bucket: Bucket, last: boolean): void {
    const flow = this.flow.slice();
    const { wasMpls } = this;
    this.depth++;
    this.push("bucket", `bucket ${bucket.id}`, () => this.translate(orderedActionSet(bucket.actions), last, true));
    this.depth--;
    if (this.freezing) this.finishFreezing();
    this.flow.set(flow);
    this.wasMpls = wasMpls;
    this.exit = false;
  }

  /** As on a copy: the flow goes back, the changes made for the copy are undone only when an output needs it. */
  private cloneActions(actions: readonly OfAction[], last: boolean): void {
    const { stack, actionSet } = this;
    const flow = this.flow.slice();
    this.stack = stack.slice();
    this.actionSet = actionSet.slice();
    const reversible = actions.every(
      (action) => action.kind !== "output_trunc" && action.kind !== "encap" && action.kind !== "decap",
    );
    if (reversible || last) {
      this.translate(actions, last, false);
      this.finishClone();
    } else {
      this.commit();
      const base = this.base.slice();
      const { wasMpls } = this;
      const outer = this.actions;
      this.actions = [];
      this.translate(actions, true, false);
      this.finishClone();
      if (this.actions.length > 0) outer.push({ kind: "clone", actions: this.actions });
      this.actions = outer;
      this.wasMpls = wasMpls;
      this.base.set(base);
    }
    this.stack = stack;
    this.actionSet = actionSet;
    this.flow.set(flow);
  }

  private finishClone(): void {
    if (this.error === undefined && !this.freezing) this.executeActionSet();
    if (this.freezing) this.finishFreezing();
  }

  // Freezing: the packet goes round the datapath and comes back with a recirculation id.

  private triggerFreeze(): void {
    this.exit = true;
    this.freezing = true;
  }

  private finishFreezing(): void {
    this.commit();
    const id = this.host.freeze({
      bridge: this.bridge,
      metadata: frozenMetadata(this.flow),
      stack: this.stack.map((entry) => entry.value),
      actions: this.frozen,
      actionSet: this.actionSet,
    });
    if (this.hashWanted) this.actions.push({ kind: "hash", basis: this.hashBasis });
    this.actions.push({ kind: "recirc", id });
    this.freezing = false;
    this.hashWanted = false;
    this.frozen = [];
    this.exit = false;
  }

  /** After the last label was popped, actions on what lies below need the packet parsed again (recirc_for_mpls). */
  private recirculateForMpls(action: OfAction): void {
    if (this.exit || !this.wasMpls) return;
    switch (action.kind) {
      case "output":
      case "output_trunc":
      case "enqueue":
      case "output_reg":
      case "set_vlan_vid":
      case "set_vlan_pcp":
      case "set_eth_src":
      case "set_eth_dst":
      case "set_tunnel":
      case "set_queue":
      case "group":
        return;
      case "set_field":
        if (!isUpperLayer(action.field.prerequisite)) return;
        break;
    }
    this.triggerFreeze();
  }

  // Output.

  commit(): void {
    if (commitActions(this.flow, this.base, this.mask, this.actions)) this.slow = true;
  }

  private outputAction(port: number, maxLength: number, last: boolean, truncated: boolean, bucket: boolean): void {
    switch (port) {
      case OFPP_IN_PORT:
        this.composeOutput(this.flow[W_IN_PORT], last, truncated);
        break;
      case OFPP_TABLE:
        this.tableAction(this.flow[W_IN_PORT], 0, true, false, false);
        break;
      case OFPP_NORMAL:
        translateNormal(this);
        break;
      case OFPP_FLOOD:
        this.flood(false, last);
        break;
      case OFPP_ALL:
        this.flood(true, last);
        break;
      case OFPP_CONTROLLER:
        this.sendToController(maxLength, bucket ? "group" : this.inActionSet ? "action_set" : "action", 0);
        break;
      case OFPP_NONE:
        break;
      default:
        if (port !== this.flow[W_IN_PORT]) this.composeOutput(port, last, truncated);
        else this.note("detail", "skipping output to input port");
    }
  }

  private outputTruncated(number: number, maxLength: number, last: boolean, bucket: boolean): void {
    if (number >= OFPP_TABLE && number !== OFPP_LOCAL) {
      this.note("warn", "output_trunc does not support that port");
      return;
    }
    if (number === this.flow[W_IN_PORT]) {
      this.note("detail", "skipping output to input port");
      return;
    }
    const port = this.bridge.port(number);
    if (port === undefined || port.odpPort === NO_DATAPATH_PORT) {
      this.note("error", `output_trunc does not support patch port ${port?.name ?? number}`);
      return;
    }
    this.actions.push({ kind: "trunc", maxLength });
    this.outputAction(number, 0, last, true, bucket);
  }

  private flood(all: boolean, last: boolean): void {
    const inPort = this.flow[W_IN_PORT];
    const ports = this.bridge.ports.filter((port) => port.ofport !== inPort && (all || !port.noFlood));
    ports.forEach((port, i) => this.composeOutput(port.ofport, last && i === ports.length - 1, false));
  }

  private sendToController(maxLength: number, reason: string, controller: number): void {
    this.commit();
    const rule = this.rule;
    const miss =
      reason === "action" && rule !== undefined && rule.priority === 0 && rule.match.mask.every((word) => word === 0);
    const code = miss ? 6 : (REASONS[reason] ?? 1);
    this.actions.push({
      kind: "userspace",
      reason: `controller(reason=${code},dont_send=0,continuation=0,recirc_id=0,rule_cookie=0x${(rule?.cookie ?? 0n).toString(16)},controller_id=${controller},max_len=${maxLength})`,
      maxLength,
    });
  }

  /** Sends the packet out of a port of the current bridge, wherever that leads (compose_output_action). */
  composeOutput(number: number, last: boolean, truncated: boolean): void {
    const port = this.bridge.port(number);
    const { flow } = this;
    if (port === undefined) {
      this.note("warn", "Nonexistent output port");
      return;
    }
    if (flow[W_PACKET_TYPE] !== 0) {
      this.note("warn", "Trying to send non-Ethernet packet through legacy L2 port. Dropping packet.");
      return;
    }
    if (port.peer !== undefined) {
      if (truncated) this.note("error", "Cannot truncate output to patch port");
      this.crossTo(port, port.peer, last);
      return;
    }
    if (port.odpPort === NO_DATAPATH_PORT) return;
    if (port.tunnel !== undefined) {
      this.outputToTunnel(port, last, truncated);
      return;
    }
    this.commit();
    const popped = port.ofport === OFPP_LOCAL ? this.host.underlay.terminate(this, port) : NO_DATAPATH_PORT;
    if (popped !== NO_DATAPATH_PORT) this.actions.push({ kind: "tnl_pop", port: popped });
    else this.actions.push({ kind: "output", port: port.odpPort });
  }

  private outputToTunnel(port: Port, last: boolean, truncated: boolean): void {
    const { flow, mask } = this;
    const saved = saveTunnel(flow);
    sendIntoTunnel(port.tunnel!, flow, mask);
    if (this.originalTunnelDst !== 0 && flow[W_TUN_DST] === this.originalTunnelDst) {
      this.note("warn", "Not tunneling to our own address");
    } else {
      this.effects.counts({ credit: (packets, bytes) => port.creditTx(packets, bytes) });
      this.note("detail", "output to native tunnel");
      this.commit();
      this.nativeTunnel(port, last, truncated);
    }
    restoreTunnel(flow, saved);
  }

  /** Pushes the outer header and goes on in the bridge that has the local address (native_tunnel_output). */
  private nativeTunnel(port: Port, last: boolean, truncated: boolean): void {
    const { flow, base } = this;
    const tunnel = port.tunnel!;
    const route = this.host.underlay.route(flow[W_TUN_DST], flow[W_TUN_SRC]);
    if (route === undefined) {
      this.note("warn", "native tunnel routing failed");
      return;
    }
    const out = route.bridge.local;
    const remote = ipv4ToText(flow[W_TUN_DST]);
    this.note("detail", `tunneling to ${remote} via ${out.name}`);
    const mac = route.bridge.neighbour(flow[W_TUN_DST]);
    if (mac === undefined) {
      this.note("detail", `neighbor cache miss for ${remote} on bridge ${route.bridge.name}, sending ARP request`);
      return;
    }
    this.note(
      "detail",
      `tunneling from ${macToText(...route.bridge.mac)} ${ipv4ToText(route.source)} to ${macToText(...mac)} ${remote}`,
    );
    const header = buildHeader(tunnel, flow, route.source, route.bridge.mac, mac);
    const savedFlow = flow.slice();
    const savedBase = base.slice();
    for (const either of [base, flow])
      becomeOuter(either, savedFlow, route.bridge.mac, mac, route.source, tunnel.kind === "gre");
    const outer = this.actions;
    this.actions = [];
    this.actions.push({ kind: "tnl_push", tunnelPort: port.odpPort, outPort: out.odpPort, header });
    if (truncated) {
      // Counters would be wrong otherwise: the truncated packet comes round again.
      this.actions.push({ kind: "recirc", id: 0 });
    } else {
      const { mask, sideEffects } = this;
      this.mask = new Int32Array(FLOW_WORDS);
      this.sideEffects = false;
      this.effects.headerBytes += header.bytes.length;
      const newest = this.effects.repeated;
      this.crossTo(port, out, last);
      this.effects.headerBytes -= header.bytes.length;
      this.sideEffects = sideEffects;
      this.mask = mask;
      if (sideEffects) this.effects.refreshFrom(newest, this.now);
    }
    // Open vSwitch 3.1 makes no copy for what it takes to be the last action, also where (after an action set) it is not.
    const pushed = this.actions;
    if (pushed.length > 1) {
      if (last) outer.push(...pushed);
      else outer.push({ kind: "clone", actions: pushed });
    }
    this.actions = outer;
    flow.set(savedFlow);
    base.set(savedBase);
  }

  /** Goes on in another bridge, as a packet that comes in at `to`; registers, metadata and tunnel fields stay behind. */
  private crossTo(from: Port, to: Port, last: boolean): void {
    const { flow, stack, actionSet, actionSetHasGroup, wasMpls, bridge, withheld } = this;
    // The tables of the next bridge are taken as they are now.
    this.withheld = undefined;
    const savedFlow = flow.slice();
    const savedMask = saveTunnel(this.mask);
    this.stack = [];
    this.actionSet = [];
    this.actionSetHasGroup = false;
    flow[W_IN_PORT] = to.ofport;
    flow[W_METADATA] = 0;
    flow[W_METADATA_HI] = 0;
    clearTunnel(flow);
    clearTunnel(this.mask);
    for (let w = W_REG0; w < W_REG0 + 16; w++) flow[w] = 0;
    flow[W_ACTSET_OUTPUT] = OFPP_UNSET;
    this.bridge = to.bridge;
    this.push("bridge", to.bridge.name, () => {
      this.tableAction(flow[W_IN_PORT], 0, true, last, true);
      if (this.error === undefined && !this.freezing) this.executeActionSet();
      if (this.freezing) this.finishFreezing();
    });
    flow.set(savedFlow);
    this.bridge = bridge;
    this.actionSet = actionSet;
    this.actionSetHasGroup = actionSetHasGroup;
    this.stack = stack;
    restoreTunnel(this.mask, savedMask);
    this.wasMpls = wasMpls;
    this.withheld = withheld;
    this.exit = false;
    this.error = undefined;
    this.effects.counts({
      credit: (packets, bytes) => {
        from.creditTx(packets, bytes);
        to.creditRx(packets, bytes);
      },
    });
  }

  /** A clone at the very end needs no copy (xlate_optimize_odp_actions). */
  private unwrapLastClone(): void {
    const lastAction = this.actions.at(-1);
    if (lastAction?.kind !== "clone") return;
    this.actions.pop();
    this.actions.push(...lastAction.actions);
  }
}

function clearTunnel(words: Int32Array): void {
  for (let w = W_TUN_ID_HI; w < TUN_END; w++) words[w] = 0;
  words[W_TUN_ERSPAN] = 0;
  words[W_TUN_GTPU] = 0;
}

function saveTunnel(words: Int32Array): Int32Array {
  return words.slice(W_TUN_ID_HI, TUN_END);
}

function restoreTunnel(words: Int32Array, saved: Int32Array): void {
  words.set(saved, W_TUN_ID_HI);
}

/** "NXM_NX_REG0[0..15]". */
function subfieldText({ field, at, width }: Subfield): string {
  const name = field.nxm ?? field.name;
  if (at === 0 && width === field.bits) return `${name}[]`;
  return width === 1 ? `${name}[${at}]` : `${name}[${at}..${at + width - 1}]`;
}

const isUpperLayer = (prerequisite: string): boolean =>
  prerequisite !== "none" && prerequisite !== "ethernet" && prerequisite !== "vlan" && prerequisite !== "mpls";

/** The flow of the packet with its outer header on (propagate_tunnel_data_to_flow); the inner VLAN tags stay in it, as there. */
function becomeOuter(
  flow: Int32Array,
  sent: Int32Array,
  sourceMac: readonly [number, number],
  targetMac: readonly [number, number],
  source: number,
  isGre: boolean,
): void {
  flow[W_ETH0] = targetMac[0];
  flow[W_ETH1] = (targetMac[1] << 16) | (sourceMac[0] >>> 16);
  flow[W_ETH2] = (sourceMac[0] << 16) | sourceMac[1];
  flow[W_PACKET_TYPE] = 0;
  flow[W_NW_SRC] = sent[W_TUN_SRC] === 0 ? source : sent[W_TUN_SRC];
  flow[W_NW_DST] = sent[W_TUN_DST];
  for (let i = 0; i < 4; i++) {
    flow[W_IPV6_SRC + i] = 0;
    flow[W_IPV6_DST + i] = 0;
  }
  const meta = sent[W_TUN_META];
  flow[W_TOSTTL] = (flow[W_TOSTTL] & 0xffff) | (meta & (0xffff0000 | 0));
  flow[W_PORTS] = sent[W_TUN_TP];
  flow[W_TYPE] = (0x0800 << 16) | (isGre ? 47 : 17);
}
