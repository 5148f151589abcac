/**
 * One generated case held against Open vSwitch: every aspect of every packet, and what to say of those that differ.
 */
import type { Case } from "./case.ts";
import type { Generated } from "./case-parts.ts";
import { type Aspect, actions, frames, judge, type Result, type Verdict } from "./compare.ts";
import { inOrderOf } from "./flood-order.ts";
import { type MatchedField, type Megaflow, megaflow, relation } from "./megaflow.ts";
import type { Oracle } from "./oracle.ts";
import { Refusal } from "./ovs-daemons.ts";

/** "rules": one of the two takes rules that the other refuses, or ours failed. */
export type JudgedAspect = Aspect | "rules";

export interface Finding {
  readonly packet: number;
  readonly aspect: JudgedAspect;
  readonly verdict: Verdict;
  readonly want: string;
  readonly got: string;
  readonly flow: string;
}

export interface CaseVerdict {
  readonly counts: ReadonlyMap<string, number>;
  /** What is not equal. */
  readonly findings: readonly Finding[];
  /** Open vSwitch does not take the case. */
  readonly refused: string | undefined;
}

export type Subject = (one: Case) => readonly Result[] | Promise<readonly Result[]>;

/** What a result shows for an aspect, for a person. */
const shown = (result: Result | undefined, aspect: Aspect): string => JSON.stringify(result?.[aspect] ?? "(none)");

export async function verdictOn(
  generated: Generated,
  oracle: Oracle,
  subject: Subject,
  fresh = false,
): Promise<CaseVerdict> {
  const { one, choices = [] } = generated;
  let expected: readonly Result[] = [];
  const alternatives: (readonly Result[])[] = [];
  let refused: string | undefined;
  try {
    expected = await oracle.run(one, fresh);
    for (const choice of choices) alternatives.push(await oracle.run(choice, fresh));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    refused = error.message;
  }
  let actual: readonly Result[] = [];
  let failure: string | undefined;
  try {
    actual = await subject(one);
  } catch (error) {
    failure = (error as Error).stack?.split("\n").slice(0, 3).join(" ") ?? String(error);
  }
  if (refused !== undefined || failure !== undefined) {
    const equal = refused !== undefined && failure !== undefined;
    const counts = new Map([[`rules ${equal ? "equal" : "different"}`, 1]]);
    const findings: Finding[] = [];
    if (!equal) {
      const want = refused === undefined ? "taken" : `refused: ${refused}`;
      findings.push({ packet: -1, aspect: "rules", verdict: "different", want, got: failure ?? "taken", flow: "" });
    }
    return { counts, findings, refused };
  }
  const verdict = judged(expected, alternatives, actual);
  if (verdict.findings.length === 0) return verdict;
  const ordered = judged(expected, alternatives, await subject(inOrderOf(expected, one)));
  return ordered.findings.length === 0 ? ordered : verdict;
}

/** Every aspect of every packet. */
function judged(
  expected: readonly Result[],
  alternatives: readonly (readonly Result[])[],
  actual: readonly Result[],
): CaseVerdict {
  const counts = new Map<string, number>();
  const findings: Finding[] = [];
  for (const [packet, want] of expected.entries()) {
    const got = actual[packet] ?? {};
    const verdicts =
      alternatives.length > 0
        ? judgeChoice(
            want,
            alternatives.map((results) => results[packet]!),
            got,
          )
        : judge(want, got);
    for (const aspect of Object.keys(verdicts) as Aspect[]) {
      const verdict = verdicts[aspect]!;
      const name = `${aspect} ${verdict}`;
      counts.set(name, (counts.get(name) ?? 0) + 1);
      if (verdict === "equal") continue;
      const flow = want.flow ?? "";
      findings.push({ packet, aspect, verdict, want: shown(want, aspect), got: shown(got, aspect), flow });
    }
  }
  return { counts, findings, refused: undefined };
}

/**
 * A hash of Open vSwitch's own chose among `choices`; ours may choose another. Right is what one of the choices does; the
 * megaflow is that choice's and what Open vSwitch matched on beyond its own choice, which is the hashed fields.
 */
function judgeChoice(want: Result, choices: readonly Result[], got: Result): Partial<Record<Aspect, Verdict>> {
  const same = (a: Result, b: Result): boolean =>
    actions(a.actions ?? "", want.flow).join("\n") === actions(b.actions ?? "", want.flow).join("\n");
  const sameOut = (a: Result, b: Result): boolean => frames(a.out ?? {}) === frames(b.out ?? {});
  const direct = judge(want, got);
  const verdicts: Partial<Record<Aspect, Verdict>> = {};
  if (want.out) verdicts.out = [want, ...choices].some((choice) => sameOut(choice, got)) ? "equal" : "different";
  // Open vSwitch hashes in the datapath: its first translation shows only that.
  if (want.actions?.includes("recirc(")) return verdicts;
  verdicts.actions = [want, ...choices].some((choice) => same(choice, got)) ? "equal" : "different";
  if (direct.megaflow === "equal") return { ...verdicts, megaflow: "equal" };
  // Buckets may look alike in what they do and still match on different things: any of those is the one that was chosen.
  const alike = (result: Result): Result[] =>
    choices.filter((choice) => same(choice, result) && sameOut(choice, result));
  const all = megaflow(want.megaflow!);
  const hashed = alike(want).map((choice) => beyond(all, megaflow(choice.megaflow!)));
  const relations = alike(got).flatMap((choice) =>
    hashed.map((fields) => relation(union(megaflow(choice.megaflow!), fields), megaflow(got.megaflow ?? ""))),
  );
  verdicts.megaflow = relations.includes("equal") ? "equal" : (relations[0] ?? direct.megaflow ?? "missing");
  return verdicts;
}

const merged = (a: MatchedField, b: MatchedField, mask: bigint): MatchedField =>
  a.text !== undefined ? a : { value: (a.value | b.value) & mask, mask };

function beyond(all: Megaflow, part: Megaflow): Megaflow {
  const rest: Megaflow = new Map();
  for (const [name, field] of all) {
    const mask = field.mask & ~(part.get(name)?.mask ?? 0n);
    if (mask !== 0n) rest.set(name, { value: field.value & mask, mask });
  }
  return rest;
}

function union(a: Megaflow, b: Megaflow): Megaflow {
  const all: Megaflow = new Map(a);
  for (const [name, field] of b) {
    const old = all.get(name);
    all.set(name, old ? merged(old, field, old.mask | field.mask) : field);
  }
  return all;
}
