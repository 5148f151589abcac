/** Frames in one line, against what tcpdump itself printed (`record-tcpdump.py` beside this file). */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { describe } from "../../datapath/wire/describe.ts";

interface Recording {
  readonly frames: readonly (readonly [string, string, string])[];
}
const recording = JSON.parse(readFileSync("test/golden/describe.json", "utf8")) as Recording;

/** What tcpdump knows and describe.ts says it does not: application data, and protocols without a printer here. */
const BEYOND: readonly RegExp[] = [
  /\[\|domain\]$/, // random bytes to port 53
  /: HTTP$/,
  /LLDP/,
  /802\.1B I/, // random bytes as LLC
  /^(|.*: ) \[\|arp\]$/, // RARP with random lengths in it
  /who-are-you reply/, // an experiment of RFC 4620
];

test("describe prints what tcpdump prints", () => {
  let beyond = 0;
  for (const [hex, plain, withLink] of recording.frames) {
    const frame = new Uint8Array(Buffer.from(hex, "hex"));
    for (const [expected, link] of [
      [plain, false],
      [withLink, true],
    ] as const) {
      const line = describe(frame, 0, frame.length, link);
      if (line !== expected && BEYOND.some((pattern) => pattern.test(expected))) beyond++;
      else assert.equal(line, expected, hex);
    }
  }
  assert.ok(recording.frames.length >= 400);
  assert.ok(beyond <= 12, `${beyond} lines are beyond it`);
});

test("the line of the article", () => {
  const line = recording.frames
    .map(([, plain]) => plain)
    .find((plain) => /^IP 10\.11\.1\.115 > 10\.11\.1\.11\d: GREv0, key=0x\d, length 106: IP 192/.test(plain));
  assert.ok(line !== undefined, "the recording has it");
});

test("a frame at another offset, snapped, cut anywhere: no exception, the same words", () => {
  for (const [hex, plain] of recording.frames) {
    const bytes = new Uint8Array(Buffer.from(hex, "hex"));
    const frame = new Uint8Array(bytes.length + 200).fill(0x45);
    frame.set(bytes, 77);
    const line = describe(frame, 77, 77 + bytes.length);
    assert.equal(line, describe(bytes, 0, bytes.length), plain);
    for (let length = 0; length < Math.min(bytes.length, 200); length += 7) {
      assert.equal(typeof describe(frame, 77, 77 + length, true, 77 + bytes.length), "string");
    }
  }
});
