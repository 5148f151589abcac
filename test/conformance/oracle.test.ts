/**
 * The conformance run itself: it generates the same cases each time, a switch that is right is found right (the real one
 * against itself), one that is wrong is found wrong, and nothing of it is left behind. Skipped where there is no Open vSwitch.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, test } from "node:test";
import type { Case } from "./case.ts";
import type { Result } from "./compare.ts";
import { FAMILIES, generate } from "./families.ts";
import { minimise } from "./minimise.ts";
import { Oracle } from "./oracle.ts";
import { oracleObstacle } from "./ovs-daemons.ts";
import { verdictOn } from "./verdict.ts";

const skip = oracleObstacle() ?? false;
let left: Oracle;
let right: Oracle;

before(async () => {
  if (skip) return;
  left = await Oracle.start();
  right = await Oracle.start();
});
after(() => {
  left?.close();
  right?.close();
});

test("the same seed makes the same cases, another seed others", () => {
  for (const family of FAMILIES) {
    assert.deepEqual(generate(family, 7, 3), generate(family, 7, 3));
    assert.notDeepEqual(generate(family, 7, 3).one.packets, generate(family, 8, 3).one.packets);
  }
});

test("Open vSwitch agrees with itself in every family", { skip, timeout: 300_000 }, async () => {
  for (const family of FAMILIES)
    for (let index = 0; index < 4; index++) {
      const generated = generate(family, 5, index);
      const { findings } = await verdictOn(generated, left, (one) => right.run(one));
      assert.deepEqual(findings, [], generated.one.name);
    }
});

/** What a switch with one fault would have answered. */
async function faulty(one: Case, fault: (result: Result) => Result): Promise<Result[]> {
  return (await right.run(one)).map(fault);
}

test("a planted fault is found, and made small", { skip, timeout: 120_000 }, async () => {
  const faults: Record<string, (result: Result) => Result> = {
    "out different": (result) => ({ ...result, out: {} }),
    "megaflow wider": (result) => ({
      ...result,
      megaflow: result.megaflow!.replace(/,nw_frag=\w+/, ""),
      ...(result.megaflow!.includes("nw_frag") ? { installed: [] } : {}),
    }),
    "upcall different": (result) => ({ ...result, upcall: !result.upcall }),
  };
  let generated = generate("acl", 5, 0);
  const sends = async (): Promise<boolean> =>
    (await right.run(generated.one)).filter((result) => result.megaflow!.includes("nw_frag") && result.out?.["p4"])
      .length > 1;
  for (let index = 1; !(await sends()); index++) generated = generate("acl", 5, index);
  for (const [kind, fault] of Object.entries(faults)) {
    const subject = (one: Case): Promise<Result[]> => faulty(one, fault);
    const { counts } = await verdictOn(generated, left, subject);
    assert.ok((counts.get(kind) ?? 0) > 0, kind);
  }
  const subject = (one: Case): Promise<Result[]> => faulty(one, faults["out different"]!);
  const small = await minimise(generated, async (candidate) => {
    const { findings } = await verdictOn(candidate, left, subject);
    return findings.some((finding) => finding.aspect === "out");
  });
  assert.equal(small.one.packets.length, 1);
  assert.equal(small.one.bridges[0]!.flows!.length, 1, JSON.stringify(small.one.bridges[0]!.flows));
});

test("a refusal is a verdict", { skip }, async () => {
  const bridges = [{ name: "br0", ports: [{ name: "p1", ofport: 1 }], flows: ["actions=load:1->NXM_OF_TCP_DST[]"] }];
  const one: Case = { name: "refused", stateless: true, bridges, packets: [] };
  const refusing = (): never => {
    throw new Error("no");
  };
  assert.equal((await verdictOn({ one }, left, refusing)).counts.get("rules equal"), 1);
  assert.equal((await verdictOn({ one }, left, () => [])).counts.get("rules different"), 1);
});

test("nothing is left behind", { skip }, async () => {
  const mine = await Oracle.start();
  assert.ok(existsSync(mine.folder));
  mine.close();
  assert.ok(!existsSync(mine.folder));
});
