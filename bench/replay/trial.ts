/**
 * A replay from ports and rules to result: every frame once through a cold bridge, counted; then again and again, timed;
 * then a few more times with a clock at each stage, in a second bridge that pays for it, and the heap watched.
 */
import { join } from "node:path";
import { C_RECEIVED, type CounterName, type Counters, counterNames } from "../../datapath/counters.ts";
import { formatActions } from "../../datapath/openflow/action-text.ts";
import { formatMatch } from "../../datapath/openflow/match-format.ts";
import { formatRule } from "../../datapath/openflow/rule-text.ts";
import { formatMegaflowLine } from "../../datapath/ovs/megaflow-text.ts";
import { PcapWriter } from "../../pcaps/write-pcap.ts";
import { InputError } from "../errors.ts";
import { packageVersion } from "../paths.ts";
import { bytesPerPacket } from "../trial/allocation.ts";
import { environment } from "../trial/environment.ts";
import { coldPass, entriesOf } from "../trial/passes.ts";
import type { InputResult } from "../trial/result.ts";
import { breathe, type Sampled, sample, stabilityRule } from "../trial/sampling.ts";
import { coldSchedule, type Input, type Schedule, warmSchedule } from "../trial/schedule.ts";
import { BRIDGE, type BridgeSetup, shownPorts } from "./bridge.ts";
import { longestFrame, ReplayEngine, type StageName, stageNames } from "./engine.ts";
import { PerfRecorder, type PerfResult, UpcallWatch } from "./perf.ts";
import { formatPort, isTunnel, portName, UNDERLAY } from "./port-spec.ts";
import {
  type CacheResult,
  type PortResult,
  REPLAY_BITS_LAYER,
  REPLAY_FORMAT,
  REPLAY_VERSION,
  type ReplayResult,
  type ReplayTimes,
  type RuleResult,
} from "./result.ts";

/** The clock runs at each stage for this long, unmeasured and measured, ms. */
const STAGES_WARM_MS = 200;
const STAGES_MS = 300;

export interface ReplayTrial {
  readonly setup: BridgeSetup;
  readonly inputs: readonly Input[];
  readonly inputResults: readonly InputResult[];
  /** Frames of the counting pass; undefined: each once. */
  readonly frames: number | undefined;
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

export async function replay(trial: ReplayTrial): Promise<ReplayOutcome> {
  const { setup, inputs } = trial;
  const schedule = coldSchedule(inputs, {});
  if (schedule.count === 0) throw new InputError(`${inputs.map(({ file }) => file).join(", ")}: no frame to put in`);
  const upcalls = trial.perf ? new UpcallWatch() : null;
  const longest = Math.max(...inputs.map(({ trace }) => longestFrame(trace)));
  const engine = new ReplayEngine(setup, { longest, ...(upcalls === null ? {} : { watch: (h) => upcalls.over(h) }) });
  const { counters } = engine.datapath;
  const recorder = (burstNs: number): PerfRecorder | null =>
    upcalls === null ? null : new PerfRecorder(engine, upcalls, burstNs, trial.suspiciousUs);

  const files = writersOf(trial, engine);
  engine.tap =
    files.size === 0 ? null : (port, bytes, start, end, time) => files.get(port)?.write(bytes, start, end, time);
  const coldShare = trial.timing ? 0.2 : 1;
  const expected = trial.frames ?? schedule.count;
  engine.perf = recorder(0);
  const cold = await coldPass(engine, schedule, {
    rounds: 1,
    frames: trial.frames,
    realTime: false,
    progress: (frames) => trial.progress((coldShare * frames) / expected, "counting"),
  }).catch((error: unknown) => {
    for (const writer of files.values()) writer.abort();
    throw error;
  });
  const coldPerf = engine.perf?.result() ?? null;
  engine.perf = null;
  engine.tap = null;
  const written = [...new Set(files.values())].map((writer) => {
    writer.close();
    return { path: writer.path, frames: writer.frames };
  });
  engine.datapath.flushStats();
  const counts = counters.snapshot();
  const cache = cacheOf(engine, counters.total.slice(), new Float64Array(counters.total.length));
  const ports = portsOf(engine, setup);
  const ofRules = engine.switch.rules(BRIDGE);
  const rulePackets = ofRules.map((rule) => ({ rule, packets: rule.packets, bytes: rule.bytes }));
  const violations = engine.violations();
  const rules = trial.dumpFlows ? `${ofRules.map((rule) => ` ${formatRule(rule, cold.end)}`).join("\n")}\n` : "";
  const megaflows = trial.dumpMegaflows ? dumpMegaflows(engine, cold.end) : "";

  const warm = warmSchedule(schedule);
  const timed =
    trial.timing && !cold.interrupted ? await time(trial, engine, warm, cold.end, coldShare, recorder) : null;
  const timedPackets = new Map(timed?.rulePackets);
  const after = timed === null ? [] : engine.violations().filter((line) => !violations.includes(line));
  const going = timed !== null && !timed.sampled.interrupted;
  const stages = going ? await stagesOf(trial, longest, warm) : null;
  const allocated = going ? await allocation(engine, warm, timed.end) : null;
  const interrupted = cold.interrupted || (timed?.sampled.interrupted ?? false) || !trial.progress(1, "done");

  const times = timed?.times ?? null;
  const nsPerPacket = times?.nsPerPacket.median ?? null;
  const refused = engine.lost[0];
  const packets = counts.received;
  const result: ReplayResult = {
    format: REPLAY_FORMAT,
    version: REPLAY_VERSION,
    eastwest: packageVersion,
    created: new Date().toISOString(),
    command: process.argv.slice(2),
    interrupted,
    environment: environment(),
    workers: 1,
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
  return { result, rules, megaflows, files: written };
}

interface Timed {
  readonly sampled: Sampled;
  readonly times: ReplayTimes;
  readonly rulePackets: readonly (readonly [object, number])[];
  readonly perf: PerfResult | null;
  /** Virtual time afterwards, ns. */
  readonly end: number;
}

/** The warm passes; null when nothing could be measured before somebody stopped it. */
async function time(
  trial: ReplayTrial,
  engine: ReplayEngine,
  schedule: Schedule,
  start: number,
  coldShare: number,
  recorder: (burstNs: number) => PerfRecorder | null,
): Promise<Timed | null> {
  const entries = entriesOf(engine, schedule);
  const { counters } = engine.datapath;
  const rules = engine.switch.rules(BRIDGE);
  let base = start;
  let passNs = Number.POSITIVE_INFINITY;
  let before = counters.total.slice();
  let rulesBefore: number[] = [];
  const sampled = await sample(
    {
      pass: () => {
        const begin = performance.now();
        engine.pass(schedule, entries, base);
        base += schedule.span;
        passNs = Math.min(passNs, (performance.now() - begin) * 1e6);
      },
      packets: () => counters.total[C_RECEIVED],
      reset: () => {
        engine.resetTimes();
        engine.perf?.begin();
      },
      apart: () => engine.housekeeping[0],
      sampled: () => engine.perf?.pause(),
    },
    {
      repeat: trial.repeat,
      seconds: trial.seconds,
      warm: () => {
        engine.datapath.flushStats();
        before = counters.total.slice();
        rulesBefore = rules.map((rule) => rule.packets);
        engine.perf = recorder(passNs / (schedule.burst.length - 1));
      },
      progress: (done) => trial.progress(coldShare + 0.9 * (1 - coldShare) * done, "timing"),
    },
  );
  const perf = engine.perf?.result() ?? null;
  engine.perf = null;
  engine.datapath.flushStats();
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
    end: base,
  };
}

/** ns a packet by stage, in an engine of its own. Null when somebody stopped it. */
async function stagesOf(
  trial: ReplayTrial,
  longest: number,
  schedule: Schedule,
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
      if (!trial.progress(0.95, "timing stages")) return null;
    } while (performance.now() - begin < ms);
    if (ms !== STAGES_MS) continue;
    const packets = total[C_RECEIVED] - before;
    const spent = engine.stageNs();
    return Object.fromEntries(stageNames.map((name) => [name, spent[name] / packets])) as Record<StageName, number>;
  }
  return null;
}

function allocation(engine: ReplayEngine, schedule: Schedule, start: number): Promise<number | null> {
  const entries = entriesOf(engine, schedule);
  const { total } = engine.datapath.counters;
  let base = start;
  return bytesPerPacket(
    () => {
      engine.pass(schedule, entries, base);
      base += schedule.span;
    },
    () => total[C_RECEIVED],
  );
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
      const { rxPackets, rxBytes, txPackets, txBytes } = own;
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

/** Writers by datapath port: of `--write` port-NUMBER.pcap and underlay.pcap, of write:FILE that file. */
function writersOf({ setup, write, inputs }: ReplayTrial, engine: ReplayEngine): Map<number, PcapWriter> {
  const writers = new Map<number, PcapWriter>();
  const epoch = inputs.map(({ trace }) => trace.epochNs).reduce((a, b) => (b < a ? b : a));
  for (const [n, name] of shownPorts(engine.switch, setup.ports).entries()) {
    const port = setup.ports.find(({ ofport }) => portName(ofport) === name);
    const isCard = name === portName(UNDERLAY);
    if (port?.kind === "write") writers.set(n, new PcapWriter(port.file, epoch));
    else if (write !== undefined && (port !== undefined || isCard)) {
      writers.set(n, new PcapWriter(join(write, isCard ? "underlay.pcap" : `port-${name}.pcap`), epoch));
    }
  }
  return writers;
}
