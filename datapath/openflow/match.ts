/**
 * What a rule matches: a value and a mask in the words of ../flow/flow-key.ts (OVS: struct match). A value has no bit set
 * that its mask has not. Text becomes this in match-text.ts.
 */
import { FLOW_WORDS } from "../flow/flow-key.ts";

export class Match {
  readonly value: Int32Array;
  readonly mask: Int32Array;

  constructor(value = new Int32Array(FLOW_WORDS), mask = new Int32Array(FLOW_WORDS)) {
    this.value = value;
    this.mask = mask;
  }

  clone(): Match {
    return new Match(this.value.slice(), this.mask.slice());
  }

  /** Word `word`: the bits of `mask` must be those of `value`. Other bits of the word stay as they are. */
  setBits(word: number, value: number, mask: number): void {
    this.value[word] = (this.value[word] & ~mask) | (value & mask);
    this.mask[word] |= mask;
  }

  /** Word `word`: the bits of `mask` are no longer matched. */
  clearBits(word: number, mask: number): void {
    this.value[word] &= ~mask;
    this.mask[word] &= ~mask;
  }

  equals(other: Match): boolean {
    for (let w = 0; w < FLOW_WORDS; w++) {
      if (this.mask[w] !== other.mask[w] || this.value[w] !== other.value[w]) return false;
    }
    return true;
  }

  /** A packet with this flow matches. */
  matches(flow: Int32Array): boolean {
    for (let w = 0; w < FLOW_WORDS; w++) if (((flow[w] ^ this.value[w]) & this.mask[w]) !== 0) return false;
    return true;
  }

  /**
   * Every packet that this matches is matched by `criteria` too, and this has a mask bit wherever `criteria` has one: the
   * relation that non-strict modify and delete select by (OVS: cls_cursor with a target, "rule_matches").
   */
  isWithin(criteria: Match): boolean {
    for (let w = 0; w < FLOW_WORDS; w++) {
      if ((criteria.mask[w] & ~this.mask[w]) !== 0) return false;
      if (((this.value[w] ^ criteria.value[w]) & criteria.mask[w]) !== 0) return false;
    }
    return true;
  }

  /** Some packet is matched by both. */
  overlaps(other: Match): boolean {
    for (let w = 0; w < FLOW_WORDS; w++) {
      if (((this.value[w] ^ other.value[w]) & this.mask[w] & other.mask[w]) !== 0) return false;
    }
    return true;
  }
}
