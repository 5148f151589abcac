/**
 * The small model of a VM whose capture holds no ARP of its own (it was cut, or filtered): it answers ARP requests and
 * neighbour solicitations for its addresses, and nothing else. All other frames are the sink's.
 */
import type { PacketPool } from "../packet/packet-pool.ts";
import type { VmConfig } from "../topology.ts";
import { linkLocalFromMac, macFromText, prefixFromText } from "../wire/addresses.ts";
import {
  ARP_LEN,
  ARP_REPLY,
  ARP_REQUEST,
  arpOperation,
  arpSenderIp,
  arpSenderMacHigh,
  arpSenderMacLow,
  arpTargetIp,
  isArp,
  writeArp,
} from "../wire/arp.ts";
import { put16, put32 } from "../wire/bytes.ts";
import { transportChecksumIpv6 } from "../wire/checksum.ts";
import {
  ETHERNET_HEADER_LEN,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV6,
  ethernetSrcHigh,
  ethernetSrcLow,
  ethernetType,
  isEthernet,
  putMac,
  writeEthernet,
} from "../wire/ethernet.ts";
import {
  ICMPV6_CHECKSUM,
  isNeighbourMessage,
  NA_OVERRIDE,
  NA_SOLICITED,
  ND_LEN,
  ND_NEIGHBOUR_ADVERTISEMENT,
  ND_NEIGHBOUR_SOLICITATION,
  ND_OPTION_TARGET_LL,
  ND_TARGET,
} from "../wire/icmpv6.ts";
import {
  IPV6_DST,
  IPV6_HEADER_LEN,
  IPV6_SRC,
  ipv6HopLimit,
  ipv6NextHeader,
  ipv6PayloadLength,
  isIpv6,
  NEXT_ICMPV6,
  writeIpv6,
} from "../wire/ipv6.ts";

export class VmResponder {
  /** Where the answer lies after `answer` said true: absolute offsets into the pool. */
  start = 0;
  end = 0;
  readonly #pool: PacketPool;
  readonly #macHigh: number;
  readonly #macLow: number;
  readonly #ipv4: Int32Array;
  /** Four words each. */
  readonly #ipv6: Int32Array;

  /** Throws an Error that names the VM and the address that is wrong. */
  constructor(config: VmConfig, pool: PacketPool) {
    this.#pool = pool;
    try {
      const mac = macFromText(config.mac);
      const prefixes = config.addresses.map((text) => prefixFromText(text));
      this.#macHigh = mac.high;
      this.#macLow = mac.low;
      this.#ipv4 = Int32Array.from(prefixes.filter((p) => p.family === 4).map((p) => p.words[0]));
      const ipv6 = prefixes.filter((p) => p.family === 6).flatMap((p) => [...p.words]);
      this.#ipv6 = Int32Array.from([...ipv6, ...linkLocalFromMac(mac)]);
    } catch (error) {
      throw new Error(`VM ${config.name}: ${(error as Error).message}`);
    }
  }

  /**
   * Writes the answer to the frame [start, end) into the slot it lies in; its place is in `start` and `end`. False when the
   * frame is no question to this VM: it is then as it was.
   */
  answer(slot: number, start: number, end: number): boolean {
    const { bytes } = this.#pool;
    if (!isEthernet(bytes, start, end)) return false;
    const l3 = start + ETHERNET_HEADER_LEN;
    switch (ethernetType(bytes, start)) {
      case ETHERTYPE_ARP:
        return this.#answerArp(slot, start, l3, end);
      case ETHERTYPE_IPV6:
        return this.#answerSolicitation(slot, start, l3, end);
      default:
        return false;
    }
  }

  #answerArp(slot: number, from: number, arp: number, end: number): boolean {
    const { bytes } = this.#pool;
    if (!isArp(bytes, arp, end) || arpOperation(bytes, arp) !== ARP_REQUEST) return false;
    const own = arpTargetIp(bytes, arp);
    const sender = arpSenderIp(bytes, arp);
    if (!this.#ipv4.includes(own) || sender === own) return false;
    const high = arpSenderMacHigh(bytes, arp);
    const low = arpSenderMacLow(bytes, arp);
    const start = this.#home(slot, from);
    writeEthernet(bytes, start, high, low, this.#macHigh, this.#macLow, ETHERTYPE_ARP);
    const at = start + ETHERNET_HEADER_LEN;
    writeArp(bytes, at, ARP_REPLY, this.#macHigh, this.#macLow, own, high, low, sender);
    this.end = at + ARP_LEN;
    return true;
  }

  #answerSolicitation(slot: number, from: number, l3: number, frameEnd: number): boolean {
    const { bytes, view } = this.#pool;
    if (!isIpv6(bytes, l3, frameEnd) || ipv6NextHeader(bytes, l3) !== NEXT_ICMPV6 || ipv6HopLimit(bytes, l3) !== 255) {
      return false;
    }
    const l4 = l3 + IPV6_HEADER_LEN;
    const end = l4 + ipv6PayloadLength(bytes, l3);
    if (!isNeighbourMessage(bytes, l4, end) || bytes[l4] !== ND_NEIGHBOUR_SOLICITATION) return false;
    const own = this.#ownIpv6(view, l4 + ND_TARGET);
    if (own < 0) return false;
    const src = l3 + IPV6_SRC;
    const s0 = view.getInt32(src);
    const s1 = view.getInt32(src + 4);
    const s2 = view.getInt32(src + 8);
    const s3 = view.getInt32(src + 12);
    // From nobody: somebody tests whether the address is free, and everybody is told that it is not.
    const nobody = (s0 | s1 | s2 | s3) === 0;
    const high = nobody ? 0x33330000 : ethernetSrcHigh(bytes, from);
    const low = nobody ? 1 : ethernetSrcLow(bytes, from);

    const start = this.#home(slot, from);
    const ip = start + ETHERNET_HEADER_LEN;
    const na = ip + IPV6_HEADER_LEN;
    const length = ND_LEN + 8;
    writeEthernet(bytes, start, high, low, this.#macHigh, this.#macLow, ETHERTYPE_IPV6);
    writeIpv6(bytes, ip, 0, 0, length, NEXT_ICMPV6, 255);
    for (let i = 0; i < 4; i++) {
      view.setInt32(ip + IPV6_SRC + 4 * i, this.#ipv6[own + i]);
      view.setInt32(na + ND_TARGET + 4 * i, this.#ipv6[own + i]);
    }
    view.setInt32(ip + IPV6_DST, nobody ? 0xff020000 | 0 : s0);
    view.setInt32(ip + IPV6_DST + 4, s1);
    view.setInt32(ip + IPV6_DST + 8, s2);
    view.setInt32(ip + IPV6_DST + 12, nobody ? 1 : s3);
    put32(bytes, na, ND_NEIGHBOUR_ADVERTISEMENT << 24);
    put32(bytes, na + 4, ((nobody ? 0 : NA_SOLICITED) | NA_OVERRIDE) << 24);
    bytes[na + ND_LEN] = ND_OPTION_TARGET_LL;
    bytes[na + ND_LEN + 1] = 1;
    putMac(bytes, na + ND_LEN + 2, this.#macHigh, this.#macLow);
    this.end = na + length;
    put16(bytes, na + ICMPV6_CHECKSUM, transportChecksumIpv6(bytes, ip, NEXT_ICMPV6, na, this.end));
    return true;
  }

  /** Index of the own IPv6 address at byte `at` of the frame, in words; -1 = none. */
  #ownIpv6(view: DataView, at: number): number {
    for (let i = 0; i < this.#ipv6.length; i += 4) {
      let same = true;
      for (let w = 0; w < 4; w++) same &&= this.#ipv6[i + w] === view.getInt32(at + 4 * w);
      if (same) return i;
    }
    return -1;
  }

  /** The answer starts where the frame did if that leaves room for 86 bytes before the end of the slot, else at its home. */
  #home(slot: number, from: number): number {
    const room = (slot + 1) * this.#pool.stride - from;
    this.start = room >= 86 ? from : this.#pool.home(slot);
    return this.start;
  }
}
