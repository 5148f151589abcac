/** Properties of fast-check under `node --test`: seeded, the seed printed, a failure shrunk and told with how to repeat it. */
import { type TestContext, test } from "node:test";
import fc from "fast-check";

/** EASTWEST_SEED: another seed than 1; "random" for one of its own. */
const setting = process.env["EASTWEST_SEED"] ?? "1";
export const SEED = setting === "random" ? Date.now() & 0x7fffffff : Number(setting);
/** EASTWEST_RUNS: so many times the usual number of cases. */
const TIMES = Number(process.env["EASTWEST_RUNS"] ?? 1);

/** Asserts that `predicate` throws for none of `runs` values. */
export function property<T>(
  name: string,
  arbitrary: fc.Arbitrary<T>,
  runs: number,
  predicate: (value: T) => void,
  done: (t: TestContext) => void = () => undefined,
): void {
  const numRuns = Math.ceil(runs * TIMES);
  test(`${name} (${numRuns} cases, EASTWEST_SEED=${SEED})`, (t) => {
    fc.assert(fc.property(arbitrary, predicate), { seed: SEED, numRuns, includeErrorInReport: true });
    done(t);
  });
}
