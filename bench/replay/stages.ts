/**
 * The share of each stage in a packet's time, from passes with a clock at each stage. They run in an engine of their own: the
 * clock costs, and what V8 compiles anew for the stages with it is not in the figure. What comes after it on this thread is
 * compiled once more, so it comes last.
 */
import { C_RECEIVED } from "../../datapath/counters.ts";
import { entriesOf, PART_MS } from "../trial/passes.ts";
import { breathe } from "../trial/sampling.ts";
import type { Schedule } from "../trial/schedule.ts";
import type { BridgeSetup } from "./bridge.ts";
import { ReplayEngine, type StageName, stageNames } from "./engine.ts";

/** Passes unmeasured, and measured, for this long, ms. */
const WARM_MS = 200;
const MEASURED_MS = 300;

/** ns a packet by stage, of the median pass, so that they are one pass's; null when somebody stopped it. */
export async function stagesOf(
  setup: BridgeSetup,
  longest: number,
  schedule: Schedule,
  goOn: () => boolean,
): Promise<Record<StageName, number> | null> {
  const engine = new ReplayEngine(setup, { longest, timing: true });
  const entries = entriesOf(engine, schedule);
  const { total } = engine.datapath.counters;
  const base = new Float64Array(1);
  const began = performance.now();
  let measured = Number.POSITIVE_INFINITY;
  const passes: Record<StageName, number>[] = [];
  while (passes.length === 0 || performance.now() - measured < MEASURED_MS) {
    engine.resetTimes();
    const before = total[C_RECEIVED];
    for (let burst = engine.part(schedule, entries, base, 0, PART_MS); burst !== 0; ) {
      await breathe();
      if (!goOn()) return null;
      burst = engine.part(schedule, entries, base, burst, PART_MS);
    }
    const now = performance.now();
    if (now - began >= WARM_MS) {
      measured = Math.min(measured, now);
      const packets = total[C_RECEIVED] - before;
      const spent = engine.stageNs();
      passes.push(
        Object.fromEntries(stageNames.map((name) => [name, spent[name] / packets])) as Record<StageName, number>,
      );
    }
    await breathe();
    if (!goOn()) return null;
  }
  const all = (of: Record<StageName, number>): number => stageNames.reduce((sum, name) => sum + of[name], 0);
  passes.sort((a, b) => all(a) - all(b));
  return passes[passes.length >> 1];
}
