/**
 * Measures: one fresh process after the other, never two at once. Prepares every scenario on every side, finds out how much
 * work makes a round (on the base, and then the same for all), and gives the numbers of pairs.
 */
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../errors.ts";
import { packageRoot } from "../paths.ts";
import {
  type Amount,
  type ChildRequest,
  type Length,
  type Measured,
  PROTOCOL,
  parseReply,
  type Refused,
  type Replies,
} from "./protocol.ts";
import type { Scenario } from "./scenarios.ts";
import { Interrupted, type SideName, type Sides } from "./sides.ts";
import { writeWork } from "./work-file.ts";

const CHILD = join(packageRoot, "dist", "bench", "gate", "child.js");
/** A child that says nothing for this long is lost, ms. */
const LOST_MS = 120_000;

/** A scenario that a side does not have, and what it said. */
export interface Missing {
  readonly scenario: string;
  readonly side: "base" | "head";
  readonly why: string;
}

/** What one process measured, without what is 0 in a warm one. */
export type Sample = Pick<Measured, "nsPerPacket" | "cpuNsPerPacket" | "again">;

export class Bench {
  readonly missing: Missing[] = [];
  readonly amounts = new Map<string, Amount>();
  /** Processes started so far. */
  processes = 0;
  readonly #sides: Sides;
  readonly #length: Length;
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

  /** One fresh process. `extraTurns`: built-in slow-down. */
  async measure(scenario: string, side: SideName, extraTurns = 0): Promise<Sample> {
    const amount = this.#amount(scenario);
    const prepared = this.#prepared(scenario, side);
    const { nsPerPacket, cpuNsPerPacket, again } = await this.#reply(side, "measure", {
      op: "measure",
      prepared,
      amount,
      extraTurns,
    });
    return { nsPerPacket, cpuNsPerPacket, again };
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
    const reply = await this.#ask(side, op, request);
    if (!reply.ok) throw new InputError(`${this.#name(side)} cannot be measured: ${oneLine(reply.message)}`);
    return reply;
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
    const text = JSON.stringify({ protocol: PROTOCOL, entry: this.#sides.entry(side), ...request });
    const said = await this.#run(text);
    const reply = parseReply<Op>(said.stdout);
    if (reply !== null) return reply;
    const why = oneLine(said.stderr) || `it ended with ${said.end} and said nothing`;
    throw new InputError(`${this.#name(side)}: the measuring child failed (${op}): ${why}`);
  }

  #run(argument: string): Promise<{ readonly stdout: string; readonly stderr: string; readonly end: string }> {
    if (this.#stop.aborted) return Promise.reject(new Interrupted());
    const trace = join(this.#sides.folder, `deoptimisations.${++this.processes}`);
    const flags = ["--expose-gc", "--trace-deopt", "--redirect-code-traces", `--redirect-code-traces-to=${trace}`];
    // Options for every Node process (coverage, inspectors) would be measured with it.
    const { NODE_OPTIONS: _, NODE_V8_COVERAGE: __, ...env } = process.env;
    return new Promise((resolve, reject) => {
      // In a process group of its own: Ctrl-C is for us, we end it.
      const child = spawn(process.execPath, [...flags, CHILD, argument], {
        cwd: this.#sides.folder,
        env: { ...env, EASTWEST_DEOPT_TRACE: trace },
        stdio: ["ignore", "pipe", "pipe"],
        detached: true,
        signal: this.#stop,
        killSignal: "SIGKILL",
        timeout: LOST_MS,
      });
      let stdout = "";
      let stderr = "";
      child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
        stdout += chunk;
      });
      child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
        stderr = `${stderr}${chunk}`.slice(0, 4000);
      });
      child.on("error", (error) => reject(this.#stop.aborted ? new Interrupted() : error));
      child.on("close", (code, signal) => {
        rmSync(trace, { force: true });
        if (this.#stop.aborted) reject(new Interrupted());
        else resolve({ stdout, stderr, end: signal ?? `exit code ${code}` });
      });
    });
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** The line that says what is wrong, without the error's class. */
function oneLine(text: string): string {
  const line = text.split("\n").find((one) => /\b\w*Error: /.test(one)) ?? text.split("\n", 1)[0];
  return line.replace(/^(?:Uncaught )?\w*Error: /, "");
}
