/**
 * Lists of actions within lists: the action set, clones, the two answers of check_pkt_larger; and how deep and how long
 * they may be.
 */
import type { OdpAction } from "../action/odp-action.ts";
import { W_ACTSET_OUTPUT } from "../flow/flow-key.ts";
import { OFPP_UNSET, type OfAction } from "../openflow/action.ts";
import type { Subfield } from "../openflow/field.ts";
import { orderedActionSet } from "./action-set.ts";
import { actionBytes, MAX_ACTION_BYTES } from "./action-size.ts";
import { writeSubfield } from "./flow-field.ts";
import { traceNode } from "./trace.ts";
import { XlateFreeze } from "./xlate-freeze.ts";

/** Nested resubmits, MAX_DEPTH. */
export const MAX_DEPTH = 64;
/** Resubmits of one packet, MAX_RESUBMITS. */
const MAX_RESUBMITS = MAX_DEPTH * MAX_DEPTH;

export abstract class XlateNested extends XlateFreeze {
  private measured: readonly OdpAction[] = [];
  private measuredCount = 0;
  private measuredBytes = 0;

  protected abstract translate(actions: readonly OfAction[], last: boolean, bucket: boolean): void;

  protected withinLimits(): boolean {
    if (this.depth >= MAX_DEPTH) {
      this.note("error", `over max translation depth ${MAX_DEPTH}`);
      this.error = "Recursion too deep";
    } else if (this.resubmits >= MAX_RESUBMITS) {
      this.note("error", `over ${MAX_RESUBMITS} resubmit actions`);
      this.error = "Too many resubmits";
    } else if (this.tooLong()) {
      // No error there: what has been written so far is done, and nothing more.
      this.note("error", "resubmits yielded over 64 kB of actions");
      this.exit = true;
      return false;
    } else if (this.stackBytes() >= 65536) {
      this.note("error", "resubmits yielded over 64 kB of stack");
      this.error = "Stack too deep";
    }
    return this.error === undefined;
  }

  /** Each value takes its bytes and one for their number (nx_stack_push). */
  private stackBytes(): number {
    let sum = 0;
    for (const entry of this.stack) sum += entry.bytes + 1;
    return sum;
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
}
