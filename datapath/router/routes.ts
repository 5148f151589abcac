/**
 * Where an IPv4 destination is: the namespace's own addresses and broadcast addresses (Linux's table "local", asked
 * first) in a small hash, and routes in columns sorted by prefix length, so that the first match is the longest.
 *
 * Not done: a trie. A qrouter has a connected route for each subnet and perhaps a default route; the scan over them
 * costs less than one cache miss.
 */
import type { NamespaceConfig } from "../topology.ts";
import { ipv4FromText, prefixFromText } from "../wire/addresses.ts";
import type { RouterInterface } from "./interface.ts";

/** What an address is to the namespace. */
export const AddressKind = { Other: 0, Own: 1, Broadcast: 2 } as const;
export type AddressKind = (typeof AddressKind)[keyof typeof AddressKind];

const prefixMask = (bits: number): number => (bits === 0 ? 0 : -1 << (32 - bits));

export class RouteTable {
  /** Columns by route; `via` 0 means that the destination itself is the neighbour. */
  readonly prefix: Int32Array;
  readonly mask: Int32Array;
  readonly via: Int32Array;
  readonly dev: Int32Array;
  /** Source address that packets of the namespace itself take on this route. */
  readonly source: Int32Array;
  readonly #address: Int32Array;
  readonly #kind: Uint8Array;
  readonly #hashMask: number;

  /** Connected routes from the addresses, then those of the configuration. Throws an Error that names what is wrong. */
  constructor(config: NamespaceConfig, interfaces: readonly RouterInterface[]) {
    const rows: { prefix: number; bits: number; via: number; dev: number; source: number }[] = [];
    const kinds = new Map<number, AddressKind>([[-1, AddressKind.Broadcast]]);
    for (const [dev, link] of interfaces.entries()) {
      for (let i = 0; i < link.ipv4.length; i++) {
        const bits = link.ipv4Bits[i];
        const prefix = link.ipv4[i] & prefixMask(bits);
        rows.push({ prefix, bits, via: 0, dev, source: link.ipv4[i] });
      }
    }
    for (const link of interfaces) for (const address of link.broadcasts) kinds.set(address, AddressKind.Broadcast);
    for (const link of interfaces) for (const own of link.ipv4) kinds.set(own, AddressKind.Own);
    for (const route of config.routes ?? []) {
      const where = `namespace ${config.name}, route to ${route.to}`;
      const dev = interfaces.findIndex((link) => link.name === route.dev);
      if (dev < 0) {
        const names = interfaces.map((link) => link.name).join(", ");
        throw new Error(`${where}: no interface "${route.dev}", expected one of ${names}`);
      }
      try {
        const to = prefixFromText(route.to === "default" ? "0.0.0.0/0" : route.to);
        if (to.family === 6) continue; // IPv6 is not forwarded, see ipv6-input.ts
        const via = route.via === undefined ? 0 : ipv4FromText(route.via);
        const mask = prefixMask(to.bits);
        if ((to.words[0] & ~mask) !== 0) throw new Error("has bits set behind its prefix length");
        rows.push({ prefix: to.words[0], bits: to.bits, via, dev, source: selectSource(interfaces[dev], via) });
      } catch (error) {
        throw new Error(`${where}: ${(error as Error).message}`);
      }
    }
    rows.sort((a, b) => b.bits - a.bits); // stable: of equal prefixes the first wins, as the connected one does in Linux
    this.prefix = Int32Array.from(rows, (row) => row.prefix);
    this.mask = Int32Array.from(rows, (row) => prefixMask(row.bits));
    this.via = Int32Array.from(rows, (row) => row.via);
    this.dev = Int32Array.from(rows, (row) => row.dev);
    this.source = Int32Array.from(rows, (row) => row.source);

    const size = 2 ** Math.ceil(Math.log2(4 * kinds.size));
    this.#hashMask = size - 1;
    this.#address = new Int32Array(size);
    this.#kind = new Uint8Array(size);
    for (const [address, kind] of kinds) {
      let at = hash(address) & this.#hashMask;
      while (this.#kind[at] !== AddressKind.Other) at = (at + 1) & this.#hashMask;
      this.#address[at] = address;
      this.#kind[at] = kind;
    }
  }

  /** Own, a broadcast address of a connected subnet (or 255.255.255.255), or another's. */
  kindOf(address: number): AddressKind {
    let at = hash(address) & this.#hashMask;
    while (this.#kind[at] !== AddressKind.Other) {
      if (this.#address[at] === address) return this.#kind[at] as AddressKind;
      at = (at + 1) & this.#hashMask;
    }
    return AddressKind.Other;
  }

  /** Index of the route with the longest prefix that holds `destination`, -1 = none. */
  lookup(destination: number): number {
    const { prefix, mask } = this;
    for (let i = 0; i < prefix.length; i++) {
      if ((destination & mask[i]) === prefix[i]) return i;
    }
    return -1;
  }
}

/** Multicast, loopback, 0.0.0.0 and 255.255.255.255 are nobody's source; Linux takes 0/8 and 240/4 as plain addresses. */
export function isMartianSource(address: number): boolean {
  return address >>> 28 === 0xe || address >>> 24 === 127 || address === 0 || address === -1;
}

/** As Linux's inet_select_addr: the address whose subnet holds `target`, else the interface's first, else 0. */
export function selectSource(link: RouterInterface, target: number): number {
  for (let i = 0; i < link.ipv4.length; i++) {
    if (((link.ipv4[i] ^ target) & prefixMask(link.ipv4Bits[i])) === 0) return link.ipv4[i];
  }
  return link.ipv4.length > 0 ? link.ipv4[0] : 0;
}

function hash(address: number): number {
  const h = Math.imul(address, 0x9e3779b1);
  return h ^ (h >>> 15);
}
