/**
 * A histogram as the string that HdrHistogram's tools read (and TRex and FD.io CSIT write as `hdrh`): its V2 encoding,
 * compressed, in base64. Counts are LEB128 numbers in zigzag form, a run of n empty slots is -n.
 */
import { deflateSync } from "node:zlib";
import type { HdrHistogram } from "./hdr-histogram.ts";

const COOKIE = 0x1c849303;
const COMPRESSED_COOKIE = 0x1c849304;
/** The cookie's second nibble: one word is a LEB128 number. */
const LEB128 = 0x10;
const HEADER_BYTES = 40;

/** The string of a histogram; counts beyond 2^53 cannot be. */
export function hdrhText(histogram: HdrHistogram): string {
  const payload = payloadOf(histogram.counts);
  const plain = Buffer.alloc(HEADER_BYTES + payload.length);
  plain.writeUInt32BE(COOKIE | LEB128, 0);
  plain.writeUInt32BE(payload.length, 4);
  plain.writeInt32BE(0, 8); // index offset
  plain.writeInt32BE(histogram.digits, 12);
  plain.writeBigInt64BE(1n, 16); // lowest value that is told from 0
  plain.writeBigInt64BE(BigInt(histogram.highest), 24);
  plain.writeDoubleBE(1, 32); // ratio of whole numbers to doubles
  plain.set(payload, HEADER_BYTES);
  const packed = deflateSync(plain);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(COMPRESSED_COOKIE | LEB128, 0);
  head.writeUInt32BE(packed.length, 4);
  return Buffer.concat([head, packed]).toString("base64");
}

function payloadOf(counts: Float64Array): Uint8Array {
  const bytes: number[] = [];
  const last = counts.findLastIndex((count) => count > 0);
  let empty = 0;
  for (let i = 0; i <= last; i++) {
    if (counts[i] === 0) {
      empty++;
      continue;
    }
    if (empty > 0) put(bytes, -BigInt(empty));
    empty = 0;
    put(bytes, BigInt(counts[i]));
  }
  return Uint8Array.from(bytes);
}

/** ZigZag LEB128 of 64 bits, at most nine bytes. */
function put(bytes: number[], value: bigint): void {
  let rest = value < 0n ? -value * 2n - 1n : value * 2n;
  for (let n = 0; n < 8 && rest > 0x7fn; n++) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
}
