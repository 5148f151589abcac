import assert from "node:assert/strict";
import { test } from "node:test";
import { KEY_WORDS, W_IN_PORT, W_NW_DST, W_NW_SRC } from "../../datapath/flow/flow-key.ts";
import { installedMask } from "../../datapath/flow/flow-mask.ts";
import { FlowJournal } from "../../datapath/lookup/flow-journal.ts";
import { F_BYTES, F_PACKETS, F_USED, MegaflowCache, RECORD_F64 } from "../../datapath/lookup/megaflow-cache.ts";
import { Arena } from "../../datapath/wasm/arena.ts";

const maskOn = (...words: number[]): Int32Array => {
  const mask = new Int32Array(KEY_WORDS);
  for (const word of words) mask[word] = -1;
  return installedMask(mask);
};
const key = (source: number, destination: number): Int32Array => {
  const words = new Int32Array(KEY_WORDS);
  words[W_IN_PORT] = 1;
  words[W_NW_SRC] = source;
  words[W_NW_DST] = destination;
  return words;
};

test("of overlapping megaflows that of the epoch is found, else the oldest number, whatever the order of subtables", () => {
  for (const masks of [
    [maskOn(W_NW_SRC), maskOn(W_NW_DST)],
    [maskOn(W_NW_DST), maskOn(W_NW_SRC)],
  ]) {
    const cache = new MegaflowCache(new Arena());
    const stale = cache.add(key(1, 2), 0, masks[0], 0, 7, 0);
    const fresh = cache.add(key(1, 2), 0, masks[1], 0, 8, 0);
    assert.equal(cache.find(key(1, 2), 0, 8), fresh);
    assert.equal(cache.find(key(1, 2), 0, 7), stale);
    assert.equal(cache.find(key(1, 2), 0, 9), Math.min(stale, fresh));
    assert.equal(cache.find(key(3, 3), 0, 8), -1);
  }
});

test("a stretch is undone to the last packet; after it a new one begins", () => {
  const cache = new MegaflowCache(new Arena());
  const journal = new FlowJournal(cache);
  const mask = maskOn(W_NW_SRC);
  const flows = Array.from({ length: 5000 }, (_, n) => cache.add(key(n, 0), 0, mask, 0, 1, n));
  const hit = (f: number, time: number): void => {
    journal.note(Int32Array.of(f, -1), 2);
    const at = f * RECORD_F64;
    cache.f64[at + F_PACKETS]++;
    cache.f64[at + F_BYTES] += 60;
    cache.f64[at + F_USED] = time;
  };
  for (const f of flows) hit(f, 1e4);
  journal.clear();
  const before = cache.f64.slice();
  for (let round = 0; round < 3; round++) for (const f of flows) hit(f, 2e4 + round);
  assert.equal(journal.count, flows.length, "each is noted once");
  assert.notDeepEqual(cache.f64, before);
  journal.undo();
  assert.deepEqual(cache.f64, before);
  hit(flows[3], 3e4);
  assert.equal(journal.count, 1);
  assert.equal(journal.packets[0], 1);
});
