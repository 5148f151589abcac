/** Large files, which several threads read into new memory: the same frames, and no reading into what is not theirs. */
import assert from "node:assert/strict";
import { closeSync, openSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { generateFile } from "../../pcaps/generate/generate.ts";
import { ReadAhead } from "../../pcaps/read-ahead.ts";
import { readCapture, readTrace } from "../../pcaps/read-trace.ts";
import { fileOf, scratch } from "./support.ts";

/** More than is read with plain calls, and no whole number of pieces. */
const FRAMES = 300_003;
const path = scratch("large.pcap");
generateFile(path, { frames: FRAMES, flows: 50, size: "60", seed: 7 });
const file = readFileSync(path);
const RECORD = 16 + 60;

/** Open files of this process that are called so. */
function open(name: string): number {
  let count = 0;
  for (const fd of readdirSync("/proc/self/fd")) {
    try {
      if (readFileSync(`/proc/self/fdinfo/${fd}`) && statSync(`/proc/self/fd/${fd}`).ino === statSync(name).ino)
        count++;
    } catch {
      // It was the folder's own.
    }
  }
  return count;
}

test("the bytes of the file, every frame where it is, and the file closed", async () => {
  const { trace, description } = await readCapture(path);
  assert.equal(trace.count, FRAMES);
  assert.equal(description.bytes, file.length);
  assert.ok(file.equals(trace.bytes));
  for (let i = 0; i < FRAMES; i++) {
    if (trace.start[i] !== 24 + i * RECORD + 16 || trace.length[i] !== 60) assert.fail(`frame ${i}: ${trace.start[i]}`);
  }
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(open(path), 0);
});

test("damaged in the middle: the error of that frame, the file closed", async () => {
  const damaged = Buffer.from(file);
  const at = 24 + 200_000 * RECORD;
  damaged.writeUInt32LE(300_000, at + 8);
  const name = fileOf(damaged);
  await assert.rejects(readTrace(name), {
    name: "InputError",
    message: new RegExp(`frame 200001 at offset ${at} says`),
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(open(name), 0);
});

test("cut off within a record: read up to there", async () => {
  const name = fileOf(file.subarray(0, 24 + 290_000 * RECORD + 30));
  const { count, warnings } = await readTrace(name);
  assert.equal(count, 290_000);
  assert.match(warnings[0], /^cut off: 290000 frames read/);
});

test("a file that becomes shorter while it is read ends there", async () => {
  const name = scratch("shrinks.bin");
  const bytes = Uint8Array.from({ length: 10 << 20 }, (_, i) => (i * 7) & 255);
  writeFileSync(name, bytes);
  const into = new Uint8Array(new SharedArrayBuffer(bytes.length + 3));
  const fd = openSync(name, "r");
  truncateSync(name, (5 << 20) + 1);
  const ahead = new ReadAhead(fd, 2, into, 3, into.length);
  let at = 3;
  for (let n = await ahead.next(); n > 0; n = await ahead.next()) at += n;
  await ahead.stop();
  closeSync(fd);
  assert.equal(at - 3, (5 << 20) + 1 - 2);
  assert.ok(Buffer.from(bytes.subarray(2, 2 + at - 3)).equals(into.slice(3, at)));
  assert.ok(into.subarray(at).every((byte) => byte === 0));
});

test("an error of the system is told once, to who asks for that piece", async () => {
  const into = new Uint8Array(new SharedArrayBuffer(12 << 20));
  const fd = openSync(".", "r"); // a directory cannot be read
  const ahead = new ReadAhead(fd, 0, into, 0, into.length);
  await assert.rejects(ahead.next(), { code: "EISDIR" });
  await ahead.stop();
  closeSync(fd);
});
