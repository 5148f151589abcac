/**
 * What the gate says to its measuring child and hears from it: one JSON object as the child's argument, answered by a line on
 * its standard output. A child that measures stays, and is asked by lines on its standard input, until that ends:
 *
 *     {"protocol":2,"op":"measure","entry":"/x/base/dist/bench/gate/side.js","prepared":"/x/base/gre-dvr.work",...}
 *                eastwest-measure 2 {"ok":true,"frames":251}                          warm
 *     begin      eastwest-measure 2 {"ok":true}                                       watches what must not happen from now on
 *     round      eastwest-measure 2 {"ok":true,"clock":61.8,"cpu":61.2}               ns a frame of one round
 *     end        eastwest-measure 2 {"ok":true,"upcalls":0,"collections":0,"deoptimisations":0}
 *
 * The child is the same program for both sides; the side's code comes in by `entry`.
 */
export const PROTOCOL = 2;
export const MARK = `eastwest-measure ${PROTOCOL} `;

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
export const LENGTH: Length = { warmMs: 250, roundMs: 3, rounds: 61 };
export const SHORT_LENGTH: Length = { warmMs: 150, roundMs: 2, rounds: 41 };

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

/** Warm, and ready for questions. */
export interface Ready {
  readonly ok: true;
  readonly frames: number;
}
/** The questions of a child that measures, and their answers. */
export interface Answers {
  readonly begin: { readonly ok: true };
  /** ns a frame that went in, by the clock and by the process's own processor time. */
  readonly round: { readonly ok: true; readonly clock: number; readonly cpu: number };
  /** What happened since `begin`: all 0 when it was warm. */
  readonly end: {
    readonly ok: true;
    readonly upcalls: number;
    readonly collections: number;
    readonly deoptimisations: number;
  };
}
export type Question = keyof Answers;

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
  readonly measure: Ready;
  readonly exact: Exact;
}

/** A line of a child's. */
export function formatReply(reply: Replies[keyof Replies] | Answers[Question] | Refused): string {
  return `${MARK}${JSON.stringify(reply)}\n`;
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
