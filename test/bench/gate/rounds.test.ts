/** Numbers from rounds that were done in turn: what hits all processes in a round leaves their ratio as it is. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { seeded } from "../../../bench/gate/random.ts";
import { type Round, samplesOf } from "../../../bench/gate/rounds.ts";

const near = (actual: number, expected: number): void => assert.ok(Math.abs(actual - expected) < 1e-9, `${actual}`);
const both = (ns: number): Round => ({ clock: 2 * ns, cpu: ns });

test("the first one's lower quartile; the others by their median ratio to it", () => {
  const [base, head] = samplesOf([[100, 104, 108, 112, 300].map(both), [110, 114.4, 118.8, 400, 310].map(both)]);
  near(base.cpuNsPerPacket, 104);
  near(base.nsPerPacket, 208);
  near(head.cpuNsPerPacket, 104 * 1.1);
  near(head.nsPerPacket, 208 * 1.1);
  const [one, other] = samplesOf([[100, 100].map(both), [121, 100].map(both)]);
  near(other.cpuNsPerPacket / one.cpuNsPerPacket, 1.1);
});

test("a neighbour that doubles the time of half of the rounds does not show", () => {
  const uniform = seeded(3);
  const legs: Round[][] = [[], [], []];
  for (let r = 0; r < 41; r++) {
    const neighbour = uniform() < 0.5 ? 2 : 1;
    for (const [i, ratio] of [1, 1.05, 1].entries()) legs[i].push(both(100 * ratio * neighbour));
  }
  const [base, head, copy] = samplesOf(legs).map(({ cpuNsPerPacket }) => cpuNsPerPacket);
  near(head / base, 1.05);
  near(copy / base, 1);
});

test("rounds that are missing are a mistake", () => {
  assert.throws(() => samplesOf([]), /expected as many of each/);
  assert.throws(() => samplesOf([[both(1)], []]), /rounds of 1, 0/);
  assert.throws(() => samplesOf([[], []]), /above 0/);
});
