/**
 * The input of github-action-benchmark's custom tools: a list of name, unit, value. The tool takes one direction a file, so
 * there are two: customSmallerIsBetter and customBiggerIsBetter.
 */
import { halfWidth, type Metric, type MetricDirection } from "./metric.ts";

export function actionBenchmarkJson(metrics: readonly Metric[], direction: MetricDirection): string {
  const entries = metrics
    .filter((metric) => metric.direction === direction && Number.isFinite(metric.value))
    .map((metric) => {
      const half = halfWidth(metric);
      return {
        name: metric.name,
        unit: metric.unit,
        value: metric.value,
        ...(half === null ? {} : { range: `± ${Number(half.toPrecision(3))}` }),
        ...(metric.reason === undefined ? {} : { extra: `${metric.verdict ?? ""}: ${metric.reason}` }),
      };
    });
  return `${JSON.stringify(entries, null, 2)}\n`;
}
