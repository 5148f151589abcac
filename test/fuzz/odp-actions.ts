/**
 * Random datapath actions that translation could give for a packet with this key: headers are set that the packet has, tags
 * and labels are taken off that are there; what a tunnel or a recirculation brings to light comes back as another key.
 */
import type { OdpAction, SetHeader, TunnelHeader } from "../../datapath/action/odp-action.ts";
import {
  VLAN_PRESENT,
  W_ETH0,
  W_IPV6_DST,
  W_IPV6_LABEL,
  W_IPV6_SRC,
  W_MACS0,
  W_MPLS0,
  W_ND_TARGET,
  W_NW_DST,
  W_NW_SRC,
  W_PKT_MARK,
  W_PORTS,
  W_SKB_PRIORITY,
  W_TOSTTL,
  W_TUN_DST,
  W_TUN_ID,
  W_TUN_META,
  W_TUN_SRC,
  W_TYPE,
  W_VLAN0,
} from "../../datapath/flow/flow-key.ts";
import type { Random } from "../conformance/random.ts";

export const PORTS = 6;
/** Ports that decapsulate: GRE, VXLAN, Geneve; the others take any. */
export const TUNNEL_PORTS = ["gre", "vxlan", "geneve"] as const;

const span = (word: number, count: number): number[] => Array.from({ length: count }, (_, i) => word + i);
const IP6 = [...span(W_IPV6_SRC, 4), ...span(W_IPV6_DST, 4)];

function headersOf(key: Int32Array): readonly [SetHeader, readonly number[], number][] {
  const type = key[W_TYPE] >>> 16;
  const protocol = key[W_TYPE] & 0xff;
  const later = (key[W_TYPE] & 0x200) !== 0;
  const all: [SetHeader, readonly number[], number][] = [
    ["eth", span(W_ETH0, 3), -1],
    ["skb_mark", [W_PKT_MARK], -1],
    ["skb_priority", [W_SKB_PRIORITY], -1],
    ["tunnel", [W_TUN_ID, W_TUN_SRC, W_TUN_DST, W_TUN_META], -1],
  ];
  const l4 = (six: boolean): void => {
    if (later) return;
    if (protocol === 6) all.push(["tcp", [W_PORTS], -1]);
    if (protocol === 17) all.push(["udp", [W_PORTS], -1]);
    if (protocol === 132) all.push(["sctp", [W_PORTS], -1]);
    if (protocol === 1 && !six) all.push(["icmp", [W_PORTS], 0x00ff00ff]);
    if (protocol !== 58 || !six) return;
    all.push(["icmpv6", [W_PORTS], 0x00ff00ff]);
    const kind = key[W_PORTS] >>> 16;
    if (kind === 135 || kind === 136) all.push(["nd", [...span(W_ND_TARGET, 4), ...span(W_MACS0, 3)], -1]);
  };
  if (type === 0x0800 && protocol !== 0) {
    all.push(["ipv4", [W_NW_SRC, W_NW_DST, W_TOSTTL], -0x10000]);
    l4(false);
  } else if (type === 0x86dd && protocol !== 0) {
    all.push(["ipv6", [...IP6, W_IPV6_LABEL, W_TOSTTL], -1]);
    l4(true);
  } else if ((type === 0x0806 || type === 0x8035) && protocol !== 0) {
    all.push(["arp", [W_TYPE, W_NW_SRC, W_NW_DST, ...span(W_MACS0, 3)], -1]);
  } else if (type === 0x8847 || type === 0x8848) {
    all.push(["mpls", [W_MPLS0], -1]);
  }
  return all;
}

function setAction(random: Random, key: Int32Array): OdpAction {
  const [header, choices, writable] = random.pick(headersOf(key));
  const words = random.some(choices, random.int(1, choices.length)).map((word): [number, number, number] => {
    let mask = random.pick([-1, -1, 0xffff, -0x10000, random.word() | 0]);
    if (header === "ipv4" && word !== W_TOSTTL) mask |= 0;
    else if (word === W_TOSTTL) mask &= 0xffff0000 | 0;
    else if (word === W_IPV6_LABEL) mask &= 0xfffff;
    else if (word === W_TYPE) mask &= 0xff;
    else mask &= writable;
    return [word, random.word() & mask, mask];
  });
  return { kind: "set", header, words };
}

function tunnelHeader(random: Random): TunnelHeader {
  const type = random.pick(TUNNEL_PORTS);
  const checksum = random.chance(50);
  const length = 34 + (type === "gre" ? (checksum ? 12 : 8) : 16);
  const bytes = Uint8Array.from({ length }, () => random.below(256));
  bytes.set([8, 0, 0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, type === "gre" ? 47 : 17, 0, 0], 12);
  if (type === "gre") bytes.set([checksum ? 0xa0 : 0x20, 0, 0x65, 0x58], 34);
  if (type === "gre" && checksum) bytes.fill(0, 38, 40);
  if (type === "vxlan") bytes.set([0, 0, 0x12, 0xb5, 0, 0, 0, 0, 8, 0, 0, 0], 34);
  if (type === "geneve") bytes.set([0, 0, 0x17, 0xc1, 0, 0, 0, 0, 0, 0, 0x65, 0x58], 34);
  return { type, bytes, ipAt: 14, checksum };
}

/** A list for a packet with `key`. `depth` bounds clones and checks of length. */
export function randomActions(random: Random, key: Int32Array, depth = 0): OdpAction[] {
  const list: OdpAction[] = [];
  const type = key[W_TYPE] >>> 16;
  const output = (): void => {
    list.push({ kind: "output", port: random.below(PORTS) });
  };
  for (let n = random.below(3); n > 0; n--) list.push(setAction(random, key));
  if (random.chance(15)) output();
  switch (random.below(14)) {
    case 0:
      list.push({ kind: "push_vlan", tpid: random.pick([0x8100, 0x88a8]), tci: VLAN_PRESENT | random.below(0xfff) });
      // The packet is parsed anew there, now with more tags than are parsed.
      if (random.chance(30)) {
        list.push({ kind: "userspace", reason: "controller", maxLength: 65535 });
        for (let n = random.below(4); n > 0; n--) list.push(setAction(random, key));
      }
      break;
    case 1:
      if ((key[W_VLAN0] & VLAN_PRESENT) !== 0) list.push({ kind: "pop_vlan" });
      break;
    case 2:
      list.push({ kind: "push_mpls", ethertype: random.pick([0x8847, 0x8848]), lse: random.word() | 0 });
      break;
    case 3:
      if (type === 0x8847 || type === 0x8848)
        list.push({ kind: "pop_mpls", ethertype: random.pick([0x0800, 0x86dd, 0x8847]) });
      break;
    case 4:
      if (random.chance(50)) list.push({ kind: "trunc", maxLength: random.pick([14, 15, 34, 60, 64, 1500]) });
      break;
    case 5:
      list.push({ kind: "tnl_push", tunnelPort: 5, outPort: 1, header: tunnelHeader(random) });
      if (random.chance(50)) list.push({ kind: "push_vlan", tpid: 0x8100, tci: VLAN_PRESENT | 7 });
      break;
    case 6:
    case 7:
      list.push({ kind: "tnl_pop", port: random.below(PORTS) });
      return list;
    case 8:
      if (depth < 2) list.push({ kind: "clone", actions: randomActions(random, key, depth + 1) });
      break;
    case 9:
      if (depth < 2) {
        const greater = randomActions(random, key, depth + 1);
        const lesser = randomActions(random, key, depth + 1);
        list.push({ kind: "check_pkt_len", size: random.pick([14, 60, 64, 100, 1500]), greater, lesser });
        return list;
      }
      break;
    case 10:
      list.push({ kind: "hash", basis: random.word() | 0 }, { kind: "recirc", id: random.int(1, 5) });
      return list;
    case 11:
      list.push({ kind: "recirc", id: random.int(1, 5) });
      return list;
    case 12:
      if (random.chance(20)) list.push({ kind: "userspace", reason: "controller", maxLength: random.below(200) });
      break;
    default:
      if (random.chance(10)) list.push({ kind: "drop" });
  }
  output();
  return list;
}
