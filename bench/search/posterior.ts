/**
 * What trials say of the critical load, under one model of loss (loss-model.ts): mean and standard deviation over all its
 * parameters, each weighed by how likely it makes the trials (Bayes). Two parameters need no Monte Carlo: a grid is laid over
 * all of them, closed in on the part that holds the weight, and summed up. So the same trials give the same figures.
 *
 * Priors and likelihood are those of PLRsearch (FD.io CSIT): u, v even in (-1, 1),
 *     mrr = maxLoad x (1 / (u + 1) - 1 / 2) + 1        spread = mrr ^ ((v + 1) / 2)
 * and lost frames geometric around what the model expects: lost frames come in bursts, and a Poisson count would take every
 * one of a burst for a witness of its own.
 */
import { criticalLoad, type LossModel } from "./loss-model.ts";
import type { TrialResult } from "./trial.ts";

export interface Estimate {
  /** Frames a second: mean and standard deviation of the critical load. */
  readonly mean: number;
  readonly deviation: number;
}

export interface LoadRange {
  readonly minLoad: number;
  readonly maxLoad: number;
  /** Lost share of frames at the critical load, as 1e-7. */
  readonly lossRatio: number;
}

/** Cells of a side, while closing in and at the end. */
const SEARCH_CELLS = 40;
export const FINAL_CELLS = 100;
/** Weights below exp(-DEPTH) of the largest are nothing: the sum of all cells is not changed by them. */
const DEPTH = 25;
const MOST_ZOOMS = 20;

interface Box {
  readonly u: readonly [number, number];
  readonly v: readonly [number, number];
}

/** Throws an Error without trials. `cells`: of a side of the last grid. */
export function posterior(
  model: LossModel,
  trials: readonly TrialResult[],
  range: LoadRange,
  cells = FINAL_CELLS,
): Estimate {
  if (trials.length === 0) throw new Error("posterior of no trials");
  let box: Box = { u: [-1, 1], v: [-1, 1] };
  for (let zoom = 0; zoom < MOST_ZOOMS; zoom++) {
    const next = heavyPart(box, weights(model, trials, range, box, SEARCH_CELLS), SEARCH_CELLS);
    const smaller = area(next) < 0.7 * area(box);
    box = next;
    if (!smaller) break;
  }
  const logs = weights(model, trials, range, box, cells);
  const most = logs.reduce((a, b) => Math.max(a, b));
  let [sum, first, second] = [0, 0, 0];
  // Around the middle of the range, so that a small variance is no difference of large numbers.
  const center = Number(atMost(logs, most, (i) => loadOf(model, range, box, cells, i)));
  for (const [i, log] of logs.entries()) {
    if (log < most - DEPTH) continue;
    const weight = Math.exp(log - most);
    const load = loadOf(model, range, box, cells, i) - center;
    sum += weight;
    first += weight * load;
    second += weight * load * load;
  }
  const mean = first / sum;
  return { mean: center + mean, deviation: Math.sqrt(Math.max(0, second / sum - mean * mean)) };
}

function atMost<T>(logs: Float64Array, most: number, of: (index: number) => T): T {
  return of(logs.indexOf(most));
}

/** The parameters at the middle of a cell. */
function parameters({ u, v }: Box, cells: number, index: number, maxLoad: number): readonly [number, number] {
  const at = ([low, high]: readonly [number, number], cell: number): number =>
    low + ((high - low) * (cell + 0.5)) / cells;
  const mrr = maxLoad * (1 / (at(u, index % cells) + 1) - 0.5) + 1;
  return [mrr, mrr ** ((at(v, Math.floor(index / cells)) + 1) / 2)];
}

function loadOf(model: LossModel, range: LoadRange, box: Box, cells: number, index: number): number {
  const [mrr, spread] = parameters(box, cells, index, range.maxLoad);
  return criticalLoad(model, range.lossRatio, mrr, spread, range.minLoad, range.maxLoad);
}

/** ln of the likelihood of all trials, cell by cell. */
function weights(
  model: LossModel,
  trials: readonly TrialResult[],
  { maxLoad }: LoadRange,
  box: Box,
  cells: number,
): Float64Array {
  const logs = new Float64Array(cells * cells);
  for (let i = 0; i < logs.length; i++) {
    const [mrr, spread] = parameters(box, cells, i, maxLoad);
    let log = 0;
    for (const { load, offered, forwarded } of trials) {
      // Of the frames that were really to be forwarded in this trial.
      const expected = model.logLossRate(load, mrr, spread) + Math.log(offered / load);
      // Geometric with mean a: P(k) = a^k / (1 + a)^(k + 1).
      log -= Math.max(0, offered - forwarded) * softplus(-expected) + softplus(expected);
    }
    logs[i] = Number.isNaN(log) ? Number.NEGATIVE_INFINITY : log;
  }
  return logs;
}

/** ln(1 + e^x). */
const softplus = (x: number): number => (x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x)));

/** The smallest box of whole cells around all that weighs, and a cell more. */
function heavyPart(box: Box, logs: Float64Array, cells: number): Box {
  const most = logs.reduce((a, b) => Math.max(a, b));
  let [left, right, top, bottom] = [cells, -1, cells, -1];
  for (const [i, log] of logs.entries()) {
    if (log < most - DEPTH) continue;
    const [column, row] = [i % cells, Math.floor(i / cells)];
    left = Math.min(left, column);
    right = Math.max(right, column);
    top = Math.min(top, row);
    bottom = Math.max(bottom, row);
  }
  const part = ([low, high]: readonly [number, number], from: number, to: number): readonly [number, number] => {
    const width = (high - low) / cells;
    return [Math.max(low, low + width * (from - 1)), Math.min(high, low + width * (to + 2))];
  };
  return { u: part(box.u, left, right), v: part(box.v, top, bottom) };
}

const area = ({ u, v }: Box): number => (u[1] - u[0]) * (v[1] - v[0]);
