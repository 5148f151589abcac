/** The copy within the memory of packets: every length, byte for byte, and not a byte beside it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PacketPool } from "../../datapath/packet/packet-pool.ts";

test("every length is copied whole, and nothing around it is touched", () => {
  const pool = new PacketPool(4);
  const frame = Uint8Array.from({ length: pool.room }, (_, i) => (i * 151 + 7) & 0xff);
  const lengths = [...Array.from({ length: 200 }, (_, i) => i), 508, 1020, 1514, 1515, pool.room];
  for (const length of lengths) {
    for (const shift of [0, 1, 15]) {
      if (length + shift > pool.room) continue;
      const [from, to] = [pool.home(1), pool.home(3) + shift];
      pool.bytes.fill(0xee);
      pool.bytes.set(frame.subarray(0, length), from);
      const expected = pool.bytes.slice();
      expected.set(frame.subarray(0, length), to);
      pool.copy(from, to, length);
      assert.ok(Buffer.from(expected).equals(pool.bytes), `${length} bytes, ${shift} further`);
    }
  }
});
