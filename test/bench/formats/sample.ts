/** A report with every kind of verdict, and names that no format likes. */
import type { Metric, MetricReport } from "../../../bench/formats/metric.ts";

const base = { unit: "ns/packet", lower: 98, upper: 103, direction: "lower-is-better" } as const;

export const NASTY = `a|b <i>&amp;"x" \`c\` @team\nline 2, "q" \u0001 [l](u)`;

export const metrics: readonly Metric[] = [
  { ...base, name: "gre-dvr/ns per packet", value: 100.5, verdict: "pass", reason: "slower by less than 4.0 %" },
  {
    ...base,
    name: "gre-dvr/Mpps",
    unit: "Mpps",
    value: 1234567.25,
    direction: "higher-is-better",
    verdict: "regression",
    reason: "slower by more than 2.0 %, confirmed on fresh pairs",
    change: { estimate: 0.052, lower: 0.039, upper: 0.061 },
  },
  {
    ...base,
    name: "gre-legacy/ns per packet",
    value: 2,
    lower: null,
    upper: null,
    verdict: "inconclusive",
    reason: "too few",
  },
  { ...base, name: `gre-legacy/${NASTY}`, value: -0.5, verdict: "noisy", reason: NASTY },
  { ...base, name: "vlan-dvr/share", unit: "%", value: 0.125, verdict: null },
  { ...base, name: "constructor/µ", unit: "µs", value: 3e-7, verdict: "improvement" },
];

export const report: MetricReport = {
  title: "eastwest gate",
  verdict: "fail",
  metrics,
  broken: [{ name: "gre-dvr/packets", base: "250", head: "<251>" }],
  created: "2026-11-26T01:02:03.456Z",
  properties: { base: "v1 & co", cpu: 'AMD "EPYC"' },
  seconds: 61.25,
};

export const empty: MetricReport = { ...report, verdict: null, metrics: [], broken: [], properties: {} };
