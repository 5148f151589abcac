/**
 * Which part of the work this machine does: `--shard i/n`, or from what the surroundings say. A Kubernetes Indexed Job
 * counts from 0 (JOB_COMPLETION_INDEX; its manifest may say of how many in JOB_COMPLETION_COUNT), GitLab's `parallel` from 1
 * (CI_NODE_INDEX of CI_NODE_TOTAL). Units are dealt in turn,
 * so that shards are alike whatever the order of the units.
 */

export interface Shard {
  /** From 1. */
  readonly index: number;
  readonly count: number;
}

export const WHOLE: Shard = { index: 1, count: 1 };

/**
 * "2/8": the second of eight; "auto/8": the index from the surroundings; "auto": index and count from there. Throws an Error
 * of one line.
 */
export function parseShard(text: string, env: Readonly<Record<string, string | undefined>> = process.env): Shard {
  const form = /^(auto|\d+)(?:\/(\d+))?$/.exec(text.trim());
  if (form === null || (form[1] !== "auto" && form[2] === undefined)) {
    throw new Error(`shard "${text}": expected INDEX/COUNT as in 2/8, auto/COUNT or auto`);
  }
  const around = form[1] === "auto" ? surroundings(env) : null;
  if (form[1] === "auto" && around === null) {
    throw new Error(`shard "${text}": neither JOB_COMPLETION_INDEX nor CI_NODE_INDEX is set, expected one of them`);
  }
  const index = around === null ? Number(form[1]) : around.index;
  const count = form[2] === undefined ? around?.count : Number(form[2]);
  if (count === undefined || count === null) {
    throw new Error(`shard "${text}": the number of shards is not known here, expected auto/COUNT`);
  }
  if (!(index >= 1 && index <= count)) {
    throw new Error(`shard "${text}": ${index} of ${count}, expected an index from 1 to ${count}`);
  }
  return { index, count };
}

/** What the surroundings say: index from 1, and the count where they say it; null when they say nothing. */
function surroundings(
  env: Readonly<Record<string, string | undefined>>,
): { readonly index: number; readonly count: number | null } | null {
  const job = wholeNumber(env["JOB_COMPLETION_INDEX"]);
  if (job !== null) return { index: job + 1, count: wholeNumber(env["JOB_COMPLETION_COUNT"]) };
  const node = wholeNumber(env["CI_NODE_INDEX"]);
  return node === null ? null : { index: node, count: wholeNumber(env["CI_NODE_TOTAL"]) };
}

function wholeNumber(text: string | undefined): number | null {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
}

/** The units of this shard, of all of them: every count-th one. */
export function unitsOf<T>(units: readonly T[], { index, count }: Shard): T[] {
  return units.filter((_, i) => i % count === index - 1);
}
