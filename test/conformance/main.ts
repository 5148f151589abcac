/**
 * `npm run conformance`: seeded random tables and packets through a private Open vSwitch and through ours, compared by
 * meaning. An unequal case is made as small as it goes and printed as a command that repeats it.
 */
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import type { Case } from "./case.ts";
import type { Generated } from "./case-parts.ts";
import { FAMILIES, generate } from "./families.ts";
import { minimise } from "./minimise.ts";
import { Oracle, oracleObstacle } from "./oracle.ts";
import { checkCase, ours } from "./subject.ts";
import { type CaseVerdict, type Finding, verdictOn } from "./verdict.ts";

const USAGE = `Holds this switch against a real Open vSwitch, started privately beside it.

usage: npm run conformance -- [options]
  --cases N        cases in all, spread over the families (1000)
  --seed S         another seed makes other cases (1)
  --family F,...   only these: ${FAMILIES.join(", ")}
  --name F-S-I     one generated case, by its name
  --case FILE      cases from a JSON file, - for standard input
  --show N         unequal cases to print, made small, of each family (2)
  --jobs N         switches at a time (2)
  --json           prints the counts as JSON too

Exit code 0: all equal, or narrower in megaflows only; 1: something differs; 2: bad usage, or no Open vSwitch here.
`;

/** Cases that a job takes at a time: neighbours have the same bridges. */
const BLOCK = 40;
const BAD = /(different|wider|missing)$/;

class UsageError extends Error {}

interface Work {
  readonly family: string;
  readonly cases: () => Generated[];
}

class Tally {
  readonly counts = new Map<string, Map<string, number>>();
  cases = 0;
  refused = 0;
  bad = 0;

  add(family: string, verdict: CaseVerdict): void {
    this.cases++;
    if (verdict.refused !== undefined) this.refused++;
    const counts = this.counts.get(family) ?? new Map<string, number>();
    this.counts.set(family, counts);
    for (const [name, n] of verdict.counts) {
      counts.set(name, (counts.get(name) ?? 0) + n);
      if (BAD.test(name)) this.bad += n;
    }
  }
}

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
    const [, family, itsSeed, index] = /^(\w+)-(\d+)-(\d+)$/.exec(values.name) ?? [];
    if (!family || !FAMILIES.includes(family))
      throw new UsageError(`--name ${values.name}: expected FAMILY-SEED-NUMBER`);
    works = [{ family, cases: () => [generate(family, Number(itsSeed), Number(index))] }];
  } else if (values.case) {
    const cases = readCases(values.case);
    works = [{ family: "file", cases: () => cases.map((one) => ({ one })) }];
  }
  const obstacle = oracleObstacle();
  if (obstacle) {
    console.error(`conformance: no Open vSwitch to compare with: ${obstacle}`);
    return 2;
  }
  const started = Date.now();
  const tally = new Tally();
  const shown = new Map<string, number>();
  const queue = [...works];
  await Promise.all(
    Array.from({ length: Math.min(jobs, works.length) }, async (_, job) => {
      const oracle = await Oracle.start();
      try {
        if (job === 0) console.log(`beside us: ${(await oracle.version()).split("\n")[0]}; seed ${seed}`);
        for (let work = queue.shift(); work; work = queue.shift())
          for (const generated of work.cases()) await judgeOne(work.family, generated, oracle, tally, shown, show);
      } finally {
        oracle.close();
      }
    }),
  );
  report(tally, (Date.now() - started) / 1000);
  if (values.json)
    console.log(
      JSON.stringify(Object.fromEntries([...tally.counts].map(([f, counts]) => [f, Object.fromEntries(counts)]))),
    );
  return tally.bad > 0 ? 1 : 0;
}

async function judgeOne(
  family: string,
  generated: Generated,
  oracle: Oracle,
  tally: Tally,
  shown: Map<string, number>,
  show: number,
): Promise<void> {
  let verdict = await verdictOn(generated, oracle, ours);
  // Once more with bridges of its own, before anybody is blamed.
  if (verdict.findings.length > 0) verdict = await verdictOn(generated, oracle, ours, true);
  tally.add(family, verdict);
  const worst = verdict.findings.find((finding) => BAD.test(finding.verdict)) ?? verdict.findings[0];
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
  for (const [i, packet] of one.packets.entries()) console.log(`  packet ${i}: ${JSON.stringify(packet)}`);
  if (finding.flow) console.log(`  flow: ${finding.flow}`);
  console.log(`  Open vSwitch: ${finding.want}\n  ours:         ${finding.got}`);
  if (choices) console.log(`  again: npm run conformance -- --name ${one.name}`);
  else console.log(`  again: echo '${JSON.stringify(one)}' | npm run -s conformance -- --case -`);
}

function report(tally: Tally, seconds: number): void {
  const names = ["rules", "out", "actions", "megaflow", "upcall"];
  console.log(`\n${"family".padEnd(12)} ${names.map((name) => name.padEnd(22)).join("")}`);
  for (const [family, counts] of tally.counts) {
    const cells = names.map((name) => {
      const parts = [...counts]
        .filter(([key]) => key.startsWith(`${name} `))
        .map(([key, n]) => `${n} ${key.slice(name.length + 1)}`);
      return parts.sort().reverse().join(", ").padEnd(22);
    });
    console.log(`${family.padEnd(12)} ${cells.join("")}`.trimEnd());
  }
  const rate = (tally.cases / seconds).toFixed(0);
  console.log(
    `\n${tally.cases} cases (${tally.refused} refused by Open vSwitch) in ${seconds.toFixed(1)} s, ${rate} a second: ` +
      (tally.bad === 0 ? "no difference in meaning" : `${tally.bad} aspects differ`),
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
