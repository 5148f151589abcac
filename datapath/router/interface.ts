/**
 * One interface of a namespace: the far end of a port of br-int, with its MAC address, its addresses and its MTU. A
 * link-local IPv6 address is made from the MAC address when none is configured, as Linux does (addr_gen_mode eui64).
 */
import type { InterfaceConfig } from "../topology.ts";
import { linkLocalFromMac, macFromText, prefixFromText } from "../wire/addresses.ts";

/** The least MTU that IPv4 works with (RFC 791, 3.2). */
const MIN_MTU = 68;

export class RouterInterface {
  readonly name: string;
  readonly macHigh: number;
  readonly macLow: number;
  /** Bytes of the longest IP packet. */
  readonly mtu: number;
  /** IPv4 addresses and their prefix lengths. */
  readonly ipv4: Int32Array;
  readonly ipv4Bits: Int32Array;
  /** Broadcast addresses of the subnets; a /31 or /32 has none (RFC 3021). */
  readonly broadcasts: Int32Array;
  /** IPv6 addresses, four words each; link-local ones are among them. */
  readonly ipv6: Int32Array;

  /** Throws an Error that names the namespace, the interface and the text that is wrong. */
  constructor(config: InterfaceConfig, namespace: string) {
    const where = `namespace ${namespace}, interface ${config.name}`;
    this.name = config.name;
    this.mtu = config.mtu;
    if (!Number.isInteger(config.mtu) || config.mtu < MIN_MTU || config.mtu > 65535) {
      throw new Error(`${where}: MTU ${config.mtu}, expected ${MIN_MTU} to 65535`);
    }
    const v4: number[] = [];
    const v4Bits: number[] = [];
    const v6: number[] = [];
    let linkLocal = false;
    try {
      const mac = macFromText(config.mac);
      if ((mac.high & 0x01000000) !== 0) throw new Error(`${config.mac} is a group address, expected one station's`);
      this.macHigh = mac.high;
      this.macLow = mac.low;
      for (const text of config.addresses) {
        const { family, words, bits } = prefixFromText(text);
        if (family === 4) {
          v4.push(words[0]);
          v4Bits.push(bits);
        } else {
          v6.push(...words);
          if (words[0] >>> 22 === 0xfe80 >>> 6) linkLocal = true;
        }
      }
      if (!linkLocal) v6.push(...linkLocalFromMac(mac));
    } catch (error) {
      throw new Error(`${where}: ${(error as Error).message}`);
    }
    this.ipv4 = Int32Array.from(v4);
    this.ipv4Bits = Int32Array.from(v4Bits);
    this.broadcasts = Int32Array.from(
      v4.flatMap((own, i) => (v4Bits[i] < 31 ? [own | (v4Bits[i] === 0 ? -1 : -1 >>> v4Bits[i])] : [])),
    );
    this.ipv6 = Int32Array.from(v6);
  }

  /** The IPv6 address at byte `at` of the frame is one of the interface's own. */
  hasIpv6(frame: DataView, at: number): boolean {
    const { ipv6 } = this;
    const w3 = frame.getInt32(at + 12);
    for (let i = 0; i < ipv6.length; i += 4) {
      if (
        ipv6[i + 3] === w3 &&
        ipv6[i + 2] === frame.getInt32(at + 8) &&
        ipv6[i + 1] === frame.getInt32(at + 4) &&
        ipv6[i] === frame.getInt32(at)
      ) {
        return true;
      }
    }
    return false;
  }
}
