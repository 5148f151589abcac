/**
 * Cuts an IPv4 packet into pieces that fit an MTU (RFC 791 3.2; Linux: ip_do_fragment): each but the last a multiple of 8
 * bytes and as long as fits, in order. The header goes with every piece; of its options, those without the "copied" bit
 * become no-operations in all but the first.
 */
import { copyBytes } from "../packet/copy.ts";
import { ETHERNET_HEADER_LEN } from "../wire/ethernet.ts";
import {
  IPV4_DF,
  IPV4_FRAGMENT,
  IPV4_HEADER_LEN,
  IPV4_LENGTH,
  IPV4_MF,
  IPV4_OFFSET_MASK,
  IPV4_OPTION_COPIED,
  IPV4_OPTION_END,
  IPV4_OPTION_NOP,
  putIpv4Checksum,
} from "../wire/ipv4.ts";
import { outputIpv4 } from "./output.ts";
import type { Stack } from "./stack.ts";

/**
 * Sends the packet at `l3` of `source` in pieces of at most `mtu` bytes with header. The packet itself stays as it is and
 * the caller's; each piece counts as generated. A piece that finds no buffer ends the work, as in Linux.
 */
export function fragmentIpv4(
  stack: Stack,
  source: DataView,
  l3: number,
  mtu: number,
  dev: number,
  nextHop: number,
  from: number,
): void {
  const { pool } = stack;
  const header = (source.getUint8(l3) & 15) << 2;
  const total = source.getUint16(l3 + IPV4_LENGTH);
  const word = source.getUint16(l3 + IPV4_FRAGMENT);
  const unit = (mtu - header) & ~7;
  const payload = total - header;
  for (let offset = 0; offset < payload; ) {
    const left = payload - offset;
    const length = left <= mtu - header ? left : unit;
    const slot = stack.make(ETHERNET_HEADER_LEN + header + length);
    if (slot < 0) return;
    const ip = pool.home(slot) + ETHERNET_HEADER_LEN;
    copyBytes(source, l3, pool.view, ip, header);
    if (offset > 0 && header > IPV4_HEADER_LEN) stripOptions(pool.bytes, ip + IPV4_HEADER_LEN, ip + header);
    copyBytes(source, l3 + header + offset, pool.view, ip + header, length);
    const more = length < left ? IPV4_MF : word & IPV4_MF;
    pool.view.setUint16(ip + IPV4_LENGTH, header + length);
    pool.view.setUint16(ip + IPV4_FRAGMENT, more | (((word & IPV4_OFFSET_MASK) + (offset >> 3)) & ~IPV4_DF));
    putIpv4Checksum(pool.bytes, ip);
    outputIpv4(stack, slot, ip, ip + header + length, dev, nextHop, from);
    offset += length;
  }
}

/** Options of later fragments (Linux: ip_options_fragment). */
function stripOptions(bytes: Uint8Array, at: number, end: number): void {
  while (at < end) {
    const kind = bytes[at];
    if (kind === IPV4_OPTION_END) return;
    if (kind === IPV4_OPTION_NOP) {
      at++;
      continue;
    }
    const length = at + 1 < end ? bytes[at + 1] : 0;
    if (length < 2 || at + length > end) return;
    if ((kind & IPV4_OPTION_COPIED) === 0) bytes.fill(IPV4_OPTION_NOP, at, at + length);
    at += length;
  }
}
