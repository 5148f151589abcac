import assert from "node:assert/strict";
import { test } from "node:test";
import { KEY_WORDS, W_IN_PORT, W_RECIRC } from "../../datapath/flow/flow-key.ts";
import { installedMask, maskName } from "../../datapath/flow/flow-mask.ts";
import { hashAdd, hashFinish } from "../../datapath/flow/hash.ts";
import { SHAPE_COUNT, shapeOf, shapeStart, shapeWords } from "../../datapath/flow/shapes.ts";
import { ExactMatchCache } from "../../datapath/lookup/exact-match-cache.ts";
import { GONE, I_EPOCH, I_PROGRAM, MegaflowCache, RECORD_I32 } from "../../datapath/lookup/megaflow-cache.ts";
import { type MegaflowKernel, megaflowModule } from "../../datapath/lookup/megaflow-kernel.ts";
import { Subtable } from "../../datapath/lookup/subtable.ts";
import { BURST, KEY_STRIDE, type PacketBatch } from "../../datapath/packet/packet-batch.ts";
import { PacketList } from "../../datapath/packet/packet-list.ts";
import { Arena } from "../../datapath/wasm/arena.ts";
import { newBatch } from "../flow/burst.ts";

const SEED = Number(process.env["SEED"] ?? 20261123);

/** mulberry32. */
function random(seed: number): (below: number) => number {
  let s = seed;
  return (below) => {
    s = (s + 0x6d2b79f5) | 0;
    let t = Math.imul(s ^ (s >>> 15), 1 | s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** A key of a random shape, its values from a small set so that masked keys collide. */
function randomKey(next: (below: number) => number, ports: number): Int32Array {
  const key = new Int32Array(KEY_WORDS);
  const shape = next(3) === 0 ? next(SHAPE_COUNT) : [28, 29, 0, 56][next(4)];
  for (let n = shapeStart[shape]; n < shapeStart[shape + 1]; n++) key[shapeWords[n]] = (next(4) << 24) | next(3);
  key[W_IN_PORT] = next(ports);
  return key;
}

function place(batch: PacketBatch, i: number, key: Int32Array): void {
  batch.keys.set(key, i * KEY_STRIDE);
  batch.inPort[i] = key[W_IN_PORT];
  batch.shape[i] = shapeOf(key, 0);
  let h = 0;
  for (const word of key) h = hashAdd(h, word);
  batch.hash[i] = hashFinish(h);
  batch.drop[i] = 0;
  batch.flow[i] = -1;
}

const wordsOf = (key: Int32Array): string => key.join(",");

test(`exact-match cache: what it answers was put in for that very key (seed ${SEED})`, () => {
  const next = random(SEED);
  const batch = newBatch(1);
  for (const entries of [1, 16, 512]) {
    const cache = new ExactMatchCache(batch.pool.arena, { entries, insertInverse: 1 });
    const twin = new Map<string, number>();
    const pending = new PacketList(batch.pool.arena);
    let hits = 0;
    let live = 0;
    const known = Array.from({ length: 1500 }, () => randomKey(next, 3));
    for (let round = 0; round < 4000; round++) {
      batch.count = 1 + next(BURST);
      for (let i = 0; i < batch.count; i++) {
        place(batch, i, known[next(1 + next(known.length))]);
        // Few different hashes: keys must be told apart by their words.
        batch.hash[i] = Math.imul(batch.hash[i] & 0xff, 0x01010101);
        batch.drop[i] = next(20) === 0 ? 1 : 0;
        if (batch.drop[i] === 0) live++;
      }
      const misses = cache.lookup(batch, pending);
      const missed = new Set(pending.words.subarray(0, misses));
      for (let i = 0; i < batch.count; i++) {
        if (batch.drop[i] !== 0) {
          assert.equal(batch.flow[i], -1);
          assert.ok(!missed.has(i));
          continue;
        }
        const key = wordsOf(batch.keys.subarray(i * KEY_STRIDE, i * KEY_STRIDE + KEY_WORDS));
        assert.equal(batch.flow[i] < 0, missed.has(i));
        if (batch.flow[i] >= 0) {
          assert.equal(batch.flow[i], twin.get(key));
          hits++;
        }
      }
      for (const i of missed) {
        if (next(2) === 0) continue;
        const key = wordsOf(batch.keys.subarray(i * KEY_STRIDE, i * KEY_STRIDE + KEY_WORDS));
        batch.flow[i] = next(1000);
        twin.set(key, batch.flow[i]);
        cache.insert(batch, i);
      }
    }
    assert.equal(cache.stats[0], hits);
    if (entries === 512) assert.ok(hits > live / 20, `${hits} hits of ${live}`);
    assert.ok(cache.used > 0);
  }
});

test("exact-match cache: a sweep forgets dead megaflows and no others", () => {
  const next = random(SEED);
  const batch = newBatch(1);
  const cache = new ExactMatchCache(batch.pool.arena, { entries: 4096, insertInverse: 1 });
  const keys = Array.from({ length: 32 }, () => randomKey(next, 1 << 20));
  batch.count = 32;
  for (const [i, key] of keys.entries()) {
    place(batch, i, key);
    batch.flow[i] = i;
    cache.insert(batch, i);
  }
  const dead = new Uint8Array(32);
  dead[3] = dead[17] = 1;
  cache.sweep(dead);
  cache.lookup(batch, new PacketList(batch.pool.arena));
  for (let i = 0; i < 32; i++) assert.equal(batch.flow[i], dead[i] ? -1 : i);
});

test("exact-match cache: one in n offers goes in, and 0 entries means off", () => {
  const next = random(SEED);
  const batch = newBatch(1);
  batch.count = BURST;
  const pending = new PacketList(batch.pool.arena);
  for (const insertInverse of [1, 20, 100]) {
    const cache = new ExactMatchCache(batch.pool.arena, { entries: 8192, insertInverse });
    let offers = 0;
    for (let round = 0; round < 5000; round++) {
      for (let i = 0; i < BURST; i++) {
        place(batch, i, randomKey(next, 1));
        batch.hash[i] = next(2 ** 31);
        batch.flow[i] = 1;
        pending.words[i] = i;
      }
      cache.offer(batch, pending, BURST);
      offers += BURST;
    }
    cache.lookup(batch, pending);
    const rate = (cache.stats[1] / offers) * insertInverse;
    assert.ok(rate > 0.9 && rate < 1.1, `${insertInverse}: ${rate}`);
  }
  const off = new ExactMatchCache(batch.pool.arena, { entries: 0 });
  assert.equal(off.lookup(batch, pending), BURST);
  off.insert(batch, 0);
  assert.equal(off.used, 0);
});

test("exact-match cache: without a policy it is left out while it does not pay, and tried again", () => {
  const next = random(SEED);
  const batch = newBatch(1);
  const missed = new PacketList(batch.pool.arena);
  batch.count = BURST;
  /** Share of `packets` packets of `flows` flows that the cache has. */
  const run = (cache: ExactMatchCache, flows: number, packets: number, subtables: number): number => {
    let found = 0;
    for (let done = 0; done < packets; done += BURST) {
      for (let i = 0; i < BURST; i++) {
        const flow = next(flows);
        batch.keys[i * KEY_STRIDE + W_IN_PORT] = flow;
        batch.shape[i] = 0;
        batch.hash[i] = hashFinish(flow + 1);
      }
      const misses = cache.lookup(batch, missed);
      for (let p = 0; p < misses; p++) batch.flow[missed.words[p]] = 1;
      cache.offer(batch, missed, misses);
      cache.weigh(BURST, misses, misses * subtables);
      found += BURST - misses;
    }
    return found / packets;
  };
  const cache = new ExactMatchCache(batch.pool.arena);
  run(cache, 1000, 65_536, 1);
  assert.ok(run(cache, 1000, 200_000, 1) > 0.99, "1,000 flows stay in it");
  run(cache, 1_000_000, 65_536, 1);
  assert.equal(run(cache, 1000, 100_000, 1), 0, "a million flows: left out");
  run(cache, 1000, 32 * 32_768 + 65_536, 1);
  assert.ok(run(cache, 1000, 100_000, 1) > 0.99, "tried again");
  const many = new ExactMatchCache(batch.pool.arena);
  run(many, 40_000, 300_000, 20);
  assert.ok(run(many, 40_000, 100_000, 20) > 0.05, "with twenty subtables few hits are worth it");
  const fixed = new ExactMatchCache(batch.pool.arena, { insertInverse: 100 });
  run(fixed, 1_000_000, 200_000, 1);
  assert.ok(run(fixed, 100_000, 100_000, 1) > 0, "with a policy it is always asked");
});

/** A few masks: exact on some words, prefixes on others. */
function randomMask(next: (below: number) => number): Int32Array {
  const mask = new Int32Array(KEY_WORDS);
  for (let n = 1 + next(6); n > 0; n--) mask[next(KEY_WORDS)] = [-1, -1 << 24, 1, 3][next(4)];
  return installedMask(mask);
}

test(`megaflow cache equals a map by masked key (seed ${SEED})`, () => {
  const next = random(SEED);
  const batch = newBatch(1);
  const cache = new MegaflowCache(batch.pool.arena, 3000);
  const masks = Array.from({ length: 12 }, () => randomMask(next));
  // As in use, megaflows do not overlap: what a packet finds is not added again.
  const twin = new Map<string, number>();
  const alive = new Map<number, { key: Int32Array; mask: Int32Array; name: string }>();
  const nameOf = (key: Int32Array, mask: Int32Array): string =>
    `${maskName(mask)}|${key.map((w, n) => w & mask[n]).join(",")}`;
  const pending = new PacketList(batch.pool.arena);
  const open = new PacketList(batch.pool.arena);
  let found = 0;
  let most = 0;
  for (let round = 0; round < 2500; round++) {
    batch.count = 1 + next(BURST);
    let count = 0;
    for (let i = 0; i < batch.count; i++) {
      place(batch, i, randomKey(next, 3));
      pending.words[count++] = i;
    }
    const left = cache.lookup(batch, pending, count, open);
    const missed = new Set(open.words.subarray(0, left));
    assert.equal(missed.size, left);
    for (let i = 0; i < batch.count; i++) {
      const key = batch.keys.slice(i * KEY_STRIDE, i * KEY_STRIDE + KEY_WORDS);
      const matching = masks.flatMap((mask) => twin.get(nameOf(key, mask)) ?? []);
      const flow = batch.flow[i];
      assert.equal(flow < 0, matching.length === 0);
      assert.equal(missed.has(i), flow < 0);
      if (flow >= 0) {
        assert.ok(matching.includes(flow));
        assert.equal(cache.i32[flow * RECORD_I32 + I_PROGRAM], flow ^ 0x55);
        found++;
      }
      assert.equal(cache.find(batch.keys, i * KEY_STRIDE, 1) < 0, matching.length === 0);
    }
    for (const i of missed) {
      if (cache.find(batch.keys, i * KEY_STRIDE, 1) >= 0) continue;
      const key = batch.keys.slice(i * KEY_STRIDE, i * KEY_STRIDE + KEY_WORDS);
      const mask = masks[next(masks.length)];
      const flow = cache.add(batch.keys, i * KEY_STRIDE, mask, 0, 7, 0);
      if (flow < 0) {
        assert.equal(cache.count, 3000);
        continue;
      }
      assert.ok(!alive.has(flow), "a number is given out once");
      cache.i32[flow * RECORD_I32 + I_PROGRAM] = flow ^ 0x55;
      alive.set(flow, { key, mask, name: nameOf(key, mask) });
      twin.set(nameOf(key, mask), flow);
    }
    most = Math.max(most, alive.size);
    const removals = next(4) === 0 ? next(20) : 0;
    for (const flow of [...alive.keys()].slice(0, removals)) {
      twin.delete(alive.get(flow)?.name ?? "");
      alive.delete(flow);
      cache.remove(flow);
      assert.equal(cache.i32[flow * RECORD_I32 + I_EPOCH], GONE);
      assert.ok(!cache.alive(flow));
    }
    if (next(50) === 0) cache.recycle(() => {});
    assert.equal(cache.count, alive.size);
  }
  assert.deepEqual(
    [...cache.numbers()],
    [...alive.keys()].sort((a, b) => a - b),
  );
  assert.equal(cache.masks, new Set([...alive.values()].map(({ mask }) => maskName(mask))).size);
  assert.ok(found > 1000 && most > 200, `${found} found, ${most} megaflows`);
  for (const [flow, { key, mask }] of alive) {
    assert.deepEqual(cache.keys.slice(flow * KEY_WORDS, (flow + 1) * KEY_WORDS), key);
    assert.deepEqual(cache.maskOf(flow), mask);
  }
});

test("a number in quarantine is not given out before the sweep", () => {
  const cache = new MegaflowCache(new Arena(), 10);
  const key = new Int32Array(KEY_WORDS);
  const mask = installedMask(new Int32Array(KEY_WORDS));
  const first = cache.add(key, 0, mask, 0, 1, 0);
  cache.remove(first);
  const second = cache.add(key, 0, mask, 0, 1, 0);
  assert.notEqual(second, first);
  let dead = -1;
  cache.recycle((numbers) => {
    dead = numbers[first];
    assert.equal(numbers[second], 0);
  });
  assert.equal(dead, 1);
  cache.remove(second);
  assert.equal(cache.add(key, 0, mask, 0, 1, 0), first);
});

test("the kernel finds what a lookup of one key finds, also through growth and deletion", () => {
  const next = random(SEED);
  const batch = newBatch(1);
  const { arena } = batch.pool;
  const kernel: MegaflowKernel = arena.kernels(megaflowModule);
  const [wanted, open, list, lookups] = Array.from({ length: 4 }, () => new PacketList(arena));
  let hits = 0;
  for (let round = 0; round < 60; round++) {
    const table = new Subtable(arena, randomMask(next), 0);
    list.words[0] = table.at;
    const keys = Array.from({ length: 300 }, () => randomKey(next, 1));
    const added: Int32Array[] = [];
    for (const [n, key] of keys.entries()) {
      if (table.find(key, 0) < 0) {
        table.add(key, 0, n);
        added.push(key);
      }
      if (next(3) === 0 && added.length > 0) {
        const gone = added.splice(next(added.length), 1)[0];
        assert.ok(table.remove(gone, 0));
        assert.ok(!table.remove(gone, 0));
        assert.equal(table.find(gone, 0), -1);
      }
    }
    assert.equal(table.count, added.length);
    for (let from = 0; from + BURST <= keys.length; from += BURST) {
      for (let i = 0; i < BURST; i++) {
        place(batch, i, keys[from + i]);
        wanted.words[i] = i;
      }
      const left = kernel.search(batch.base, wanted.at, BURST, open.at, list.at, 1, lookups.at);
      assert.equal(lookups.words[0], BURST);
      const rest = [...open.words.subarray(0, left)];
      for (let i = 0; i < BURST; i++) {
        assert.equal(batch.flow[i], table.find(keys[from + i], 0));
        assert.equal(rest.includes(i), batch.flow[i] < 0);
      }
      hits += BURST - left;
    }
    table.dispose();
  }
  assert.ok(hits > 1000, `${hits} hits`);
});

test("subtables that are hit more come first", () => {
  const batch = newBatch(1);
  const cache = new MegaflowCache(batch.pool.arena);
  const pending = new PacketList(batch.pool.arena);
  const open = new PacketList(batch.pool.arena);
  const keyOf = (n: number): Int32Array => {
    const key = new Int32Array(KEY_WORDS);
    key[2] = n;
    return key;
  };
  for (let n = 0; n < 8; n++) {
    const mask = new Int32Array(KEY_WORDS);
    mask[2] = -1;
    mask[3 + n] = -1;
    cache.add(keyOf(n + 1), 0, installedMask(mask), 0, 1, 0);
  }
  const probesFor = (n: number): number => {
    const before = cache.stats[1];
    batch.count = BURST;
    for (let i = 0; i < BURST; i++) {
      place(batch, i, keyOf(n + 1));
      pending.words[i] = i;
    }
    assert.equal(cache.lookup(batch, pending, BURST, open), 0);
    return (cache.stats[1] - before) / BURST;
  };
  assert.equal(probesFor(7), 8);
  for (let n = 0; n < 65536 / BURST; n++) probesFor(7);
  assert.equal(probesFor(7), 1);
  assert.equal(probesFor(0), 2);
});

test("the installed mask: input port, recirculation, packet type, Ethernet type, and the tag when left open", () => {
  const open = installedMask(new Int32Array(KEY_WORDS));
  assert.equal(open[W_RECIRC], -1);
  assert.equal(open[6], 0x1fff);
  assert.equal(open[5], -0x10000);
  const presence = new Int32Array(KEY_WORDS);
  presence[6] = 0x1000;
  assert.equal(installedMask(presence)[6], 0x1000);
});
