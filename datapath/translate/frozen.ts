/**
 * A translation that stopped half way because the packet must go round the datapath again: after the last MPLS label was
 * popped what lies below has to be parsed, and a select group may want a hash that the datapath makes (OVS: struct
 * frozen_state, ofproto/ofproto-dpif-rid.c). The recirculation id stands for this state; equal states share one, so that a
 * translation made anew gives the same actions.
 */
import { W_IN_PORT, W_METADATA, W_METADATA_HI, W_PKT_MARK, W_REG0, W_TUN_ID_HI } from "../flow/flow-key.ts";
import type { OfAction } from "../openflow/action.ts";
import type { FieldValue } from "../openflow/field.ts";
import type { Bridge } from "./bridge.ts";

/** Actions that wait for the packet to come round again, with the table that they were in. */
export interface FrozenActions {
  readonly table: number;
  readonly actions: readonly OfAction[];
}

/** A value that `push` put on the stack, and of how many bytes it is. */
export interface StackEntry {
  readonly value: FieldValue;
  readonly bytes: number;
}

export interface FrozenState {
  readonly bridge: Bridge;
  /** Where a packet was copied to the controller, which is told; 0 in all other states. */
  readonly table: number;
  /** Values of FROZEN_WORDS. */
  readonly metadata: Int32Array;
  readonly stack: readonly StackEntry[];
  /** What the rule gives the controller along with the packet. */
  readonly userdata: readonly number[];
  /** Empty: the packet starts again at table 0. */
  readonly actions: readonly FrozenActions[];
  readonly actionSet: readonly OfAction[];
}

/** What no packet carries: in_port, tunnel fields, metadata, registers (OVS: struct frozen_metadata). */
const FROZEN_WORDS: readonly number[] = [
  W_IN_PORT,
  W_METADATA,
  W_METADATA_HI,
  ...Array.from({ length: W_PKT_MARK - W_TUN_ID_HI }, (_, i) => W_TUN_ID_HI + i),
  ...Array.from({ length: 16 }, (_, i) => W_REG0 + i),
];

export function frozenMetadata(flow: Int32Array): Int32Array {
  return Int32Array.from(FROZEN_WORDS, (word) => flow[word]);
}

export function thawMetadata(metadata: Int32Array, into: Int32Array): void {
  FROZEN_WORDS.forEach((word, i) => {
    into[word] = metadata[i];
  });
}

/** Ids for states, from 1 upwards. States are kept as long as the switch: there are few different ones. */
export class FrozenStates {
  private readonly states: FrozenState[] = [];
  private readonly ids = new Map<string, number>();
  /** A number for each action object, so that lists of actions have a key. */
  private readonly actionNumbers = new WeakMap<OfAction, number>();
  private nextAction = 1;

  idFor(state: FrozenState): number {
    const key = [
      state.bridge.name,
      state.table,
      state.metadata.join(),
      state.stack.map(({ value, bytes }) => `${value.join(".")}/${bytes}`).join(),
      state.userdata.join(),
      state.actions.map(({ table, actions }) => `${table}:${this.listKey(actions)}`).join(),
      this.listKey(state.actionSet),
    ].join("|");
    const known = this.ids.get(key);
    if (known !== undefined) return known;
    this.states.push(state);
    this.ids.set(key, this.states.length);
    return this.states.length;
  }

  find(id: number): FrozenState | undefined {
    return this.states[id - 1];
  }

  private listKey(actions: readonly OfAction[]): string {
    return actions
      .map((action) => {
        let number = this.actionNumbers.get(action);
        if (number === undefined) {
          number = this.nextAction++;
          this.actionNumbers.set(action, number);
        }
        return number;
      })
      .join(".");
  }
}
