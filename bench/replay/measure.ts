/**
 * What follows the counting pass of a replay: it is read, then the frames go again and again, timed; then with the heap
 * watched; then a few more times with a clock at each stage, in a second bridge that pays for it.
 */
import { C_RECEIVED, type CounterName, counterNames } from "../../datapath/counters.ts";
import { formatActions } from "../../datapath/openflow/action-format.ts";
import { formatMatch } from "../../datapath/openflow/match-format.ts";
import { formatRule } from "../../datapath/openflow/rule-text.ts";
import { formatMegaflowLine } from "../../datapath/ovs/megaflow-text.ts";
import { workTree } from "../git.ts";
import { packageRoot, packageVersion } from "../paths.ts";
import { bytesPerPacket } from "../trial/allocation.ts";
import { ConditionsWatch } from "../trial/conditions.ts";
import { environment } from "../trial/environment.ts";
import { coldShareOf } from "../trial/passes.ts";
import { type Sampled, sample } from "../trial/sampling.ts";
import type { Schedule } from "../trial/schedule.ts";
import { BRIDGE } from "./bridge.ts";
import type { ColdDone, Crew } from "./crew.ts";
import type { ReplayEngine } from "./engine.ts";
import type { PerfResult } from "./perf-result.ts";
import { portsOf, underlayOf } from "./port-counts.ts";
import {
  type CacheResult,
  REPLAY_BITS_LAYER,
  REPLAY_FORMAT,
  REPLAY_VERSION,
  type ReplayResult,
  type ReplayTimes,
  type RuleResult,
} from "./result.ts";
import { stagesOf } from "./stages.ts";
import type { ReplayOutcome, ReplayPlan, ReplayTrial } from "./trial.ts";

type Progress = ReplayTrial["progress"];

/** What the counting pass `cold` left, the warm passes, whoever carries the frames, and the result. */
export async function measure(
  trial: ReplayPlan,
  engine: ReplayEngine,
  crew: Crew,
  cold: ColdDone,
  warm: Schedule,
  longest: number,
  progress: Progress,
): Promise<Omit<ReplayOutcome, "files">> {
  const watch = new ConditionsWatch();
  const { setup } = trial;
  const { counters } = engine.datapath;
  crew.flush();
  const counts = counters.snapshot();
  const cache = cacheOf(engine, counters.total.slice(), new Float64Array(counters.total.length));
  const ports = portsOf(engine, setup);
  const ofRules = engine.switch.rules(BRIDGE);
  const rulePackets = ofRules.map((rule) => ({ rule, packets: rule.packets, bytes: rule.bytes }));
  const violations = engine.violations();
  const rules = trial.dumpFlows ? `${ofRules.map((rule) => ` ${formatRule(rule, cold.end)}`).join("\n")}\n` : "";
  const megaflows = trial.dumpMegaflows ? dumpMegaflows(engine, cold.end) : "";

  const timed = trial.timing && !cold.interrupted ? await time(trial, engine, crew, warm, progress) : null;
  const timedPackets = new Map(timed?.rulePackets);
  const after = timed === null ? [] : engine.violations().filter((line) => !violations.includes(line));
  const going = timed !== null && !timed.sampled.interrupted;
  const allocated = going
    ? await bytesPerPacket(
        (passes) => crew.grow(passes),
        () => progress(0.95, "watching the heap"),
      )
    : null;
  const stages = going ? await stagesOf(setup, longest, warm, () => progress(0.97, "timing stages")) : null;
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
    perf: cold.perf === null ? null : { cold: cold.perf, timed: timed?.perf ?? null },
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
  progress: Progress,
): Promise<Timed | null> {
  const coldShare = coldShareOf(trial);
  const { counters } = engine.datapath;
  const rules = engine.switch.rules(BRIDGE);
  let passNs = Number.POSITIVE_INFINITY;
  let partsNs = 0;
  let before = counters.total.slice();
  let rulesBefore: number[] = [];
  const sampled = await sample(
    {
      pass: () => {
        const begin = performance.now();
        const whole = crew.pass();
        partsNs += (performance.now() - begin) * 1e6;
        if (whole === false) return false;
        passNs = Math.min(passNs, partsNs);
        partsNs = 0;
        return true;
      },
      ...(crew.passes === undefined ? {} : { passes: (size: number) => crew.passes?.(size) }),
      packets: () => counters.total[C_RECEIVED],
      reset: () => crew.reset(),
      apart: () => engine.housekeeping[0],
      sampled: () => crew.sampled(),
    },
    {
      repeat: trial.repeat,
      seconds: trial.seconds,
      warm: () => {
        crew.flush();
        before = counters.total.slice();
        rulesBefore = rules.map((rule) => rule.packets);
        crew.record(passNs);
      },
      progress: (done) => progress(coldShare + 0.9 * (1 - coldShare) * done, "timing"),
    },
  );
  const perf = crew.recorded();
  crew.flush();
  if (sampled === null || sampled.passes === 0) return null;
  const since = (n: number): number => counters.total[n] - before[n];
  const packets = since(C_RECEIVED);
  const bytes = (packets / schedule.count) * schedule.bytes;
  return {
    sampled,
    times: {
      rule: sampled.rule,
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

function dumpMegaflows(engine: ReplayEngine, now: number): string {
  const lines = [...engine.datapath.megaflows()].map((flow) =>
    formatMegaflowLine(flow, now, (port) => engine.switch.portName(port)),
  );
  return lines.map((line) => `${line}\n`).join("");
}
