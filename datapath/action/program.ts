/**
 * Datapath actions -> program: the words that execute.ts runs. What can be decided here is: which fields a `set` really
 * changes, which output is the last (it moves the packet, the earlier ones copy), the sum of a tunnel header, how much
 * headroom the pushes need. Actions behind the last one that consumes the packet have no effect and vanish.
 * Where programs are kept: program-store.ts.
 */
import {
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
  W_TYPE,
} from "../flow/flow-key.ts";
import { Drop } from "../packet/drop.ts";
import { checksumAdd } from "../wire/checksum.ts";
import type { OdpAction, TunnelHeader } from "./odp-action.ts";
import { Op, TunnelKind } from "./opcodes.ts";

type SetAction = Extract<OdpAction, { kind: "set" }>;
type Words = SetAction["words"];

const IPV6_WORDS = [
  ...[0, 1, 2, 3].map((w) => W_IPV6_SRC + w),
  ...[0, 1, 2, 3].map((w) => W_IPV6_DST + w),
  W_IPV6_LABEL,
  W_TOSTTL,
];
const ARP_WORDS = [W_TYPE, W_NW_SRC, W_NW_DST, W_MACS0, W_MACS0 + 1, W_MACS0 + 2];
const ND_WORDS = [...[0, 1, 2, 3].map((w) => W_ND_TARGET + w), W_MACS0, W_MACS0 + 1, W_MACS0 + 2];
const TTL_MASK = 0x00ff0000;

/** Values then masks of `order`; values have no bit outside their mask. */
function valuesAndMasks(words: Words, order: readonly number[]): number[] {
  const masks = order.map((w) => words.reduce((sum, [word, , mask]) => (word === w ? sum | mask : sum), 0));
  const values = order.map(
    (w, n) =>
      words.reduce((sum, [word, value, mask]) => (word === w ? (sum & ~mask) | (value & mask) : sum), 0) & masks[n],
  );
  return [...values, ...masks];
}

/** The bytes of a word in the other order. */
const swap = (word: number): number =>
  (word >>> 24) | ((word >>> 8) & 0xff00) | ((word << 8) & 0xff0000) | (word << 24);

function compileSet(action: SetAction, out: number[]): void {
  const { header, words } = action;
  switch (header) {
    case "eth": {
      const both = valuesAndMasks(words, [W_ETH0, W_ETH0 + 1, W_ETH0 + 2]);
      if (both[3] === -1 && both[4] === -1 && both[5] === -1)
        out.push(Op.SetEth, swap(both[0]), swap(both[1]), swap(both[2]));
      else out.push(Op.SetEthMasked, ...both);
      return;
    }
    case "ipv4": {
      const both = valuesAndMasks(words, [W_NW_SRC, W_NW_DST, W_TOSTTL]);
      if (both[3] === 0 && both[4] === 0 && both[5] === TTL_MASK) out.push(Op.SetTtl, (both[2] >>> 16) & 0xff);
      else out.push(Op.SetIpv4, ...both);
      return;
    }
    case "ipv6":
      out.push(Op.SetIpv6, ...valuesAndMasks(words, IPV6_WORDS));
      return;
    case "tcp":
      out.push(Op.SetTcp, ...valuesAndMasks(words, [W_PORTS]));
      return;
    case "udp":
      out.push(Op.SetUdp, ...valuesAndMasks(words, [W_PORTS]));
      return;
    case "sctp":
      out.push(Op.SetSctp, ...valuesAndMasks(words, [W_PORTS]));
      return;
    case "icmp":
    case "icmpv6":
      out.push(Op.SetIcmp, ...valuesAndMasks(words, [W_PORTS]));
      return;
    case "arp":
      out.push(Op.SetArp, ...valuesAndMasks(words, ARP_WORDS));
      return;
    case "nd":
      out.push(Op.SetNd, ...valuesAndMasks(words, ND_WORDS));
      return;
    case "mpls":
      out.push(Op.SetMpls, ...valuesAndMasks(words, [W_MPLS0]));
      return;
    case "skb_mark":
      out.push(Op.SetMark, ...valuesAndMasks(words, [W_PKT_MARK]));
      return;
    case "skb_priority":
      out.push(Op.SetPriority, ...valuesAndMasks(words, [W_SKB_PRIORITY]));
      return;
    case "tunnel":
      // Metadata for a kernel's tunnel device. The userspace datapath pushes the header itself (tnl_push); the output that
      // follows transmits the packet as it is.
      return;
  }
}

function compileTunnel(header: TunnelHeader, out: number[]): void {
  const { bytes, ipAt } = header;
  out.push(Op.PushTunnel, header.type === "gre" ? 0 : 1, header.checksum ? 1 : 0, bytes.length, ipAt);
  out.push(checksumAdd(bytes, ipAt, ipAt + 20, 0));
  for (let at = 0; at < bytes.length; at += 4) {
    out.push(bytes[at] | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24));
  }
}

/** These take the packet away; all others leave it to the next action. */
const consumes = (action: OdpAction): boolean =>
  action.kind === "output" ||
  action.kind === "recirc" ||
  action.kind === "tnl_pop" ||
  action.kind === "clone" ||
  action.kind === "check_pkt_len" ||
  action.kind === "sample" ||
  action.kind === "drop";

/** How a datapath port decapsulates. */
export type TunnelKindOf = (port: number) => number;

/** `retagged`: a list around this one has changed tags or labels before. `cut`: the next output sends so many bytes at most, 0 for all. */
function compileList(
  actions: readonly OdpAction[],
  reason: number,
  kindOf: TunnelKindOf,
  out: number[],
  retagged = false,
  cut = 0,
): void {
  let last = -1;
  for (let n = actions.length - 1; n >= 0 && last < 0; n--) if (consumes(actions[n])) last = n;
  // "drop" ends a list wherever it stands.
  const dropAt = actions.findIndex((action) => action.kind === "drop");
  if (dropAt >= 0) last = dropAt;
  // Copies for the controller are only counted, so their place does not matter there; those behind the last output come first.
  for (const action of actions) if (action.kind === "userspace") out.push(Op.Userspace);
  if (last < 0) {
    out.push(Op.Drop, reason);
    return;
  }
  let tagsChanged = retagged;
  /** The bytes to cut off are counted when the cut is made, so a header pushed later makes what is left longer. */
  const grow = (bytes: number): void => {
    if (cut > 0) cut += bytes;
  };
  const nested = (list: readonly OdpAction[], carried = 0): number[] => {
    const inner: number[] = [];
    compileList(list, Drop.NoAction, kindOf, inner, tagsChanged, carried);
    return inner;
  };
  /** An (end) operation, on a copy where more actions follow. */
  const end = (words: readonly number[], isLast: boolean): void => {
    if (isLast) out.push(...words);
    else out.push(Op.Clone, words.length, ...words);
  };
  for (let n = 0; n <= last; n++) {
    const action = actions[n];
    const isLast = n === last;
    // A cut holds for the next output, a clone takes it along, a tunnel header is put before what is left (OVS: cutlen of
    // lib/dp-packet.h); of the others, only those that consume the packet honour it.
    if (cut > 0 && isLast && action.kind !== "output" && action.kind !== "clone") out.push(Op.Truncate, cut);
    if (/^(push|pop)_(vlan|mpls)$/.test(action.kind)) tagsChanged = true;
    switch (action.kind) {
      case "output":
        if (isLast && cut > 0) out.push(Op.Truncate, cut);
        if (isLast) out.push(Op.Output, action.port);
        else out.push(Op.OutputCopy, action.port, cut);
        cut = 0;
        break;
      case "set":
        compileSet(action, out);
        break;
      case "push_vlan":
        grow(4);
        out.push(Op.PushVlan, (action.tpid << 16) | (action.tci & 0xefff));
        break;
      case "pop_vlan":
        grow(-4);
        out.push(Op.PopVlan);
        break;
      case "push_mpls":
        grow(4);
        out.push(Op.PushMpls, action.ethertype, action.lse | 0);
        break;
      case "pop_mpls":
        grow(-4);
        out.push(Op.PopMpls, action.ethertype);
        break;
      case "push_eth":
        grow(14);
        out.push(Op.PushEth, (action.words[0] ?? 0) | 0, (action.words[1] ?? 0) | 0, (action.words[2] ?? 0) | 0);
        break;
      case "pop_eth":
        grow(-14);
        out.push(Op.PopEth);
        break;
      case "tnl_push":
        if (cut > 0) out.push(Op.Truncate, cut);
        cut = 0;
        compileTunnel(action.header, out);
        if (actions[last].kind === "recirc") out.push(Op.EnterBy, action.outPort);
        break;
      case "tnl_pop":
        end([Op.PopTunnel, action.port, kindOf(action.port)], isLast);
        break;
      case "recirc":
        end([Op.Recirculate, action.id], isLast);
        break;
      case "clone":
        end(nested(action.actions, cut), isLast);
        cut = 0;
        break;
      case "check_pkt_len": {
        const greater = nested(action.greater);
        end([Op.CheckLength, action.size, greater.length, ...greater, ...nested(action.lesser)], isLast);
        break;
      }
      case "sample": {
        const chosen = nested(action.actions);
        const others = [Op.Drop, Drop.NoAction];
        end([Op.Sample, action.probability | 0, chosen.length, ...chosen, ...others], isLast);
        break;
      }
      case "trunc":
        cut = Math.max(action.maxLength, 14);
        break;
      case "hash":
        out.push(Op.Hash, action.basis | 0);
        break;
      case "drop":
        out.push(Op.Drop, Drop.NoAction);
        break;
      case "userspace":
        // Before the tags changed it would find the headers where they are known to be.
        if (tagsChanged) out.push(Op.Reparse);
        break;
    }
  }
}

/**
 * The most bytes in front of the packet that a list needs at any one time. A clone works on a copy, which starts where its
 * original is then. A pop gives back what the list itself pushed last; one of what the packet brought along may find nothing.
 */
function headroom(actions: readonly OdpAction[]): number {
  let now = 0;
  let most = 0;
  const pushed: string[] = [];
  const nested = (list: readonly OdpAction[]): void => {
    most = Math.max(most, now + headroom(list));
  };
  for (const action of actions) {
    if (action.kind === "push_vlan" || action.kind === "push_mpls" || action.kind === "push_eth") {
      pushed.push(action.kind.slice(5));
      now += action.kind === "push_eth" ? 14 : 4;
    } else if (action.kind === "pop_vlan" || action.kind === "pop_mpls") {
      if (pushed.at(-1) === action.kind.slice(4)) {
        pushed.pop();
        now -= 4;
      }
    } else if (action.kind === "tnl_push") {
      pushed.push("tunnel");
      now += action.header.bytes.length;
    } else if (action.kind === "clone" || action.kind === "sample") nested(action.actions);
    else if (action.kind === "check_pkt_len") {
      nested(action.greater);
      nested(action.lesser);
    }
    most = Math.max(most, now);
  }
  return most;
}

function usesMetadata(actions: readonly OdpAction[]): boolean {
  return actions.some(
    (action) =>
      action.kind === "hash" ||
      action.kind === "recirc" ||
      (action.kind === "set" && (action.header === "skb_mark" || action.header === "skb_priority")) ||
      ((action.kind === "clone" || action.kind === "sample") && usesMetadata(action.actions)) ||
      (action.kind === "check_pkt_len" && (usesMetadata(action.greater) || usesMetadata(action.lesser))),
  );
}

/**
 * The program for `actions`. `reason` is the Drop code for packets that no action takes: NoAction, or TranslationError when
 * the actions are those of a failed translation.
 */
export function compile(
  actions: readonly OdpAction[],
  reason: number = Drop.NoAction,
  kindOf: TunnelKindOf = () => TunnelKind.Any,
): number[] {
  const out: number[] = [];
  const needed = headroom(actions);
  if (needed > 0) out.push(Op.Headroom, needed);
  if (usesMetadata(actions)) out.push(Op.ClearMetadata);
  compileList(actions, reason, kindOf, out);
  return out;
}
