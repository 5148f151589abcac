/**
 * `ovs-appctl fdb/show BRIDGE`: what NORMAL has learned (OVS: ofproto_unixctl_fdb_show, ofproto/ofproto-dpif.c).
 */
import type { Bridge } from "../translate/bridge.ts";
import { macToText } from "../wire/addresses.ts";

const LOCAL = 0xfffe;

/** The MAC table at virtual time `now` (ns), most recently learned last. */
export function formatFdb(bridge: Bridge, now: number): string {
  const lines = [" port  VLAN  MAC                Age"];
  for (const entry of bridge.macs.entries()) {
    const port = (entry.port === LOCAL ? "LOCAL" : String(entry.port)).padStart(5);
    const age = Math.floor((now - entry.seen) / 1e9);
    lines.push(
      `${port}  ${String(entry.vlan).padStart(4)}  ${macToText(entry.high, entry.low)}  ${String(age).padStart(3)}`,
    );
  }
  return `${lines.join("\n")}\n`;
}
