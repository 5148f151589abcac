/** Several workers leave nothing on their heaps for a packet, nor for a window, nor when they meet. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { scenarioFile } from "../../bench/paths.ts";
import type { BridgeSetup } from "../../bench/replay/bridge.ts";
import { ReplayEngine } from "../../bench/replay/engine.ts";
import { loadTopology } from "../../bench/scenarios/loader.ts";
import { coldSchedule, warmSchedule } from "../../bench/trial/schedule.ts";
import { Fabric } from "../../datapath/fabric.ts";
import { generateTrace } from "../../pcaps/generate/generate.ts";
import { ledgerLength } from "../../workers/books.ts";
import { outboxBuffer } from "../../workers/outbox.ts";
import { runThreads } from "../../workers/pool.ts";
import { workOf } from "../../workers/work.ts";
import { ALIKE, type AllocationDone, type AllocationTask } from "./allocation-job.ts";

const job = new URL("./allocation-job.js", import.meta.url).href;
/** Packets of the longer stretch; the shorter one has a tenth. ALLOCATION_PACKETS=10000000 is the full measure. */
const PACKETS = Number(process.env["ALLOCATION_PACKETS"] ?? 400_000);
/** Packets of a pass: the workers meet to merge after each. */
const PASS = 4000;
/** Bursts of a window: one of 4,000 packets would be met once in a pass. */
const WINDOW = 16;
/** Virtual time runs this much slower than 1 us a packet: what the clock sets off (ageing, twice a second) is no packet's. */
const SLOWER = 1e6;

type What = "bridge" | "cluster";

async function measure(what: What, workers: number, packets: number, planted: boolean): Promise<AllocationDone[]> {
  const isBridge = what === "bridge";
  const scenario = isBridge ? "p2p" : "east-west";
  const trace = generateTrace({ scenario, frames: PASS, flows: 200, seed: 1 });
  const frames = Int32Array.from({ length: trace.count }, (_, i) => i);
  const port = isBridge ? "1" : "vm1";
  const schedule = warmSchedule(coldSchedule([{ port, file: trace.name, trace, frames }], {}));
  for (let i = 0; i < schedule.count; i++) schedule.time[i] /= SLOWER;
  const slow = { ...schedule, span: schedule.span / SLOWER };
  const end = { file: "", local: "", remote: "", key: "" };
  const setup: BridgeSetup = {
    ports: [
      { ofport: 1, kind: "pcap", ...end },
      { ofport: 2, kind: "null", ...end },
    ],
    rules: { text: "in_port=1,ip,actions=mod_dl_dst:02:00:00:00:00:99,output:2", file: "rules" },
    groups: undefined,
    vlanLimit: 1,
    emc: undefined,
  };
  const topology = loadTopology(scenarioFile("gre", "dvr"));
  const names = isBridge ? new ReplayEngine(setup, { longest: 60 }) : new Fabric(topology, { poolSlots: 1 });
  const task: AllocationTask = {
    topology: isBridge ? null : topology,
    setup,
    port,
    work: workOf(slow, workers),
    outbox: outboxBuffer(workers, ledgerLength(names)),
    window: WINDOW,
    // What happens once a window is compiled after some thousands of them.
    passes: [planted ? 50 : 750, packets / 10 / PASS, packets / PASS],
    planted,
  };
  return runThreads<AllocationDone>({ module: job, tasks: Array.from({ length: workers }, () => task) });
}

/**
 * Which calls V8 compiles into their callers it decides in every thread anew, by what it has seen there first. A number with a
 * fraction that crosses a call which is not becomes an object, so such a call must not be on a packet's way at all: tried
 * with none compiled into its caller. (A frame's time was an argument in the router: one thread of some 80 made an object of it
 * for each packet.)
 */
const ways = [1, 2, 3].flatMap((workers) => [true, false].map((inlining) => ({ workers, inlining })));

for (const what of ["bridge", "cluster"] as const) {
  for (const { workers, inlining } of ways) {
    const how = inlining ? "" : ", no call compiled into another";
    test(`${what}, ${workers} workers${how}: heaps grow by as much over ${PACKETS} packets as over ${PACKETS / 10}`, async () => {
      setFlagsFromString(inlining ? "--turbo-inlining" : "--no-turbo-inlining");
      const done = await measure(what, workers, PACKETS, false);
      for (const [worker, { short, long, ahead, inOrder }] of done.entries()) {
        assert.ok(ahead > 20 * inOrder, `${ahead} bursts ahead, ${inOrder} in order`);
        assert.ok(
          Math.abs(long - short) <= ALIKE,
          `worker ${worker}: ${short} bytes over ${PACKETS / 10} packets, ${long} over ${PACKETS}`,
        );
      }
    });
  }
}

test("the same measure sees one small object a packet", async () => {
  setFlagsFromString("--turbo-inlining");
  for (const { short, long } of await measure("bridge", 2, 40_000, true)) {
    assert.ok(long - short >= 16 * 36_000, `${short} and ${long} bytes`);
  }
});
