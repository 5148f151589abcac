/**
 * What the fuzzers have in common: how many inputs, from which seed, and how an input is made from others.
 * EASTWEST_FUZZ=1000000 for a million of each kind, EASTWEST_FUZZ_SEED for others than those of seed 1. An input that
 * fails is told whole in the message, and goes to corpus.ts once it is mended.
 */
import { type TestContext, test } from "node:test";
import { Random } from "../conformance/random.ts";

const COUNT = Number(process.env["EASTWEST_FUZZ"] ?? 0);
export const SEED = process.env["EASTWEST_FUZZ_SEED"] ?? "1";

/** Runs `body` with a seeded source and how many inputs to try: `few` by default. Says how long a full run took. */
export function fuzz(
  name: string,
  few: number,
  body: (random: Random, count: number, t: TestContext) => void | Promise<void>,
): void {
  const count = COUNT > 0 ? COUNT : few;
  test(`fuzz: ${name} (${count} inputs, EASTWEST_FUZZ_SEED=${SEED})`, async (t) => {
    const begin = performance.now();
    await body(new Random(`fuzz ${name} ${SEED}`), count, t);
    t.diagnostic(`${count} inputs in ${((performance.now() - begin) / 1000).toFixed(1)} s`);
  });
}

/** Pieces that parsers trip over: ends of ranges, separators, half of a thing. */
const PIECES: readonly string[] = [
  "",
  ",",
  ",,",
  "=",
  "/",
  ":",
  "->",
  "(",
  ")",
  "()",
  "[",
  "]",
  "[]",
  "[0..31]",
  "[31..0]",
  "[-1]",
  "{}",
  '"',
  "'",
  "\\",
  " ",
  "\t",
  "\r",
  "\0",
  "%s",
  "0",
  "-1",
  "1",
  "255",
  "256",
  "65535",
  "65536",
  "4294967295",
  "4294967296",
  "18446744073709551615",
  "18446744073709551616",
  "0x",
  "0xffffffffffffffffffffffffffffffffff",
  "1e9",
  "NaN",
  "10.0.0.1",
  "10.0.0.0/33",
  "::1",
  "fe80::1/129",
  "ff:ff:ff:ff:ff:ff",
  "actions=",
  "constructor",
  "__proto__",
  "toString",
  "\u00e9",
  "\ud83d\ude00",
];

/** A text made of `texts`: pieces cut out, doubled, swapped, spliced, characters changed. */
export function mutateText(random: Random, texts: readonly string[]): string {
  let text = random.pick(texts);
  for (let n = random.pick([1, 1, 1, 2, 4]); n > 0; n--) {
    const at = random.below(text.length + 1);
    const length = random.below(random.chance(50) ? 4 : 20);
    const rest = text.slice(at + length);
    switch (random.below(8)) {
      case 0:
        text = text.slice(0, at) + rest;
        break;
      case 1:
        text = text.slice(0, at) + random.pick(PIECES) + text.slice(at);
        break;
      case 2:
        text = text.slice(0, at) + random.pick(PIECES) + rest;
        break;
      case 3:
        text = text.slice(0, at + length) + text.slice(at);
        break;
      case 4:
        text = text.slice(0, at) + String.fromCharCode(random.int(1, 126)) + text.slice(at + 1);
        break;
      case 5: {
        // The number that stands here becomes another.
        text = text.replace(/\d+/g, (digits) => (random.chance(20) ? random.pick(PIECES) : digits));
        break;
      }
      default: {
        const other = random.pick(texts);
        const from = random.below(other.length + 1);
        text = text.slice(0, at) + other.slice(from, from + random.below(40)) + rest;
      }
    }
    if (text.length > 4000) text = text.slice(0, 4000);
  }
  return text;
}

const BYTES: readonly number[] = [
  0, 1, 4, 5, 6, 8, 0x11, 0x2f, 0x3a, 0x40, 0x45, 0x46, 0x4f, 0x60, 0x7f, 0x80, 0x81, 0xff,
];

/** Frame bytes made of `frames`: fields changed, the end cut off or filled up, two joined. At most `room` bytes. */
export function mutateBytes(random: Random, frames: readonly Uint8Array[], room: number): Uint8Array {
  let frame = random.pick(frames).slice();
  for (let n = random.below(5); n > 0; n--) {
    const at = random.below(Math.min(frame.length, random.chance(70) ? 64 : frame.length) + 1);
    switch (random.below(7)) {
      case 0:
        if (at < frame.length) frame[at] = random.pick(BYTES);
        break;
      case 1:
        if (at < frame.length) frame[at] ^= 1 << random.below(8);
        break;
      case 2:
        if (at < frame.length) frame[at] = random.below(256);
        break;
      case 3:
        frame = frame.slice(0, at);
        break;
      case 4: {
        // A piece goes, or comes twice: what follows stands elsewhere.
        const length = random.pick([1, 2, 4, 4, 8, 14, 20]);
        const back = random.chance(50) ? at + length : Math.max(0, at - length);
        frame = Uint8Array.of(...frame.subarray(0, at), ...frame.subarray(back));
        break;
      }
      case 5: {
        const other = random.pick(frames);
        frame = Uint8Array.of(...frame.subarray(0, at), ...other.subarray(random.chance(50) ? 0 : 14));
        break;
      }
      default:
        frame = Uint8Array.of(...frame, ...Array.from({ length: random.below(64) }, () => random.below(256)));
    }
  }
  return frame.length > room ? frame.slice(0, room) : frame;
}
