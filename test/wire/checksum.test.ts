/** RFC vectors, and updates against computing anew. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { put16, put32 } from "../../datapath/wire/bytes.ts";
import {
  checksum,
  checksumAdd,
  checksumFold,
  checksumUpdate16,
  checksumUpdate32,
} from "../../datapath/wire/checksum.ts";
import { decrementIpv4Ttl, ipv4ChecksumIsGood, writeIpv4 } from "../../datapath/wire/ipv4.ts";
import { crc32c } from "../../datapath/wire/sctp.ts";

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));

test("RFC 1071, 3: the sum of 00 01 f2 03 f4 f5 f6 f7 is ddf2", () => {
  assert.equal(checksum(bytes("0001f203f4f5f6f7"), 0, 8), ~0xddf2 & 0xffff);
  // In two parts, and with an odd end (4.1: padded with a zero byte).
  const frame = bytes("ff0001f203f4f5f6f7");
  assert.equal(checksumFold(checksumAdd(frame, 5, 9, checksumAdd(frame, 1, 5, 0))), ~0xddf2 & 0xffff);
  assert.equal(checksum(bytes("0001f203f4f5f6"), 0, 7), checksum(bytes("0001f203f4f5f600"), 0, 8));
});

test("RFC 1624, 4: the checksum dd2f of a field 5555 that becomes 3285 is 0000", () => {
  assert.equal(checksumUpdate16(0xdd2f, 0x5555, 0x3285), 0x0000);
});

test("a packet of 64 KB of ff does not overflow", () => {
  assert.equal(checksum(new Uint8Array(65536).fill(0xff), 0, 65536), 0);
});

test("RFC 3720, B.4: CRC32c", () => {
  const crc = (frame: Uint8Array): number => crc32c(frame, 0, frame.length, -4) >>> 0;
  assert.equal(crc(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(crc(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  assert.equal(crc(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e);
  assert.equal(crc(Uint8Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c);
});

test("updates give what computing anew gives", () => {
  const header = fc.uint8Array({ minLength: 20, maxLength: 60 }).filter((b) => b.length % 2 === 0);
  fc.assert(
    fc.property(header, fc.nat(8), fc.integer(), fc.boolean(), (data, place, value, wide) => {
      const frame = new Uint8Array(data);
      const at = 2 * place;
      put16(frame, 18, 0);
      const before = checksum(frame, 0, frame.length);
      const old16 = (frame[at] << 8) | frame[at + 1];
      if (at === 18 || (wide && at >= 16)) return;
      const old32 = (old16 << 16) | (frame[at + 2] << 8) | frame[at + 3];
      const updated = wide ? checksumUpdate32(before, old32, value) : checksumUpdate16(before, old16, value & 0xffff);
      if (wide) put32(frame, at, value);
      else put16(frame, at, value);
      put16(frame, 18, updated);
      assert.equal(checksum(frame, 0, frame.length), frame.every((b) => b === 0) ? 0xffff : 0);
    }),
  );
});

test("TTL: every step down keeps the checksum right, as Linux's ip_decrease_ttl has it", () => {
  const frame = new Uint8Array(20);
  for (let id = 0; id < 65536; id += 7) {
    writeIpv4(frame, 0, 0, 84, id, 0x4000, 255, 1, 0x0a000001, 0x0a000002);
    for (let ttl = 255; ttl > 250; ttl--) {
      const old = (frame[10] << 8) | frame[11];
      decrementIpv4Ttl(frame, 0);
      assert.equal(frame[8], ttl - 1);
      assert.ok(ipv4ChecksumIsGood(frame, 0));
      const sum = old + 0x0100;
      assert.equal((frame[10] << 8) | frame[11], (sum + (sum >= 0xffff ? 1 : 0)) & 0xffff);
    }
  }
});
