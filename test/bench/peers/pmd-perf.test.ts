import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePmdPerf, tscHz } from "../../../bench/peers/pmd-perf.ts";
import { recorded } from "./recorded.ts";

test("pmd-perf-show with the exact-match cache off: every hit is a megaflow hit", () => {
  const [perf, ...more] = parsePmdPerf(recorded("pmd-perf-emc-off.txt"));
  assert.equal(more.length, 0);
  assert.deepEqual(perf, {
    core: 1,
    seconds: 2.529,
    iterations: 993257,
    usedCycles: 6565066014,
    usedShare: 0.998,
    busyShare: 1,
    rxPackets: 31784256,
    cyclesPerPacket: 207,
    txPackets: 31784224,
    passes: 31784256,
    exactHits: 0,
    signatureHits: 0,
    simpleHits: 0,
    megaflowHits: 31784224,
    lookupsPerHit: 1,
    upcalls: 0,
    upcallMicroseconds: 0,
    lostUpcalls: 0,
  });
  // The machine's counter runs at 2.6 GHz, as testpmd prints on the same machine.
  assert.ok(Math.abs(tscHz(perf) / 2.6e9 - 1) < 0.002, String(tscHz(perf)));
});

test("pmd-perf-show with the exact-match cache on", () => {
  const [perf] = parsePmdPerf(recorded("pmd-perf-emc-on.txt"));
  const underWay = perf.passes - perf.exactHits - perf.megaflowHits - perf.upcalls;
  assert.ok(underWay >= 0 && underWay <= 32, `${underWay} packets of a burst`);
  assert.ok(perf.exactHits > 0.99 * perf.passes);
  assert.equal(perf.lookupsPerHit, 1.48);
});

test("pmd-perf-show of a thread that received nothing has no lines of caches", () => {
  const text = `
Time: 09:46:36.831
Measurement duration: 2.006 s

pmd thread numa_id 0 core_id 1:

  Iterations:             22710521  (0.09 us/it)
  - Used TSC cycles:    5207052630  ( 99.8 % of total cycles)
  - idle iterations:      22710521  (100.0 % of used cycles)
  - busy iterations:             0  (  0.0 % of used cycles)
  - sleep iterations:            0  (  0.0 % of iterations)
  Sleep time (us):               0  (  0 us/iteration avg.)
  Rx packets:                    0
  Tx packets:                    0
`;
  const [perf] = parsePmdPerf(text);
  assert.equal(perf.rxPackets, 0);
  assert.equal(perf.passes, 0);
  assert.equal(perf.busyShare, 0);
  assert.equal(perf.iterations, 22710521);
});

test("several threads, each with its core; the time stands once a thread", () => {
  const one = recorded("pmd-perf-emc-off.txt");
  const cores = parsePmdPerf(one + one.replace("core_id 1", "core_id 3")).map(({ core }) => core);
  assert.deepEqual(cores, [1, 3]);
  assert.deepEqual(parsePmdPerf("ovs-appctl: no threads\n"), []);
});

test("a text without a line that counts is refused with the line's name", () => {
  const text = recorded("pmd-perf-emc-off.txt").replace(/^.*EMC hits.*\n/m, "");
  assert.throws(() => parsePmdPerf(text), /no line "EMC hits" for core 1/);
});
