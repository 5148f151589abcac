/**
 * What the reasons of datapath/packet/drop.ts mean, a sentence for people: printed beside the counts, and the descriptions of
 * `drops` in result.schema.json and replay.schema.json (a test holds them together).
 */
import type { Drop } from "../../datapath/packet/drop.ts";
import { table } from "./format.ts";

type Reason = Exclude<keyof typeof Drop, "None">;

export const dropReasons: Readonly<Record<Reason, string>> = {
  Truncated: "shorter than an Ethernet header, or longer than a packet buffer",
  NoAction: "the rules say drop, or give it no output",
  TranslationError: "rules without an end, or no way to the other end of a tunnel",
  NoTunnel: "a broken tunnel header, or no tunnel port has these ends and key",
  RecirculationLimit: "tunnel in tunnel, deeper than the bound for recirculations",
  NoBuffer: "no packet buffer was free",
  QueueFull: "the queue of a port was full",
  NoReceiver: "for a port that is down or has nothing behind it",
  OtherHost: "another's MAC address at a router: a flooded copy, no loss",
  BadIpHeader: "its IP header is wrong: version, lengths or checksum",
  TtlExceeded: "TTL ran out at a router: answered with ICMP time exceeded",
  NoRoute: "a router has no route to its destination",
  TooBig: "longer than the MTU, DF set: answered with ICMP",
  NoNeighbour: "no answer from its next hop, or too many packets waited for it",
  Consumed: "for a router itself (ARP, echo request, ...): an end, no loss",
  Unhandled: "a router has no use for it (router solicitation, MLD, ...)",
  Policed: "reserved: nothing is dropped for it yet",
  Replaced: "sent on as fragments made of it: no loss",
  Martian: "its source is own, group or loopback: no other host's",
};

/** A row for each reason: its counts, and what it means to the right of them. `head` names the columns; "" without reasons. */
export function dropTable(
  head: readonly string[],
  reasons: readonly string[],
  cells: (reason: string) => readonly string[],
): string {
  const lines = table([["", ...head], ...reasons.map((reason) => [reason, ...cells(reason)])]).split("\n");
  const meant = reasons.map((reason) => (dropReasons as Readonly<Record<string, string>>)[reason] ?? "");
  const first = head.every((name) => name === "") ? [] : [lines[0]];
  return [...first, ...meant.map((text, n) => `${lines[n + 1]}  ${text}`.trimEnd())]
    .map((line) => `${line}\n`)
    .join("");
}
