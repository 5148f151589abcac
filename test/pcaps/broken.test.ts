/** Files that are cut off anywhere, or damaged anywhere: an InputError or a trace, never another error, never a read past the end. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import type { Trace } from "../../datapath/packet/trace.ts";
import { Random } from "../../pcaps/generate/random.ts";
import { InputError } from "../../pcaps/input-error.ts";
import { captureInfo } from "../../pcaps/inspect/capture-info.ts";
import { readTrace, TraceWindows } from "../../pcaps/read-trace.ts";
import { anyFrame, enhancedPacket, interfaceBlock, option, pcap, sectionHeader } from "./byte-captures.ts";
import { fileOf, fixtures, framesOf } from "./support.ts";

const samples = ["micro.pcap", "nano.pcapng", "sections.pcapng", "cooked2.pcap"];
const sample = (name: string): Uint8Array => readFileSync(join(fixtures, name));

async function attempt(bytes: Uint8Array, what: string): Promise<Trace | InputError> {
  try {
    const trace = await readTrace(fileOf(bytes));
    for (let i = 0; i < trace.count; i++) {
      const inside = trace.start[i] >= 0 && trace.length[i] >= 0 && trace.start[i] + trace.length[i] <= bytes.length;
      assert.ok(inside, `${what}: frame ${i} lies outside the file`);
      assert.ok(trace.wireLength[i] >= trace.length[i], `${what}: frame ${i} has a wire length below its length`);
      assert.ok(trace.time[i] >= 0 && (i === 0 || trace.time[i] >= trace.time[i - 1]), `${what}: time of frame ${i}`);
    }
    return trace;
  } catch (error) {
    assert.ok(error instanceof InputError, `${what}: ${(error as Error).stack}`);
    assert.ok(!error.message.includes("\n"), what);
    return error;
  }
}

for (const name of samples) {
  test(`${name} cut off at every byte`, async () => {
    const bytes = sample(name);
    const whole = (await attempt(bytes, name)) as Trace;
    const frames = framesOf(whole);
    let most = 0;
    for (let length = 0; length < bytes.length; length++) {
      const got = await attempt(bytes.subarray(0, length), `${length} bytes`);
      if (got instanceof InputError) {
        assert.equal(most, 0, `${length} bytes: refused, though fewer bytes gave frames: ${got.message}`);
        continue;
      }
      assert.ok(got.count >= most, `${length} bytes: fewer frames than before`);
      most = got.count;
      assert.deepEqual(framesOf(got), frames.slice(0, got.count));
      const cutWithin = got.warnings.some((warning) => warning.startsWith("cut off"));
      assert.ok(cutWithin || got.count < whole.count || name.endsWith("ng"), `${length} bytes: no word about the end`);
    }
    assert.equal(most, whole.count - 1);
  });
}

const SEED = 20150601;
for (const name of samples) {
  test(`${name} with bytes changed at random, seed ${SEED}`, async () => {
    const original = sample(name);
    const random = new Random(SEED);
    let refused = 0;
    for (let round = 0; round < 400; round++) {
      const bytes = Uint8Array.from(original);
      for (let edits = 1 + random.below(4); edits > 0; edits--) bytes[random.below(bytes.length)] = random.next();
      const got = await attempt(bytes, `round ${round}`);
      if (got instanceof InputError) refused++;
    }
    assert.ok(refused > 0 && refused < 400, `${refused} of 400 refused: both kinds have to occur`);
  });
}

test(`frames of random bytes are looked into without an exception, seed ${SEED}`, async () => {
  const random = new Random(SEED);
  const original = sample("nano.pcap");
  for (let round = 0; round < 200; round++) {
    const bytes = Uint8Array.from(original);
    // Only within the frames, so that the file stays whole.
    for (let at = 24; at < bytes.length; ) {
      const length = new DataView(bytes.buffer).getUint32(at + 8, true);
      for (let edits = random.below(6); edits > 0; edits--) bytes[at + 16 + random.below(length)] = random.next();
      at += 16 + length;
    }
    const info = await captureInfo(fileOf(bytes));
    assert.equal(info.frames, 12);
    assert.equal(info.ethertypes.reduce((sum, one) => sum + one.frames, 0) + info.odd.short, 12);
  }
});

test("gzip: cut off anywhere gives frames and a warning, damaged data an error", async () => {
  const bytes = sample("micro.pcap");
  const zipped = gzipSync(bytes);
  const whole = await readTrace(fileOf(zipped));
  assert.equal(whole.count, 12);
  assert.deepEqual(whole.warnings, []);
  let warned = 0;
  for (let length = 2; length < zipped.length; length += 3) {
    try {
      const trace = await readTrace(fileOf(zipped.subarray(0, length)));
      assert.ok(trace.warnings.includes("the gzip data is cut off"), `${length} bytes: ${trace.warnings}`);
      assert.deepEqual(framesOf(trace), framesOf(whole).slice(0, trace.count));
      warned++;
    } catch (error) {
      assert.ok(error instanceof InputError, `${length} bytes: ${error}`);
    }
  }
  assert.ok(warned > 10, `${warned} of the files gave frames`);
  const damaged = Uint8Array.from(zipped);
  damaged[damaged.length - 6] ^= 0x55; // the checksum of the member
  await assert.rejects(readTrace(fileOf(damaged)), /the gzip data is damaged: incorrect data check/);
});

test("a window that one record does not fit into says so", async () => {
  const frame = new Uint8Array(200_000);
  const header = Buffer.from(sample("micro.pcap").subarray(0, 24));
  const record = Buffer.alloc(16);
  record.writeUInt32LE(frame.length, 8);
  record.writeUInt32LE(frame.length, 12);
  const path = fileOf(Buffer.concat([header, record, frame, record, frame]));
  const windows = await TraceWindows.open(path, { memory: 100_000 });
  await assert.rejects(async () => {
    for await (const window of windows) assert.ok(window.count > 0);
  }, /the record at offset 24 does not fit into a window of \d+ bytes: give more memory/);
});

test("what holds no frame says why: cooked packets without addresses, gzip that ends behind its header", async () => {
  const cooked = pcap([{ frame: Array(60).fill(9), seconds: 1, fraction: 0 }], { linkType: 113 });
  await assert.rejects(readTrace(fileOf(cooked)), /holds no frame: .*1 of 1 cooked packets left out/);
  const packed = gzipSync(pcap([{ frame: anyFrame(60, 1), seconds: 1, fraction: 0 }]));
  await assert.rejects(readTrace(fileOf(packed.subarray(0, 10))), /holds no byte behind its gzip header: .* cut off/);
});

test("a clock beyond the year 9999 is shown as seconds", async () => {
  const seconds = option(true, 9, [0x80]);
  const file = [
    ...sectionHeader(true),
    ...interfaceBlock(true, 1, 0, seconds),
    ...enhancedPacket(true, 0, 1n << 62n, anyFrame(60, 1)),
  ];
  const { time } = await captureInfo(fileOf(Uint8Array.from(file)));
  assert.match(time.first, /^@46116860184\d+\.\d{9}$/);
});
