/**
 * Pairs as shared machines give them: Gaussian noise of each process, a process that now and then settles in a slower mode
 * (30 %), and drift between the two sides of a pair. All as standard deviations or sizes in logs: 0.01 is 1 %.
 */
import type { PairSource } from "../../../bench/gate/simulate.ts";
import type { Random } from "../statistics/random.ts";

export interface Noise {
  readonly noise: number;
  readonly modes: number;
  readonly drift: number;
}

const SLOW_MODE = 0.3;

/** Quiet, typical, noisy and very noisy machines: pair spreads of 0.77, 2.16, 4.33 and 7.94 %. */
export const machines = {
  quiet: { noise: 0.004, modes: 0.005, drift: 0.004 },
  typical: { noise: 0.01, modes: 0.02, drift: 0.01 },
  noisy: { noise: 0.02, modes: 0.04, drift: 0.02 },
  veryNoisy: { noise: 0.04, modes: 0.06, drift: 0.04 },
} as const satisfies Record<string, Noise>;

export function pairOf(random: Random, { noise, modes, drift }: Noise): number {
  const side = (): number => noise * random.gaussian() + (random.uniform() < SLOW_MODE ? modes : 0);
  return side() - side() + drift * random.gaussian();
}

/** Pairs of that machine; `slower`: metric -> log slow-down. */
export function machine(
  random: Random,
  noise: Noise,
  slower: ReadonlyMap<string, number> = new Map(),
  control = true,
): PairSource {
  return {
    draw: (metrics, pairs) =>
      new Map(
        metrics.map((name) => [
          name,
          {
            effects: Array.from({ length: pairs }, () => pairOf(random, noise) + (slower.get(name) ?? 0)),
            control: control ? Array.from({ length: pairs }, () => pairOf(random, noise)) : [],
          },
        ]),
      ),
  };
}

/** `count` runs, made one after another. */
export function* times<T>(count: number, make: () => T): Generator<T> {
  for (let i = 0; i < count; i++) yield make();
}
