/** Bencher Metric Format: benchmark -> measure -> value with its bounds. The scenario is the benchmark, the metric the measure. */
import { type Metric, splitName } from "./metric.ts";

/** Longest names that Bencher takes. */
const LONGEST_BENCHMARK = 1024;
const LONGEST_MEASURE = 64;

export function bencherJson(metrics: readonly Metric[]): string {
  // A null prototype: a scenario may be called "constructor".
  const benchmarks: Record<string, Record<string, object>> = Object.create(null);
  for (const metric of metrics) {
    if (!Number.isFinite(metric.value)) continue;
    const name = splitName(metric.name);
    const measure = `${name.metric} (${metric.unit})`.slice(0, LONGEST_MEASURE);
    const measures = (benchmarks[name.scenario.slice(0, LONGEST_BENCHMARK)] ??= Object.create(null));
    measures[measure] = {
      value: metric.value,
      ...(metric.lower === null ? {} : { lower_value: metric.lower }),
      ...(metric.upper === null ? {} : { upper_value: metric.upper }),
    };
  }
  return `${JSON.stringify(benchmarks, null, 2)}\n`;
}
