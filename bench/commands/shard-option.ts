/** `--shard i/n` and `--out FILE`, as every work takes them that can be shared. */
import { InputError } from "../errors.ts";
import { parseShard, type Shard, WHOLE } from "../merge/shard.ts";

/** The shard that was asked for, all of it by default; `kept` is what its file holds. Throws an InputError. */
export function shardOption(shard: string | undefined, out: string | undefined, kept: string): Shard {
  if (out === "-") throw new InputError("--out -: expected the name of a file, which is read again");
  if (shard === undefined) return WHOLE;
  if (out === undefined) throw new InputError(`--shard ${shard}: expected --out FILE, where its ${kept} are kept`);
  try {
    return parseShard(shard);
  } catch (error) {
    throw new InputError(`--shard: ${(error as Error).message}`, { cause: error });
  }
}
