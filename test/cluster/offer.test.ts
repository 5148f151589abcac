/** Where the frames that are offered lie makes no difference: a trace next to the slots, or one that is too long for that. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { scenarioFile } from "../../bench/paths.ts";
import { loadTopology } from "../../bench/scenarios/loader.ts";
import { Fabric } from "../../datapath/fabric.ts";
import type { Trace } from "../../datapath/packet/trace.ts";
import { generateTrace } from "../../pcaps/generate/generate.ts";

/** The same frames at the end of 65 MB, which is more than a fabric copies. */
function farOff(trace: Trace): Trace {
  const room = 65 << 20;
  const bytes = new Uint8Array(new SharedArrayBuffer(room));
  const by = room - trace.bytes.length;
  bytes.set(trace.bytes, by);
  return { ...trace, bytes, start: trace.start.map((start) => start + by) };
}

/** All frames that VM2 gets of what VM1 sends. */
function delivered(trace: Trace): string[] {
  const topology = loadTopology(scenarioFile("vxlan", "dvr"));
  const fabric = new Fabric(topology, { answering: topology.vms.map(({ name }) => name) });
  const frames: string[] = [];
  fabric.tap = {
    delivered: (vm, bytes, start, end) => {
      frames.push(`${vm} ${Buffer.from(bytes.subarray(start, end)).toString("hex")}`);
    },
    underlay: () => {},
    wire: () => {},
  };
  const entry = fabric.entry(topology.vms[0].name);
  for (let n = 0; n < trace.count; n++) {
    fabric.offer(entry, trace, n, n * 1e6);
    fabric.settle();
  }
  assert.deepEqual(fabric.check(), []);
  return frames;
}

test("a long trace gives the same frames as a short one", () => {
  const trace = generateTrace({ frames: 50, flows: 5, size: "60:1,1020:1", seed: 3 });
  const near = delivered(trace);
  assert.ok(near.length >= 50, `${near.length} frames`);
  // The payload is what was sent, whatever the way did to the headers: Ethernet, IPv4 and UDP are 42 bytes.
  const sent = (n: number): string =>
    Buffer.from(trace.bytes.subarray(trace.start[n] + 42, trace.start[n] + trace.length[n])).toString("hex");
  for (let n = 0; n < trace.count; n++)
    assert.ok(
      near.some((frame) => frame.endsWith(sent(n))),
      `frame ${n}`,
    );
  assert.deepEqual(delivered(farOff(trace)), near);
});
