/**
 * `npm run conformance`: seeded random tables and packets through a private Open vSwitch and through ours, compared by
 * meaning. An unequal case is made as small as it goes and printed as a command that repeats it.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { Progress } from "../../bench/progress.ts";
import type { Case } from "./case.ts";
import type { Generated } from "./case-parts.ts";
import { frame } from "./compare.ts";
import { FAMILIES, generate } from "./families.ts";
import { knownEnd, knownNarrower, ruleTexts } from "./known.ts";
import { minimise } from "./minimise.ts";
import { Oracle } from "./oracle.ts";
import { oracleObstacle, Refusal } from "./ovs-daemons.ts";
import { checkCase, ours } from "./subject.ts";
import { Gone } from "./unixctl.ts";
import { type CaseVerdict, type Finding, verdictOn } from "./verdict.ts";

const USAGE = `Holds this switch against a real Open vSwitch, started privately beside it.

usage: npm run conformance -- [options]
  --cases N        cases in all, spread over the families (1000)
  --seed S         another seed makes other cases (1)
  --family F,...   only these: ${FAMILIES.join(", ")}
  --name F-S-I,... generated cases, by their names
  --case FILE      cases from a JSON file, - for standard input
  --show N         unequal cases to print, made small, of each family (2)
  --jobs N         switches at a time (2)
  --json           prints the counts as JSON too
  --record FILE    compares nothing: writes the cases with what Open vSwitch answered (gzipped where FILE ends in .gz)

Exit code 0: all equal, or narrower in a megaflow for a reason that is known; 1: something differs; 2: bad usage, or no Open
vSwitch here. Ctrl-C reports on the cases up to then.
`;

/** How often a case that differs is asked again. */
const ATTEMPTS = 5;
/** Cases that a job takes at a time: neighbours have the same bridges. */
const BLOCK = 40;
const BAD = /(different|wider|missing|narrower)$/;
/** Longer texts (a frame sent two thousand times) are cut where a person reads them. */
const SHOWN = 1200;

class UsageError extends Error {}

interface Work {
  readonly family: string;
  readonly cases: () => Generated[];
}

class Tally {
  readonly counts = new Map<string, Map<string, number>>();
  /** Narrower megaflows by the known reason. */
  readonly known = new Map<string, number>();
  readonly started = Date.now();
  cases = 0;
  packets = 0;
  refused = 0;
  /** Cases at which Open vSwitch itself ended, by the reason; there is nothing to compare with. */
  readonly ended = new Map<string, number>();
  /** Cases that differed on bridges that other cases had used, or at first, and did not when asked again. */
  readonly varying: string[] = [];
  bad = 0;

  add(family: string, generated: Generated, verdict: CaseVerdict): void {
    this.cases++;
    this.packets += generated.one.packets.filter((event) => event.hex !== undefined || event.flow !== undefined).length;
    if (verdict.refused !== undefined) this.refused++;
    const counts = this.counts.get(family) ?? new Map<string, number>();
    this.counts.set(family, counts);
    for (const [name, n] of verdict.counts) {
      counts.set(name, (counts.get(name) ?? 0) + n);
      if (BAD.test(name)) this.bad += n;
    }
    for (const reason of reasons(generated, verdict)) {
      this.known.set(reason, (this.known.get(reason) ?? 0) + 1);
      this.bad--;
    }
  }
}

/** The known reasons among a verdict's narrower megaflows. */
const reasons = (generated: Generated, { findings }: CaseVerdict): string[] =>
  findings.flatMap((finding) => reasonFor(generated, finding) ?? []);

const reasonFor = ({ one }: Generated, finding: Finding): string | undefined =>
  finding.verdict === "narrower"
    ? knownNarrower(JSON.parse(finding.want), JSON.parse(finding.got), ruleTexts(one))
    : undefined;

function whole(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  if (!/^\d+$/.test(text)) throw new UsageError(`--${name} ${text}: expected a whole number`);
  return Number(text);
}

function readCases(file: string): Case[] {
  try {
    const value: unknown = JSON.parse(readFileSync(file === "-" ? 0 : file, "utf8"));
    return [value].flat().map((one, i) => checkCase(one, `${file}, case ${i}`));
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** Splits the wish into blocks of neighbouring cases. */
function plan(families: readonly string[], seed: number, cases: number): Work[] {
  const works: Work[] = [];
  for (const [i, family] of families.entries()) {
    const count = Math.floor(((i + 1) * cases) / families.length) - Math.floor((i * cases) / families.length);
    for (let first = 0; first < count; first += BLOCK) {
      const indices = Array.from({ length: Math.min(BLOCK, count - first) }, (_, k) => first + k);
      works.push({ family, cases: () => indices.map((index) => generate(family, seed, index)) });
    }
  }
  return works;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      cases: { type: "string" },
      seed: { type: "string" },
      family: { type: "string" },
      name: { type: "string" },
      case: { type: "string" },
      show: { type: "string" },
      jobs: { type: "string" },
      record: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const families = values.family?.split(",") ?? FAMILIES;
  for (const family of families)
    if (!FAMILIES.includes(family)) throw new UsageError(`no family ${family}: expected ${FAMILIES.join(", ")}`);
  const seed = whole("seed", values.seed, 1);
  const show = whole("show", values.show, 2);
  const jobs = Math.max(1, whole("jobs", values.jobs, Math.min(2, cpus().length)));
  let works = plan(families, seed, whole("cases", values.cases, 1000));
  if (values.name) {
    works = values.name.split(",").map((name) => {
      const [, family, itsSeed, index] = /^(\w+)-(\d+)-(\d+)$/.exec(name) ?? [];
      if (!family || !FAMILIES.includes(family)) throw new UsageError(`--name ${name}: expected FAMILY-SEED-NUMBER`);
      return { family, cases: () => [generate(family, Number(itsSeed), Number(index))] };
    });
  } else if (values.case) {
    const cases = readCases(values.case);
    works = [{ family: "file", cases: () => cases.map((one) => ({ one })) }];
  }
  const obstacle = oracleObstacle();
  if (obstacle) {
    console.error(`conformance: no Open vSwitch to compare with: ${obstacle}`);
    return 2;
  }
  if (values.record !== undefined) return record(values.record, works);
  const tally = new Tally();
  const shown = new Map<string, number>();
  const queue = [...works];
  const total = values.name || values.case ? 0 : whole("cases", values.cases, 1000);
  const progress = new Progress(!process.stderr.isTTY || total === 0);
  // Registered before the switch's own, which end the process.
  const interrupted = (): void => {
    progress.stop();
    report(tally);
    console.log("interrupted");
  };
  process.once("SIGINT", interrupted).once("SIGTERM", interrupted).once("SIGHUP", interrupted);
  try {
    await Promise.all(
      Array.from({ length: Math.min(jobs, works.length) }, async (_, job) => {
        let oracle = await Oracle.start();
        let last: Generated | undefined;
        try {
          if (job === 0) console.log(`beside us: ${(await oracle.version()).split("\n")[0]}; seed ${seed}`);
          for (let work = queue.shift(); work; work = queue.shift())
            for (const generated of work.cases()) {
              try {
                await judgeOne(work.family, generated, oracle, tally, shown, show, progress);
              } catch (error) {
                if (!(error instanceof Gone)) throw error;
                // The rules of the case before it may be the ones that are on their way out.
                const rules = [last, generated].map((one) => (one ? ruleTexts(one.one) : "")).join("\n");
                const words = oracle.lastWords();
                const reason = knownEnd(words, rules);
                progress.hide();
                console.log(`\n${generated.one.name}: Open vSwitch has ended: ${words}`);
                tally.ended.set(reason ?? words, (tally.ended.get(reason ?? words) ?? 0) + 1);
                if (reason === undefined) tally.bad++;
                oracle.close();
                oracle = await Oracle.start();
              }
              last = generated;
              progress.show(tally.cases / total, `${tally.cases} of ${total} cases, ${work.family}`);
            }
        } finally {
          oracle.close();
        }
      }),
    );
  } finally {
    progress.stop();
    process.off("SIGINT", interrupted).off("SIGTERM", interrupted).off("SIGHUP", interrupted);
  }
  report(tally);
  if (values.json)
    console.log(
      JSON.stringify(Object.fromEntries([...tally.counts].map(([f, counts]) => [f, Object.fromEntries(counts)]))),
    );
  return tally.bad > 0 ? 1 : 0;
}

/** Writes each case of the plan with Open vSwitch's answers, a case a line; what it refuses, or decides by a hash, is left out. */
async function record(file: string, works: readonly Work[]): Promise<number> {
  const lines: string[] = [];
  const oracle = await Oracle.start();
  try {
    for (const { one, choices } of works.flatMap((work) => work.cases())) {
      if (choices !== undefined) continue;
      try {
        lines.push(JSON.stringify({ ...one, expect: await oracle.run(one, true) }));
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
      }
    }
  } finally {
    oracle.close();
  }
  const text = `[\n${lines.join(",\n")}\n]\n`;
  writeFileSync(file, file.endsWith(".gz") ? gzipSync(text, { level: 9 }) : text);
  console.log(`${lines.length} cases in ${file}`);
  return 0;
}

async function judgeOne(
  family: string,
  generated: Generated,
  oracle: Oracle,
  tally: Tally,
  shown: Map<string, number>,
  show: number,
  progress: Progress,
): Promise<void> {
  let verdict = await verdictOn(generated, oracle, ours);
  // Again with bridges of its own, before anybody is blamed; and again, as what Open vSwitch does in the order of a hash table
  // of addresses in memory (the ports of a flood) may be done otherwise then. Ours must be one of its answers, as a whole.
  const stays = ({ findings }: CaseVerdict): boolean =>
    findings.some((finding) => reasonFor(generated, finding) === undefined);
  const differed = stays(verdict);
  for (let attempt = 0; attempt < ATTEMPTS && stays(verdict); attempt++)
    verdict = await verdictOn(generated, oracle, ours, true);
  if (differed && !stays(verdict)) tally.varying.push(generated.one.name);
  tally.add(family, generated, verdict);
  const unexplained = verdict.findings.filter((finding) => reasonFor(generated, finding) === undefined);
  const worst = unexplained.find((finding) => finding.verdict !== "narrower") ?? unexplained[0];
  const already = shown.get(family) ?? 0;
  if (!worst || already >= show) return;
  shown.set(family, already + 1);
  const smallest = await minimise(generated, async (candidate) => {
    try {
      const { findings } = await verdictOn(candidate, oracle, ours, true);
      return findings.some((finding) => finding.aspect === worst.aspect && finding.verdict === worst.verdict);
    } catch {
      return false; // A case that neither side can be asked for.
    }
  });
  const { findings } = await verdictOn(smallest, oracle, ours, true);
  const finding = findings.find((one) => one.aspect === worst.aspect && one.verdict === worst.verdict) ?? worst;
  progress.hide();
  print(smallest, finding);
}

function print({ one, choices }: Generated, finding: Finding): void {
  console.log(`\n${one.name}, packet ${finding.packet}: ${finding.aspect} ${finding.verdict}`);
  for (const bridge of one.bridges) {
    const openflow = bridge.openflow ? `, ${bridge.openflow}` : "";
    console.log(`  bridge ${bridge.name}${openflow}`);
    for (const group of bridge.groups ?? []) console.log(`    ${group}`);
    for (const flow of bridge.flows ?? []) console.log(`    ${flow}`);
  }
  for (const { name, ports = [] } of one.bridges)
    if (ports.some((port) => Object.keys(port).length > 2)) console.log(`  ports of ${name}: ${JSON.stringify(ports)}`);
  for (const [i, packet] of one.packets.entries()) console.log(`  packet ${i}: ${JSON.stringify(packet)}`);
  if (finding.flow) console.log(`  flow: ${finding.flow}`);
  const [want, got] = finding.aspect === "out" ? onlyThere(finding) : [finding.want, finding.got];
  console.log(`  Open vSwitch: ${cutShort(want)}\n  ours:         ${cutShort(got)}`);
  if (choices) console.log(`  again: npm run conformance -- --name ${one.name}`);
  else console.log(`  again: echo '${JSON.stringify(one)}' | npm run -s conformance -- --case -`);
}

/** Of the frames of both sides, those that the other lacks; where one side has no frames at all, what it has instead. */
function onlyThere({ want, got }: Finding): [string, string] {
  const [theirs, own] = [want, got].map((text) => JSON.parse(text) as Record<string, string[]> | string);
  if (typeof theirs === "string" || typeof own === "string") return [want, got];
  const without = (all: Record<string, string[]>, known: Record<string, string[]>): string => {
    const rest: string[] = [];
    for (const [port, frames] of Object.entries(all)) {
      const left = (known[port] ?? []).map(frame);
      for (const hex of frames) {
        const at = left.indexOf(frame(hex));
        if (at >= 0) left.splice(at, 1);
        else rest.push(`${port} ${hex}`);
      }
    }
    return rest.length > 0 ? `only here: ${rest.join(", ")}` : "nothing more";
  };
  return [without(theirs, own), without(own, theirs)];
}

const cutShort = (text: string): string =>
  text.length <= SHOWN ? text : `${text.slice(0, SHOWN)}… (${text.length} characters)`;

function report(tally: Tally): void {
  const seconds = (Date.now() - tally.started) / 1000;
  const names = ["rules", "out", "actions", "megaflow", "upcall"];
  console.log(`\n${"family".padEnd(12)} ${names.map((name) => name.padEnd(28)).join("")}`);
  const sums = new Map<string, number>();
  for (const [family, counts] of tally.counts) {
    const cells = names.map((name) => {
      const parts = [...counts].filter(([key]) => key.startsWith(`${name} `));
      for (const [key, n] of parts) {
        const verdict = key.slice(name.length + 1);
        sums.set(verdict, (sums.get(verdict) ?? 0) + n);
      }
      const texts = parts.map(([key, n]) => `${n} ${key.slice(name.length + 1)}`);
      return texts.sort().reverse().join(", ").padEnd(28);
    });
    console.log(`${family.padEnd(12)} ${cells.join("")}`.trimEnd());
  }
  const verdicts = ["equal", "narrower", "wider", "different", "missing"];
  console.log(`\nanswers compared: ${verdicts.map((verdict) => `${sums.get(verdict) ?? 0} ${verdict}`).join(", ")}`);
  for (const [reason, n] of tally.known) console.log(`narrower for a known reason: ${n} ${reason}`);
  for (const [reason, n] of tally.ended)
    console.log(`not compared, as Open vSwitch did not survive it: ${n} (${reason})`);
  if (tally.varying.length > 0)
    console.log(`cases that Open vSwitch answers in more than one way, ours among them: ${tally.varying.join(", ")}`);
  const rate = (tally.cases / seconds).toFixed(1);
  console.log(
    `${tally.cases} cases (${tally.refused} refused by Open vSwitch), ${tally.packets} packets in ${seconds.toFixed(1)} s, ` +
      `${rate} cases a second: ${tally.bad === 0 ? "no difference in meaning" : `${tally.bad} answers differ`}`,
  );
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const { message, code } = error as Error & { code?: string };
    const usage = error instanceof UsageError || code?.startsWith("ERR_PARSE_ARGS");
    console.error(`conformance: ${message}`);
    process.exitCode = usage ? 2 : 1;
  },
);
