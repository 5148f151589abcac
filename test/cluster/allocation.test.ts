/** Whole cluster, warm: no byte is allocated for a packet that bridges, tunnels and routers of three hosts pass on. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";

/** Packets of the longer run; the shorter one has a tenth. ALLOCATION_PACKETS=10000000 is the full measure. */
const PACKETS = Number(process.env["ALLOCATION_PACKETS"] ?? 50_000);
const child = join(import.meta.dirname ?? "", "allocation-child.js");

interface Growth {
  readonly name: string;
  readonly short: number;
  readonly long: number;
  readonly collections: number;
}

function measure(mode: "clean" | "planted", packets: number, ...flags: string[]): Growth[] {
  // V8's memory reducer collects eight seconds after a collection that was asked for, whatever was allocated since.
  const args = [
    "--expose-gc",
    "--no-memory-reducer",
    "--max-semi-space-size=64",
    ...flags,
    child,
    mode,
    String(packets),
  ];
  const done = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 1_200_000 });
  assert.equal(done.status, 0, done.stderr);
  const { results } = JSON.parse(done.stdout) as { results: Growth[] };
  assert.equal(results.length, 6, "three kinds of networks, with and without DVR");
  return results;
}

function noneGrows(packets: number, ...flags: string[]): void {
  for (const { name, short, long, collections } of measure("clean", packets, ...flags)) {
    // Reading the heap's size itself leaves 256 bytes or none; one object a packet is 16 bytes times the packets.
    assert.ok(
      Math.abs(long - short) <= 512,
      `${name}: ${short} bytes over ${packets / 10} packets, ${long} over ${packets}`,
    );
    assert.equal(collections, 0, `${name}: ${collections} collections`);
  }
}

test(`heap growth over ${PACKETS} delivered packets equals that over ${PACKETS / 10}, with no collection`, () => {
  noneGrows(PACKETS);
});

// What V8 compiles into what is its choice (../workers/allocation.test.ts): it must not matter.
test("the same where no call is compiled into another", () => noneGrows(50_000, "--no-turbo-inlining"));

test("the same measure sees one small object a packet", () => {
  for (const { name, short, long } of measure("planted", 20_000)) {
    assert.ok(long - short >= 16 * 18_000, `${name}: ${short} and ${long} bytes`);
  }
});
