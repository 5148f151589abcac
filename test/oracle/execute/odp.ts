/** Steps of the slow twin as the datapath actions that the product takes, and the passes that they lead to. */
import type { OdpAction } from "../../../datapath/action/odp-action.ts";
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
  W_TYPE,
} from "../../../datapath/flow/flow-key.ts";
import type { Step } from "./run.ts";
import type { FieldSet, Header } from "./set.ts";
import { headerOf, type TunnelType } from "./tunnel.ts";

/** Where a field begins: word and byte in it. */
const BEGINS: Readonly<Record<string, readonly [number, number]>> = {
  "eth dst": [W_ETH0, 0],
  "eth src": [W_ETH0, 6],
  "ipv4 src": [W_NW_SRC, 0],
  "ipv4 dst": [W_NW_DST, 0],
  "ipv4 tos": [W_TOSTTL, 0],
  "ipv4 ttl": [W_TOSTTL, 1],
  "ipv6 src": [W_IPV6_SRC, 0],
  "ipv6 dst": [W_IPV6_DST, 0],
  "ipv6 label": [W_IPV6_LABEL, 1],
  "ipv6 tclass": [W_TOSTTL, 0],
  "ipv6 hlimit": [W_TOSTTL, 1],
  "arp op": [W_TYPE, 3],
  "arp sip": [W_NW_SRC, 0],
  "arp tip": [W_NW_DST, 0],
  "arp sha": [W_MACS0, 0],
  "arp tha": [W_MACS0, 6],
  "nd target": [W_ND_TARGET, 0],
  "nd sll": [W_MACS0, 0],
  "nd tll": [W_MACS0, 6],
  "mpls lse": [W_MPLS0, 0],
  "skb_mark value": [W_PKT_MARK, 0],
  "skb_priority value": [W_SKB_PRIORITY, 0],
  ...Object.fromEntries(
    ["tcp", "udp", "sctp"].flatMap((l4) => [
      [`${l4} src`, [W_PORTS, 0]],
      [`${l4} dst`, [W_PORTS, 2]],
    ]),
  ),
  ...Object.fromEntries(
    ["icmp", "icmpv6"].flatMap((l4) => [
      [`${l4} type`, [W_PORTS, 1]],
      [`${l4} code`, [W_PORTS, 3]],
    ]),
  ),
};

/** [word, value, mask] of all words that the fields touch. */
function wordsOf(header: Header, fields: readonly FieldSet[]): [number, number, number][] {
  const words = new Map<number, [number, number]>();
  for (const { field, value, mask } of fields) {
    const [first, byte] = BEGINS[`${header} ${field}`]!;
    for (const [n, bits] of mask.entries()) {
      const word = first + ((byte + n) >> 2);
      const shift = 24 - 8 * ((byte + n) & 3);
      const [v, m] = words.get(word) ?? [0, 0];
      words.set(word, [v | (value[n]! << shift), m | (bits << shift)]);
    }
  }
  return [...words].map(([word, [value, mask]]) => [word, value, mask]);
}

const word = (bytes: readonly number[], at = 0): number =>
  (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;

/** What a packet does in the passes after the first: by recirculation id, by the port that took its tunnel header off. */
export class Passes {
  readonly byId = new Map<number, readonly OdpAction[]>();
  readonly byPort = new Map<number, readonly OdpAction[]>();
  readonly tunnels: { readonly port: number; readonly type: TunnelType }[] = [];
  readonly #firstPort: number;

  /** Tunnel ports are numbered from `firstPort` on. */
  constructor(firstPort: number) {
    this.#firstPort = firstPort;
  }

  actions(steps: readonly Step[]): OdpAction[] {
    return steps.flatMap((step): OdpAction[] => {
      switch (step.do) {
        case "set":
          return [{ kind: "set", header: step.header, words: wordsOf(step.header, step.fields) }];
        case "output":
          return [{ kind: "output", port: step.port }];
        case "push_vlan":
          return [{ kind: "push_vlan", tpid: step.tpid, tci: step.tci | VLAN_PRESENT }];
        case "push_mpls":
          return [{ kind: "push_mpls", ethertype: step.type, lse: word(step.entry) }];
        case "pop_mpls":
          return [{ kind: "pop_mpls", ethertype: step.type }];
        case "push_eth": {
          const both = [...step.dst, ...step.src];
          return [{ kind: "push_eth", words: [word(both), word(both, 4), word(both, 8)] }];
        }
        case "push_tunnel": {
          const { outer } = step;
          const header = { type: outer.type, bytes: headerOf(outer), ipAt: 14, checksum: outer.checksum };
          return [{ kind: "tnl_push", tunnelPort: 0, outPort: 0, header }];
        }
        case "pop_tunnel": {
          const port = this.#firstPort + this.tunnels.length;
          this.tunnels.push({ port, type: step.type });
          this.byPort.set(port, this.actions(step.next));
          return [{ kind: "tnl_pop", port }];
        }
        case "recirc": {
          const id = this.byId.size + 1;
          this.byId.set(id, []);
          this.byId.set(id, this.actions(step.next));
          return [...(step.hash ? [{ kind: "hash" as const, basis: 7 }] : []), { kind: "recirc", id }];
        }
        case "clone":
          return [{ kind: "clone", actions: this.actions(step.steps) }];
        case "sample":
          return [{ kind: "sample", probability: step.always ? -1 : 0, actions: this.actions(step.steps) }];
        case "longer":
          return [
            { kind: "check_pkt_len", size: step.size, greater: this.actions(step.yes), lesser: this.actions(step.no) },
          ];
        case "trunc":
          return [{ kind: "trunc", maxLength: step.most }];
        case "userspace":
          return [{ kind: "userspace", reason: "controller", maxLength: 0 }];
        default:
          return [{ kind: step.do }];
      }
    });
  }
}
