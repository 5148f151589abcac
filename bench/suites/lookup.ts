/** The caches by themselves: a burst of extracted keys is looked up again and again. */
import { BURST } from "../../datapath/packet/packet-batch.ts";
import { PacketList } from "../../datapath/packet/packet-list.ts";
import { maskedRules } from "../peers/bars.ts";
import { burstTask, extractedBatch, frames, replayTask, warmEngine } from "./fixture.ts";
import type { Suite, Task } from "./harness.ts";

const RULES = "actions=output:2";

function exactMatch(name: string, hit: boolean): Task {
  return burstTask(name, () => exactMatchRun(name, hit));
}

function exactMatchRun(name: string, hit: boolean): () => void {
  const { engine, trace } = warmEngine({ trace: frames({ flows: BURST, popularity: "round-robin" }), rules: RULES });
  const batch = extractedBatch(engine, trace);
  const cache = engine.datapath.exactMatch;
  const missed = new PacketList(engine.pool.arena);
  if (hit) {
    engine.datapath.megaflowCache.lookup(batch, all(missed), BURST, new PacketList(engine.pool.arena));
    for (let i = 0; i < BURST; i++) cache.insert(batch, i);
  } else cache.clear();
  const misses = cache.lookup(batch, missed);
  if (hit ? misses > 4 : misses !== BURST) throw new Error(`${name}: ${misses} misses`);
  return () => cache.lookup(batch, missed);
}

function all(list: PacketList): PacketList {
  for (let i = 0; i < BURST; i++) list.words[i] = i;
  return list;
}

const megaflow = (masks: number): Task =>
  burstTask(`megaflow: ${masks} ${masks === 1 ? "mask" : "masks"}, hit`, () => megaflowRun(masks));

function megaflowRun(masks: number): () => void {
  const { engine, trace } = warmEngine({ rules: maskedRules(masks, "output:2"), emc: false });
  const cache = engine.datapath.megaflowCache;
  if (cache.masks !== masks) throw new Error(`${cache.masks} masks, expected ${masks}`);
  const batch = extractedBatch(engine, trace);
  const wanted = all(new PacketList(engine.pool.arena));
  const open = new PacketList(engine.pool.arena);
  return () => {
    cache.lookup(batch, wanted, BURST, open);
  };
}

export const suite: Suite = {
  name: "lookup",
  tasks: [
    exactMatch("exact match: hit", true),
    exactMatch("exact match: miss", false),
    ...[1, 8, 32, 128].map(megaflow),
    ...[1, 8, 32, 128].map((masks) =>
      replayTask(`whole way without exact match: ${masks} ${masks === 1 ? "mask" : "masks"}`, () => ({
        rules: maskedRules(masks, "output:2"),
        emc: false,
      })),
    ),
  ],
};
