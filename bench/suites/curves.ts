/**
 * `npm run bench -- curves [NAME...]`: what a packet costs with 10 times the flows, the masks, the hosts, and what the caches
 * say about why. Expected: linear in the masks that are probed, flat in flows until a cache overflows.
 */
import { Fabric } from "../../datapath/fabric.ts";
import { ownRules } from "../measure/subjects.ts";
import { maskedRules } from "../peers/bars.ts";
import { number, percent, table, wrapped } from "../report/format.ts";
import { WarmRunner } from "../trial/passes.ts";
import { coldSchedule, warmSchedule } from "../trial/schedule.ts";
import { median } from "../trial/statistics.ts";
import { FRAMES, frames, type Replayed, warmEngine } from "./fixture.ts";
import { meshInputs, meshTopology } from "./mesh.ts";

export interface CurvePoint {
  /** Flows, masks or hosts. */
  readonly x: number;
  /** Median over the passes, and the least. */
  readonly nsPerPacket: number;
  readonly nsLeast: number;
  readonly passes: number;
  /** Of the lookups in the measured passes. */
  readonly exactShare: number;
  readonly megaflowShare: number;
  readonly upcallShare: number;
  /** Subtables tried for a megaflow hit; null without hits. */
  readonly lookupsPerHit: number | null;
  /** Subtables tried for a packet, whoever answered. */
  readonly probesPerPacket: number;
  readonly megaflows: number;
  readonly masks: number;
  /** Bytes of all frames that go round. */
  readonly traceBytes: number;
  /** In the datapaths of a cluster, whose bursts are cut by where packets go; null: bursts of a bridge are full. */
  readonly packetsPerBurst: number | null;
}

export interface Curve {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly points: readonly CurvePoint[];
  /** Least squares of ns by subtables probed; only of masks. */
  readonly fit: { readonly nsPerProbe: number; readonly nsElse: number; readonly r2: number } | null;
  readonly notes: readonly string[];
}

interface Counted {
  readonly lookups: number;
  readonly exact: number;
  readonly megaflow: number;
  readonly upcall: number;
  readonly probes: number;
}

/** A thing to measure: a pass over all its frames. */
interface Subject {
  readonly pass: () => void;
  readonly packets: number;
  readonly bytes: number;
  readonly counted: () => Counted;
  readonly megaflows: () => number;
  readonly masks: () => number;
  readonly packetsPerBurst: () => number | null;
}

interface Plan {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly xs: readonly number[];
  readonly make: (x: number) => Subject;
}

const REWRITE = ownRules.macrewrite.text;
const flowTrace = (flows: number): Replayed["trace"] =>
  frames({ frames: Math.max(FRAMES, flows), flows, popularity: "round-robin" });

const plans: readonly Plan[] = [
  {
    name: "flows",
    title: "flows of one megaflow, MAC rewrite",
    unit: "flows",
    xs: [10, 100, 1000, 10_000, 100_000, 1_000_000],
    make: (x) => bridge({ trace: flowTrace(x), rules: REWRITE }),
  },
  {
    name: "megaflows",
    title: "flows with a megaflow each, MAC rewrite",
    unit: "flows",
    xs: [10, 100, 1000, 10_000, 100_000],
    make: (x) => bridge({ trace: flowTrace(x), rules: ownRules.macrewriteflow.text }),
  },
  {
    name: "masks",
    title: "masks, exact-match cache off, 1,000 flows",
    unit: "masks",
    xs: [1, 2, 4, 8, 16, 32, 64, 128],
    make: (x) => bridge({ trace: frames({ flows: 1000 }), rules: maskedRules(x, "output:2"), emc: false }),
  },
  {
    name: "hosts",
    title: "hosts, GRE between all of them, 1,000 flows in all; a packet is delivered by two of them",
    unit: "hosts",
    xs: [2, 3, 10, 30, 100],
    make: (x) => cluster(x, false),
  },
  {
    name: "hosts-sorted",
    title: "the same hosts and frames, each VM's frames to one other following each other",
    unit: "hosts",
    xs: [2, 3, 10, 30, 100],
    make: (x) => cluster(x, true),
  },
];

export const curveNames: readonly string[] = plans.map(({ name }) => name);

function bridge(replayed: Replayed): Subject {
  const { engine, pass, trace } = warmEngine(replayed);
  const { counters, megaflowCache } = engine.datapath;
  return {
    pass,
    packets: trace.count,
    bytes: trace.bytes.length,
    counted: () => ({
      lookups: counters.get("lookups"),
      exact: counters.get("exact"),
      megaflow: counters.get("megaflow"),
      upcall: counters.get("upcall"),
      probes: counters.get("subtableLookups"),
    }),
    megaflows: () => megaflowCache.count,
    masks: () => megaflowCache.masks,
    packetsPerBurst: () => null,
  };
}

function cluster(hosts: number, sorted: boolean): Subject {
  const fabric = new Fabric(meshTopology(hosts));
  const inputs = meshInputs(hosts, 1000, sorted);
  const schedule = warmSchedule(coldSchedule(inputs, {}));
  const runner = new WarmRunner(fabric, schedule, 0);
  const pass = (): void => {
    while (!runner.pass());
  };
  for (let i = 0; i < 20; i++) pass();
  const sum = (name: Parameters<(typeof fabric.hosts)[0]["datapath"]["counters"]["get"]>[0]): number =>
    fabric.hosts.reduce((all, { datapath }) => all + datapath.counters.get(name), 0);
  const before = runner.delivered() + sum("copies");
  pass();
  const delivered = runner.delivered() + sum("copies") - before;
  if (delivered !== schedule.count)
    throw new Error(`${hosts} hosts: ${delivered} frames delivered or copied by flooding, expected ${schedule.count}`);
  return {
    pass,
    packets: schedule.count,
    bytes: inputs.reduce((all, { trace }) => all + trace.bytes.length, 0),
    counted: () => ({
      lookups: sum("lookups"),
      exact: sum("exact"),
      megaflow: sum("megaflow"),
      upcall: sum("upcall"),
      probes: sum("subtableLookups"),
    }),
    megaflows: () => fabric.hosts.reduce((all, { datapath }) => all + datapath.megaflowCache.count, 0),
    masks: () => Math.max(...fabric.hosts.map(({ datapath }) => datapath.megaflowCache.masks)),
    packetsPerBurst: () => burstSize(fabric, pass),
  };
}

/** Packets of a burst in a pass that nobody measures. */
function burstSize(fabric: Fabric, pass: () => void): number {
  let bursts = 0;
  let packets = 0;
  for (const host of fabric.hosts) {
    const { process } = host;
    host.process = (port, batch) => {
      const count = process.call(host, port, batch);
      bursts++;
      packets += count;
      return count;
    };
  }
  pass();
  return packets / bursts;
}

function measure({ make }: Plan, x: number, ms: number): CurvePoint {
  const subject = make(x);
  const { pass, packets } = subject;
  for (const until = performance.now() + ms / 2; performance.now() < until; ) pass();
  const ns: number[] = [];
  const before = subject.counted();
  for (const until = performance.now() + ms; performance.now() < until || ns.length < 5; ) {
    const begin = performance.now();
    pass();
    ns.push(((performance.now() - begin) * 1e6) / packets);
  }
  const now = subject.counted();
  const lookups = now.lookups - before.lookups;
  const megaflow = now.megaflow - before.megaflow;
  const probes = now.probes - before.probes;
  return {
    x,
    nsPerPacket: median(ns),
    nsLeast: Math.min(...ns),
    passes: ns.length,
    exactShare: (now.exact - before.exact) / lookups,
    megaflowShare: megaflow / lookups,
    upcallShare: (now.upcall - before.upcall) / lookups,
    lookupsPerHit: megaflow === 0 ? null : probes / megaflow,
    probesPerPacket: probes / (packets * ns.length),
    megaflows: subject.megaflows(),
    masks: subject.masks(),
    traceBytes: subject.bytes,
    packetsPerBurst: subject.packetsPerBurst(),
  };
}

/** Measures the curves of these names, all without any, `ms` a point. `progress` hears what comes next; false stops. */
export async function measureCurves(
  names: readonly string[],
  ms: number,
  progress: (what: string) => boolean,
): Promise<Curve[]> {
  const curves: Curve[] = [];
  for (const plan of plans) {
    if (names.length > 0 && !names.includes(plan.name)) continue;
    const points: CurvePoint[] = [];
    for (const x of plan.xs) {
      await new Promise((resolve) => setImmediate(resolve));
      if (!progress(`${plan.name}: ${x} ${plan.unit}`)) break;
      points.push(measure(plan, x, ms));
    }
    if (points.length === 0) break;
    const { name, title, unit } = plan;
    const fit = name === "masks" && points.length > 2 ? line(points) : null;
    curves.push({ name, title, unit, points, fit, notes: notesOf(name, points, fit) });
    if (points.length < plan.xs.length) break;
  }
  return curves;
}

/** Least squares of the time by subtables probed. */
function line(points: readonly CurvePoint[]): NonNullable<Curve["fit"]> {
  const mean = (of: (point: CurvePoint) => number): number => points.reduce((sum, p) => sum + of(p), 0) / points.length;
  const x = mean((p) => p.probesPerPacket);
  const y = mean((p) => p.nsPerPacket);
  const xx = mean((p) => (p.probesPerPacket - x) ** 2);
  const xy = mean((p) => (p.probesPerPacket - x) * (p.nsPerPacket - y));
  const yy = mean((p) => (p.nsPerPacket - y) ** 2);
  const nsPerProbe = xy / xx;
  return { nsPerProbe, nsElse: y - nsPerProbe * x, r2: xy ** 2 / (xx * yy) };
}

/** Further from its neighbour than this is not flat. */
const FLAT = 1.25;

/** What the caches say about each step that is not flat, a sentence each. */
function notesOf(name: string, points: readonly CurvePoint[], fit: Curve["fit"]): string[] {
  if (fit !== null) {
    return [
      `${number(fit.nsElse)} ns and ${number(fit.nsPerProbe)} ns for each subtable probed (least squares, R2 ${fit.r2.toFixed(4)})`,
    ];
  }
  const notes: string[] = [];
  for (let n = 1; n < points.length; n++) {
    const [a, b] = [points[n - 1], points[n]];
    const times = b.nsPerPacket / a.nsPerPacket;
    if (times < FLAT) continue;
    notes.push(
      `${b.x} ${name.startsWith("hosts") ? "hosts" : "flows"}: ${times.toFixed(2)} times ${a.x}'s cost: ${why(a, b)}`,
    );
  }
  return notes.length > 0 ? notes : ["flat: no step is more than 1.25 times the one before"];
}

function why(a: CurvePoint, b: CurvePoint): string {
  const reasons: string[] = [];
  if (b.upcallShare > 0.001) reasons.push(`${percent(b.upcallShare)} upcalls: the megaflow cache holds no more`);
  if (a.exactShare - b.exactShare > 0.05) {
    reasons.push(
      `the exact-match cache overflows: its hits fall from ${percent(a.exactShare)} to ${percent(b.exactShare)}`,
    );
  }
  const [full, cut] = [a.packetsPerBurst, b.packetsPerBurst];
  if (full !== null && cut !== null && cut < 0.8 * full) {
    reasons.push(`bursts are cut by where packets go: ${number(cut)} packets each where ${number(full)} were`);
  }
  if (b.megaflows > 2 * a.megaflows) {
    reasons.push(
      `${number(b.megaflows)} megaflows, programs and statistics of their own, where ${number(a.megaflows)} were`,
    );
  }
  if (b.traceBytes > 1.5 * a.traceBytes) {
    reasons.push(
      `frames are read from ${number(b.traceBytes / 2 ** 20)} MiB of memory in place of ${number(a.traceBytes / 2 ** 20)}`,
    );
  }
  return reasons.length > 0 ? reasons.join("; ") : "the caches do not say why (measure again on a quiet machine)";
}

export function curvesText(curves: readonly Curve[], interrupted: boolean): string {
  let text = "";
  for (const { title, unit, points, notes } of curves) {
    text += `${title}\n`;
    text += table([
      [unit, "ns/packet", "least", "exact", "megaflow", "upcalls", "subtables/hit", "/packet", "megaflows", "masks"],
      ...points.map((p) => [
        String(p.x),
        number(p.nsPerPacket),
        number(p.nsLeast),
        percent(p.exactShare),
        percent(p.megaflowShare),
        percent(p.upcallShare),
        number(p.lookupsPerHit),
        number(p.probesPerPacket),
        String(p.megaflows),
        String(p.masks),
      ]),
    ]);
    for (const note of notes) text += wrapped(note);
    text += "\n";
  }
  return interrupted ? `${text}interrupted: what is above was measured, the rest was not\n` : text;
}
