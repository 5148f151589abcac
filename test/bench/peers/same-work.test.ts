import assert from "node:assert/strict";
import { test } from "node:test";
import { differences, largestShareDifference, type OnePass } from "../../../bench/peers/same-work.ts";
import type { Trace } from "../../../datapath/packet/trace.ts";

/** A trace of frames written in hexadecimal. */
function traceOf(...frames: string[]): Trace {
  const all = frames.map((frame) => Uint8Array.from(Buffer.from(frame, "hex")));
  const bytes = new Uint8Array(all.reduce((sum, frame) => sum + frame.length, 0));
  const start = new Int32Array(all.length);
  const length = new Int32Array(all.length);
  let at = 0;
  for (const [i, frame] of all.entries()) {
    bytes.set(frame, at);
    start[i] = at;
    length[i] = frame.length;
    at += frame.length;
  }
  return {
    name: "test",
    count: all.length,
    bytes,
    start,
    length,
    wireLength: length,
    time: new Float64Array(all.length),
    epochNs: 0n,
    warnings: [],
  };
}

const pass = (port: string, frames: string[], rules: Record<string, number>): OnePass => ({
  outputs: new Map([[port, [traceOf(...frames)]]]),
  rules: new Map(Object.entries(rules)),
});
const name = (cookie: string): string => `rule ${cookie}`;

// An outer Ethernet, IPv4 and UDP header to port 4789, then VXLAN and an inner frame; the source port is free.
const outer = (sourcePort: string): string =>
  `02000a0b017402000a0b0173080045000046000040004011236c0a0b01730a0b0174${sourcePort}12b500320000` +
  "0800000000000500020000000102020000000101080045000014000000004000667e0a0000040a800001";

test("the same frames and counts in any order are the same work", () => {
  const a = pass("2", ["aa00", "bb11", "aa00"], { "0x1": 3 });
  const b = pass("2", ["bb11", "aa00", "aa00"], { "0x1": 3 });
  assert.deepEqual(differences(a, b, false, name), []);
});

test("one byte, one frame, one port, one count: each is seen", () => {
  const a = pass("2", ["aa00", "bb11"], { "0x1": 2 });
  const one = (other: OnePass): string => differences(a, other, false, name).join("\n");
  assert.match(
    one(pass("2", ["aa00", "bb10"], { "0x1": 2 })),
    /^port 2: 2 frames, ours 2; 1 of theirs.*1 of ours.*one: bb11$/,
  );
  assert.match(one(pass("2", ["aa00"], { "0x1": 2 })), /^port 2: 2 frames, ours 1; 1 of theirs/);
  assert.match(
    one(pass("2", ["aa00", "aa00", "bb11"], { "0x1": 2 })),
    /ours 3; 0 of theirs we did not send, 1 of ours/,
  );
  assert.match(
    one(pass("3", ["aa00", "bb11"], { "0x1": 2 })),
    /^port 2: 2 frames, ours 0;.*\nport 3: 0 frames, ours 2;/,
  );
  assert.equal(
    one(pass("2", ["aa00", "bb11"], { "0x1": 1, "0x2": 1 })),
    "rule 0x1: n_packets 2, ours 1\nrule 0x2: n_packets 0, ours 1",
  );
});

test("the source port of a VXLAN header does not count, everything else of it does", () => {
  const a = pass("underlay", [outer("8f01")], {});
  const b = pass("underlay", [outer("c123")], {});
  assert.deepEqual(differences(a, b, true, name), []);
  assert.equal(differences(a, b, false, name).length, 1);
  assert.equal(differences(a, pass("underlay", [outer("c123").replace("12b5", "12b6")], {}), true, name).length, 1);
});

test("shares of rules do not depend on how long a side ran", () => {
  const theirs = new Map([
    ["0x1", 9_000_000],
    ["0x2", 1_000_000],
  ]);
  assert.equal(
    largestShareDifference(
      theirs,
      new Map([
        ["0x1", 900],
        ["0x2", 100],
      ]),
    ).difference,
    0,
  );
  const { difference, cookie } = largestShareDifference(
    theirs,
    new Map([
      ["0x1", 900],
      ["0x3", 100],
    ]),
  );
  assert.ok(Math.abs(difference - 0.1) < 1e-12);
  assert.ok(cookie === "0x2" || cookie === "0x3");
});
