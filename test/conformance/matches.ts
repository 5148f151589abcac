/** Random matches: text as ovs-ofctl takes it, drawn from the same small world as the frames, prerequisites kept. */
import { ADDRESSES, ADDRESSES6, GROUP_MACS, L4_PORTS, MACS, VLANS } from "./frames.ts";
import type { Random } from "./random.ts";

/** What a match says about the packet, which decides what its actions may change. */
export const KINDS = [
  "any",
  "ip",
  "tcp",
  "udp",
  "icmp",
  "sctp",
  "ipv6",
  "tcp6",
  "udp6",
  "icmp6",
  "ns",
  "na",
  "arp",
  "mpls",
] as const;
export type Kind = (typeof KINDS)[number];

export interface RandomMatch {
  readonly kind: Kind;
  /** A tag is required. */
  readonly tagged: boolean;
  readonly text: string;
}

const WORDS: Readonly<Record<Kind, readonly string[]>> = {
  any: [],
  ip: ["ip", "dl_type=0x0800", "eth_type=0x800"],
  tcp: ["tcp", "ip,nw_proto=6", "dl_type=0x800,nw_proto=6"],
  udp: ["udp", "ip,ip_proto=17"],
  icmp: ["icmp", "ip,nw_proto=1"],
  sctp: ["sctp"],
  ipv6: ["ipv6", "dl_type=0x86dd"],
  tcp6: ["tcp6", "ipv6,nw_proto=6"],
  udp6: ["udp6"],
  icmp6: ["icmp6", "ipv6,nw_proto=58"],
  ns: ["icmp6,icmp_type=135,icmp_code=0", "icmp6,icmpv6_type=135,icmpv6_code=0"],
  na: ["icmp6,icmp_type=136,icmp_code=0"],
  arp: ["arp", "dl_type=0x0806"],
  mpls: ["mpls", "dl_type=0x8847"],
};
export const IPV4_KINDS: readonly Kind[] = ["ip", "tcp", "udp", "icmp", "sctp"];
export const IPV6_KINDS: readonly Kind[] = ["ipv6", "tcp6", "udp6", "icmp6", "ns", "na"];
export const PORT_KINDS: readonly Kind[] = ["tcp", "udp", "sctp", "tcp6", "udp6"];

const prefix = (random: Random): number => random.pick([0, 1, 5, 8, 9, 12, 15, 16, 19, 23, 24, 24, 30, 31, 32, 32]);
const prefix6 = (random: Random): number => random.pick([0, 10, 32, 48, 63, 64, 64, 127, 128, 128]);
const hex = (value: number): string => `0x${value.toString(16)}`;

function macMatch(random: Random, mac: string): string {
  if (random.chance(75)) return mac;
  return `${mac}/${random.pick(["01:00:00:00:00:00", "ff:ff:ff:00:00:00", "ff:ff:ff:ff:ff:00", "00:00:00:00:00:01", "ff:ff:ff:ff:ff:ff"])}`;
}

function addressMatch(random: Random): string {
  const address = random.pick(ADDRESSES);
  if (random.chance(30)) return address;
  if (random.chance(10)) return `${address}/${random.pick(["255.0.0.255", "0.0.0.1", "255.255.0.0", "0.255.0.0"])}`;
  return `${address}/${prefix(random)}`;
}

function address6Match(random: Random): string {
  const address = random.pick(ADDRESSES6);
  if (random.chance(30)) return address;
  if (random.chance(10)) return `${address}/${random.pick(["ffff::ffff", "::1", "ffff:0:0:ffff::"])}`;
  return `${address}/${prefix6(random)}`;
}

function portMatch(random: Random): string {
  const port = random.pick(L4_PORTS);
  if (random.chance(65)) return random.chance(80) ? String(port) : hex(port);
  return `${hex(port)}/${random.pick(["0xff00", "0xfff0", "0xff", "0x8000", "0xfffe", "0x1"])}`;
}

const vlanMatch = (random: Random): [string, boolean] => {
  const vlan = random.pick(VLANS);
  switch (random.below(10)) {
    case 0:
    case 1:
    case 2:
      return [`dl_vlan=${vlan}`, true];
    case 3:
      return [`dl_vlan=${vlan},dl_vlan_pcp=${random.pick([0, 3, 7])}`, true];
    case 4:
      return ["dl_vlan=0xffff", false];
    case 5:
      return ["vlan_tci=0x0000/0x1fff", false];
    case 6:
      return [`vlan_tci=${hex(0x1000 | vlan)}/0x1fff`, true];
    case 7:
      return ["vlan_tci=0x1000/0x1000", true];
    case 8:
      return [`vlan_tci=${hex(0x1000 | vlan)}/${random.pick(["0x100f", "0x1001", "0xf000"])}`, true];
    default:
      return [`dl_vlan_pcp=${random.pick([0, 3, 5])}`, true];
  }
};

const FLAG_MATCHES = ["+syn", "+syn-ack", "-rst", "+ack", "+fin+ack", "0x10", "0x2/0x12", "+psh-urg"];

export interface MatchWish {
  readonly kinds: readonly Kind[];
  readonly ports: readonly number[];
  /** Most fields beside the kind. */
  readonly fields: number;
  /** Registers and metadata, which only earlier actions can have set. */
  readonly registers?: boolean;
  readonly metadata?: boolean;
  readonly tunnelIds?: readonly number[];
  readonly vlans?: boolean;
}

export function randomMatch(random: Random, wish: MatchWish): RandomMatch {
  const kind = random.pick(wish.kinds);
  const parts: string[] = kind === "any" ? [] : [random.pick(WORDS[kind])];
  let tagged = false;
  const choices: (() => string)[] = [
    () => `in_port=${random.pick([...wish.ports, ...wish.ports, "LOCAL"])}`,
    () => `dl_src=${macMatch(random, random.pick(MACS))}`,
    () => `${random.pick(["dl_dst", "eth_dst"])}=${macMatch(random, random.pick([...MACS, ...MACS, ...GROUP_MACS]))}`,
  ];
  if (wish.vlans !== false)
    choices.push(() => {
      const [text, present] = vlanMatch(random);
      tagged = present;
      return text;
    });
  const ipv4 = IPV4_KINDS.includes(kind);
  const ipv6 = IPV6_KINDS.includes(kind);
  if (ipv4)
    choices.push(
      () => `${random.pick(["nw_src", "nw_src", "ip_src"])}=${addressMatch(random)}`,
      () => `${random.pick(["nw_dst", "nw_dst", "ip_dst"])}=${addressMatch(random)}`,
    );
  if (ipv6)
    choices.push(
      () => `ipv6_src=${address6Match(random)}`,
      () => `ipv6_dst=${address6Match(random)}`,
      () => `ipv6_label=${random.pick(["0", "0x12345", "0x7/0xf"])}`,
    );
  if (ipv4 || ipv6)
    choices.push(
      () => random.pick(["nw_tos=0", "nw_tos=32", "nw_tos=184", "ip_dscp=46", "nw_ecn=0", "nw_ecn=3", "nw_ecn=1"]),
      () => `nw_ttl=${random.pick([64, 1, 2, 255])}`,
      () => `nw_frag=${random.pick(["no", "yes", "first", "later", "not_later"])}`,
    );
  if (kind === "ip" || kind === "ipv6") choices.push(() => `nw_proto=${random.pick([6, 17, 1, 2, 58, 132, 0])}`);
  if (PORT_KINDS.includes(kind)) {
    const name = kind.replace("6", "");
    choices.push(
      () => `${random.pick(["tp_src", `${name}_src`])}=${portMatch(random)}`,
      () => `${random.pick(["tp_dst", `${name}_dst`])}=${portMatch(random)}`,
    );
  }
  if (kind === "tcp" || kind === "tcp6") choices.push(() => `tcp_flags=${random.pick(FLAG_MATCHES)}`);
  if (kind === "icmp")
    choices.push(
      () => `icmp_type=${random.pick([8, 0, 3])}`,
      () => `icmp_code=${random.pick([0, 1])}`,
    );
  if (kind === "icmp6") choices.push(() => `icmp_type=${random.pick([128, 129, 135, 136])}`);
  if (kind === "ns" || kind === "na")
    choices.push(
      () => `nd_target=${address6Match(random)}`,
      () => `${kind === "ns" ? "nd_sll" : "nd_tll"}=${random.pick(MACS)}`,
    );
  if (kind === "arp")
    choices.push(
      () => `arp_op=${random.pick([1, 2])}`,
      () => `arp_spa=${addressMatch(random)}`,
      () => `arp_tpa=${addressMatch(random)}`,
      () => `arp_sha=${random.pick(MACS)}`,
      () => `arp_tha=${random.pick(MACS)}`,
    );
  if (kind === "mpls")
    choices.push(
      () => `mpls_label=${random.pick([16, 100, 0x12345])}`,
      () => `mpls_tc=${random.below(8)}`,
      () => `mpls_bos=${random.below(2)}`,
      () => `mpls_ttl=${random.pick([64, 1])}`,
    );
  if (wish.registers)
    choices.push(
      () => `reg${random.below(3)}=${random.pick(["0", "1", "2", "3", "1/0x1", "0/0x2", "0x100/0xff00"])}`,
      () => random.pick(["xreg0=0x1", "xreg1=0/0xff", "xxreg0=0x1/0xf", "reg15=0"]),
    );
  if (wish.metadata) choices.push(() => `metadata=${random.pick(["0", "1", "2/0x3", "1/0x1", "5"])}`);
  if (wish.tunnelIds) {
    const ids = wish.tunnelIds;
    choices.push(() => `tun_id=${random.pick(ids)}${random.chance(15) ? "/0xff" : ""}`);
  }
  for (const choice of random.some(choices, random.below(wish.fields + 1))) parts.push(choice());
  // A later fragment has no ports, and no rule may ask for them.
  if (parts.includes("nw_frag=later")) {
    const plain = ipv4 ? "ip" : "ipv6";
    const rest = parts.filter((part) => !/^(tp|tcp|udp|sctp|icmp|icmpv6|nd)_/.test(part));
    if (kind === "ns" || kind === "na") return { kind: plain, tagged, text: [plain, ...rest.slice(1)].join(",") };
    return { kind: plain, tagged, text: rest.join(",") };
  }
  return { kind, tagged, text: parts.join(",") };
}
