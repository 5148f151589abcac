/** The string of a histogram against HdrHistogram's JavaScript port (hdr-histogram-js 3.0.1), which wrote PAYLOAD. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inflateSync } from "node:zlib";
import { HdrHistogram } from "../../../bench/statistics/hdr-histogram.ts";
import { hdrhText } from "../../../bench/statistics/hdrh.ts";

const COUNTED: readonly (readonly [value: number, times: number])[] = [
  [0, 1],
  [1, 2],
  [500, 300],
  [2047, 1],
  [2048, 7],
  [123456, 1_000_000],
  [59_999_999_999, 1],
];
const PAYLOAD = "0204e307d8049318020e8f5e80897ae3ad0202";

test("hdrh: the payload that HdrHistogram writes, behind a V2 header", () => {
  const histogram = new HdrHistogram({ highest: 60_000_000_000, digits: 3 });
  for (const [value, times] of COUNTED) histogram.record(value, times);
  const packed = Buffer.from(hdrhText(histogram), "base64");
  assert.equal(packed.readUInt32BE(0), 0x1c849314, "cookie of a compressed V2 histogram");
  assert.equal(packed.readUInt32BE(4), packed.length - 8);
  const plain = inflateSync(packed.subarray(8));
  assert.equal(plain.readUInt32BE(0), 0x1c849313, "cookie of a V2 histogram");
  assert.equal(plain.readUInt32BE(4), PAYLOAD.length / 2);
  assert.equal(plain.readInt32BE(12), 3);
  assert.equal(plain.readBigInt64BE(16), 1n);
  assert.equal(plain.readBigInt64BE(24), 60_000_000_000n);
  assert.equal(plain.subarray(40).toString("hex"), PAYLOAD);
});

test("hdrh of nothing has no payload", () => {
  const packed = Buffer.from(hdrhText(new HdrHistogram({ highest: 1000, digits: 2 })), "base64");
  assert.equal(inflateSync(packed.subarray(8)).length, 40);
});
