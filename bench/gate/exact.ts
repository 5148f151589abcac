/**
 * Exact gates of a scenario: what both sides must have in common to the last digit. Counts of the counting pass are the same
 * every time; what V8 does by itself (bytes, collections, deoptimisations) can only be too many by chance, so a difference
 * there is measured again, and the least of each side counts.
 */
import type { Bench } from "./bench.ts";
import type { ExactGate } from "./gate-file.ts";
import { compareExact, type ExactBreak } from "./verdict.ts";

const VOLATILE: readonly string[] = ["allocated-bytes", "collections", "deoptimisations"];
const TRIES = 4;

type Values = Readonly<Record<string, string | number>>;

export async function exactGatesOf(
  bench: Pick<Bench, "exact">,
  scenario: string,
  gates: readonly ExactGate[],
): Promise<{ readonly base: Values; readonly broken: readonly ExactBreak[] }> {
  const wanted = (values: Values): Values =>
    Object.fromEntries(Object.entries(values).filter(([name]) => (gates as readonly string[]).includes(name)));
  let base = wanted(await bench.exact(scenario, "base"));
  let head = wanted(await bench.exact(scenario, "head"));
  let broken = compareExact(base, head);
  for (let i = 1; i < TRIES && broken.length > 0 && broken.every(({ name }) => VOLATILE.includes(name)); i++) {
    base = least(base, await bench.exact(scenario, "base"));
    head = least(head, await bench.exact(scenario, "head"));
    broken = compareExact(base, head);
  }
  return { base, broken: broken.map((one) => ({ ...one, name: `${scenario}/${one.name}` })) };
}

function least(values: Values, again: Values): Values {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      const other = again[name];
      return VOLATILE.includes(name) && typeof value === "number" && typeof other === "number"
        ? [name, Math.min(value, other)]
        : [name, value];
    }),
  );
}
