/**
 * Frames that no wire should carry: nothing throws, every packet ends in one counter, no slot is lost, and no byte outside
 * of a frame is looked at (twins.ts says how that shows). Through key extraction and every datapath action, through
 * namespaces, and through the printer.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { packageRoot } from "../../bench/paths.ts";
import type { OdpAction } from "../../datapath/action/odp-action.ts";
import type { NamespaceConfig } from "../../datapath/topology.ts";
import { describe } from "../../datapath/wire/describe.ts";
import type { Random } from "../conformance/random.ts";
import { FRAMES } from "./corpus.ts";
import { fuzz, mutateBytes } from "./fuzz.ts";
import { PORTS, randomActions, TUNNEL_PORTS } from "./odp-actions.ts";
import { DatapathTwins, NamespaceTwins, ROOM } from "./twins.ts";

const BURST = 8;
const golden = (name: string): Buffer => gunzipSync(readFileSync(join(packageRoot, "test/golden", name)));
const bytes = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const hexOf = (frames: readonly Uint8Array[]): string =>
  frames.map((frame) => Buffer.from(frame).toString("hex")).join(" ");

/** Hexadecimal frames in a text. */
const framesIn = (text: string): string[] => [...text.matchAll(/"([0-9a-f]{56,})"/g)].map((match) => match[1]);

/** Frames that Open vSwitch has parsed, among them broken ones, what it sent into tunnels, and those of tcpdump and Linux. */
const SEEDS = [
  ...new Set([
    ...framesIn(golden("parses.json.gz").toString()),
    ...framesIn(golden("ovs-cases/tunnel.json.gz").toString()),
    ...framesIn(readFileSync(join(packageRoot, "test/golden/describe.json"), "utf8")),
    ...framesIn(readFileSync(join(packageRoot, "test/golden/router-linux.json"), "utf8")),
  ]),
].map(bytes);

const burst = (random: Random): Uint8Array[] => Array.from({ length: BURST }, () => mutateBytes(random, SEEDS, ROOM));

fuzz("extraction and datapath actions", 20_000, (random, count, t) => {
  const twins = new DatapathTwins(PORTS, (key) => randomActions(random, key), TUNNEL_PORTS);
  let out = 0;
  for (let n = 0; n < count; n += BURST) {
    const frames = burst(random);
    const ports = frames.map(() => random.below(PORTS));
    try {
      out += twins.send(frames, ports);
    } catch (error) {
      throw new Error(`frames ${hexOf(frames)} at ports ${ports} with ${twins.given}`, { cause: error });
    }
  }
  assert.ok(out > count / 4, `${out} frames came out of ${count}`);
  t.diagnostic(`${out} frames came out`);
});

const ROUTER: NamespaceConfig = {
  name: "qrouter",
  forwarding: true,
  interfaces: [
    { name: "qr-1", mac: "fa:16:3e:00:00:01", addresses: ["10.0.0.1/16", "fd00::1/64", "fe80::1/64"], mtu: 1458 },
    { name: "qr-2", mac: "fa:16:3e:00:00:02", addresses: ["10.1.0.1/16", "fd01::1/64", "fe80::2/64"], mtu: 600 },
  ],
  neighbours: [{ ip: "10.1.0.2", dev: "qr-2", mac: "fa:16:3e:00:00:03" }],
  routes: [
    { to: "0.0.0.0/0", via: "10.1.0.2", dev: "qr-2" },
    { to: "::/0", via: "fd01::2", dev: "qr-2" },
  ],
};

fuzz("namespaces", 10_000, (random, count, t) => {
  const twins = new NamespaceTwins(ROUTER);
  let out = 0;
  let now = 0;
  for (let n = 0; n < count; n += BURST) {
    const frames = burst(random);
    for (const frame of frames) {
      // Most are for the router, or nothing of it would be tried.
      if (frame.length >= 14 && random.chance(80)) frame.set([0xfa, 0x16, 0x3e, 0, 0, 1]);
    }
    now += random.pick([1e6, 5e6, 1e9]);
    if (twins.available < 2 * BURST) now += 60e9;
    const some = twins.available < BURST ? [] : frames;
    try {
      out += twins.send(some, 0, now);
    } catch (error) {
      throw new Error(`frames ${hexOf(some)} at ${now}`, { cause: error });
    }
  }
  assert.ok(out > count / 100, `${out} frames came out of ${count}`);
  t.diagnostic(`${out} frames came out`);
});

function describedAlike(frame: Uint8Array): void {
  const texts = [0xff, 0x00].map((rubbish, side) => {
    const around = new Uint8Array(frame.length + 256).fill(rubbish);
    const at = side === 0 ? 64 : 129;
    around.set(frame, at);
    return describe(around, at, at + frame.length, true);
  });
  assert.equal(texts[1], texts[0], "the text differs with what lies around the frame");
  assert.ok(texts[0].length > 0 && !/undefined|NaN/.test(texts[0]), texts[0]);
}

fuzz("the printer", 10_000, (random, count) => {
  for (let n = 0; n < count; n++) {
    const frame = mutateBytes(random, SEEDS, ROOM);
    try {
      describedAlike(frame);
    } catch (error) {
      throw new Error(`frame ${hexOf([frame])}`, { cause: error });
    }
  }
});

test("fuzz: frames that once went wrong", () => {
  for (const { hex, actions } of FRAMES) {
    const lists = JSON.parse(actions) as OdpAction[][];
    let next = 0;
    const twins = new DatapathTwins(PORTS, () => lists[next++] ?? [], TUNNEL_PORTS);
    const frames = hex.split(" ").map(bytes);
    twins.send(
      frames,
      frames.map(() => 0),
    );
    for (const frame of frames) describedAlike(frame);
  }
});
