/**
 * Many metrics, several looks, one error rate: Holm's step-down over all metrics of the run, each tested against the
 * boundary that a spending function gives to its share of the level (W. Maurer, F. Bretz, "Multiple testing in group
 * sequential trials using graphical approaches", 2013). A metric that was rejected hands its share on to the others;
 * one that passed keeps it.
 */
import { nominalLevels, type Spending } from "../statistics/group-sequential.ts";

/**
 * Which of the open hypotheses are rejected at look `k` (0-based) of `looks`. `pValues` by name are those of the metrics
 * still open; `all`: number of metrics of the run; `rejected`: how many were rejected at earlier looks.
 */
export function stepDown(
  pValues: ReadonlyMap<string, number>,
  all: number,
  rejected: number,
  level: number,
  looks: readonly number[],
  k: number,
  spending: Spending = "obrien-fleming",
): string[] {
  const ascending = [...pValues].sort(([, a], [, b]) => a - b);
  const names: string[] = [];
  for (const [name, p] of ascending) {
    const share = level / (all - rejected - names.length);
    if (!(p <= nominalLevels(spending, share, looks)[k])) break;
    names.push(name);
  }
  return names;
}
