/**
 * The namespace against Linux itself: frames that were put into a network namespace with real interfaces, and everything
 * that came out of it (`record-linux.py` beside this file says how, and can record them again). Each case must give the same
 * frames in the same order, at the same time, byte for byte but for what Linux draws at random: the IP identification of
 * packets that the router itself made (with it their header checksum), and their IPv6 flow label.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ipv4FromText, ipv4ToText } from "../../datapath/wire/addresses.ts";
import { Harness, type Sent } from "./harness.ts";
import { masked } from "./masked.ts";

interface Case {
  readonly name: string;
  readonly forwarding: boolean;
  readonly mtu: readonly [number, number];
  readonly routes: readonly { to: string; via?: string; dev: string }[];
  readonly neighbours: readonly { ip: string; mac: string; dev: string }[];
  readonly ms: number;
  readonly input: readonly Sent[];
  readonly output: readonly Sent[];
  readonly neigh: readonly string[];
}
interface Recording {
  readonly origin: string;
  readonly interfaces: readonly { name: string; mac: string; addresses: readonly string[] }[];
  readonly cases: readonly Case[];
}

const recording = JSON.parse(readFileSync("test/golden/router-linux.json", "utf8")) as Recording;
const own = recording.interfaces.flatMap((link) => link.addresses.map((text) => ipv4FromText(text.split("/")[0])));

/** Frames that differ in the identification that the router drew must still agree within one datagram. */
function fragmentIds(sent: readonly Sent[]): string[] {
  return sent.map(({ frame }) => (frame.slice(24, 28) === "0800" ? frame.slice(36, 40) : ""));
}

for (const it of recording.cases) {
  test(`Linux: ${it.name}`, () => {
    const harness = new Harness(
      {
        name: "router",
        interfaces: recording.interfaces.map((link, i) => ({ ...link, mtu: it.mtu[i] })),
        routes: it.routes,
        neighbours: it.neighbours,
        forwarding: it.forwarding,
      },
      { probing: true },
    );
    let now = 0;
    for (const { ms, dev, frame } of it.input) {
      harness.wait(now, ms);
      harness.input(dev, frame, ms);
      now = ms;
    }
    harness.wait(now, it.ms);

    const show = (sent: readonly Sent[]): string[] => sent.map(({ dev, frame }) => `${dev} ${masked(frame, own)}`);
    assert.deepEqual(show(harness.out), show(it.output));
    for (const [i, sent] of harness.out.entries()) {
      const off = Math.abs(sent.ms - it.output[i].ms);
      // Linux's timer wheel fires a timer of 5 s up to 256 ms late (64 ticks of 4 ms).
      assert.ok(off < 300, `frame ${i} leaves after ${sent.ms} ms, on Linux after ${it.output[i].ms} ms`);
    }
    const ours = fragmentIds(harness.out);
    const theirs = fragmentIds(it.output);
    for (let i = 1; i < ours.length; i++) {
      assert.equal(ours[i] === ours[i - 1], theirs[i] === theirs[i - 1], `identifications of frames ${i - 1} and ${i}`);
    }
    assert.deepEqual(harness.namespace.neighbours(), [...it.neigh].sort());
  });
}

test("the recording has what it is asked for", () => {
  assert.ok(recording.cases.length >= 90, `${recording.cases.length} cases`);
  assert.ok(recording.cases.reduce((sum, it) => sum + it.output.length, 0) >= 150, "frames came out");
  assert.deepEqual(own.map(ipv4ToText), ["192.168.1.1", "192.168.2.1"]);
});
