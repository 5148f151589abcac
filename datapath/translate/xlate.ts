/**
 * One translation: a packet's flow through the OpenFlow tables of as many bridges as it crosses, to datapath actions and the
 * mask of everything that was looked at on the way (OVS: xlate_actions and do_xlate_actions,
 * ofproto/ofproto-dpif-xlate.c; names in comments are from there). Here are tables and lists of actions, which call
 * each other; the classes below have the rest, each one part of it: XlateState what is kept, XlateChange headers and
 * registers, XlateOutput ports, XlateFreeze what stops half way, XlateNested lists in lists, XlateGroup groups.
 */
import {
  W_ACTSET_OUTPUT,
  W_IN_PORT,
  W_METADATA,
  W_METADATA_HI,
  W_RECIRC,
  W_SKB_PRIORITY,
  W_TOSTTL,
  W_TUN_DST,
  W_TYPE,
} from "../flow/flow-key.ts";
import { OFPP_IN_PORT, OFPP_UNSET, type OfAction } from "../openflow/action.ts";
import { subfieldGet } from "../openflow/field.ts";
import { bigOf } from "../openflow/syntax.ts";
import { examineSubfield, isIp, nwProto, PROTO_BITS } from "./flow-field.ts";
import { type FrozenActions, type FrozenState, thawMetadata } from "./frozen.ts";
import { executeLearn } from "./learn.ts";
import type { Port } from "./port.ts";
import { chooseLink, chooseMember } from "./select.ts";
import { traceAction, traceRule } from "./trace.ts";
import { XlateGroup } from "./xlate-group.ts";
import { clearTunnel } from "./xlate-state.ts";

/** With more outputs than this Open vSwitch 3.1 does not install a flow: each packet goes the slow path (asked, not documented). */
const MAX_INSTALLED_OUTPUTS = 1000;

export class Xlate extends XlateGroup {
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
    else if (this.flow[W_RECIRC] !== 0) {
      this.note("error", `Recirculation context not found for ID ${(this.flow[W_RECIRC] >>> 0).toString(16)}`);
      this.error = "No recirculation context";
    } else this.start(inPort);
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
    this.stack = state.stack.slice();
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
        this.sendToController(action.maxLength, action.reason, action.controller, action.userdata);
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
}
