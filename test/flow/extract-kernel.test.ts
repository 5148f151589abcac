/** The kernel for the common frames gives what extract.ts gives for them, and takes no frame that it should leave. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { extractOthers } from "../../datapath/flow/extract.ts";
import { type ExtractKernel, extractModule } from "../../datapath/flow/extract-kernel.ts";
import { BURST, KEY_STRIDE, type PacketBatch } from "../../datapath/packet/packet-batch.ts";
import { fill, freeAll, fromHex, newBatch } from "./burst.ts";

const parses = JSON.parse(gunzipSync(readFileSync(join(process.cwd(), "test/golden/parses.json.gz"))).toString()) as [
  number,
  string,
  string,
][];
const kernelOf = (batch: PacketBatch): ExtractKernel => batch.pool.arena.kernels(extractModule);

/** Both ways in turn, the kernel in `one`; the number of frames it took. */
function compare(one: PacketBatch, two: PacketBatch, frames: readonly Uint8Array[], limit: number, n: number): number {
  for (const batch of [one, two]) {
    fill(batch, frames, 5, 0, n & 0xff);
    batch.recirculated = n % 3 === 0;
    for (let i = 0; i < frames.length; i++) {
      batch.recircId[i] = (n + i) % 7 === 0 ? 3 : 0;
      if ((n + i) % 4 === 0) {
        batch.tunId[i] = n * i;
        batch.tunSrc[i] = n + 0x0a000000;
        batch.tunDst[i] = i + 0x0b000000;
        batch.tunMeta[i] = 0x00400004;
      }
    }
  }
  const left = kernelOf(one).extractIpv4(one.base, frames.length, one.recirculated ? 1 : 0);
  extractOthers(one, left, limit);
  extractOthers(two, -1 >>> (BURST - frames.length), limit);
  let taken = 0;
  for (let i = 0; i < frames.length; i++) {
    if (((left >>> i) & 1) === 0) taken++;
    const at = `frame ${Buffer.from(frames[i]).toString("hex")}`;
    assert.equal(one.drop[i], two.drop[i], at);
    if (one.drop[i] !== 0) continue;
    const [k, end] = [i * KEY_STRIDE, (i + 1) * KEY_STRIDE];
    assert.deepEqual(one.keys.slice(k, end), two.keys.slice(k, end), at);
    for (const column of ["hash", "shape"] as const) assert.equal(one[column][i], two[column][i], `${column} of ${at}`);
    for (const column of ["l3", "l4"] as const) {
      const there = (batch: PacketBatch): number => (batch[column][i] === 0 ? -1 : batch[column][i] - batch.start[i]);
      assert.equal(there(one), there(two), `${column} of ${at}`);
    }
  }
  for (const batch of [one, two]) freeAll(batch);
  return taken;
}

test("golden frames, whole and cut, in places that held others", () => {
  const one = newBatch();
  const two = newBatch();
  let taken = 0;
  let total = 0;
  for (let n = 0; n < 400; n++) {
    const frames = Array.from({ length: 1 + (n % BURST) }, (_, i) => {
      const whole = fromHex(parses[(n * 131 + i * 37) % parses.length][1]);
      return (n + i) % 3 === 0 ? whole.subarray(0, (n * 7 + i) % (whole.length + 1)) : whole;
    });
    taken += compare(one, two, frames, 1 + (n % 2), n);
    total += frames.length;
  }
  assert.ok(taken > total / 20 && taken < total, `${taken} of ${total}`);
});

test("each byte of the headers of TCP and UDP frames changed to each of some values", () => {
  const one = newBatch();
  const two = newBatch();
  const mac = "020000000001020000000002";
  const tcp = "4500002c00010000400600000a0000010a0000020050c3500000000100000002600210000000000002040101";
  const udp = "4500002a000100004011000001020304050607080035c350001600000000000000000000000000000000";
  let n = 0;
  let taken = 0;
  for (const hex of [`${mac}0800${tcp}`, `${mac}0800${udp}`, `${mac}8100a0050800${tcp}`, `${mac}88a820050800${udp}`]) {
    const frame = fromHex(hex);
    for (let byte = 0; byte < frame.length; byte++) {
      const frames = [0, 1, 2, 6, 17, 0x1f, 0x20, 0x3f, 0x40, 0x45, 0x46, 0x4f, 0x50, 0x80, 0x81, 0xff].map((value) => {
        const changed = Uint8Array.from(frame);
        changed[byte] = value;
        return changed;
      });
      taken += compare(one, two, frames, 1 + (n % 2), ++n);
    }
  }
  assert.ok(taken > 1000, `${taken}`);
});
