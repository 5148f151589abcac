/**
 * Measures: fresh processes that work in turn, never two at once. Prepares every scenario on every side, finds out how much
 * work makes a round (on the base, and then the same for all), and gives the numbers of pairs.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../errors.ts";
import { pin, sharedCore } from "./affinity.ts";
import { MeasuringChild, NoAnswer, oneLine } from "./measuring-child.ts";
import {
  type Amount,
  type Answers,
  type ChildRequest,
  type Length,
  PROTOCOL,
  type Question,
  type Refused,
  type Replies,
} from "./protocol.ts";
import { shuffled } from "./random.ts";
import { type Round, type Sample, samplesOf } from "./rounds.ts";
import type { Scenario } from "./scenarios.ts";
import type { SideName, Sides } from "./sides.ts";
import { writeWork } from "./work-file.ts";

/** A stretch that is not warm is done again at most so often. */
const AGAIN = 5;

/** A process of a pair. */
export interface Leg {
  readonly side: SideName;
  /** Built-in slow-down: turns of extra work after each burst; 0 for none. */
  readonly extraTurns: number;
}

/** A scenario that a side does not have, and what it said. */
export interface Missing {
  readonly scenario: string;
  readonly side: "base" | "head";
  readonly why: string;
}

export class Bench {
  readonly missing: Missing[] = [];
  readonly amounts = new Map<string, Amount>();
  /** Processes started so far. */
  processes = 0;
  readonly #sides: Sides;
  readonly #length: Length;
  readonly #core = sharedCore();
  readonly #stop: AbortSignal;

  constructor(sides: Sides, length: Length, stop: AbortSignal) {
    this.#sides = sides;
    this.#length = length;
    this.#stop = stop;
  }

  /**
   * Makes a scenario ready on base, head and copy; false when base or head does not have it (then it is in `missing`). A head
   * without a scenario that its base has is the caller's to judge.
   */
  async prepare(scenario: Scenario, withCopy: boolean): Promise<boolean> {
    for (const side of ["base", "head"] as const) {
      const why = await this.#prepareSide(scenario, side, side);
      if (why === null) continue;
      this.missing.push({ scenario: scenario.name, side, why });
      return false;
    }
    if (withCopy) {
      const why = await this.#prepareSide(scenario, "copy", "base");
      if (why !== null) throw new Error(`the copy of base has no ${scenario.name}: ${why}`);
    }
    const { warmMs, roundMs, rounds } = this.#length;
    const pilot = await this.#reply("base", "pilot", {
      op: "pilot",
      prepared: this.#prepared(scenario.name, "base"),
      // It has to see what processes see that are warm.
      warmMs: 2 * warmMs + 100,
    });
    this.amounts.set(scenario.name, {
      warmUpPasses: Math.max(1, Math.round(warmMs / pilot.passMs)),
      passes: Math.max(1, Math.round(roundMs / pilot.passMs)),
      rounds,
    });
    return true;
  }

  /**
   * Fresh processes of one scenario, in the order of `legs`; started, and asked for rounds, in an order by lot (`uniform` in
   * [0, 1)). The first leg is what the others are compared with (rounds.ts).
   */
  async measure(scenario: string, legs: readonly Leg[], uniform: () => number): Promise<Sample[]> {
    const amount = this.#amount(scenario);
    const numbers = legs.map((_, i) => i);
    const children = new Map<number, MeasuringChild>();
    try {
      for (const i of shuffled(numbers, uniform)) {
        const { side, extraTurns } = legs[i];
        const prepared = this.#prepared(scenario, side);
        children.set(i, this.#start(side, { op: "measure", prepared, amount, extraTurns }));
      }
      // They warm up at once, which nobody measures, and work in turn from then on.
      for (const [i, child] of children) {
        const { side } = legs[i];
        this.#agreed(side, await this.#first<"measure">(side, "measure", child));
      }
      if (this.#core !== null)
        await Promise.all([...children.values()].map(({ pid }) => pin(pid, this.#core as number)));
      const talk = async <Q extends Question>(i: number, question: Q): Promise<Answers[Q]> => {
        const child = children.get(i) as MeasuringChild;
        return this.#agreed(legs[i].side, await this.#heard(legs[i].side, "measure", child.ask(question)));
      };
      for (let again = 0; ; again++) {
        for (const i of numbers) await talk(i, "begin");
        const rounds = legs.map((): Round[] => []);
        for (let r = 0; r < amount.rounds; r++) {
          for (const i of shuffled(numbers, uniform)) rounds[i].push(await talk(i, "round"));
        }
        let cold = false;
        for (const i of numbers) {
          const { upcalls, collections, deoptimisations } = await talk(i, "end");
          cold ||= upcalls + collections + deoptimisations > 0;
        }
        if (cold && again < AGAIN) continue;
        await Promise.all([...children.values()].map((child) => child.end()));
        return samplesOf(rounds);
      }
    } finally {
      await Promise.all([...children.values()].map((child) => child.kill()));
    }
  }

  /** What must be equal, from a process of its own. */
  async exact(scenario: string, side: SideName): Promise<Readonly<Record<string, string | number>>> {
    const request = { op: "exact", prepared: this.#prepared(scenario, side), amount: this.#amount(scenario) } as const;
    return (await this.#reply(side, "exact", request)).exact;
  }

  #amount(scenario: string): Amount {
    const amount = this.amounts.get(scenario);
    if (amount === undefined) throw new Error(`gate: scenario "${scenario}" is not prepared`);
    return amount;
  }

  #prepared(scenario: string, side: SideName): string {
    return join(this.#sides.folder, `${scenario}.${side}.prepared`);
  }

  /** Null when it is ready, else why the side does not have it. */
  async #prepareSide(scenario: Scenario, side: SideName, work: "base" | "head"): Promise<string | null> {
    const file = join(this.#sides.folder, `${scenario.name}.${side}.work`);
    writeWork(file, await scenario.work(work));
    const reply = await this.#ask(side, "prepare", {
      op: "prepare",
      work: file,
      prepared: this.#prepared(scenario.name, side),
    });
    rmSync(file, { force: true });
    if (reply.ok) return null;
    if (reply.what === "fault")
      throw new InputError(`${scenario.name} on ${this.#name(side)}: ${oneLine(reply.message)}`);
    return reply.message;
  }

  async #reply<Op extends keyof Replies>(
    side: SideName,
    op: Op,
    request: DistributiveOmit<ChildRequest, "protocol" | "entry">,
  ): Promise<Replies[Op]> {
    return this.#agreed(side, await this.#ask(side, op, request));
  }

  #name(side: SideName): string {
    const about = this.#sides.about.get(side);
    return `${side}${about === undefined ? "" : ` (${about.name})`}`;
  }

  async #ask<Op extends keyof Replies>(
    side: SideName,
    op: Op,
    request: DistributiveOmit<ChildRequest, "protocol" | "entry">,
  ): Promise<Replies[Op] | Refused> {
    const child = this.#start(side, request);
    try {
      return await this.#first<Op>(side, op, child);
    } finally {
      await child.end();
    }
  }

  #start(side: SideName, request: DistributiveOmit<ChildRequest, "protocol" | "entry">): MeasuringChild {
    const text = JSON.stringify({ protocol: PROTOCOL, entry: this.#sides.entry(side), ...request });
    const trace = join(this.#sides.folder, `deoptimisations.${++this.processes}`);
    return new MeasuringChild(text, this.#sides.folder, trace, this.#stop);
  }

  #first<Op extends keyof Replies>(side: SideName, op: Op, child: MeasuringChild): Promise<Replies[Op] | Refused> {
    return this.#heard(side, op, child.answer());
  }

  async #heard<T>(side: SideName, op: string, said: Promise<string>): Promise<T | Refused> {
    try {
      return JSON.parse(await said) as T | Refused;
    } catch (error) {
      if (!(error instanceof NoAnswer || error instanceof SyntaxError)) throw error;
      throw new InputError(`${this.#name(side)}: the measuring child failed (${op}): ${error.message}`);
    }
  }

  #agreed<T extends { readonly ok: true }>(side: SideName, reply: T | Refused): T {
    if (reply.ok) return reply;
    throw new InputError(`${this.#name(side)} cannot be measured: ${oneLine(reply.message)}`);
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
