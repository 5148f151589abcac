/**
 * What the gate says to its measuring child and hears from it: one JSON object as the child's argument, one line on its
 * standard output. The child is the same program for both sides; the side's code comes in by `entry`.
 *
 *     {"protocol":1,"op":"measure","entry":"/x/base/dist/bench/gate/side.js","prepared":"/x/base/gre-dvr.work",...}
 *     eastwest-measure 1 {"ok":true,"nsPerPacket":61.2,...}
 */
export const PROTOCOL = 1;
const MARK = `eastwest-measure ${PROTOCOL} `;

/** How much is done in a process; the same for both sides, from a pilot run (bench.ts). */
export interface Amount {
  /** Passes before anything is measured. */
  readonly warmUpPasses: number;
  /** Passes of a round, and rounds. */
  readonly passes: number;
  readonly rounds: number;
}

/** How long a process works, ms: enough for the optimising compiler, short enough for many pairs. */
export interface Length {
  readonly warmMs: number;
  readonly roundMs: number;
  readonly rounds: number;
}
export const LENGTH: Length = { warmMs: 250, roundMs: 5, rounds: 31 };
export const SHORT_LENGTH: Length = { warmMs: 80, roundMs: 3, rounds: 21 };

interface Common {
  readonly protocol: typeof PROTOCOL;
  /** The side's side.js. */
  readonly entry: string;
}
export type ChildRequest = Common &
  (
    | { readonly op: "prepare"; readonly work: string; readonly prepared: string }
    | { readonly op: "pilot"; readonly prepared: string; readonly warmMs: number }
    | {
        readonly op: "measure";
        readonly prepared: string;
        readonly amount: Amount;
        /** Built-in slow-down: turns of extra work after each burst; 0 for none. */
        readonly extraTurns: number;
      }
    | { readonly op: "exact"; readonly prepared: string; readonly amount: Amount }
  );

export interface Measured {
  readonly ok: true;
  /** Lower quartile of the rounds, by the clock and by the process's own processor time, ns a frame that went in. */
  readonly nsPerPacket: number;
  readonly cpuNsPerPacket: number;
  /** Measured stretches that were done again, because something was not warm in them. */
  readonly again: number;
  /** In the stretch that counts: all 0 when it was warm. */
  readonly upcalls: number;
  readonly collections: number;
  readonly deoptimisations: number;
  readonly frames: number;
}

export interface Exact {
  readonly ok: true;
  readonly exact: Readonly<Record<string, string | number>>;
}
export interface Piloted {
  readonly ok: true;
  readonly passMs: number;
  readonly frames: number;
}
export interface Prepared {
  readonly ok: true;
}
export interface Refused {
  readonly ok: false;
  /** "entry": the side has none or another; "scenario": it cannot prepare the work; "fault": anything else. */
  readonly what: "entry" | "scenario" | "fault";
  readonly message: string;
}

export interface Replies {
  readonly prepare: Prepared;
  readonly pilot: Piloted;
  readonly measure: Measured;
  readonly exact: Exact;
}

/** The line that a child ends with. */
export function formatReply(reply: Replies[keyof Replies] | Refused): string {
  return `${MARK}${JSON.stringify(reply)}\n`;
}

/** Finds the reply in what a child wrote; null when there is none. */
export function parseReply<Op extends keyof Replies>(stdout: string): Replies[Op] | Refused | null {
  const at = stdout.lastIndexOf(MARK);
  if (at < 0 || (at > 0 && stdout[at - 1] !== "\n")) return null;
  const end = stdout.indexOf("\n", at);
  if (end < 0) return null;
  try {
    return JSON.parse(stdout.slice(at + MARK.length, end)) as Replies[Op] | Refused;
  } catch {
    return null;
  }
}

/** A request as the child's argument says it. Throws an Error for what is none. */
export function parseRequest(text: string | undefined): ChildRequest {
  try {
    const request = JSON.parse(text ?? "") as ChildRequest;
    if (request.protocol === PROTOCOL && typeof request.entry === "string") return request;
  } catch {
    // said below
  }
  throw new Error(`measuring child: expected a request of protocol ${PROTOCOL} as JSON`);
}
