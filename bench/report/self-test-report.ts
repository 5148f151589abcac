/** A self-test for people: Markdown tables, as they stand in bench/gate/README.md. */
import type { ResampledRow } from "../gate/self-test-resample.ts";
import type { SelfTestResult } from "../gate/self-test-result.ts";
import type { RateInterval } from "../statistics/binomial.ts";
import { percent } from "./format.ts";

export function selfTestReport({ rows, pairSpread, missing, commit }: SelfTestResult): string {
  if (rows.length === 0)
    return [spreadLine(pairSpread), `commit ${commit}`, ...missing.map((what) => `missing: ${what}`), ""].join("\n");
  const lines = [
    row(["slow-down", "really", "runs", "red", "found", "inconclusive", "too noisy", "pass", "pairs", "s a run"]),
    row(["---", "---", "---:", "---:", "---:", "---:", "---:", "---:", "---:", "---:"]),
    ...rows.map((one) =>
      row([
        one.slowDown === 0 ? "A/A" : share(one.slowDown),
        Object.entries(one.actual)
          .map(([scenario, ratio]) => `${scenario} ${share(ratio)}`)
          .join(", "),
        String(one.runs),
        rate(one.red),
        one.found === null ? "" : rate(one.found),
        rate(one.inconclusive),
        rate(one.noisy),
        rate(one.pass),
        one.meanPairs.toFixed(1),
        one.meanSeconds.toFixed(1),
      ]),
    ),
    "",
    spreadLine(pairSpread),
    `commit ${commit}`,
  ];
  const broken = rows.reduce((sum, { exactBroken }) => sum + exactBroken, 0);
  if (broken > 0) lines.push(`${broken} runs had an exact gate that differed`);
  for (const what of missing) lines.push(`missing: ${what}`);
  return `${lines.join("\n")}\n`;
}

export function resampledReport(rows: readonly ResampledRow[], spread: SelfTestResult["pairSpread"]): string {
  const lines = [
    row([
      "slow-down",
      "scenario",
      "recorded pairs",
      "looks",
      "runs",
      "red",
      "found",
      "inconclusive",
      "too noisy",
      "mean pairs",
    ]),
    row(["---", "---", "---:", "---", "---:", "---:", "---:", "---:", "---:", "---:"]),
    ...rows.map((one) =>
      row([
        one.slowDown === 0 ? "A/A" : share(one.slowDown),
        one.scenario ?? "",
        String(one.recorded),
        one.looks.join(", "),
        String(one.rates.runs),
        rate(one.rates.verdicts.fail),
        one.rates.found === null ? "" : rate(one.rates.found),
        rate(one.rates.verdicts.inconclusive),
        rate(one.rates.verdicts.noisy),
        one.rates.meanPairs.toFixed(1),
      ]),
    ),
    "",
    spreadLine(spread),
  ];
  return `${lines.join("\n")}\n`;
}

function spreadLine(pairSpread: SelfTestResult["pairSpread"]): string {
  const each = Object.entries(pairSpread).map(
    ([scenario, { pairs, deviation }]) => `${scenario} ${percent(deviation)} (${pairs} pairs of equal sides)`,
  );
  return `spread of one pair: ${each.join(", ")}`;
}

/** "2 of 60, 3.3 % (0.4 to 11.5)". */
function rate({ events, runs, rate: value, low, high }: RateInterval): string {
  const of = (part: number): string => (100 * part).toFixed(1);
  return `${events} of ${runs}, ${of(value)} % (${of(low)} to ${of(high)})`;
}

function share(ratio: number): string {
  return `${Number((100 * ratio).toFixed(2))} %`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
