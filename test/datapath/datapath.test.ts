import assert from "node:assert/strict";
import { test } from "node:test";
import type { OdpAction } from "../../datapath/action/odp-action.ts";
import {
  W_DP_HASH,
  W_ETH0,
  W_IN_PORT,
  W_NW_DST,
  W_NW_SRC,
  W_PKT_MARK,
  W_PORTS,
  W_RECIRC,
  W_TYPE,
  W_VLAN0,
} from "../../datapath/flow/flow-key.ts";
import { buildFrame } from "../action/frames.ts";
import { toHex } from "../flow/burst.ts";
import { type Answer, DEFAULT_MASK, TestBench } from "./bench.ts";

const to = (port: number): OdpAction => ({ kind: "output", port });
const udp = (n: number, src = 1000): Uint8Array =>
  buildFrame({ ip4: { src: `10.0.${n >> 8}.${n & 255}`, dst: "10.1.0.1" }, udp: { src, dst: 53 }, payload: [n & 255] });
const BY_SOURCE = new Map([...DEFAULT_MASK, [W_NW_SRC, -1]]);

test("first packet upcalls, the next hit the megaflow, then the exact-match cache", () => {
  const bench = new TestBench(() => ({ actions: [to(1)] }), { emc: { insertInverse: 1 } });
  const c = bench.datapath.counters;
  const seen = (): number[] => [c.get("exact"), c.get("megaflow"), c.get("upcall")];
  const frames = [udp(1), udp(1), udp(2)];
  assert.equal(bench.send([frames[0]]).length, 1);
  assert.deepEqual(seen(), [0, 0, 1]);
  bench.send([frames[0]]);
  assert.deepEqual(seen(), [1, 0, 1]);
  bench.send([frames[2]]);
  assert.deepEqual(seen(), [1, 1, 1]);
  bench.send([frames[2], frames[0]]);
  assert.deepEqual(seen(), [3, 1, 1]);
  assert.equal(bench.handler.translations, 1);
  assert.equal(bench.datapath.megaflowCache.count, 1);
  bench.conserves();
});

test("two packets of a new flow in one burst make one upcall", () => {
  const bench = new TestBench(() => ({ actions: [to(1)] }));
  assert.equal(bench.send([udp(1), udp(1), udp(1)]).length, 3);
  assert.equal(bench.handler.translations, 1);
  assert.equal(bench.datapath.counters.get("megaflow"), 2);
  bench.conserves();
});

test("the upcall's packet is credited at once, hits when statistics are pushed", () => {
  const bench = new TestBench(() => ({ actions: [to(1)] }));
  const frame = udp(1);
  bench.send([frame]);
  assert.deepEqual([bench.handler.credited, bench.handler.creditedBytes], [1, frame.length]);
  bench.send([frame, frame], 0, 5e9);
  assert.equal(bench.handler.credited, 1);
  const [flow] = bench.datapath.megaflows();
  assert.deepEqual([flow.packets, flow.bytes, flow.used], [2, 2 * frame.length, 5e9]);
  bench.datapath.flushStats();
  bench.datapath.flushStats();
  assert.deepEqual([bench.handler.credited, bench.handler.creditedBytes], [3, 3 * frame.length]);
  assert.deepEqual(bench.datapath.revalidate(6e9), { kept: 1, idle: 0, stale: 0 });
  assert.deepEqual(bench.handler.refreshed, [5e9], "once for the hits, however often statistics are pushed");
  bench.send([frame], 0, 7e9);
  bench.datapath.revalidate(8e9);
  assert.deepEqual(bench.handler.refreshed, [5e9, 7e9]);
  assert.equal(bench.handler.credited, 4);
});

test("idle megaflows go after 10 s, hits keep them", () => {
  const bench = new TestBench(() => ({ actions: [to(1)], mask: BY_SOURCE }), { emc: { insertInverse: 1 } });
  bench.send([udp(1), udp(2)], 0, 0);
  bench.send([udp(2)], 0, 6e9);
  assert.deepEqual(bench.datapath.revalidate(10e9), { kept: 2, idle: 0, stale: 0 });
  assert.deepEqual(bench.datapath.revalidate(10e9 + 1), { kept: 1, idle: 1, stale: 0 });
  assert.deepEqual(bench.datapath.revalidate(16e9 + 1, { idleNs: 10e9 }), { kept: 0, idle: 1, stale: 0 });
  assert.equal(bench.datapath.megaflowCache.count, 0);
  bench.send([udp(1)], 0, 20e9);
  assert.equal(bench.handler.translations, 3, "the exact-match cache must not know it any more");
  bench.conserves();
});

test("a megaflow of an old epoch is translated again: equal is kept, different is replaced before its packet leaves", () => {
  let port = 1;
  const bench = new TestBench(() => ({ actions: [to(port)], mask: BY_SOURCE }), { emc: { insertInverse: 1 } });
  const hex = toHex(udp(1));
  bench.send([udp(1)]);
  bench.send([udp(1)]);
  bench.handler.epoch++;
  assert.deepEqual(bench.send([udp(1)]), [`1:${hex}`]);
  // With side effects: a packet that hits teaches what it would have taught without a cache.
  assert.deepEqual([bench.handler.translations, bench.handler.withSideEffects], [2, 2]);
  assert.equal(bench.datapath.counters.get("revalidations"), 1);
  bench.send([udp(1)]);
  assert.equal(bench.handler.translations, 2, "asked once an epoch");

  port = 2;
  bench.handler.epoch++;
  assert.deepEqual(bench.send([udp(1), udp(1)]), [`2:${hex}`, `2:${hex}`]);
  assert.deepEqual([bench.handler.translations, bench.handler.withSideEffects], [3, 3]);
  assert.equal(bench.datapath.megaflowCache.count, 1);
  bench.conserves();
  bench.datapath.flushStats();
  assert.equal(bench.handler.credited, 6, "hits of the old one were credited when it went");

  // The sweep of revalidate finds stale ones too.
  port = 3;
  bench.handler.epoch++;
  assert.deepEqual(bench.datapath.revalidate(1), { kept: 0, idle: 0, stale: 1 });
  assert.deepEqual(bench.send([udp(1)]), [`3:${hex}`]);
  // A wider or narrower mask is a difference.
  bench.handler.answer = () => ({ actions: [to(3)] });
  bench.handler.epoch++;
  assert.deepEqual(bench.datapath.revalidate(1), { kept: 0, idle: 0, stale: 1 });
});

test("an epoch raised by the very translation: the megaflow is checked on its next hit", () => {
  const bench = new TestBench((_key, _now, sideEffects): Answer => {
    if (sideEffects && bench.handler.epoch === 0) bench.handler.epoch = 1;
    return { actions: [to(bench.handler.epoch === 1 && !sideEffects ? 2 : 1)] };
  });
  assert.equal(bench.send([udp(1)])[0][0], "1");
  bench.handler.answer = () => ({ actions: [to(2)] });
  assert.equal(bench.send([udp(1)])[0][0], "2");
  bench.conserves();
});

test("a megaflow that an upcall of the same burst makes stale: its packets before count, those after go the new way", () => {
  let port = 1;
  const bench = new TestBench(
    (key, _now, sideEffects) => {
      // Source 10.0.0.9 changes the world when it is first seen.
      if (sideEffects && (key[W_NW_SRC] & 0xff) === 9 && port === 1) {
        port = 2;
        bench.handler.epoch++;
      }
      return { actions: [to((key[W_NW_SRC] & 0xff) === 9 ? 3 : port)], mask: BY_SOURCE };
    },
    { emc: { insertInverse: 1 } },
  );
  bench.send([udp(1)]);
  const hex = toHex(udp(1));
  const out = bench.send([udp(1), udp(1), udp(9), udp(1), udp(1)]);
  assert.deepEqual(out, [`1:${hex}`, `1:${hex}`, `2:${hex}`, `2:${hex}`, `3:${toHex(udp(9))}`]);
  bench.conserves();
  bench.datapath.flushStats();
  assert.equal(bench.handler.credited, 6);
  assert.equal(bench.datapath.counters.get("upcall"), 3);
});

test("slow translations are executed, each packet anew, and not installed", () => {
  const bench = new TestBench(() => ({ actions: [to(1)], slow: ["action"] }));
  assert.equal(bench.send([udp(1), udp(1)]).length, 2);
  assert.equal(bench.send([udp(1)]).length, 1);
  assert.equal(bench.handler.withSideEffects, 3);
  assert.equal(bench.datapath.megaflowCache.count, 0);
  assert.equal(bench.datapath.counters.get("slow"), 3);
  assert.equal(bench.handler.credited, 3);
  bench.conserves();
});

test("a failed translation installs a drop, counted as such; no output is another reason", () => {
  const failed = new TestBench(() => ({ actions: [], error: "recursion too deep" }));
  failed.send([udp(1), udp(1)]);
  failed.send([udp(1)]);
  assert.equal(failed.handler.translations, 1);
  assert.deepEqual(failed.datapath.counters.snapshot().drops, { TranslationError: 3 });
  failed.conserves();
  const unclaimed = new TestBench(() => ({ actions: [], slow: ["no port"], error: "no port", noTunnel: true }));
  unclaimed.send([udp(1)]);
  assert.deepEqual(unclaimed.datapath.counters.snapshot().drops, { NoTunnel: 1 });
  const empty = new TestBench(() => ({ actions: [] }));
  empty.send([udp(1)]);
  assert.deepEqual(empty.datapath.counters.snapshot().drops, { NoAction: 1 });
});

test("chains: packets of one flow keep their order, flows leave by first appearance", () => {
  const bench = new TestBench(() => ({ actions: [to(1)], mask: BY_SOURCE }));
  const frames = [udp(2, 1), udp(1, 1), udp(2, 2), udp(3, 1), udp(1, 2), udp(2, 3)];
  const order = [0, 2, 5, 1, 4, 3].map((n) => `1:${toHex(frames[n])}`);
  assert.deepEqual(bench.send(frames), order, "cold");
  assert.deepEqual(bench.send(frames), order, "warm");
});

test("megaflows off, exact-match cache off, flow limit", () => {
  const off = new TestBench(() => ({ actions: [to(1)] }), { megaflow: false });
  off.send([udp(1), udp(1)]);
  off.send([udp(1)]);
  assert.deepEqual([off.datapath.counters.get("upcall"), off.datapath.megaflowCache.count], [3, 0]);
  off.conserves();

  const noEmc = new TestBench(() => ({ actions: [to(1)] }), { emc: { entries: 0 } });
  for (let n = 0; n < 5; n++) noEmc.send([udp(n)]);
  assert.deepEqual([noEmc.datapath.counters.get("exact"), noEmc.datapath.counters.get("megaflow")], [0, 4]);
  noEmc.conserves();

  const full = new TestBench(() => ({ actions: [to(1)], mask: BY_SOURCE }), { flowLimit: 3 });
  for (let n = 0; n < 5; n++) full.send([udp(n)]);
  full.send([udp(4)]);
  assert.equal(full.datapath.megaflowCache.count, 3);
  assert.equal(full.datapath.counters.get("slow"), 3);
  full.conserves();
});

test("recirculation by id carries mark and hash into the next key", () => {
  const keys: Int32Array[] = [];
  const bench = new TestBench((key) => {
    keys.push(key);
    if (key[W_RECIRC] === 0) {
      const mark: OdpAction = { kind: "set", header: "skb_mark", words: [[W_PKT_MARK, 5, -1]] };
      return { actions: [mark, { kind: "hash", basis: 7 }, { kind: "recirc", id: 3 }] };
    }
    return { actions: [to(2)], mask: new Map([...DEFAULT_MASK, [W_DP_HASH, 1]]) };
  });
  assert.equal(bench.send([udp(1)], 4).length, 1);
  assert.deepEqual([keys[1][W_IN_PORT], keys[1][W_RECIRC], keys[1][W_PKT_MARK]], [4, 3, 5]);
  assert.notEqual(keys[1][W_DP_HASH], 0);
  for (let n = 0; n < 40; n++) assert.equal(bench.send([udp(n), udp(n + 1)], 4).length, 2);
  assert.ok(bench.datapath.megaflowCache.count <= 3);
  bench.conserves();
});

test("the datapath adds an open tag to the mask; a tagged frame never hits the untagged megaflow", () => {
  const bench = new TestBench(() => ({ actions: [to(1)], mask: new Map([[W_TYPE, -0x10000]]) }));
  const tagged = buildFrame({
    tags: [[0x8100, 5]],
    ip4: { src: "10.0.0.1", dst: "10.1.0.1" },
    udp: { src: 1, dst: 2 },
  });
  bench.send([udp(1), tagged, udp(9), tagged]);
  const masks = [...bench.datapath.megaflows()].map(({ mask }) => mask[W_VLAN0]);
  assert.deepEqual(masks, [0x1fff, 0x1fff]);
  assert.equal(bench.handler.translations, 2);
});

test("bad options say what is wrong", () => {
  const answer = (): Answer => ({ actions: [] });
  assert.throws(() => new TestBench(answer, { vlanLimit: 3 }), /vlanLimit: 3, expected 1 or 2/);
  assert.throws(() => new TestBench(answer, { ports: 0 }), /ports: 0, expected/);
});

test("stage times are kept only when asked for", () => {
  for (const timing of [false, true]) {
    const bench = new TestBench(() => ({ actions: [to(1)] }), { timing });
    for (let n = 0; n < 50; n++) bench.send([udp(n)]);
    const { extractNs, lookupNs, executeNs } = bench.datapath.counters.snapshot();
    for (const ns of [extractNs, lookupNs, executeNs]) assert.equal(ns > 0, timing);
  }
});

test("random traffic against random rules: every packet as a table without caches says, through changes", () => {
  let seed = Number(process.env["SEED"] ?? 4711);
  const next = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return (seed >>> 8) % below;
  };
  for (const emc of [{ entries: 0 }, { entries: 64, insertInverse: 1 }, { entries: 8192, insertInverse: 3 }]) {
    let salt = 1;
    // Output port by a function of source, destination and ports; the mask shows what it looked at.
    const decide = (key: Int32Array): { port: number; mask: Map<number, number> } => {
      const mask = new Map(DEFAULT_MASK);
      mask.set(W_NW_SRC, 0xff);
      const kind = (key[W_NW_SRC] & 0xff) % 3;
      let port = kind;
      if (kind === 1) {
        mask.set(W_NW_DST, 0x0f);
        port = (key[W_NW_DST] & 0x0f) + salt;
      } else if (kind === 2) {
        mask.set(W_PORTS, 0xffff0000 | 0);
        port = (key[W_PORTS] >>> 16) * salt;
      }
      mask.set(W_ETH0, 0);
      return { port: port & 7, mask };
    };
    const bench = new TestBench(
      (key) => {
        const { port, mask } = decide(key);
        return { actions: [to(port)], mask };
      },
      { emc },
    );
    let now = 0;
    for (let round = 0; round < 1500; round++) {
      const frames: Uint8Array[] = [];
      const want: string[] = [];
      for (let n = 1 + next(32); n > 0; n--) {
        const [a, b, p] = [next(30), next(20), next(12)];
        const frame = buildFrame({ ip4: { src: `10.0.0.${a}`, dst: `10.1.0.${b}` }, udp: { src: p, dst: 53 } });
        const kind = a % 3;
        const port = kind === 1 ? (b & 15) + salt : kind === 2 ? p * salt : kind;
        frames.push(frame);
        want.push(`${port & 7}:${toHex(frame)}`);
      }
      assert.deepEqual(bench.send(frames, 0, now).sort(), want.sort());
      now += 1e8;
      if (next(40) === 0) {
        salt = 1 + next(5);
        bench.handler.epoch++;
      }
      if (next(60) === 0) bench.datapath.revalidate(now, { idleNs: 2e9 });
      if (next(200) === 0) bench.datapath.purge();
    }
    bench.conserves();
    bench.datapath.flushStats();
    assert.equal(bench.handler.credited, bench.datapath.counters.get("received"), "every packet is credited once");
    assert.equal(bench.handler.creditedBytes, bench.datapath.counters.get("receivedBytes"));
  }
});
