/** What is judged: the product, by the code that `eastwest ovs` runs. */
import { readCase } from "../../bench/ovs-cases/case.ts";
import { runCase } from "../../bench/ovs-cases/run-case.ts";
import type { Case } from "./case.ts";
import type { Result } from "./compare.ts";

/** The product's results for a case. Throws what it refuses. */
export function ours(one: Case): readonly Result[] {
  return runCase(readCase(one, one.name));
}

/** Throws, with place and expectation, where a file's value is no case. */
export function checkCase(value: unknown, where: string): Case {
  readCase(value, where);
  return value as Case;
}
