/**
 * Runs of the gate drawn from pairs that were really measured: blocks of consecutive pairs, so that whatever holds for a
 * while on the machine (a noisy neighbour, a clock) stays together (H. R. Künsch, "The jackknife and the bootstrap for
 * general stationary observations", 1989; circular, so that every pair is drawn equally often). All metrics of a recording
 * take the same blocks: they were measured in the same processes.
 */
import type { Drawn, PairSource } from "./simulate.ts";

/** Effects (logs, pairEffect) of pairs in the order in which they were measured. */
export interface Recording {
  readonly scenario: string;
  /** Metric -> effect of each pair; all of the same length. */
  readonly effects: Readonly<Record<string, readonly number[]>>;
}

/** Uniform in [0, 1). */
export type Uniform = () => number;

/** Throws an Error for a recording without pairs or with metrics of different lengths. */
export function checkRecording(recording: Recording): number {
  const lengths = new Set(Object.values(recording.effects).map((effects) => effects.length));
  const [length] = lengths;
  if (lengths.size !== 1 || length === 0) {
    throw new Error(
      `recording of ${recording.scenario}: ${[...lengths].join(" and ") || "no"} pairs, expected the same number for each metric, 1 or more`,
    );
  }
  return length;
}

/** Indices of `count` pairs in blocks of `block` consecutive ones, out of `length`, beginning again at the end. */
export function drawBlocks(length: number, count: number, block: number, uniform: Uniform): Int32Array {
  const indices = new Int32Array(count);
  for (let i = 0, at = 0; i < count; i++) {
    if (i % block === 0) at = Math.floor(uniform() * length);
    indices[i] = (at + (i % block)) % length;
  }
  return indices;
}

/**
 * A source of runs over recordings: `subject` (A/A, or with a slow-down built in) is what the gate judges, `control` its
 * control leg (A/A). Metrics are named "scenario/metric", as in `metricNames`.
 */
export function resampled(
  subject: readonly Recording[],
  control: readonly Recording[],
  block: number,
  uniform: Uniform,
): PairSource {
  for (const recording of [...subject, ...control]) checkRecording(recording);
  return {
    draw(metrics, pairs) {
      const drawn = new Map<string, Drawn>();
      for (const recording of subject) {
        const wanted = metricNames(recording).filter((name) => metrics.includes(name));
        if (wanted.length === 0) continue;
        const other = control.find(({ scenario }) => scenario === recording.scenario);
        const of = (from: Recording | undefined): ((metric: string) => readonly number[]) => {
          if (from === undefined) return () => [];
          const indices = drawBlocks(checkRecording(from), pairs, block, uniform);
          return (metric) => Array.from(indices, (i) => from.effects[metric][i]);
        };
        const effects = of(recording);
        const controls = of(other);
        for (const name of wanted) {
          const metric = name.slice(recording.scenario.length + 1);
          drawn.set(name, { effects: effects(metric), control: controls(metric) });
        }
      }
      return drawn;
    },
  };
}

/** "scenario/metric" of every metric of a recording. */
export function metricNames(recording: Recording): string[] {
  return Object.keys(recording.effects).map((metric) => `${recording.scenario}/${metric}`);
}
