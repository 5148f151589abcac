import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { extract } from "../../datapath/flow/extract.ts";
import {
  KEY_WORDS,
  W_DP_HASH,
  W_IN_PORT,
  W_MPLS0,
  W_PKT_MARK,
  W_PORTS,
  W_RECIRC,
  W_TUN_DST,
  W_TUN_ID,
  W_TUN_META,
  W_TUN_SRC,
  W_TYPE,
  W_VLAN0,
  W_VLAN1,
} from "../../datapath/flow/flow-key.ts";
import { shapeStart, shapeWords } from "../../datapath/flow/shapes.ts";
import { Drop } from "../../datapath/packet/drop.ts";
import { BURST, KEY_STRIDE, type PacketBatch } from "../../datapath/packet/packet-batch.ts";
import { fill, freeAll, fromHex, newBatch } from "./burst.ts";
import { flowWords } from "./flow-text.ts";

/** What Open vSwitch 3.1.0 printed for a frame: [vlan limit, frame, flow without in_port]. */
const parses = JSON.parse(gunzipSync(readFileSync(join(process.cwd(), "test/golden/parses.json.gz"))).toString()) as [
  number,
  string,
  string,
][];

const keyOf = (batch: PacketBatch, i: number): Int32Array =>
  batch.keys.slice(i * KEY_STRIDE, i * KEY_STRIDE + KEY_WORDS);
const show = (key: Int32Array): string =>
  [...key].flatMap((word, w) => (word === 0 ? [] : [`${w}:${(word >>> 0).toString(16)}`])).join(" ");

test("keys equal what Open vSwitch parsed, frame by frame", () => {
  assert.ok(parses.length > 1500, `${parses.length} frames`);
  const batch = newBatch();
  for (let from = 0; from < parses.length; from += BURST) {
    const rows = parses.slice(from, from + BURST);
    for (const limit of [1, 2]) {
      const mine = rows.filter(([vlanLimit]) => vlanLimit === limit);
      if (mine.length === 0) continue;
      const frames = mine.map(([, hex]) => fromHex(hex));
      fill(batch, frames, 7, 0, 0xaa);
      extract(batch, limit);
      for (const [i, [, hex, flow]] of mine.entries()) {
        const key = keyOf(batch, i);
        const want = flowWords(flow);
        want[W_IN_PORT] = 7;
        // TPIDs are not printed; they are the frame's own.
        if (want[W_VLAN0] !== 0) want[W_VLAN0] |= Number.parseInt(hex.slice(24, 28), 16) << 16;
        if (want[W_VLAN1] !== 0) want[W_VLAN1] |= Number.parseInt(hex.slice(32, 36), 16) << 16;
        // Of labels only the first is printed, of IGMP no type.
        for (const w of [W_MPLS0 + 1, W_MPLS0 + 2]) want[w] = key[w];
        assert.equal(show(key), show(want), `${hex}\n${flow}`);
      }
      freeAll(batch);
    }
  }
});

test("what stands behind the end of a frame changes nothing; every cut of every frame gives a key or a drop", () => {
  const one = newBatch(4);
  const two = newBatch(4);
  const kinds = new Map<string, string>();
  for (const [, hex] of parses) kinds.set(`${hex.slice(24, 32)}${hex.slice(46, 48)}${hex.length}`, hex);
  for (const hex of kinds.values()) {
    const whole = fromHex(hex);
    for (let length = 0; length <= Math.min(whole.length, 200); length++) {
      const frame = whole.subarray(0, length);
      fill(one, [frame], 1, 0, 0xff);
      fill(two, [frame], 1, 0, 0x01);
      const short = extract(one, 2);
      extract(two, 2);
      assert.equal(short, length < 14 ? 1 : 0);
      assert.equal(one.drop[0], length < 14 ? Drop.Truncated : Drop.None);
      if (length >= 14) {
        assert.equal(show(keyOf(one, 0)), show(keyOf(two, 0)), `${hex} cut to ${length}`);
        assert.equal(one.hash[0], two.hash[0]);
        assert.equal(one.l3[0] - one.start[0], two.l3[0] - two.start[0]);
        assert.ok(one.l4[0] <= one.end[0] && one.l3[0] <= one.end[0]);
      }
      freeAll(one);
      freeAll(two);
    }
  }
});

test("words that a shape lacks are 0, whatever was in the place before", () => {
  const batch = newBatch(4);
  let seed = 99;
  for (let n = 0; n < 20_000; n++) {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    const [limit, hex] = parses[(seed >>> 4) % parses.length];
    fill(batch, [fromHex(hex)], 3);
    if (n % 3 === 0) {
      batch.tunId[0] = n;
      batch.tunSrc[0] = 0x0a000001;
      batch.tunDst[0] = 0x0a000002;
      batch.tunMeta[0] = 0x00400004;
    }
    batch.recirculated = n % 5 === 0;
    batch.recircId[0] = n % 10 === 0 ? 9 : 0;
    extract(batch, limit);
    if (n % 50 === 0) {
      const fresh = newBatch(4);
      fill(fresh, [fromHex(hex)], 3);
      for (const column of ["tunId", "tunSrc", "tunDst", "tunMeta", "recircId"] as const) {
        fresh[column].set(batch[column]);
      }
      fresh.recirculated = batch.recirculated;
      extract(fresh, limit);
      assert.equal(show(keyOf(batch, 0)), show(keyOf(fresh, 0)));
    }
    const has = new Set(shapeWords.subarray(shapeStart[batch.shape[0]], shapeStart[batch.shape[0] + 1]));
    for (let w = 0; w < KEY_WORDS; w++) if (!has.has(w)) assert.equal(batch.keys[w], 0, `word ${w} of ${hex}`);
    freeAll(batch);
  }
});

test("tunnel and recirculation columns become words", () => {
  const batch = newBatch(4);
  fill(batch, [fromHex(parses[0][1])], 4);
  batch.tunId[0] = 0x1234;
  batch.tunSrc[0] = 0x0a0b0173;
  batch.tunDst[0] = 0x0a0b0174;
  batch.tunMeta[0] = 0x20400004;
  batch.recirculated = true;
  batch.recircId[0] = 5;
  batch.mark[0] = 6;
  batch.dpHash[0] = 7;
  extract(batch, 1);
  const key = keyOf(batch, 0);
  assert.deepEqual(
    [W_TUN_ID, W_TUN_SRC, W_TUN_DST, W_TUN_META, W_RECIRC, W_PKT_MARK, W_DP_HASH].map((w) => key[w]),
    [0x1234, 0x0a0b0173, 0x0a0b0174, 0x20400004, 5, 6, 7],
  );
});

test("IGMP, RARP, and up to three labels", () => {
  const batch = newBatch(8);
  const mac = "010203040506 0a0b0c0d0e0f ";
  fill(batch, [
    // RFC 2236: IGMP membership report, type 0x16, code 0.
    fromHex(`${mac}0800 4600 0020 0000 4000 0102 0000 0a000001 e0000001 94040000 1600 e9fe e0000001`),
    fromHex(`${mac}8035 0001 0800 06 04 0003 0a0b0c0d0e0f 00000000 0a0b0c0d0e0f 00000000`),
    fromHex(`${mac}8847 00010040 00020041 00030142 00000000`),
    fromHex(`${mac}8847 00010040 00020041 00030042 00040142`),
    fromHex(`${mac}8847 00010040 0002`),
  ]);
  extract(batch, 1);
  assert.equal(keyOf(batch, 0)[W_TYPE], (0x0800 << 16) | 2);
  assert.equal(keyOf(batch, 0)[W_PORTS], 0x16 << 16);
  assert.equal(keyOf(batch, 1)[W_TYPE] >>> 0, 0x80350003);
  const labels = (i: number): string[] =>
    [0, 1, 2].map((n) => (keyOf(batch, i)[W_MPLS0 + n] >>> 0).toString(16).padStart(8, "0"));
  assert.deepEqual(labels(2), ["00010040", "00020041", "00030142"]);
  assert.deepEqual(labels(3), ["00010040", "00020041", "00030042"]);
  assert.deepEqual(labels(4), ["00010040", "00000000", "00000000"]);
});
