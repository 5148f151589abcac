/**
 * Every recorded case of a real Open vSwitch 3.1 (test/golden/ovs-cases): the same datapath actions, the same frames, the
 * same megaflow, the same misses. What is narrower for a known reason is told by conformance/known.ts.
 */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type CaseResult, type ExpectedResult, type OvsCase, readCaseFile } from "../../bench/ovs-cases/case.ts";
import { runCase } from "../../bench/ovs-cases/run-case.ts";
import { packageRoot } from "../../bench/paths.ts";
import { ASPECTS, type Aspect, judge, type Verdict } from "../conformance/compare.ts";
import { knownNarrower } from "../conformance/known.ts";

const rulesOf = ({ bridges, packets }: OvsCase): string =>
  [
    ...bridges.flatMap((bridge) => [bridge.flows, bridge.groups]),
    ...packets.flatMap((event) => ("add_flows" in event ? event.add_flows : [])),
  ].join("\n");

const verdicts = (expected: ExpectedResult, actual: CaseResult): [Aspect, Verdict][] =>
  Object.entries(judge(expected, actual)) as [Aspect, Verdict][];

const folder = join(packageRoot, "test", "golden", "ovs-cases");

for (const file of readdirSync(folder).filter((name) => name.endsWith(".json.gz"))) {
  test(`recorded cases: ${file.replace(".json.gz", "")}`, () => {
    const wrong: string[] = [];
    let compared = 0;
    for (const ovsCase of readCaseFile(join(folder, file))) {
      const results = runCase(ovsCase);
      ovsCase.expect!.forEach((expected, i) => {
        for (const [aspect, verdict] of verdicts(expected, results[i])) {
          compared++;
          if (verdict === "equal") continue;
          const [want, got] = [expected[aspect], results[i][aspect]];
          const narrower = aspect === "megaflow" && verdict === "narrower";
          if (narrower && knownNarrower(want as string, got as string, rulesOf(ovsCase)) !== undefined) continue;
          wrong.push(
            `${ovsCase.name} ${i} ${aspect} ${verdict}\n  flow: ${expected.flow}\n  want: ${JSON.stringify(want)}\n  got:  ${JSON.stringify(got)}`,
          );
        }
      });
    }
    assert.ok(compared > 100, `only ${compared} comparisons`);
    assert.deepEqual(wrong.slice(0, 5), [], `${wrong.length} of ${compared} comparisons differ`);
  });
}

test("a record equals itself, and a changed one does not", () => {
  const [ovsCase] = readCaseFile(join(folder, "normal.json.gz"));
  const expected = ovsCase.expect!.find((result) => result.out !== undefined && Object.keys(result.out).length > 0)!;
  for (const [aspect, verdict] of verdicts(expected, expected)) assert.equal(verdict, "equal", aspect);
  const changed = {
    ...expected,
    actions: `${expected.actions},p9`,
    megaflow: expected.megaflow!.replace(/dl_dst=[^,]*/, "nw_proto=9"),
    out: { ...expected.out, p9: ["00"] },
    upcall: expected.upcall === undefined ? undefined : !expected.upcall,
  };
  for (const [aspect, verdict] of verdicts(expected, changed)) assert.notEqual(verdict, "equal", aspect);
  assert.ok(ASPECTS.length === 4);
});
