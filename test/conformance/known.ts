/**
 * Where our megaflow is narrower than Open vSwitch's with good reason: the table of datapath/translate/README.md as code. A
 * narrower megaflow that none of these explains is a difference.
 */
import type { Case } from "./case.ts";
import { type Megaflow, megaflow } from "./megaflow.ts";

interface Known {
  /** As in the first column of the table. */
  readonly what: string;
  /** Whether it explains that these bits, and only these, are matched beyond what Open vSwitch matches. */
  explains(extra: Megaflow, rules: string): boolean;
}

const only = (extra: Megaflow, field: string, bits: bigint): boolean =>
  extra.size === 1 && extra.has(field) && (extra.get(field)!.mask & ~bits) === 0n;

/** Every rule text of a case. */
export const ruleTexts = (one: Case): string =>
  [
    ...one.bridges.flatMap((bridge) => [...(bridge.flows ?? []), ...(bridge.groups ?? [])]),
    ...one.packets.flatMap((event) => event.add_flows ?? []),
  ].join("\n");

const FIN_RST = 5n;

export const KNOWN: readonly Known[] = [
  {
    what: "fin_timeout",
    explains: (extra, rules) =>
      only(extra, "tcp_flags", FIN_RST) && /fin_(timeout|idle_timeout|hard_timeout)/.test(rules),
  },
];

/** What `actual` matches on beyond `expected`. */
function beyond(expected: Megaflow, actual: Megaflow): Megaflow {
  const extra: Megaflow = new Map();
  for (const [name, field] of actual) {
    const mask = field.mask & ~(expected.get(name)?.mask ?? 0n);
    if (mask !== 0n) extra.set(name, { value: field.value & mask, mask });
  }
  return extra;
}

/** The known reason why `actual` is narrower than `expected` (megaflows as text) under `rules`, or undefined. */
export function knownNarrower(expected: string, actual: string, rules: string): string | undefined {
  const extra = beyond(megaflow(expected), megaflow(actual));
  return KNOWN.find((known) => known.explains(extra, rules))?.what;
}

/** Faults at which Open vSwitch itself ends, so that there is nothing to compare with. Another end is a difference. */
export const KNOWN_ENDS: readonly { readonly what: string; readonly says: RegExp; readonly rules: RegExp }[] = [
  {
    what: "a learned rule whose only timeout is that of fin_timeout, once it has been hit by FIN or RST and is deleted",
    says: /ofproto-dpif\.c:\d+: ovs_mutex_lock_at\(\) passed uninitialized ovs_mutex/,
    rules: /learn\([^)]*fin_(idle|hard)_timeout=/,
  },
];

/** The known reason why Open vSwitch ended with `lastWords` at rules like `rules`, or undefined. */
export const knownEnd = (lastWords: string, rules: string): string | undefined =>
  KNOWN_ENDS.find((known) => known.says.test(lastWords) && known.rules.test(rules))?.what;
