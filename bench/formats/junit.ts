/**
 * JUnit XML: a test suite a scenario, a test case a metric. Red metrics and broken exact gates are failures; what could not
 * be decided (inconclusive, too noisy) is skipped with its reason, so that it is seen and does not look green. The elements
 * and attributes are those that Jenkins, GitLab and GitHub's test reporters read.
 */
import { byScenario, type Metric, type MetricReport, splitName } from "./metric.ts";

export function junitXml(report: MetricReport): string {
  const suites = [...byScenario(report.metrics)].map(([scenario, metrics]) =>
    suite(
      scenario,
      report,
      metrics.map((metric) => metricCase(scenario, metric)),
    ),
  );
  if (report.broken.length > 0) {
    const cases = report.broken.map(({ name, base, head }) => ({
      outcome: "failure" as const,
      xml: testCase(
        "exact gates",
        name,
        failure("exact gate", `${name}: base ${base}, head ${head}, expected the same`),
      ),
    }));
    suites.push(suite("exact gates", report, cases));
  }
  const failures = suites.reduce((sum, { failed }) => sum + failed, 0);
  const tests = suites.reduce((sum, { count }) => sum + count, 0);
  const head = `<testsuites name=${attribute(report.title)} tests="${tests}" failures="${failures}" errors="0" time="${time(report.seconds)}">`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n${head}\n${suites.map(({ xml }) => xml).join("")}</testsuites>\n`;
}

interface Case {
  readonly outcome: "passed" | "failure" | "skipped";
  readonly xml: string;
}

function suite(
  name: string,
  report: MetricReport,
  cases: readonly Case[],
): { readonly xml: string; readonly failed: number; readonly count: number } {
  const failed = cases.filter(({ outcome }) => outcome === "failure").length;
  const skipped = cases.filter(({ outcome }) => outcome === "skipped").length;
  // Without the fraction of a second and the zone: what the readers' date parsers take.
  const timestamp = report.created.slice(0, 19);
  const properties = Object.entries(report.properties)
    .map(([key, value]) => `      <property name=${attribute(key)} value=${attribute(value)}/>\n`)
    .join("");
  const xml =
    `  <testsuite name=${attribute(name)} tests="${cases.length}" failures="${failed}" errors="0" skipped="${skipped}" ` +
    `timestamp=${attribute(timestamp)} time="${time(report.seconds)}">\n` +
    `    <properties>\n${properties}    </properties>\n${cases.map((one) => one.xml).join("")}  </testsuite>\n`;
  return { xml, failed, count: cases.length };
}

function metricCase(scenario: string, metric: Metric): Case {
  const reason = metric.reason ?? "";
  const figures = `      <system-out>${text(figuresOf(metric))}</system-out>\n`;
  const { verdict } = metric;
  const name = splitName(metric.name).metric;
  if (verdict === "regression") {
    return { outcome: "failure", xml: testCase(scenario, name, failure("regression", reason) + figures) };
  }
  if (verdict === "inconclusive" || verdict === "noisy") {
    const skipped = `      <skipped message=${attribute(`${verdict}: ${reason}`)}/>\n`;
    return { outcome: "skipped", xml: testCase(scenario, name, skipped + figures) };
  }
  return { outcome: "passed", xml: testCase(scenario, name, figures) };
}

function figuresOf({ value, unit, lower, upper, verdict, reason }: Metric): string {
  const interval = lower === null || upper === null ? "" : ` (${lower} to ${upper})`;
  const said = verdict === null ? "" : `; ${verdict}${reason === undefined ? "" : `: ${reason}`}`;
  return `${value} ${unit}${interval}${said}`;
}

function testCase(scenario: string, name: string, content: string): string {
  return `    <testcase classname=${attribute(scenario)} name=${attribute(name)}>\n${content}    </testcase>\n`;
}

function failure(type: string, message: string): string {
  return `      <failure type=${attribute(type)} message=${attribute(message)}>${text(message)}</failure>\n`;
}

/** Seconds to the millisecond. */
function time(seconds: number): string {
  return (Number.isFinite(seconds) ? Math.max(0, seconds) : 0).toFixed(3);
}

/** A quoted attribute value; line ends would be read as blanks, so they are written as references. */
export function attribute(value: string): string {
  return `"${text(value).replaceAll('"', "&quot;").replaceAll("\t", "&#9;").replaceAll("\n", "&#10;").replaceAll("\r", "&#13;")}"`;
}

/** Character data. What XML 1.0 (2.2) does not allow at all, lone surrogates too, becomes U+FFFD. */
export function text(value: string): string {
  return value
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}
