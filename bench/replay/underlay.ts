/**
 * Whose tunnelled frames a replay takes off: those for LOCAL at the Ethernet address of the underlay's bridge. Of a capture
 * that comes in there, that address is the one that its frames to LOCAL go to; without such a capture, `underlayMac`.
 */
import type { Trace } from "../../datapath/packet/trace.ts";
import { ipv4FromText, ipv4ToText, macToText } from "../../datapath/wire/addresses.ts";
import { underlayMac } from "./port-spec.ts";

/** Who the underlay's bridge is. */
export interface Station {
  /** LOCAL, dotted. */
  readonly address: string;
  readonly mac: string;
  readonly macFrom: "option" | "capture" | "address";
  /** Frames of the capture of the underlay, null without one: all, to LOCAL, and to LOCAL at another Ethernet address. */
  readonly seen: { readonly frames: number; readonly toAddress: number; readonly toOtherMac: number } | null;
  /** The IPv4 address that most frames of that capture go to, "" for none. */
  readonly mostTo: string;
}

const ETHERNET = 14;
const ETHERTYPE_IPV4 = 0x0800;

/** The station for tunnels from `local`. `given` is an address that somebody chose, `trace` the capture of the underlay. */
export function stationOf(local: string, given: string | undefined, trace: Trace | undefined): Station {
  if (trace === undefined) {
    const macFrom = given === undefined ? "address" : "option";
    return { address: local, mac: given ?? underlayMac(local), macFrom, seen: null, mostTo: "" };
  }
  const { bytes, start, length, count } = trace;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const address = ipv4FromText(local);
  const macs = new Map<string, number>();
  const addresses = new Map<number, number>();
  let toAddress = 0;
  for (let i = 0; i < count; i++) {
    const at = start[i];
    if (length[i] < ETHERNET + 20 || view.getUint16(at + 12) !== ETHERTYPE_IPV4) continue;
    const target = view.getInt32(at + ETHERNET + 16);
    addresses.set(target, (addresses.get(target) ?? 0) + 1);
    if (target !== address) continue;
    toAddress++;
    if ((bytes[at] & 1) !== 0) continue; // a group's, nobody's own
    const mac = macToText(view.getInt32(at), view.getUint16(at + 4));
    macs.set(mac, (macs.get(mac) ?? 0) + 1);
  }
  const most = commonest(macs);
  const target = commonest(addresses);
  const mac = given ?? most ?? underlayMac(local);
  return {
    address: local,
    mac,
    macFrom: given !== undefined ? "option" : most !== undefined ? "capture" : "address",
    seen: { frames: count, toAddress, toOtherMac: toAddress - (macs.get(mac) ?? 0) },
    mostTo: target === undefined ? "" : ipv4ToText(target),
  };
}

/** The key that was counted most, the first of several. */
function commonest<K>(counts: ReadonlyMap<K, number>): K | undefined {
  let best: K | undefined;
  for (const [key, count] of counts) if (best === undefined || count > (counts.get(best) ?? 0)) best = key;
  return best;
}
