import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { plainCapture, readOutput } from "../../../bench/peers/plain-capture.ts";
import { readTrace } from "../../../pcaps/read-trace.ts";

const folder = mkdtempSync(join(tmpdir(), "eastwest-test-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** One record of 20 bytes and one of 14, in a big-endian file with nanoseconds (draft-ietf-opsawg-pcap 4, 5). */
const NANOSECONDS = Buffer.from(
  "a1b23c4d000200040000000000000000000400000000000100000001000f42400000001400000014" +
    "0200000000020200000000010800aabbccddeeff" +
    "00000002000000640000000e0000000e02000000000202000000000108060000".slice(0, 60),
  "hex",
);

test("a capture comes out with the same frames, times to the microsecond", async () => {
  const file = join(folder, "in.pcap");
  writeFileSync(file, NANOSECONDS);
  const trace = await readTrace(file);
  const out = join(folder, "out.pcap");
  writeFileSync(out, plainCapture(trace));
  const again = await readTrace(out);
  assert.equal(again.count, 2);
  for (let i = 0; i < 2; i++) {
    const of = ({ bytes, start, length }: typeof trace): string =>
      Buffer.from(bytes.subarray(start[i], start[i] + length[i])).toString("hex");
    assert.equal(of(again), of(trace));
  }
  assert.equal(Math.floor((again.time[1] - again.time[0]) / 1000), Math.floor((trace.time[1] - trace.time[0]) / 1000));
});

test("runts stand in front, shorter than an Ethernet header", async () => {
  const file = join(folder, "runts.pcap");
  writeFileSync(join(folder, "in.pcap"), NANOSECONDS);
  writeFileSync(file, plainCapture(await readTrace(join(folder, "in.pcap")), 3));
  const trace = await readTrace(file);
  assert.deepEqual([...trace.length], [10, 10, 10, 20, 14]);
});

test("a file in which nothing was written gives no frames", async () => {
  const file = join(folder, "empty.pcap");
  writeFileSync(file, NANOSECONDS.subarray(0, 24));
  assert.deepEqual(await readOutput(file), []);
});
