/** The bars' captures and rules mean what they say, by our own switch; that OVS-DPDK agrees is checked at every run of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { barCommand, bars, writeBar } from "../../../bench/peers/bars.ts";
import { verdictOf } from "../../../bench/peers/bars-report.ts";
import type { Ratio } from "../../../bench/peers/paired-ratio.ts";
import type { ReplayResult } from "../../../bench/replay/result.ts";
import { eastwest, withFolder } from "../cli.ts";

test("each bar: its command replays, every packet leaves, as many masks as it says", () =>
  withFolder((folder) => {
    for (const bar of bars) {
      const files = writeBar(bar, folder);
      const [, , , ...args] = barCommand(bar, files).split(" ");
      const ran = eastwest("replay", ...args, "--no-timing", "--json", "-");
      assert.equal(ran.status, 0, ran.stderr);
      const { cache, packets, transmitted, rules } = JSON.parse(ran.stdout) as ReplayResult;
      assert.equal(packets, bar.capture.frames);
      assert.equal(transmitted.packets, packets, bar.name);
      assert.equal(cache.masks, bar.masks, bar.name);
      for (const rule of rules) {
        // Uniform over the last five bits of the port: a 32nd each, within 6 standard deviations.
        const share = packets / rules.length;
        assert.ok(Math.abs(rule.packets - share) <= 6 * Math.sqrt(share), `${bar.name}: ${rule.packets} of ${share}`);
      }
    }
  }));

test("a verdict takes the whole interval", () => {
  const ratio = (low: number, high: number): Ratio => ({
    ...{ pairs: 10, estimate: (low + high) / 2, confidence: 0.95, deviation: 0 },
    low,
    high,
  });
  assert.equal(verdictOf(2, ratio(2, 2.2)), "met");
  assert.equal(verdictOf(2, ratio(1.9, 2.2)), "open");
  assert.equal(verdictOf(2, ratio(1.7, 1.99)), "missed");
  assert.equal(verdictOf(2, { ...ratio(2.1, 2.2), pairs: 2, confidence: 0.5 }), "open");
  assert.equal(verdictOf(2, undefined), "open");
});
