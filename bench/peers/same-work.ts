/**
 * Two programs are only compared in time when they did the same to the packets. One cold pass of the capture through each
 * says it exactly: the same frames leave through the same ports, and every rule was used for as many packets. The timed
 * runs say it again: rules are used in the same proportions.
 *
 * Order is not compared across flows: a burst is worked off flow by flow in both, each with its own grouping. The source
 * port of a VXLAN header is a hash that every implementation makes in its own way (RFC 7348 5), so it does not count.
 */
import type { Trace } from "../../datapath/packet/trace.ts";

/** Packets by the way their flow was found. */
export interface Shares {
  readonly exact: number;
  readonly megaflow: number;
  readonly upcalls: number;
}

/** One timed run of one side. */
export interface TimedRun {
  readonly packets: number;
  readonly seconds: number;
  /** Wall clock by packet. */
  readonly nsPerPacket: number;
  readonly hits: Shares;
  /** Subtables asked by megaflow hit, megaflow masks: 0 where not said. */
  readonly lookupsPerHit: number;
  readonly masks: number;
  /** Time that the measured thread was ready but waited for its core, 0 to 1. */
  readonly waitedShare: number;
  /** Packets by cookie of the rule. */
  readonly rules: ReadonlyMap<string, number>;
}

/** One pass of the capture from a cold start. */
export interface OnePass {
  /** By port, or "underlay" for all tunnels: what left there. */
  readonly outputs: ReadonlyMap<string, readonly Trace[]>;
  readonly rules: ReadonlyMap<string, number>;
}

/** What two passes did differently, a sentence each; empty when they did the same. */
export function differences(
  theirs: OnePass,
  ours: OnePass,
  vxlan: boolean,
  name: (cookie: string) => string,
): string[] {
  const found: string[] = [];
  for (const port of new Set([...theirs.outputs.keys(), ...ours.outputs.keys()])) {
    const difference = compareFrames(
      theirs.outputs.get(port) ?? [],
      ours.outputs.get(port) ?? [],
      vxlan && port === "underlay",
    );
    if (difference !== "") found.push(`${port === "underlay" ? port : `port ${port}`}: ${difference}`);
  }
  for (const cookie of new Set([...theirs.rules.keys(), ...ours.rules.keys()])) {
    const [a, b] = [theirs.rules.get(cookie) ?? 0, ours.rules.get(cookie) ?? 0];
    if (a !== b) found.push(`${name(cookie)}: n_packets ${a}, ours ${b}`);
  }
  return found;
}

/** Frames of some traces. */
export const frameCount = (traces: readonly Trace[]): number => traces.reduce((sum, trace) => sum + trace.count, 0);

function compareFrames(theirs: readonly Trace[], ours: readonly Trace[], vxlan: boolean): string {
  const left = new Map<string, number>();
  const add = (traces: readonly Trace[], sign: number): void => {
    for (const trace of traces) {
      for (let i = 0; i < trace.count; i++) {
        const frame = frameText(trace, i, vxlan);
        const count = (left.get(frame) ?? 0) + sign;
        if (count === 0) left.delete(frame);
        else left.set(frame, count);
      }
    }
  };
  add(theirs, 1);
  add(ours, -1);
  if (left.size === 0) return "";
  let missing = 0;
  let extra = 0;
  let example = "";
  for (const [frame, count] of left) {
    if (count > 0) missing += count;
    else extra -= count;
    if (example === "" && count > 0) example = frame;
  }
  const hex = Buffer.from(example || left.keys().next().value!, "latin1").toString("hex");
  return `${frameCount(theirs)} frames, ours ${frameCount(ours)}; ${missing} of theirs we did not send, ${extra} of ours they did not; one: ${hex.slice(0, 160)}`;
}

const OUTER_UDP_SOURCE = 14 + 20; // Ethernet and IPv4 without options, as both sides build them

function frameText(trace: Trace, i: number, vxlan: boolean): string {
  const frame = Buffer.from(trace.bytes.subarray(trace.start[i], trace.start[i] + trace.length[i]));
  if (vxlan && frame.length >= OUTER_UDP_SOURCE + 8 && frame[23] === 17)
    frame.fill(0, OUTER_UDP_SOURCE, OUTER_UDP_SOURCE + 2);
  return frame.toString("latin1");
}

/**
 * The largest difference between two sides in the share of packets that a rule has of all rules' packets, 0 to 1, and the
 * rule. Rules count by their cookies; 0x0 holds learned ones.
 */
export function largestShareDifference(
  theirs: ReadonlyMap<string, number>,
  ours: ReadonlyMap<string, number>,
): { readonly difference: number; readonly cookie: string } {
  const total = (rules: ReadonlyMap<string, number>): number => [...rules.values()].reduce((sum, n) => sum + n, 0) || 1;
  const [a, b] = [total(theirs), total(ours)];
  let worst = { difference: 0, cookie: "" };
  for (const cookie of new Set([...theirs.keys(), ...ours.keys()])) {
    const difference = Math.abs((theirs.get(cookie) ?? 0) / a - (ours.get(cookie) ?? 0) / b);
    if (difference > worst.difference) worst = { difference, cookie };
  }
  return worst;
}
