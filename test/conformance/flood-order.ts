/**
 * In which order Open vSwitch floods. NORMAL takes the ports as they lie in a hash table of addresses in memory, so the order
 * is another one from run to run, and with it what is pushed and popped between two outputs, and so some bits of the megaflow.
 * The answer itself shows the order: ours is judged with its ports in that one.
 */
import type { Case, CaseBridge } from "./case.ts";
import type { Result } from "./compare.ts";
import { inside, splitOutside } from "./megaflow.ts";

/** The ports of `known` that datapath actions put out to, in order, each once. */
function outputsOf(text: string, known: ReadonlySet<string>, into = new Set<string>()): Set<string> {
  for (const action of splitOutside(text)) {
    const [kind, body] = inside(action);
    if (kind === "clone") outputsOf(body, known, into);
    else if (known.has(action)) into.add(action);
  }
  return into;
}

/** One order of `names` that keeps to all `sequences`, the longer ones first where they contradict each other. */
export function mergedOrder(names: readonly string[], sequences: readonly (readonly string[])[]): string[] {
  const after = new Map(names.map((name) => [name, new Set<string>()] as const));
  const leads = (from: string, to: string): boolean =>
    from === to || [...after.get(from)!].some((next) => leads(next, to));
  for (const sequence of [...sequences].sort((a, b) => b.length - a.length))
    for (let i = 1; i < sequence.length; i++)
      if (!leads(sequence[i]!, sequence[i - 1]!)) after.get(sequence[i - 1]!)!.add(sequence[i]!);
  const order: string[] = [];
  const rest = new Set(names);
  while (rest.size > 0) {
    const first = [...rest].find((name) => ![...rest].some((other) => other !== name && leads(other, name)))!;
    order.push(first);
    rest.delete(first);
  }
  return order;
}

/** The case with each bridge's ports in the order in which `results` flooded. */
export function inOrderOf(results: readonly Result[], one: Case): Case {
  const bridges = one.bridges.map((bridge): CaseBridge => {
    const names = [bridge.name, ...(bridge.ports ?? []).map((port) => port.name)];
    const known = new Set(names);
    const texts = results.flatMap((result) => {
      const [only, more] = result.installed ?? [];
      // As in what is judged: the translation, or what was installed where there is none.
      return result.actions ?? (more === undefined ? (only?.actions ?? []) : []);
    });
    const sequences = texts.map((text) => [...outputsOf(text, known)]);
    return { ...bridge, flood_order: mergedOrder(names, sequences) };
  });
  return { ...one, bridges };
}
