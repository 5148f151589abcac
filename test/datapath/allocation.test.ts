import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";

/** Packets of the longer run; the shorter one has a tenth. ALLOCATION_PACKETS=10000000 is the full measure. */
const PACKETS = Number(process.env["ALLOCATION_PACKETS"] ?? 300_000);
const child = join(import.meta.dirname ?? "", "allocation-child.js");

interface Growth {
  readonly name: string;
  readonly bracket: number;
  readonly short: number;
  readonly long: number;
  readonly collections: number;
}

function run(flags: readonly string[], args: readonly string[]): string {
  // V8's memory reducer collects eight seconds after a collection that was asked for, whatever was allocated since.
  const engine = ["--expose-gc", "--no-memory-reducer", "--max-semi-space-size=64"];
  const done = spawnSync(process.execPath, [...engine, ...flags, child, ...args], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
    timeout: 600_000,
  });
  assert.equal(done.status, 0, done.stderr);
  return done.stdout;
}

function measure(mode: string, packets: number, ...flags: string[]): Growth[] {
  return (JSON.parse(run(flags, [mode, String(packets)])) as { results: Growth[] }).results;
}

function noneGrows(packets: number, ...flags: string[]): void {
  const results = measure("clean", packets, ...flags);
  assert.ok(results.length > 20);
  for (const { name, short, long, collections } of results) {
    // The bracket's own boxed numbers come to 16 bytes more or less; one object a packet is 16 bytes times the packets.
    assert.ok(
      Math.abs(long - short) <= 64,
      `${name}: ${short} bytes over ${packets / 10} packets, ${long} over ${packets}`,
    );
    assert.equal(collections, 0, `${name}: ${collections} collections`);
  }
}

test(`no byte is allocated for a packet: heap growth over ${PACKETS} packets equals that over ${PACKETS / 10}`, () => {
  noneGrows(PACKETS);
});

// What V8 compiles into what is its choice (../workers/allocation.test.ts): it must not matter.
test("the same where no call is compiled into another", () => noneGrows(100_000, "--no-turbo-inlining"));

test("the same measure sees one small object a packet", () => {
  for (const { name, short, long } of measure("planted", 20_000)) {
    assert.ok(long - short >= 16 * 18_000, `${name}: ${short} and ${long} bytes`);
  }
});

/** Lines of V8's trace of deoptimisations while warm. */
function deoptimisations(mode: string, packets: number): string[] {
  const [, measured, rest] = run(["--trace-deopt"], [mode, String(packets)]).split("MARK\n");
  assert.ok(rest !== undefined, "two marks");
  // The measuring loop is the test's own: V8 may end a version of it that was made in the middle of a run.
  return measured.split("\n").filter((line) => /bailout|deoptimizing/.test(line) && !/<JSFunction growth /.test(line));
}

test("nothing is deoptimised while all frame kinds and all actions run in turn", () => {
  assert.deepEqual(deoptimisations("deopt", Math.max(PACKETS, 1_000_000)), []);
});

test("the same trace sees a loop of deoptimisations", () => {
  const lines = deoptimisations("deopt-planted", 20_000);
  assert.ok(lines.length >= 5, `${lines.length} deoptimisations seen, 20 were made`);
});

test("what an upcall allocates is bounded", (t) => {
  const { upcalls, allocated, kept } = JSON.parse(run([], ["miss", "4000"])) as Record<string, number>;
  assert.equal(upcalls, 11 * 4000);
  t.diagnostic(
    `${allocated.toFixed(0)} bytes allocated by an upcall, ${kept.toFixed(0)} kept while its megaflow lives`,
  );
  assert.ok(allocated > 0 && allocated < 4096, `${allocated} bytes an upcall`);
  assert.ok(kept < 1024, `${kept} bytes a megaflow`);
});
