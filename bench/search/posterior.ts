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

/** Cells of a side: while closing in, and at the end, where it is doubled until so many cells weigh something. */
const SEARCH_CELLS = 24;
const FINAL_CELLS = 48;
const MOST_CELLS = 192;
const ENOUGH_CELLS = 100;
/**
 * A grid that is closed in on keeps at least this share of its cells, the heaviest: what weighs is a narrow ridge, and a coarse
 * grid may hit it beside its peak.
 */
const KEPT_SHARE = 0.05;
/** Weights below exp(-DEPTH) of the largest are nothing: the sum of all cells is not changed by them. */
const DEPTH = 20;
const MOST_ZOOMS = 40;

interface Box {
  readonly u: readonly [number, number];
  readonly v: readonly [number, number];
}

/**
 * The posterior of one model, while trials come in: where the weight was after the last one is where it is looked for first.
 */
export class Posterior {
  readonly #model: LossModel;
  readonly #range: LoadRange;
  #box: Box = EVERYTHING;

  constructor(model: LossModel, range: LoadRange) {
    this.#model = model;
    this.#range = range;
  }

  /** Of all these trials. Throws an Error without any. `finer`: so many times the cells of a side, to see if it matters. */
  of(trials: readonly TrialResult[], finer = 1): Estimate {
    if (trials.length === 0) throw new Error("posterior of no trials");
    // Few trials leave the weight spread out, and another one moves it far.
    this.#closeIn(trials, trials.length < FEW ? EVERYTHING : widened(this.#box));
    if (this.#box !== EVERYTHING && this.#atEdge(trials)) this.#closeIn(trials, EVERYTHING);
    const box = this.#box;
    for (let cells = FINAL_CELLS; ; cells *= 2) {
      const logs = this.#weights(trials, box, cells);
      const least = largest(logs) - DEPTH;
      const heavy = logs.reduce((count, log) => (log < least ? count : count + 1), 0);
      if (heavy < ENOUGH_CELLS && cells < MOST_CELLS) continue;
      const all = cells * finer;
      return moments(finer === 1 ? logs : this.#weights(trials, box, all), (cell) => this.#loadOf(box, all, cell));
    }
  }

  #closeIn(trials: readonly TrialResult[], from: Box): void {
    this.#box = from;
    for (let zoom = 0; zoom < MOST_ZOOMS; zoom++) {
      const next = heavyPart(this.#box, this.#weights(trials, this.#box, SEARCH_CELLS), SEARCH_CELLS);
      const smaller = area(next) < 0.9 * area(this.#box);
      this.#box = next;
      if (!smaller) break;
    }
  }

  /** Weight goes on where the box ends: it was looked for in too small a part. */
  #atEdge(trials: readonly TrialResult[]): boolean {
    const { u, v } = this.#box;
    const logs = this.#weights(trials, this.#box, SEARCH_CELLS);
    const least = largest(logs) - DEPTH / 2;
    const last = SEARCH_CELLS - 1;
    return logs.some((log, i) => {
      if (log < least) return false;
      const [column, row] = [i % SEARCH_CELLS, Math.floor(i / SEARCH_CELLS)];
      return (
        (column === 0 && u[0] > -1) ||
        (column === last && u[1] < 1) ||
        (row === 0 && v[0] > -1) ||
        (row === last && v[1] < 1)
      );
    });
  }

  #weights(trials: readonly TrialResult[], box: Box, cells: number): Float64Array {
    return weights(this.#model, trials, this.#range, box, cells);
  }

  #loadOf(box: Box, cells: number, cell: number): number {
    const { lossRatio, minLoad, maxLoad } = this.#range;
    const [mrr, spread] = parameters(box, cells, cell, maxLoad);
    return criticalLoad(this.#model, lossRatio, mrr, spread, minLoad, maxLoad);
  }
}

const FEW = 12;
const EVERYTHING: Box = { u: [-1, 1], v: [-1, 1] };

/** Twice as wide in either direction, within what there is. */
function widened({ u, v }: Box): Box {
  const wider = ([low, high]: readonly [number, number]): readonly [number, number] => {
    const more = (high - low) / 2;
    return [Math.max(-1, low - more), Math.min(1, high + more)];
  };
  return { u: wider(u), v: wider(v) };
}

/** Mean and standard deviation of the critical load over all cells that weigh something. */
function moments(logs: Float64Array, loadAt: (cell: number) => number): Estimate {
  const most = largest(logs);
  // Around the likeliest, so that a small variance is no difference of large numbers.
  const center = loadAt(logs.indexOf(most));
  let [sum, first, second] = [0, 0, 0];
  for (const [i, log] of logs.entries()) {
    if (log < most - DEPTH) continue;
    const weight = Math.exp(log - most);
    const load = loadAt(i) - center;
    sum += weight;
    first += weight * load;
    second += weight * load * load;
  }
  const mean = first / sum;
  return { mean: center + mean, deviation: Math.sqrt(Math.max(0, second / sum - mean * mean)) };
}

const largest = (logs: Float64Array): number => logs.reduce((a, b) => Math.max(a, b));

/** The parameters at the middle of a cell. */
function parameters({ u, v }: Box, cells: number, index: number, maxLoad: number): readonly [number, number] {
  const at = ([low, high]: readonly [number, number], cell: number): number =>
    low + ((high - low) * (cell + 0.5)) / cells;
  const mrr = maxLoad * (1 / (at(u, index % cells) + 1) - 0.5) + 1;
  return [mrr, mrr ** ((at(v, Math.floor(index / cells)) + 1) / 2)];
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
  const kept = logs.toSorted((a, b) => b - a)[Math.ceil(KEPT_SHARE * logs.length) - 1];
  const least = Math.min(kept, largest(logs) - DEPTH);
  let [left, right, top, bottom] = [cells, -1, cells, -1];
  for (const [i, log] of logs.entries()) {
    if (log < least) continue;
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
