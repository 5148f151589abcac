/** `eastwest replay CAPTURE...` of several captures: each through a bridge of its own, shared between machines if wanted. */
import { Exit } from "../errors.ts";
import { workTree } from "../git.ts";
import { onInterrupt } from "../interrupt.ts";
import { digestOf } from "../measure/subjects.ts";
import { commitText } from "../measure/sweep-result.ts";
import { type Merged, mergeShards } from "../merge/merge.ts";
import { unitsOf } from "../merge/shard.ts";
import { readShardFile, ShardWriter, type UnitResult, type Work } from "../merge/shard-file.ts";
import { writeText } from "../output-file.ts";
import { packageRoot, shown } from "../paths.ts";
import { Progress } from "../progress.ts";
import { REPLAY_SET, replaySetReport, replaySetResult, unitName, unitOf } from "../replay/replay-set.ts";
import type { ReplayResult } from "../replay/result.ts";
import { shardOption } from "./shard-option.ts";

export interface SetOptions {
  readonly shard?: string;
  readonly out?: string;
  readonly json?: string;
  readonly quiet?: boolean;
}

export interface SetJob {
  readonly captures: readonly string[];
  /** Everything but the captures that decides what is measured. */
  readonly settings: unknown;
  /** A digest of a capture's bytes. */
  readonly digest: (capture: string) => string;
  /** Replays one; `going` is told how far it is and says whether to go on. */
  readonly replay: (capture: string, going: (share: number, doing: string) => boolean) => Promise<ReplayResult>;
}

/** One capture after the other; what is finished is kept in --out, and left out when the same command is given again. */
export async function replaySet({ captures, settings, digest, replay }: SetJob, options: SetOptions): Promise<void> {
  const shard = shardOption(options.shard, options.out, "captures");
  const units = captures.map((capture, i) => ({ capture, unit: unitName(i, shown(capture)) }));
  const work: Work = {
    kind: REPLAY_SET,
    inputs: digestOf([units.map(({ unit }) => unit), captures.map(digest), settings]),
    commit: commitText(workTree(packageRoot)),
    units: units.length,
  };
  const writer = options.out === undefined ? null : new ShardWriter(options.out, work, shard);
  const mine = unitsOf(units, shard);
  const bar = new Progress(options.quiet === true || !process.stderr.isTTY);
  let stopped = false;
  const done = onInterrupt(() => {
    stopped = true;
  });
  const finished: UnitResult[] = [];
  try {
    for (const [n, { capture, unit }] of mine.entries()) {
      if (stopped) break;
      if (writer?.has(unit) === true) continue;
      const result = await replay(capture, (share, doing) => {
        bar.show((n + share) / mine.length, `${shown(capture)}: ${doing}`);
        return !stopped;
      });
      // One that was cut short is not kept: it is done again.
      if (result.interrupted) break;
      finished.push(unitOf(unit, result));
      writer?.add(finished[finished.length - 1]);
    }
  } finally {
    bar.stop();
    done();
    writer?.close();
  }
  const merged: Merged = mergeShards(
    [
      options.out === undefined
        ? { head: { format: "eastwest shard", version: 1, ...work, shard }, results: finished, wholeBytes: 0, name: "" }
        : { ...readShardFile(options.out), name: shown(options.out) },
    ],
    true,
  );
  deliver(merged, options);
  if (merged.results.length < mine.length) process.exitCode = Exit.Interrupted;
}

function deliver(merged: Merged, options: SetOptions): void {
  const result = replaySetResult(merged);
  const json = `${JSON.stringify(result, null, 2)}\n`;
  if (options.json === "-") process.stdout.write(json);
  else {
    if (options.json !== undefined) writeText(options.json, json);
    if (options.quiet !== true) process.stdout.write(replaySetReport(result));
  }
}
