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

test("a TCP option of a lying length is read as tcpdump 4.99.3 reads it, and never past the frame", () => {
  // From tcpdump -nK: kind 8 of length 8 and 12, mss of length 3, sackOK of length 4.
  const lying: readonly (readonly [string, string])[] = [
    ["0101080c0c032f632c51ab0001010101", "nop,nop,TS val 201535331 ecr 743549696[len 12],nop,nop,nop,nop"],
    ["020301020204ffff", "mss 258[len 3],mss 65535"],
    ["0303070104020402", "wscale 7,nop,sackOK,sackOK"],
  ];
  for (const [options, expected] of lying)
    assert.match(describeOptions(options), new RegExp(`options \\[${escaped(expected)}\\]`));
  // The last byte of the timestamp is not in the frame: what lies behind it in memory must not show.
  const cut = "010108080c032f632c51ab";
  assert.match(describeOptions(cut), /options \[nop,nop,TS\[bad opt\]/);
});

const escaped = (text: string): string => text.replaceAll(/[[\]]/g, "\\$&");

/** The line of a segment with these options, whose header says it is as long as they are, up to a multiple of four. */
function describeOptions(hex: string): string {
  const options = Buffer.from(hex, "hex");
  const words = Math.ceil(options.length / 4);
  const frame = Buffer.concat([
    Buffer.from("fa163ecd508dfa163e176ba70800", "hex"),
    Buffer.from("450000000001400040060000c0a8010bc0a8020b", "hex"),
    Buffer.from("c808145100000001000000020010004000000000", "hex"),
    options,
  ]);
  frame.writeUInt16BE(40 + 4 * words, 16);
  frame[14 + 20 + 12] = (5 + words) << 4;
  return describe(new Uint8Array(frame), 0, frame.length, false);
}
