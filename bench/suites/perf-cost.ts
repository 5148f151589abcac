/**
 * What `replay --perf` costs: the same warm passes through one bridge, recorded (bench/replay/perf.ts) and not, in turn, each
 * first as often as second. Passes are short, so that on a machine with other work most pairs are whole; the median of the
 * pairs' ratios is printed, with the 95 % interval of that median by order statistics.
 *
 *   node dist/bench/suites/perf-cost.js [--pairs 2000] [--frames 32768] [--flows 1000]
 */
import { parseArgs } from "node:util";
import { generateTrace } from "../../pcaps/generate/generate.ts";
import { ReplayEngine } from "../replay/engine.ts";
import { burstsPerIteration, PerfRecorder } from "../replay/perf.ts";
import { UpcallWatch } from "../replay/upcall-watch.ts";
import { allFrames, coldSchedule, warmSchedule } from "../trial/schedule.ts";
import { median, spread } from "../trial/statistics.ts";

const { values } = parseArgs({
  options: {
    pairs: { type: "string", default: "2000" },
    frames: { type: "string", default: "32768" },
    flows: { type: "string", default: "1000" },
  },
});
const trace = generateTrace({ scenario: "p2p", frames: Number(values.frames), flows: Number(values.flows), seed: 1 });
const frames = allFrames(trace);
const schedule = warmSchedule(coldSchedule([{ port: "1", file: trace.name, trace, frames }], {}));
const end = { file: "", local: "", remote: "", key: "" };
const ports = [
  { ofport: 1, kind: "pcap" as const, ...end },
  { ofport: 2, kind: "null" as const, ...end },
];
const rules = { text: "in_port=1,ip,actions=mod_dl_dst:02:00:00:00:00:99,output:2", file: "rules" };
const upcalls = new UpcallWatch();
const engine = new ReplayEngine(
  { ports, rules, groups: undefined, vlanLimit: 1, emc: undefined },
  { longest: 60, upcalls },
);
const entries = Int32Array.of(engine.entry("1"));
const base = new Float64Array(1);

/** ns of a pass. */
function pass(recorder: PerfRecorder | null): number {
  engine.perf = recorder;
  recorder?.begin();
  const began = performance.now();
  engine.pass(schedule, entries, base);
  const took = (performance.now() - began) * 1e6;
  recorder?.pause();
  return took;
}

const plain: number[] = [];
for (let i = 0; i < 1000; i++) plain.push(pass(null));
const bursts = burstsPerIteration(median(plain.slice(500)) / (schedule.burst.length - 1));
const recorder = new PerfRecorder(engine, { upcalls, suspiciousUs: 250, droppable: false }, bursts);
for (let i = 0; i < 1000; i++) pass(i % 2 === 0 ? recorder : null);
const ratios: number[] = [];
plain.length = 0;
for (let pair = 0; pair < Number(values.pairs); pair++) {
  const first = pass(pair % 2 === 0 ? recorder : null);
  const second = pass(pair % 2 === 0 ? null : recorder);
  plain.push(pair % 2 === 0 ? second : first);
  ratios.push(pair % 2 === 0 ? first / second : second / first);
}
const of = spread(ratios);
const percent = (ratio: number): string => `${(100 * (ratio - 1)).toFixed(2)} %`;
process.stdout.write(
  `${bursts} bursts an iteration, ${(median(plain) / trace.count).toFixed(1)} ns a frame without: --perf costs ` +
    `${percent(of.median)} (${percent(of.low)} to ${percent(of.high)}; median of ${ratios.length} pairs)\n`,
);
