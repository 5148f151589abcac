/**
 * One translation: a packet's flow through the OpenFlow tables of as many bridges as it crosses, to datapath actions and the
 * mask of everything that was looked at on the way (OVS: xlate_actions and do_xlate_actions,
 * ofproto/ofproto-dpif-xlate.c; names in comments are from there). Here is what calls itself: tables, lists of actions,
 * groups, clones, and translations that stop half way.
 *
 * Over 400 lines because these call each other in a circle.
 */

import type { OdpAction } from "../action/odp-action.ts";
import {
  W_ACTSET_OUTPUT,
  W_IN_PORT,
  W_METADATA,
  W_METADATA_HI,
  W_SKB_PRIORITY,
  W_TOSTTL,
  W_TUN_DST,
  W_TYPE,
} from "../flow/flow-key.ts";
import { OFPP_CONTROLLER, OFPP_IN_PORT, OFPP_LOCAL, OFPP_NONE, OFPP_UNSET, type OfAction } from "../openflow/action.ts";
import { type Subfield, subfieldGet } from "../openflow/field.ts";
import { type Bucket, type Group, OFPG_ANY } from "../openflow/group.ts";
import { portToText } from "../openflow/port-name.ts";
import { bigOf } from "../openflow/syntax.ts";
import { orderedActionSet } from "./action-set.ts";
import { actionBytes, MAX_ACTION_BYTES } from "./action-size.ts";
import { examineSubfield, isIp, nwProto, PROTO_BITS, writeSubfield } from "./flow-field.ts";
import { type FrozenActions, type FrozenState, thawMetadata } from "./frozen.ts";
import { executeLearn } from "./learn.ts";
import type { Port } from "./port.ts";
import { chooseBucket, chooseLink, chooseMember, DP_HASH } from "./select.ts";
import { traceAction, traceNode, traceRule } from "./trace.ts";
import { XlateOutput } from "./xlate-output.ts";
import { clearTunnel } from "./xlate-state.ts";

/** Nested resubmits, MAX_DEPTH. */
export const MAX_DEPTH = 64;
/** With more outputs than this Open vSwitch 3.1 does not install a flow: each packet goes the slow path (asked, not documented). */
const MAX_INSTALLED_OUTPUTS = 1000;
/** Resubmits of one packet, MAX_RESUBMITS. */
export const MAX_RESUBMITS = MAX_DEPTH * MAX_DEPTH;

const isUpperLayer = (prerequisite: string): boolean =>
  prerequisite !== "none" && prerequisite !== "ethernet" && prerequisite !== "vlan" && prerequisite !== "mpls";

export class Xlate extends XlateOutput {
  private measured: readonly OdpAction[] = [];
  private measuredCount = 0;
  private measuredBytes = 0;

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
    for (let w = words; w < flow.length; w++) flow[w] = 0;
    flow[W_IN_PORT] = number;
    flow[W_ACTSET_OUTPUT] = OFPP_UNSET;
    base.set(flow);
    this.initial.set(flow);
    this.originalTunnelDst = flow[W_TUN_DST];
    this.originalPriority = flow[W_SKB_PRIORITY];
    // The datapath keeps no tunnel fields of its own accord on output.
    clearTunnel(base);
    this.initializeMask(mask);
    if (this.trace === undefined) this.begin(inPort, frozen);
    else this.push("bridge", this.bridge.name, () => this.begin(inPort, frozen));
    if (this.error === undefined) {
      this.finishMask(key, at);
      if (this.outputs() > MAX_INSTALLED_OUTPUTS) this.slow = true;
    } else {
      this.actions = [];
      this.slow = false;
    }
    this.unwrapLastClone();
  }

  protected begin(inPort: Port | undefined, frozen: FrozenState | undefined): void {
    if (frozen !== undefined) this.thaw(frozen);
    else this.start(inPort);
  }

  private outputs(): number {
    let count = 0;
    for (const action of this.actions) if (action.kind === "output") count++;
    return count;
  }

  protected start(inPort: Port | undefined): void {
    const rule = this.lookup(this.bridge, 0, this.flow[W_IN_PORT]);
    this.noteRule(0, rule);
    if (inPort?.tunnel !== undefined) {
      this.effects.counts({ credit: (packets, bytes) => inPort.creditRx(packets, bytes) });
    }
    this.rule = rule;
    this.inside(traceRule(0, rule), () => {
      if (!this.acceptCongestion() || inPort?.noReceive) return;
      this.table = 0;
      this.translate(this.actionsOf(rule), true, false);
      if (this.error !== undefined) return;
      this.finishPipeline();
    });
  }

  /** A frozen translation goes on where it stopped. */
  protected thaw(state: FrozenState): void {
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
      this.inside(traceRule(0, rule), () => this.translate(this.actionsOf(rule), true, false));
    } else {
      this.translateFrozen(state.actions);
    }
    if (this.error === undefined) this.finishPipeline();
  }

  protected translateFrozen(segments: readonly FrozenActions[]): void {
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

  protected finishPipeline(): void {
    if (!this.freezing) this.executeActionSet();
    if (this.freezing) this.finishFreezing();
  }

  protected withinLimits(): boolean {
    if (this.depth >= MAX_DEPTH) {
      this.note("error", `over max translation depth ${MAX_DEPTH}`);
      this.error = "Recursion too deep";
    } else if (this.resubmits >= MAX_RESUBMITS) {
      this.note("error", `over ${MAX_RESUBMITS} resubmit actions`);
      this.error = "Too many resubmits";
    } else if (this.tooLong()) {
      // No error there: what has been written so far is done.
      this.note("error", "resubmits yielded over 64 kB of actions");
      return false;
    } else if (this.stack.length >= 65536 / 16) {
      this.note("error", "resubmits yielded over 64 kB of stack");
      this.error = "Stack too deep";
    }
    return this.error === undefined;
  }

  private tooLong(): boolean {
    const { actions } = this;
    // Counted on from where it was: lists only grow, and a nested one starts anew.
    if (actions !== this.measured || actions.length < this.measuredCount) {
      this.measured = actions;
      this.measuredCount = 0;
      this.measuredBytes = 0;
    }
    this.measuredBytes += actionBytes(actions, this.measuredCount);
    this.measuredCount = actions.length;
    return this.measuredBytes > MAX_ACTION_BYTES;
  }

  /**
   * A lookup in `table` as if the packet had come in at `inPort`, and what the rule found does (xlate_table_action).
   */
  protected tableAction(inPort: number, table: number, last: boolean, cloned: boolean): void {
    if (this.wasMpls) {
      this.triggerFreeze();
      return;
    }
    if (!this.withinLimits()) return;
    const oldTable = this.table;
    this.table = table;
    const rule = this.lookup(this.bridge, table, inPort);
    this.noteRule(table, rule);
    const deepens = table <= oldTable;
    const oldRule = this.rule;
    this.resubmits++;
    if (deepens) this.depth++;
    this.rule = rule;
    // Where nothing matches Open vSwitch has a hidden rule without actions.
    this.inside(traceRule(table, rule), () => {
      const actions = this.actionsOf(rule);
      if (cloned) this.cloneActions(actions, last);
      else this.translate(actions, last, false);
    });
    this.rule = oldRule;
    if (deepens) this.depth--;
    this.table = oldTable;
  }

  /** do_xlate_actions. `last`: nothing comes after these; `bucket`: they are a group bucket's. */
  protected translate(actions: readonly OfAction[], last: boolean, bucket: boolean): void {
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
  protected act(action: OfAction, last: boolean, bucket: boolean): boolean {
    const { flow, mask } = this;
    switch (action.kind) {
      case "output":
        this.outputAction(action.port, action.maxLength, last, false, bucket);
        return true;
      case "output_reg": {
        const port = subfieldGet(action.source, flow, new Int32Array(4));
        if (port[0] !== 0 || port[1] !== 0 || port[2] !== 0 || port[3] >>> 16 !== 0) {
          this.note("warn", `output port ${bigOf(port)} is out of range`);
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
      case "resubmit":
        this.tableAction(
          action.port === undefined || action.port === OFPP_IN_PORT ? flow[W_IN_PORT] : action.port,
          action.table === 255 ? this.table : action.table,
          last,
          false,
        );
        return true;
      case "goto_table":
        this.tableAction(flow[W_IN_PORT], action.table, last, false);
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
        return this.change(action);
    }
  }

  /** fin_timeout: a TCP packet that ends a connection shortens the timeouts of its rule. */
  protected finTimeout(idle: number, hard: number): void {
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
  protected checkPacketLarger(length: number, destination: Subfield, rest: readonly OfAction[]): void {
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

  protected writeActions(actions: readonly OfAction[]): void {
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

  protected noteActionSet(verb: string): void {
    this.trace?.push({ ...traceNode("detail", `action set ${verb}`), actionSet: orderedActionSet(this.actionSet) });
  }

  protected executeActionSet(): void {
    if (this.actionSet.length === 0) return;
    const ordered = orderedActionSet(this.actionSet);
    this.actionSet = [];
    if (ordered.length === 0) return;
    this.inActionSet = true;
    this.push("table", "--. Executing action set:", () => this.translate(ordered, true, false));
    this.inActionSet = false;
  }

  protected isAlive(port: number): boolean {
    if (port >= OFPP_IN_PORT && port !== OFPP_LOCAL) return port !== OFPP_CONTROLLER;
    return this.bridge.port(port)?.up ?? false;
  }

  protected isBucketAlive(bucket: Bucket, depth: number): boolean {
    if (depth >= MAX_DEPTH) return false;
    const watchesPort = bucket.watchPort !== OFPP_NONE;
    const watchesGroup = bucket.watchGroup !== OFPG_ANY;
    if (!watchesPort && !watchesGroup) return true;
    if (watchesPort && this.isAlive(bucket.watchPort)) return true;
    const group = watchesGroup ? this.bridge.group(bucket.watchGroup) : undefined;
    if (group === undefined) return false;
    return group.buckets.some((inner) => {
      const lives = this.isBucketAlive(inner, depth + 1);
      if (!lives) this.noteDead(inner);
      return lives;
    });
  }

  /** Returns false when the group does not exist: the rest of the list is then not done. */
  protected groupAction(id: number, last: boolean): boolean {
    if (!this.withinLimits()) return true;
    const group = this.bridge.group(id);
    if (group === undefined) {
      this.note("warn", `output to nonexistent group ${id}`);
      return false;
    }
    if (group.type === "all" || group.type === "indirect") {
      const { buckets } = group;
      for (const bucket of buckets) this.bucketAction(bucket, last && bucket === buckets[buckets.length - 1]);
      this.countGroup(group, undefined);
      return true;
    }
    const alive = (bucket: Bucket): boolean => {
      const lives = this.isBucketAlive(bucket, 0) && (group.type !== "select" || bucket.weight > 0);
      if (!lives) this.noteDead(bucket);
      return lives;
    };
    let bucket: Bucket | undefined;
    if (group.type === "fast_failover") {
      bucket = group.buckets.find(alive);
    } else {
      if (this.wasMpls) {
        this.triggerFreeze();
        return true;
      }
      const chosen = chooseBucket(group, this.flow, this.mask, alive, (bucket, score) => {
        this.note("detail", `bucket ${bucket.id}: score ${score}`);
      });
      if (chosen === DP_HASH) {
        this.note("detail", "no live bucket"); // as Open vSwitch says, though it has not looked
        this.hashWanted = true;
        this.hashBasis = Number(group.selectionParam & 0xffffffffn) | 0;
        this.hashIsSymmetric = group.selectionMethod === "" || group.selectionParam >> 32n === 1n;
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

  protected noteDead({ id, watchPort, watchGroup }: Bucket): void {
    const watched = watchPort === OFPP_NONE ? [] : [`port ${portToText(watchPort)}`];
    if (watchGroup !== OFPG_ANY) watched.push(`port ${watchGroup}`);
    this.note("detail", `bucket ${id}: not live due to ${watched.join(" and ")}`);
  }

  protected countGroup(group: Group, bucket: Bucket | undefined): void {
    const counters = this.bridge.groupCounters(group.id);
    if (counters !== undefined)
      this.effects.counts({ credit: (packets, bytes) => counters.credit(bucket, packets, bytes) });
  }

  /** As on a copy of the packet (xlate_group_bucket). */
  protected bucketAction(bucket: Bucket, last: boolean): void {
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
  protected cloneActions(actions: readonly OfAction[], last: boolean): void {
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

  protected finishClone(): void {
    if (this.error === undefined && !this.freezing) this.executeActionSet();
    if (this.freezing) this.finishFreezing();
  }

  protected triggerFreeze(): void {
    this.exit = true;
    this.freezing = true;
  }

  protected finishFreezing(): void {
    this.commit();
    const id = this.host.freeze(this.frozenState(this.frozen));
    if (this.hashWanted) this.actions.push({ kind: "hash", basis: this.hashBasis, symmetric: this.hashIsSymmetric });
    this.actions.push({ kind: "recirc", id });
    this.freezing = false;
    this.hashWanted = false;
    this.frozen = [];
    this.exit = false;
  }

  /** After the last label was popped, actions on what lies below need the packet parsed again (recirc_for_mpls). */
  protected recirculateForMpls(action: OfAction): void {
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
}
