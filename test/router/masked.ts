/** What Linux draws at random in packets that a router itself makes, set to 0, so that frames can be compared. */
import assert from "node:assert/strict";
import { be16, be32, put16 } from "../../datapath/wire/bytes.ts";
import { checksum } from "../../datapath/wire/checksum.ts";

/**
 * The frame (hexadecimal) without IP identification and header checksum if one of `own` sent it and fragments are allowed,
 * and without IPv6 flow label. Asserts that the IPv4 header checksum was right before.
 */
export function masked(frame: string, own: readonly number[]): string {
  const bytes = new Uint8Array(Buffer.from(frame, "hex"));
  const type = be16(bytes, 12);
  if (type === 0x0800) {
    assert.equal(checksum(bytes, 14, 14 + ((bytes[14] & 15) << 2)), 0, `header checksum of ${frame}`);
    if (own.includes(be32(bytes, 26)) && (bytes[20] & 0x40) === 0) {
      put16(bytes, 18, 0);
      put16(bytes, 24, 0);
    }
  } else if (type === 0x86dd) {
    bytes[15] &= 0xf0;
    bytes[16] = 0;
    bytes[17] = 0;
  }
  return Buffer.from(bytes).toString("hex");
}
