/**
 * The way of the first ping in the captures, there and back. A fabric of its own without caches is given the frames of the
 * captures in their order until request and reply have been carried; the translations that it makes on the way are the
 * path. Nothing of it touches the fabric that is counted and timed.
 */
import { Fabric } from "../../datapath/fabric.ts";
import type { Topology } from "../../datapath/topology.ts";
import { describe } from "../../datapath/wire/describe.ts";
import type { Inputs } from "../trial/inputs.ts";
import type { Schedule } from "../trial/schedule.ts";
import type { PacketPath } from "./hop.ts";
import { type Echo, echoIn, PacketRecorder } from "./packet-recorder.ts";

/** Frames that are looked at before it is clear that the captures begin without a ping. */
const FRAMES = 20_000;

/** The echo request's and the reply's way; empty when the first frames hold no ping between VMs that is delivered. */
export function pingPath(topology: Topology, loaded: Inputs, schedule: Schedule, frameBytes: number): PacketPath[] {
  const first = firstPing(topology, schedule);
  if (first === undefined) return [];
  const fabric = new Fabric(topology, { poolSlots: 512, frameBytes, answering: loaded.answering, megaflow: false });
  const recorder = new PacketRecorder(fabric);
  const packets: PacketPath[] = [];
  const end = Math.min(schedule.count, first.at + FRAMES);
  let from = "";
  for (let i = 0; i < end && packets.length < 2; i++) {
    const { port, trace } = schedule.inputs[schedule.input[i]];
    const echo = i < first.at ? undefined : echoIn(textOf(schedule, i));
    if (echo !== undefined && belongs(echo, first.echo, packets.length === 0 ? "request" : "reply")) {
      recorder.follow(echo);
      from = port;
    }
    fabric.advance(schedule.time[i]);
    fabric.offer(fabric.entry(port), trace, schedule.frame[i], schedule.time[i]);
    fabric.settle();
    // Not always at once: a router may have to ask for the address first, and a later frame holds the answer.
    const path = from === "" ? null : recorder.path(from);
    if (path === null) continue;
    packets.push(path);
    recorder.follow(undefined);
    from = "";
  }
  return packets;
}

function firstPing(topology: Topology, schedule: Schedule): { readonly at: number; readonly echo: Echo } | undefined {
  const addresses = new Set(topology.vms.flatMap((vm) => vm.addresses.map((address) => address.split("/")[0])));
  for (let i = 0; i < Math.min(schedule.count, FRAMES); i++) {
    if (!topology.vms.some(({ name }) => name === schedule.inputs[schedule.input[i]].port)) continue;
    const echo = echoIn(textOf(schedule, i));
    if (echo?.packet === "request" && addresses.has(echo.source) && addresses.has(echo.destination)) {
      return { at: i, echo };
    }
  }
  return undefined;
}

function belongs(echo: Echo, request: Echo, packet: Echo["packet"]): boolean {
  return echo.packet === packet && echo.id === request.id && echo.sequence === request.sequence;
}

function textOf({ inputs, input, frame }: Schedule, i: number): string {
  const { trace } = inputs[input[i]];
  const start = trace.start[frame[i]];
  return describe(trace.bytes, start, start + trace.length[frame[i]], true);
}
