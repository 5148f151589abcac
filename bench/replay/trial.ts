/**
 * A replay from ports and rules to result: every frame once through a cold bridge, counted; then again and again, timed;
 * then a few more times with a clock at each stage, in a second bridge that pays for it, and the heap watched.
 */
import { join } from "node:path";
import { C_RECEIVED, type CounterName, type Counters, counterNames } from "../../datapath/counters.ts";
import { formatActions } from "../../datapath/openflow/action-format.ts";
import { formatMatch } from "../../datapath/openflow/match-format.ts";
import { formatRule } from "../../datapath/openflow/rule-text.ts";
import { formatMegaflowLine } from "../../datapath/ovs/megaflow-text.ts";
import { PcapWriter } from "../../pcaps/write-pcap.ts";
import { InputError } from "../errors.ts";
import { workTree } from "../git.ts";
import { packageRoot, packageVersion } from "../paths.ts";
import { bytesPerPacket } from "../trial/allocation.ts";
import { ConditionsWatch } from "../trial/conditions.ts";
import { environment } from "../trial/environment.ts";
import { type ColdResult, coldPass, entriesOf } from "../trial/passes.ts";
import type { InputResult } from "../trial/result.ts";
import { breathe, type Sampled, sample, stabilityRule } from "../trial/sampling.ts";
import { coldSchedule, type Input, type Schedule, warmSchedule } from "../trial/schedule.ts";
import { BRIDGE, type BridgeSetup, makeSwitch, shownPorts, UNDERLAY_BRIDGE } from "./bridge.ts";
import { longestFrame, ReplayEngine, type StageName, stageNames, type Tap } from "./engine.ts";
import { PerfRecorder, type PerfResult, UpcallWatch } from "./perf.ts";
import { formatPort, isTunnel, type PortSpec, portName, UNDERLAY } from "./port-spec.ts";
import {
  type CacheResult,
  type PortResult,
  REPLAY_BITS_LAYER,
  REPLAY_FORMAT,
  REPLAY_VERSION,
  type ReplayResult,
  type ReplayTimes,
  type RuleResult,
  type UnderlayResult,
} from "./result.ts";
import { replayThreads } from "./threads.ts";

/** The clock runs at each stage for this long, unmeasured and measured, ms. */
const STAGES_WARM_MS = 200;
const STAGES_MS = 300;

export interface ReplayTrial {
  readonly setup: BridgeSetup;
  readonly inputs: readonly Input[];
  readonly inputResults: readonly InputResult[];
  /** Frames of the counting pass; undefined: each once. */
  readonly frames: number | undefined;
  /** Threads that share the work; 1 = this one. */
  readonly workers: number;
  readonly timing: boolean;
  readonly repeat: number | undefined;
  readonly seconds: number | undefined;
  readonly perf: boolean;
  readonly suspiciousUs: number;
  /** Folder for what leaves; it is there. */
  readonly write: string | undefined;
  readonly dumpFlows: boolean;
  readonly dumpMegaflows: boolean;
  /** Share of the work that is done, 0 to 1, and what is being done; false stops. */
  readonly progress: (done: number, doing: string) => boolean;
}

export interface ReplayOutcome {
  readonly result: ReplayResult;
  readonly rules: string;
  readonly megaflows: string;
  readonly files: readonly { readonly path: string; readonly frames: number }[];
}

/** Who carries the frames: this thread, or several workers, led from here. */
export interface Crew {
  /** The counting pass. */
  cold(): Promise<ColdResult>;
  /** A warm pass; after the counting pass, virtual time running on. */
  pass(): void;
  /** So many at once, for those to whom beginning and ending one costs something. */
  passes?(count: number): void;
  /** Forgets measured times. */
  reset(): void;
  /** Credits all hits to rules and ports. */
  flush(): void;
}

/** What a thread needs to know of a trial: everything but the frames, and it can be sent. */
export type ReplayPlan = Omit<ReplayTrial, "inputs" | "write" | "progress">;
type Progress = ReplayTrial["progress"];
/** Share of the counting pass in all the work. */
export const coldShareOf = ({ timing }: { readonly timing: boolean }): number => (timing ? 0.2 : 1);

export async function replay(trial: ReplayTrial): Promise<ReplayOutcome> {
  const { inputs } = trial;
  const schedule = coldSchedule(inputs, {});
  if (schedule.count === 0) throw new InputError(`${inputs.map(({ file }) => file).join(", ")}: no frame to put in`);
  const files = writersOf(trial);
  const tap: Tap | null =
    files.size === 0 ? null : (port, bytes, start, end, time) => files.get(port)?.write(bytes, start, end, time);
  try {
    const done = trial.workers > 1 ? await replayThreads(trial, schedule, tap) : await replayHere(trial, schedule, tap);
    const written = [...files.values()].map((writer) => {
      writer.close();
      return { path: writer.path, frames: writer.frames };
    });
    return { ...done, files: written };
  } catch (error) {
    for (const writer of files.values()) writer.abort();
    throw error;
  }
}

/** All on this thread. */
async function replayHere(
  trial: ReplayTrial,
  schedule: Schedule,
  tap: Tap | null,
): Promise<Omit<ReplayOutcome, "files">> {
  const longest = Math.max(...trial.inputs.map(({ trace }) => longestFrame(trace)));
  const upcalls = trial.perf ? new UpcallWatch() : null;
  const engine = new ReplayEngine(trial.setup, {
    longest,
    ...(upcalls === null ? {} : { watch: (h) => upcalls.over(h) }),
  });
  const warm = warmSchedule(schedule);
  const entries = entriesOf(engine, warm);
  const expected = trial.frames ?? schedule.count;
  let base = 0;
  const crew: Crew = {
    cold: async () => {
      engine.tap = tap;
      const cold = await coldPass(engine, schedule, {
        rounds: 1,
        frames: trial.frames,
        realTime: false,
        progress: (frames) => trial.progress((coldShareOf(trial) * frames) / expected, "counting"),
      });
      engine.tap = null;
      base = cold.end;
      return cold;
    },
    pass: () => {
      engine.pass(warm, entries, base);
      base += warm.span;
    },
    reset: () => engine.resetTimes(),
    flush: () => engine.datapath.flushStats(),
  };
  return measure(trial, engine, crew, upcalls, warm, longest, trial.progress);
}

/** The counting pass and the warm ones, whoever carries the frames, and the result. */
export async function measure(
  trial: ReplayPlan,
  engine: ReplayEngine,
  crew: Crew,
  upcalls: UpcallWatch | null,
  warm: Schedule,
  longest: number,
  progress: Progress,
): Promise<Omit<ReplayOutcome, "files">> {
  const watch = new ConditionsWatch();
  const { setup } = trial;
  const { counters } = engine.datapath;
  const recorder = (burstNs: number): PerfRecorder | null =>
    upcalls === null ? null : new PerfRecorder(engine, upcalls, burstNs, trial.suspiciousUs);
  engine.perf = recorder(0);
  const cold = await crew.cold();
  const coldPerf = engine.perf?.result() ?? null;
  engine.perf = null;
  crew.flush();
  const counts = counters.snapshot();
  const cache = cacheOf(engine, counters.total.slice(), new Float64Array(counters.total.length));
  const ports = portsOf(engine, setup);
  const ofRules = engine.switch.rules(BRIDGE);
  const rulePackets = ofRules.map((rule) => ({ rule, packets: rule.packets, bytes: rule.bytes }));
  const violations = engine.violations();
  const rules = trial.dumpFlows ? `${ofRules.map((rule) => ` ${formatRule(rule, cold.end)}`).join("\n")}\n` : "";
  const megaflows = trial.dumpMegaflows ? dumpMegaflows(engine, cold.end) : "";

  const timed = trial.timing && !cold.interrupted ? await time(trial, engine, crew, warm, recorder, progress) : null;
  const timedPackets = new Map(timed?.rulePackets);
  const after = timed === null ? [] : engine.violations().filter((line) => !violations.includes(line));
  const going = timed !== null && !timed.sampled.interrupted;
  const stages = going ? await stagesOf(trial, longest, warm, progress) : null;
  const allocated = going
    ? await bytesPerPacket(
        () => crew.pass(),
        () => counters.total[C_RECEIVED],
      )
    : null;
  const interrupted = cold.interrupted || (timed?.sampled.interrupted ?? false) || !progress(1, "done");

  const times = timed?.times ?? null;
  const nsPerPacket = times?.nsPerPacket.median ?? null;
  const refused = cold.refused;
  const packets = counts.received;
  const result: ReplayResult = {
    format: REPLAY_FORMAT,
    version: REPLAY_VERSION,
    eastwest: packageVersion,
    created: new Date().toISOString(),
    command: process.argv.slice(2),
    interrupted,
    environment: environment(),
    commit: workTree(packageRoot),
    conditions: watch.end(),
    workers: trial.workers,
    inputs: trial.inputResults,
    rulesFile: setup.rules?.file ?? null,
    exactMatchEntries: engine.datapath.exactMatch.entries,
    offered: { packets: cold.offered, bytes: cold.bytes, refused },
    packets,
    bytes: counts.receivedBytes,
    frameBytes: packets === 0 ? null : counts.receivedBytes / packets,
    nsPerPacket,
    packetsPerSecond: nsPerPacket === null ? null : 1e9 / nsPerPacket,
    bitsPerSecond: nsPerPacket === null || times === null ? null : (8e9 * times.frameBytes) / nsPerPacket,
    bitsPerSecondLayer: REPLAY_BITS_LAYER,
    times,
    stages,
    bytesAllocatedPerPacket: allocated,
    passes: counts.received,
    recirculations: counts.recirculations,
    encapsulations: counts.pushes,
    decapsulations: counts.pops,
    copies: counts.copies,
    transmitted: { packets: counts.transmitted, bytes: counts.transmittedBytes },
    underlay: underlayOf(setup, ports, counts.pops),
    cache,
    drops: counts.drops,
    ports,
    rules: rulePackets.map(
      ({ rule, packets: own, bytes }): RuleResult => ({
        table: rule.table,
        priority: rule.priority,
        cookie: `0x${rule.cookie.toString(16)}`,
        match: formatMatch(rule.match),
        actions: formatActions(rule.actions),
        packets: own,
        bytes,
        timedPackets: timed === null ? null : (timedPackets.get(rule) ?? 0),
      }),
    ),
    conservation: {
      ok: violations.length + after.length === 0,
      violations: [...violations, ...after.map((line) => `after the warm passes: ${line}`)],
    },
    perf: coldPerf === null ? null : { cold: coldPerf, timed: timed?.perf ?? null },
  };
  return { result, rules, megaflows };
}

interface Timed {
  readonly sampled: Sampled;
  readonly times: ReplayTimes;
  readonly rulePackets: readonly (readonly [object, number])[];
  readonly perf: PerfResult | null;
}

/** The warm passes; null when nothing could be measured before somebody stopped it. */
async function time(
  trial: ReplayPlan,
  engine: ReplayEngine,
  crew: Crew,
  schedule: Schedule,
  recorder: (burstNs: number) => PerfRecorder | null,
  progress: Progress,
): Promise<Timed | null> {
  const coldShare = coldShareOf(trial);
  const { counters } = engine.datapath;
  const rules = engine.switch.rules(BRIDGE);
  let passNs = Number.POSITIVE_INFINITY;
  let before = counters.total.slice();
  let rulesBefore: number[] = [];
  const sampled = await sample(
    {
      pass: () => {
        const begin = performance.now();
        crew.pass();
        passNs = Math.min(passNs, (performance.now() - begin) * 1e6);
      },
      ...(crew.passes === undefined ? {} : { passes: (size: number) => crew.passes?.(size) }),
      packets: () => counters.total[C_RECEIVED],
      reset: () => {
        crew.reset();
        engine.perf?.begin();
      },
      apart: () => engine.housekeeping[0],
      sampled: () => engine.perf?.pause(),
    },
    {
      repeat: trial.repeat,
      seconds: trial.seconds,
      warm: () => {
        crew.flush();
        before = counters.total.slice();
        rulesBefore = rules.map((rule) => rule.packets);
        engine.perf = recorder(passNs / (schedule.burst.length - 1));
      },
      progress: (done) => progress(coldShare + 0.9 * (1 - coldShare) * done, "timing"),
    },
  );
  const perf = engine.perf?.result() ?? null;
  engine.perf = null;
  crew.flush();
  if (sampled === null || sampled.passes === 0) return null;
  const since = (n: number): number => counters.total[n] - before[n];
  const packets = since(C_RECEIVED);
  const bytes = (packets / schedule.count) * schedule.bytes;
  return {
    sampled,
    times: {
      rule: stabilityRule,
      warmUpPasses: sampled.warmUpPasses,
      passes: sampled.passes,
      packets,
      bytes,
      seconds: sampled.seconds,
      nsPerPacket: sampled.nsPerPacket,
      housekeepingNsPerPacket: sampled.apart,
      frameBytes: bytes / packets,
      waitedShare: sampled.waitedShare,
      cache: cacheOf(engine, counters.total, before),
    },
    rulePackets: rules.map((rule, i) => [rule, rule.packets - (rulesBefore[i] ?? 0)] as const),
    perf,
  };
}

/** ns a packet by stage, in an engine of its own. Null when somebody stopped it. */
async function stagesOf(
  trial: ReplayPlan,
  longest: number,
  schedule: Schedule,
  progress: Progress,
): Promise<Record<StageName, number> | null> {
  const engine = new ReplayEngine(trial.setup, { longest, timing: true });
  const entries = entriesOf(engine, schedule);
  const { total } = engine.datapath.counters;
  let base = 0;
  for (const ms of [STAGES_WARM_MS, STAGES_MS]) {
    engine.resetTimes();
    const before = total[C_RECEIVED];
    const begin = performance.now();
    do {
      engine.pass(schedule, entries, base);
      base += schedule.span;
      await breathe();
      if (!progress(0.95, "timing stages")) return null;
    } while (performance.now() - begin < ms);
    if (ms !== STAGES_MS) continue;
    const packets = total[C_RECEIVED] - before;
    const spent = engine.stageNs();
    return Object.fromEntries(stageNames.map((name) => [name, spent[name] / packets])) as Record<StageName, number>;
  }
  return null;
}

/** Cache figures between two states of the counters. */
function cacheOf(engine: ReplayEngine, now: Float64Array, before: Float64Array): CacheResult {
  const since = (name: CounterName): number => {
    const n = counterNames.indexOf(name);
    return now[n] - before[n];
  };
  const megaflowHits = since("megaflow");
  const subtableLookups = since("subtableLookups");
  return {
    lookups: since("lookups"),
    exactHits: since("exact"),
    megaflowHits,
    upcalls: since("upcall"),
    subtableLookups,
    lookupsPerHit: megaflowHits === 0 ? null : subtableLookups / megaflowHits,
    tableLookups: since("tableLookups"),
    megaflows: engine.datapath.megaflowCache.count,
    masks: engine.datapath.megaflowCache.masks,
  };
}

/** What came and went by each port that was asked for, and by bridges' own ports that something went to. */
function portsOf(engine: ReplayEngine, { ports }: BridgeSetup): PortResult[] {
  const { counters } = engine.datapath;
  const shown = shownPorts(engine.switch, ports);
  const result: PortResult[] = [];
  for (const port of ports) {
    const name = portName(port.ofport);
    const kind = formatPort(port).slice(name.length + 1);
    if (isTunnel(port)) {
      const own = engine.switch.bridge(BRIDGE)?.port(port.ofport);
      if (own === undefined) continue;
      const { rxPackets, rxBytes, sentPackets: txPackets, sentBytes: txBytes } = own;
      result.push({ port: name, kind, rxPackets, rxBytes, txPackets, txBytes });
    } else result.push({ port: name, kind, ...datapathCounts(counters, shown.indexOf(name)) });
  }
  for (const [n, name] of shown.entries()) {
    if (result.some(({ port }) => port === name)) continue;
    const counts = datapathCounts(counters, n);
    if (name === "underlay" || counts.rxPackets + counts.txPackets > 0) {
      result.push({ port: name, kind: name === "underlay" ? "null" : "", ...counts });
    }
  }
  return result;
}

/** Who the underlay's bridge was, and what ended at its own port; null without one. */
function underlayOf(
  { station, ports: specs }: BridgeSetup,
  ports: readonly PortResult[],
  pops: number,
): UnderlayResult | null {
  if (station === undefined) return null;
  const tunnels = new Set(specs.filter(isTunnel).map(({ ofport }) => portName(ofport)));
  const taken = ports.reduce((sum, { port, rxPackets }) => sum + (tunnels.has(port) ? rxPackets : 0), 0);
  const own = ports.find(({ port }) => port === UNDERLAY_BRIDGE);
  return { ...station, unmatched: pops - taken, ended: { packets: own?.txPackets ?? 0, bytes: own?.txBytes ?? 0 } };
}

function datapathCounts(
  { rxPackets, rxBytes, txPackets, txBytes }: Counters,
  n: number,
): Omit<PortResult, "port" | "kind"> {
  return { rxPackets: rxPackets[n], rxBytes: rxBytes[n], txPackets: txPackets[n], txBytes: txBytes[n] };
}

function dumpMegaflows(engine: ReplayEngine, now: number): string {
  const lines = [...engine.datapath.megaflows()].map((flow) =>
    formatMegaflowLine(flow, now, (port) => engine.switch.portName(port)),
  );
  return lines.map((line) => `${line}\n`).join("");
}

/** Files that frames are written to, by name of the port they leave by; in `folder` those of ports without a file. */
export function writtenFiles(ports: readonly PortSpec[], folder: string | undefined): Map<string, string> {
  const files = new Map<string, string>();
  if (folder !== undefined) {
    for (const { ofport } of ports) {
      files.set(portName(ofport), join(folder, ofport === UNDERLAY ? "underlay.pcap" : `port-${ofport}.pcap`));
    }
    if (ports.some(isTunnel)) files.set(portName(UNDERLAY), join(folder, "underlay.pcap"));
  }
  for (const { ofport, kind, file } of ports) if (kind === "write") files.set(portName(ofport), file);
  return files;
}

/** By datapath port. */
function writersOf({ setup, write, inputs }: ReplayTrial): Map<number, PcapWriter> {
  const writers = new Map<number, PcapWriter>();
  const epoch = inputs.map(({ trace }) => trace.epochNs).reduce((a, b) => (b < a ? b : a));
  const files = writtenFiles(setup.ports, write);
  if (files.size === 0) return writers;
  // Datapath ports are numbered without regard to rules, of which there may be many.
  const made = makeSwitch({ ...setup, rules: undefined, groups: undefined });
  try {
    for (const [n, name] of shownPorts(made, setup.ports).entries()) {
      const file = files.get(name);
      if (file !== undefined) writers.set(n, new PcapWriter(file, epoch));
    }
  } catch (error) {
    for (const writer of writers.values()) writer.abort();
    throw error;
  }
  return writers;
}
