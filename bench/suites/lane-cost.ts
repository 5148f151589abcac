/**
 * What working ahead costs (workers/lane.ts), apart from how well threads run side by side: the same passes through two copies
 * on one thread, plainly and as a lane of one worker that owns all frames, in turn. The least time of each counts: whatever
 * else the machine does only adds.
 *
 *   node dist/bench/suites/lane-cost.js [--frames 100000] [--flows 1000] [--rounds 30] [--window BURSTS] [--what bridge]
 */
import { parseArgs } from "node:util";
import { Fabric } from "../../datapath/fabric.ts";
import { generateTrace } from "../../pcaps/generate/generate.ts";
import { ledgerLength } from "../../workers/books.ts";
import { controlBuffer, Meeting } from "../../workers/control.ts";
import { Lane } from "../../workers/lane.ts";
import { outboxBuffer } from "../../workers/outbox.ts";
import type { Replica } from "../../workers/replica.ts";
import { workOf } from "../../workers/work.ts";
import { scenarioFile } from "../paths.ts";
import { ReplayEngine } from "../replay/engine.ts";
import { loadTopology } from "../scenarios/loader.ts";
import { WarmRunner } from "../trial/passes.ts";
import { allFrames, coldSchedule, warmSchedule } from "../trial/schedule.ts";

const { values } = parseArgs({
  options: {
    frames: { type: "string", default: "100000" },
    flows: { type: "string", default: "1000" },
    rounds: { type: "string", default: "30" },
    window: { type: "string" },
    what: { type: "string", default: "cluster" },
  },
});
const isBridge = values.what === "bridge";
const scenario = isBridge ? "p2p" : "east-west";
const trace = generateTrace({ scenario, frames: Number(values.frames), flows: Number(values.flows), seed: 1 });
const frames = allFrames(trace);
const port = isBridge ? "1" : "vm1";
const schedule = warmSchedule(coldSchedule([{ port, file: trace.name, trace, frames }], {}));
const work = workOf(schedule, 1);

const topology = loadTopology(scenarioFile("gre", "dvr"));
const cluster = (): Fabric => new Fabric(topology, { answering: ["vm1", "vm2"] });
const ports = [
  { ofport: 1, kind: "pcap" as const, file: "", local: "", remote: "", key: "" },
  { ofport: 2, kind: "null" as const, file: "", local: "", remote: "", key: "" },
];
const rules = { text: "in_port=1,ip,actions=mod_dl_dst:02:00:00:00:00:99,output:2", file: "rules" };
const bridge = (): ReplayEngine =>
  new ReplayEngine({ ports, rules, groups: undefined, vlanLimit: 1, emc: undefined }, { longest: 60 });

function plain(): () => void {
  if (!isBridge) {
    const runner = new WarmRunner(cluster(), schedule, 0);
    return () => {
      while (runner.pass() === false);
    };
  }
  const engine = bridge();
  const entries = Int32Array.of(engine.entry(port));
  const base = new Float64Array(1);
  return () => {
    engine.pass(schedule, entries, base);
  };
}

function lane(): () => void {
  const replica: Replica & { entry(name: string): number } = isBridge ? bridge() : cluster();
  const meeting = new Meeting(controlBuffer(), 0, 1);
  const own = new Lane(
    replica,
    work,
    Int32Array.of(replica.entry(port)),
    meeting,
    outboxBuffer(1, ledgerLength(replica)),
    {
      window: values.window === undefined ? undefined : Number(values.window),
    },
  );
  let at = 0;
  return () => {
    own.run(at, at + own.bursts);
    at += own.bursts;
  };
}

const ways = [plain(), lane()];
const least = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
for (let round = 0; round < Number(values.rounds); round++) {
  for (const n of round % 2 === 0 ? [0, 1] : [1, 0]) {
    const began = performance.now();
    ways[n]();
    if (round > 3) least[n] = Math.min(least[n], performance.now() - began);
  }
}
const [before, after] = least.map((ms) => (ms * 1e6) / trace.count);
process.stdout.write(
  `${values.what}, ${values.flows} flows: plainly ${before.toFixed(1)} ns a frame, as a lane ${after.toFixed(1)}: ` +
    `${(after / before).toFixed(3)} times (least of ${values.rounds} passes each, ${trace.count} frames)\n`,
);
