/** Fields that take any mask, with values and masks drawn at random, as text. */
import { ADDRESSES, ADDRESSES6, GROUP_MACS, MACS, VLANS } from "./frames.ts";
import { KINDS, type Kind } from "./matches.ts";
import type { Random } from "./random.ts";

const hex = (value: bigint | number): string => `0x${value.toString(16)}`;

/** Random bits; sparse, dense, a run, or all of them. */
function bits(random: Random, width: number): bigint {
  const all = (1n << BigInt(width)) - 1n;
  let value = 0n;
  for (let at = 0; at < width; at += 32) value = (value << 32n) | BigInt(random.word());
  switch (random.below(5)) {
    case 0:
      return all;
    case 1:
      return value & all;
    case 2:
      return 1n << BigInt(random.below(width));
    case 3: // A prefix.
      return (all << BigInt(random.below(width))) & all;
    default: // A run.
      return (((1n << BigInt(random.int(1, width))) - 1n) << BigInt(random.below(width))) & all;
  }
}

const macText = (value: bigint): string =>
  value
    .toString(16)
    .padStart(12, "0")
    .replace(/..(?!$)/g, "$&:");
const ip4Text = (value: bigint): string => [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join(".");
const ip6Text = (value: bigint): string =>
  value
    .toString(16)
    .padStart(32, "0")
    .replace(/....(?!$)/g, "$&:")
    .replace(/^(0000:){2,}/, "::");
const macBits = (text: string): bigint => BigInt(`0x${text.replaceAll(":", "")}`);
const ip4Bits = (text: string): bigint => text.split(".").reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
function ip6Bits(text: string): bigint {
  const [head = "", tail = ""] = text.split("::");
  const front = head.split(":").filter(Boolean);
  const back = tail.split(":").filter(Boolean);
  const words = [...front, ...Array<string>(8 - front.length - back.length).fill("0"), ...back];
  return words.reduce((sum, word) => (sum << 16n) | BigInt(`0x${word}`), 0n);
}

interface MaskedField {
  readonly name: string;
  readonly width: number;
  readonly kinds: readonly Kind[];
  readonly values: (random: Random) => bigint;
  readonly text: (value: bigint) => string;
  /** May be written by set_field. */
  readonly set: boolean;
}

const IP4 = ["ip", "tcp", "udp", "icmp", "sctp"] as const;
const IP6 = ["ipv6", "tcp6", "udp6", "icmp6"] as const;
const ANY: readonly Kind[] = KINDS;
const mac = (random: Random): bigint => macBits(random.pick([...MACS, ...GROUP_MACS]));
const small =
  (width: number) =>
  (random: Random): bigint =>
    random.chance(50) ? BigInt(random.below(4)) : bits(random, width);
const field = (
  name: string,
  width: number,
  kinds: readonly Kind[],
  values: (random: Random) => bigint,
  text: (value: bigint) => string = hex,
  set = true,
): MaskedField => ({ name, width, kinds, values, text, set });

/** Fields that take any mask. */
export const MASKED: readonly MaskedField[] = [
  field("eth_src", 48, ANY, mac, macText),
  field("eth_dst", 48, ANY, mac, macText),
  field("metadata", 64, ANY, small(64)),
  field("tun_id", 64, ANY, small(64)),
  field("pkt_mark", 32, ANY, small(32)),
  field("reg0", 32, ANY, small(32)),
  field("reg9", 32, ANY, small(32)),
  field("xreg0", 64, ANY, small(64)),
  field("xreg4", 64, ANY, small(64)),
  field("xxreg0", 128, ANY, small(128)),
  field("vlan_tci", 16, ANY, (random) => 0x1000n | BigInt(random.pick(VLANS)), hex, false),
  field("nw_src", 32, IP4, (random) => ip4Bits(random.pick(ADDRESSES)), ip4Text),
  field("nw_dst", 32, IP4, (random) => ip4Bits(random.pick(ADDRESSES)), ip4Text),
  field("ipv6_src", 128, IP6, (random) => ip6Bits(random.pick(ADDRESSES6)), ip6Text),
  field("ipv6_dst", 128, IP6, (random) => ip6Bits(random.pick(ADDRESSES6)), ip6Text),
  field("ipv6_label", 20, IP6, (random) => BigInt(random.pick([0, 7, 0x12345]))),
  field("nd_target", 128, ["ns", "na"], (random) => ip6Bits(random.pick(ADDRESSES6)), ip6Text),
  field("nd_sll", 48, ["ns"], mac, macText),
  field("nd_tll", 48, ["na"], mac, macText),
  field("arp_spa", 32, ["arp"], (random) => ip4Bits(random.pick(ADDRESSES)), ip4Text),
  field("arp_tpa", 32, ["arp"], (random) => ip4Bits(random.pick(ADDRESSES)), ip4Text),
  field("arp_sha", 48, ["arp"], mac, macText),
  field("arp_tha", 48, ["arp"], mac, macText),
  field("tcp_src", 16, ["tcp", "tcp6"], small(16)),
  field("tcp_dst", 16, ["tcp", "tcp6"], small(16)),
  field("udp_src", 16, ["udp", "udp6"], small(16)),
  field("udp_dst", 16, ["udp", "udp6"], small(16)),
  field("sctp_src", 16, ["sctp"], small(16)),
  field("sctp_dst", 16, ["sctp"], small(16)),
  field("tcp_flags", 12, ["tcp", "tcp6"], (random) => BigInt(random.pick([2, 0x10, 0x12, 0x18])), hex, false),
];

export const KIND_WORD: Readonly<Record<string, string>> = {
  any: "",
  ns: "icmp6,icmp_type=135,icmp_code=0",
  na: "icmp6,icmp_type=136,icmp_code=0",
};

/** value/mask with no bit of the value outside the mask, as set_field wants it. */
export function masked(random: Random, one: MaskedField): string {
  let mask = bits(random, one.width);
  // ovs-ofctl takes an IPv6 mask that starts with a digit for a length, and refuses it.
  while (one.width === 128 && one.text === ip6Text && /^\d/.test(one.text(mask))) mask = bits(random, one.width);
  return `${one.text(one.values(random) & mask)}/${one.text(mask)}`;
}
