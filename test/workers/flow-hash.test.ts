import assert from "node:assert/strict";
import { test } from "node:test";
import { networks, recordedFile } from "../../bench/paths.ts";
import type { Trace } from "../../datapath/packet/trace.ts";
import { generateTrace } from "../../pcaps/generate/generate.ts";
import { readTrace } from "../../pcaps/read-trace.ts";
import { TraceBuilder } from "../../pcaps/trace-builder.ts";
import { FlowHasher } from "../../workers/flow-hash.ts";
import { shareOut } from "../../workers/shares.ts";

const all = (trace: Trace): Int32Array => Int32Array.from({ length: trace.count }, (_, i) => i);
const hashesOf = (trace: Trace): Int32Array => new FlowHasher().hash(trace, all(trace));
const traceOf = (...frames: Uint8Array[]): Trace => {
  const builder = new TraceBuilder("made by hand");
  for (const frame of frames) builder.add(frame, 0, frame.length, 0, 0);
  return builder.build();
};

/** Ethernet, IPv4 and 8 bytes of ports and what follows. */
function ipv4(
  source: number,
  destination: number,
  protocol: number,
  from: number,
  to: number,
  fragment = 0,
): Uint8Array {
  const frame = new Uint8Array(60);
  frame.set([
    2,
    0,
    0,
    0,
    0,
    2,
    2,
    0,
    0,
    0,
    0,
    1,
    8,
    0,
    0x45,
    0,
    0,
    46,
    0,
    1,
    fragment >> 8,
    fragment & 255,
    64,
    protocol,
  ]);
  frame.set([10, 0, 0, source, 10, 0, 0, destination], 26);
  frame.set([from >> 8, from & 255, to >> 8, to & 255], 34);
  return frame;
}

test("both directions of a connection have one hash, others have others", () => {
  for (const protocol of [6, 17, 132]) {
    const hashes = hashesOf(
      traceOf(
        ipv4(1, 2, protocol, 1000, 80),
        ipv4(2, 1, protocol, 80, 1000),
        ipv4(1, 2, protocol, 80, 1000),
        ipv4(1, 2, protocol, 1001, 80),
        ipv4(1, 3, protocol, 1000, 80),
        ipv4(1, 1, protocol, 7, 9),
        ipv4(1, 1, protocol, 9, 7),
      ),
    );
    assert.equal(hashes[0], hashes[1]);
    assert.equal(hashes[5], hashes[6]);
    assert.equal(new Set(hashes).size, 5, `protocol ${protocol}`);
  }
});

test("where there are fragments, addresses alone decide; elsewhere ports do", () => {
  const trace = traceOf(
    ipv4(1, 2, 17, 1000, 53),
    ipv4(1, 2, 17, 1001, 53),
    ipv4(1, 2, 17, 1000, 53, 0x2000),
    ipv4(1, 2, 17, 0xdead, 0xbeef, 0x0010),
    ipv4(1, 3, 17, 1000, 53),
    ipv4(1, 3, 17, 1001, 53),
  );
  const hasher = new FlowHasher();
  hasher.scan(trace, all(trace));
  const hashes = hasher.hash(trace, all(trace));
  assert.equal(new Set(hashes.subarray(0, 4)).size, 1);
  assert.equal(new Set(hashes.subarray(4)).size, 2);
});

test("a frame in a tunnel has the hash that it has without", () => {
  const options = {
    frames: 300,
    flows: 50,
    seed: 3,
    size: "120",
    ipv6: 0.3,
    protocols: { udp: 1, tcp: 1, icmp: 1 },
  } as const;
  const plain = hashesOf(generateTrace({ ...options, scenario: "p2p" }));
  for (const encapsulation of ["gre", "vxlan", "geneve", "vlan", "qinq"] as const) {
    assert.deepEqual(hashesOf(generateTrace({ ...options, scenario: "p2p", encapsulation })), plain, encapsulation);
  }
  assert.ok(new Set(plain).size > 20);
});

test("recorded: what VM1 sent and what VM2 sent back meet, on the underlay too", async () => {
  for (const network of networks) {
    const [vm1, vm2, underlay] = await Promise.all(
      ["vm1", "vm2", "underlay"].map((place) => readTrace(recordedFile(network, "legacy", place))),
    );
    const echoes = (trace: Trace): Set<number> => {
      const hashes = hashesOf(trace);
      return new Set(
        all(trace)
          .filter((i) => isEcho(trace, i))
          .map((i) => hashes[i]),
      );
    };
    const at1 = echoes(vm1);
    assert.ok(at1.size > 0);
    for (const hash of echoes(vm2)) if (at1.has(hash)) assert.ok(hashesOf(underlay).includes(hash));
    assert.ok(
      [...echoes(vm2)].some((hash) => at1.has(hash)),
      network,
    );
  }
});

const isEcho = ({ bytes, start, length }: Trace, i: number): boolean =>
  length[i] > 34 && bytes[start[i] + 12] === 8 && bytes[start[i] + 13] === 0 && bytes[start[i] + 23] === 1;

test("anything at all has a hash: short frames, lying lengths", () => {
  const whole = ipv4(1, 2, 17, 1000, 4789);
  for (let length = 0; length <= whole.length; length++) {
    const trace = traceOf(whole.slice(0, length));
    assert.equal(hashesOf(trace).length, 1);
  }
});

test("shares are even, and a flow has one worker", () => {
  const trace = generateTrace({ frames: 20_000, flows: 1000, seed: 9, scenario: "p2p" });
  const hashes = hashesOf(trace);
  for (const workers of [1, 2, 3, 8]) {
    const owner = shareOut(hashes, workers);
    const count = new Float64Array(workers);
    const byHash = new Map<number, number>();
    for (const [i, worker] of owner.entries()) {
      count[worker]++;
      assert.equal(byHash.get(hashes[i]) ?? worker, worker);
      byHash.set(hashes[i], worker);
    }
    const most = Math.max(...count);
    assert.ok(most <= (1.005 * trace.count) / workers, `${workers} workers: ${count.join(", ")}`);
  }
});
