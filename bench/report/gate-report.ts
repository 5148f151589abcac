/** What `gate` prints. */
import type { GateResult } from "../gate/result.ts";
import { runVerdictText } from "../gate/verdict.ts";
import { number, percent, plural, table, whole } from "./format.ts";

const SHORT = 12;

export function gateText(result: GateResult): string {
  const { sides, metrics, broken, missing, figures, conditions } = result;
  const side = ({ name, commit, dirty }: GateResult["sides"]["base"]): string =>
    `${name}${commit === null ? "" : ` (${commit.slice(0, SHORT)}${dirty ? ", changed" : ""})`}`;
  const rows = metrics.map((metric) => {
    const { base, head } = figures[metric.name] ?? { base: null, head: null };
    const interval =
      metric.low === null || metric.high === null ? "" : `${signed(metric.low)} to ${signed(metric.high)}`;
    const pairs = `${metric.pairs}${metric.confirmPairs > 0 ? `+${metric.confirmPairs}` : ""}`;
    return [
      metric.name,
      number(base),
      number(head),
      signed(metric.estimate),
      interval,
      pairs,
      percent(metric.deviation),
      metric.verdict,
    ];
  });
  const lines = [
    `base ${side(sides.base)}\nhead ${side(sides.head)}\n`,
    table([["metric", "base", "head", "change", "95 %", "pairs", "pair sd", "verdict"], ...rows]),
    ...metrics
      .filter(({ verdict }) => verdict !== "pass" && verdict !== "improvement")
      .map(({ name, verdict, reason, detectable }) => {
        const seen =
          verdict === "inconclusive" && detectable !== null
            ? `; from ${percent(detectable)} on it would have been seen`
            : "";
        return `${name}: ${verdict}, ${reason}${seen}\n`;
      }),
    ...broken.map(
      ({ name, base, head }) => `${name}: base ${base ?? "none"}, head ${head ?? "none"}, expected the same\n`,
    ),
    ...missing.map(({ scenario, side: of, why }) => `${scenario}: not judged, ${of} does not have it (${why})\n`),
    `\ncompared exactly: ${plural(Object.keys(result.exact).length, "scenario")}, ${plural(broken.length, "difference")}; ` +
      `${whole(result.pairs.length)} pairs, ${whole(result.processes)} processes, ${whole(result.seconds)} s, seed ${result.seed}\n`,
    `machine: ${result.environment.cpu}, ${plural(result.environment.cores, "core")}; load ${conditions.load[0].toFixed(2)}, steal ` +
      `${percent(conditions.steal)}, ${percent(conditions.spin.lost)} of a spin lost\n`,
    `${result.interrupted ? "interrupted; until then: " : ""}${runVerdictText[result.verdict]}\n`,
  ];
  return lines.join("");
}

function signed(ratio: number): string {
  if (!Number.isFinite(ratio)) return "-";
  return `${ratio > 0 ? "+" : ""}${(100 * ratio).toFixed(1)} %`;
}
