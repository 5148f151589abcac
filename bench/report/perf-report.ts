/**
 * The figures of a worker's loop in the layout of Open vSwitch's `dpif-netdev/pmd-perf-show` and of its log of suspicious
 * iterations (lib/dpif-netdev-perf.c), nanoseconds in place of cycles. Caches that this switch does not have (SMC, simple
 * match, offloads) have no line. Pure: figures in, text out.
 */
import type { Iteration, PerfResult } from "../replay/perf-result.ts";

const share = (part: number, of: number): string => `(${(of === 0 ? 0 : (100 * part) / of).toFixed(1).padStart(5)} %`;
const ratio = (part: number, of: number): string => (of === 0 ? 0 : part / of).toFixed(2);
const whole = (value: number): string => Math.round(value).toString();

/** The block of one worker, or of all together; ends with a newline. `name`: "worker 0", "all workers". */
export function perfText(perf: PerfResult, name: string): string {
  const { workers, iterations, packets, passes, busySeconds, seconds } = perf;
  const busy = iterations - perf.idleIterations;
  const line = (title: string, value: number, rest: string): string =>
    `  ${`${title}:`.padEnd(19)}${whole(value).padStart(12)}  ${rest}\n`;
  const ns = busySeconds * 1e9;
  let text =
    `Measurement duration: ${seconds.toFixed(3)} s\n\n${name}:\n\n` +
    line(
      "Iterations",
      iterations,
      `(${ratio(ns / 1000, iterations)} us/it, ${perf.burstsPerIteration} batches/it at most)`,
    ) +
    line("- Used ns", ns, `${share(busySeconds, seconds * workers)} of total time)`) +
    line("- idle iterations", perf.idleIterations, `${share(perf.idleIterations, iterations)} of iterations)`) +
    line("- busy iterations", busy, `${share(busy, iterations)} of iterations)`);
  if (packets === 0) return `${text}${`  ${"Rx packets:".padEnd(19)}`}${"0".padStart(12)}\n`;
  const kpps = (count: number): string => `${whole((count * workers) / busySeconds / 1000)} Kpps`;
  text +=
    line("Rx packets", packets, `(${kpps(packets)}, ${(ns / packets).toFixed(1)} ns/pkt)`) +
    line("Rx batches", perf.batches, `(${ratio(packets, perf.batches)} pkts/batch)`) +
    line("Datapath passes", passes, `(${ratio(passes, packets)} passes/pkt)`) +
    line("- EMC hits", perf.exactHits, `${share(perf.exactHits, passes)})`) +
    line(
      "- Megaflow hits",
      perf.megaflowHits,
      `${share(perf.megaflowHits, passes)}, ${ratio(perf.subtableLookups, perf.megaflowHits)} subtbl lookups/hit)`,
    ) +
    line(
      "- Upcalls",
      perf.upcalls,
      `${share(perf.upcalls, passes)}, ${(perf.upcalls === 0 ? 0 : (perf.upcallSeconds * 1e6) / perf.upcalls).toFixed(1)} us/upcall)`,
    ) +
    line("- Lost upcalls", perf.lostUpcalls, `${share(perf.lostUpcalls, passes)})`) +
    line("Tx packets", perf.txPackets, `(${kpps(perf.txPackets)})`) +
    line("Tx batches", perf.txBatches, `(${ratio(perf.txPackets, perf.txBatches)} pkts/batch)`);
  return `${text}\n${histograms(perf)}\n${suspicious(perf)}`;
}

const CELL = 21;

function histograms({
  histograms: list,
  iterations,
  packets,
  batches,
  upcalls,
  upcallSeconds,
  busySeconds,
}: PerfResult): string {
  const row = (cells: readonly string[]): string =>
    `${`   ${cells.map((cell) => cell.padEnd(CELL)).join("  ")}`.trimEnd()}\n`;
  const cell = (wall: string, count: number): string => `${wall.padEnd(9)} ${whole(count).padEnd(11)}`;
  const names = list.map(({ name }) => name);
  let text = `Histograms\n${row(names)}`;
  const bins = list[0].counts.length;
  for (let b = 0; b < bins; b++) {
    text += row(list.map(({ walls, counts }) => cell(b < walls.length ? whole(walls[b]) : ">", counts[b])));
  }
  const ns = busySeconds * 1e9;
  const means = [
    ns / iterations,
    packets / iterations,
    packets === 0 ? 0 : ns / packets,
    batches === 0 ? 0 : packets / batches,
    upcalls / iterations,
    upcalls === 0 ? 0 : (upcallSeconds * 1e9) / upcalls,
  ];
  return `${text}${"-".repeat(3 + list.length * (CELL + 2))}\n${row(names)}${row(means.map((mean) => mean.toFixed(2)))}`;
}

function suspicious(perf: PerfResult): string {
  const { suspicious: list, suspiciousCount, suspiciousUs } = perf;
  if (suspiciousCount === 0) return `No iteration took more than ${suspiciousUs} us.\n`;
  let text = `${suspiciousCount} of ${perf.iterations} iterations took more than ${suspiciousUs} us`;
  if (perf.workers > 1) return `${text}; see each worker.\n`;
  text += list.length < suspiciousCount ? `; the first with their neighbours:\n` : ":\n";
  for (const found of list) {
    text +=
      `Suspicious iteration (Excessive total time): iter=${found.iteration} duration=${whole(found.ns / 1000)} us\n` +
      `   ${["iter", "ns", "packets", "ns/pkt", "pkts/batch", "upcalls", "ns/upcall"].map((name, i) => name.padEnd(i === 0 ? 17 : 10)).join("   ")}`.trimEnd() +
      `\n${found.neighbours.map(iterationLine).join("")}`;
  }
  return text;
}

function iterationLine({ iteration, ns, packets, batches, upcalls, upcallNs }: Iteration): string {
  const by = (value: number, of: number): string => whole(of === 0 ? 0 : value / of);
  const cells = [
    whole(ns),
    whole(packets),
    by(ns, packets),
    by(packets, batches),
    whole(upcalls),
    by(upcallNs, upcalls),
  ];
  return `${`   ${whole(iteration).padEnd(17)}   ${cells.map((cell) => cell.padEnd(11)).join("  ")}`.trimEnd()}\n`;
}
