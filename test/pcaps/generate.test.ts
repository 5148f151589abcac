/** Generated traffic: same bytes for the same seed, right headers by tshark's word, shares as they were asked for. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { FrameGenerator } from "../../pcaps/generate/frame-generator.ts";
import { meanFrameSize, parseFrameSizes } from "../../pcaps/generate/frame-sizes.ts";
import { generateFile, generateTrace } from "../../pcaps/generate/generate.ts";
import { type GenerateOptions, makePlan } from "../../pcaps/generate/plan.ts";
import { Popularity } from "../../pcaps/generate/popularity.ts";
import { Random } from "../../pcaps/generate/random.ts";
import { encapsulations, scenarios } from "../../pcaps/generate/scenario.ts";
import { captureInfo } from "../../pcaps/inspect/capture-info.ts";
import { readTrace } from "../../pcaps/read-trace.ts";
import { framesOf, has, listing, run, scratch } from "./support.ts";

const sha = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");
/** SHA-256 of `everything` with seed 20150601: changes only together with the generator, never with the machine. */
const PINNED = "75a40af94522b99c4d90c50fa87fbb2dba29ddf340a22b2b70ab541d9f267d1f";
const everything: GenerateOptions = {
  frames: 2000,
  flows: 300,
  vms: 5,
  popularity: "zipf",
  alpha: 1.1,
  size: "IMIX_v4_1",
  protocols: { udp: 2, tcp: 1, icmp: 1 },
  ipv6: 0.3,
  gaps: "poisson",
};

test("same options and seed, same bytes; another seed, other bytes", () => {
  for (const encapsulation of encapsulations) {
    const hash = (name: string, seed: number): string => {
      generateFile(scratch(name), { ...everything, encapsulation, seed });
      return sha(scratch(name));
    };
    assert.equal(hash("a.pcap", 7), hash("b.pcap", 7));
    assert.notEqual(hash("a.pcap", 7), hash("b.pcap", 8));
  }
});

test("the bytes of a seed do not change with the version of Node or the machine", () => {
  generateFile(scratch("pinned.pcap"), { ...everything, seed: 20150601 });
  assert.equal(sha(scratch("pinned.pcap")), PINNED);
});

test("a file, a pcapng file and a trace hold the same frames", async () => {
  for (const name of ["same.pcap", "same.pcapng", "same.pcapng.gz"]) {
    generateFile(scratch(name), everything);
    assert.deepEqual(listing(await readTrace(scratch(name))), listing(generateTrace(everything)));
  }
});

test("xoshiro128** gives the right numbers", () => {
  // From another implementation (Python), which from state 1, 2, 3, 4 gives 11520, 0, 5927040, 70819200, 2031721883, as
  // the authors' does.
  const random = new Random(1);
  const drawn = Array.from({ length: 5 }, () => random.next() >>> 0);
  assert.deepEqual(drawn, [2442144158, 3238099751, 3819917871, 2104621829, 2021136066]);
});

test("IMIX_v4_1 is 28:16:4 of 64, 570 and 1518 with FCS, 353.83 bytes on average", async () => {
  const sizes = parseFrameSizes("imix_v4_1");
  const count = (size: number): number => sizes.sequence.filter((one) => one === size - 4).length;
  assert.deepEqual([count(64), count(570), count(1518), sizes.sequence.length], [28, 16, 4, 48]);
  assert.equal((meanFrameSize(sizes) + 4).toFixed(2), "353.83");
  const trace = generateTrace({ frames: 4800, size: "IMIX_v4_1" });
  const lengths = [60, 566, 1514].map((length) => trace.length.filter((one) => one === length).length);
  assert.deepEqual(lengths, [2800, 1600, 400]);
  // Spread over the round: no size waits longer than its share makes necessary.
  assert.ok([...sizes.sequence].join(" ").match(/(60 ?){3,}/) === null);
});

test("a genome is the sequence it spells, a mixture its weights", () => {
  assert.deepEqual(
    [...parseFrameSizes("genome:aaaaaaaddddg").sequence],
    [...Array(7).fill(60), ...Array(4).fill(508), 1514],
  );
  // Own arithmetic of the field: 7:4:1 of 64, 512 and 1518 has a mean of 334.5.
  assert.equal(meanFrameSize(parseFrameSizes("genome:aaaaaaaddddg")) + 4, 334.5);
  assert.deepEqual(
    [...parseFrameSizes("genome:abcdefghijz").sequence].map((size) => size + 4),
    [64, 128, 256, 512, 1024, 1280, 1518, 2112, 9000, 16000, 1518],
  );
  assert.deepEqual(
    [...parseFrameSizes("60:2,1514:1").sequence].sort((a, b) => a - b),
    [60, 60, 1514],
  );
});

test("flows: as many as asked for, all different, and payloads that number them", async () => {
  for (const [options, flows] of [
    [{ vms: 1, flows: 500 }, 500],
    [{ vms: 7, flows: 500 }, 500],
    [{ scenario: "same-network", vms: 4, flows: 333 }, 333],
    [{ vms: 1, flows: 70_000 }, 70_000],
    [{ vms: 2, flows: 5000, protocols: { udp: 1, tcp: 1, icmp: 1 }, ipv6: 0.5, size: "100" }, 5000],
  ] as const) {
    const path = scratch("flows.pcap");
    const done = generateFile(path, { ...options, frames: flows, popularity: "round-robin" });
    const info = await captureInfo(path);
    assert.equal(info.flows.outer, flows, JSON.stringify(options));
    assert.equal(done.flows, flows);
  }
  const seen = new Map<number, number>();
  for (const frame of framesOf(generateTrace({ frames: 500, flows: 20 }))) {
    const view = new DataView(Uint8Array.from(frame).buffer);
    const flow = view.getInt32(42);
    assert.equal(view.getInt32(46), seen.get(flow) ?? 0);
    seen.set(flow, view.getInt32(46) + 1);
  }
  assert.equal(seen.size, 20);
});

test("popularity: round robin, uniform, and Zipf within five standard deviations", () => {
  const draws = 200_000;
  const n = 50;
  const counts = (kind: "round-robin" | "uniform" | "zipf", alpha: number): number[] => {
    const popularity = new Popularity(kind, n, alpha, new Random(42));
    const counted = new Array<number>(n).fill(0);
    for (let i = 0; i < draws; i++) counted[popularity.next()]++;
    return counted;
  };
  assert.deepEqual(counts("round-robin", 1), new Array(n).fill(draws / n));
  for (const [kind, alpha] of [
    ["uniform", 1],
    ["zipf", 0.8],
    ["zipf", 1],
    ["zipf", 2],
  ] as const) {
    const weights = Array.from({ length: n }, (_, i) => (kind === "uniform" ? 1 : (i + 1) ** -alpha));
    const total = weights.reduce((sum, w) => sum + w, 0);
    for (const [i, count] of counts(kind, alpha).entries()) {
      const p = weights[i] / total;
      const deviation = Math.sqrt(draws * p * (1 - p));
      assert.ok(
        Math.abs(count - draws * p) < 5 * deviation,
        `${kind} ${alpha}, rank ${i}: ${count}, expected ${draws * p}`,
      );
    }
  }
});

test("times: constant gaps, Poisson gaps, a start of one's own", () => {
  const startNs = 1_700_000_000_123_456_789n;
  const trace = generateTrace({ frames: 1000, pps: 3e6, startNs });
  assert.equal(trace.epochNs, startNs);
  assert.deepEqual([...trace.time.slice(0, 4)], [0, 333, 667, 1000]);
  const poisson = generateTrace({ frames: 20_000, pps: 1e6, gaps: "poisson" });
  const gaps = Array.from({ length: 19_999 }, (_, i) => poisson.time[i + 1] - poisson.time[i]);
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length);
  assert.ok(Math.abs(mean - 1000) < 40 && Math.abs(deviation - 1000) < 60, `${mean} ± ${deviation}`);
});

test("the article's addresses: VM1 to its gateway, VM2 to its own, and what crosses the underlay", () => {
  const hex = (scenario: string): string =>
    Buffer.from(framesOf(generateTrace({ scenario, frames: 1 }))[0]).toString("hex");
  // destination, source, type; IPv4 from 192.168.1.11 to 192.168.2.11
  assert.match(hex("east-west"), /^fa163ecd508dfa163e176ba70800450000.{18}c0a8010bc0a8020b/);
  assert.match(hex("east-west-reply"), /^fa163ea395c2fa163e2a34190800450000.{18}c0a8020bc0a8010b/);
  // 10.11.1.115 to 10.11.1.116, GRE with key 2, from test115's DVR address to VM2, TTL 63
  assert.match(
    hex("underlay"),
    /^5254000a01745254000a01730800.{24}0a0b01730a0b01742000655800000002fa163e2a3419fa163f9787a10800.{16}3f11/,
  );
});

test("every scenario, tag and tunnel: no wrong length and no wrong checksum, says tshark", async (t) => {
  if (!has("tshark")) return t.skip("tshark is not installed: no outside word about the headers");
  const preferences = ["ip", "udp", "tcp"].flatMap((name) => ["-o", `${name}.check_checksum:TRUE`]);
  const status = ["ip", "udp", "tcp", "icmp", "icmpv6"].flatMap((name) => ["-e", `${name}.checksum.status`]);
  const lies = ["ip.bogus_ip_length", "udp.length.bad", "tcp.bogus_header_length"].flatMap((name) => ["-e", name]);
  const cases: GenerateOptions[] = [
    ...encapsulations.map((encapsulation) => ({ encapsulation })),
    ...scenarios.map(({ name: scenario }) => ({ scenario })),
  ];
  for (const options of cases) {
    const path = scratch("every.pcap");
    const what = JSON.stringify(options);
    generateFile(path, { ...everything, ...options, frames: 300 });
    const lines = run("tshark", "-r", path, ...preferences, "-T", "fields", ...status, ...lies)
      .split("\n")
      .slice(0, -1);
    assert.equal(lines.length, 300, what);
    for (const line of lines) {
      const columns = line.split("\t");
      // 0 bad, 1 good, 2 and 3 none: the outer UDP of a tunnel carries no checksum, what is inside does.
      assert.ok(
        columns.slice(0, 5).every((column) => !column.split(",").includes("0")),
        `${what}: ${line}`,
      );
      assert.ok(
        columns.slice(1, 5).some((column) => column.split(",").at(-1) === "1"),
        `${what}: ${line}`,
      );
      assert.deepEqual(columns.slice(5), ["", "", ""], `${what}: ${line}`);
    }
    const { odd } = await captureInfo(path);
    assert.deepEqual(Object.values(odd), new Array(Object.keys(odd).length).fill(0), what);
  }
});

test("tags and keys are the ones asked for, as tshark reads them", (t) => {
  if (!has("tshark")) return t.skip("tshark is not installed: nobody to read tags and keys");
  const fields = (options: GenerateOptions, ...names: string[]): string => {
    generateFile(scratch("tags.pcap"), { frames: 1, ...options });
    return run(
      "tshark",
      "-r",
      scratch("tags.pcap"),
      "-T",
      "fields",
      ...names.flatMap((name) => ["-e", name]),
    ).trimEnd();
  };
  assert.equal(fields({ encapsulation: "vlan", vlan: 77 }, "eth.type", "vlan.id"), "0x8100\t77");
  assert.equal(
    fields({ encapsulation: "qinq", vlan: 77, serviceVlan: 3000 }, "eth.type", "ieee8021ad.id", "vlan.id"),
    "0x88a8\t3000\t77",
  );
  assert.equal(fields({ encapsulation: "gre", key: 0xdeadbeef }, "gre.proto", "gre.key"), "0x6558\t0xdeadbeef");
  assert.equal(fields({ encapsulation: "vxlan", key: 0xabcdef }, "vxlan.vni", "ip.proto"), "11259375\t17,17");
  assert.equal(fields({ encapsulation: "geneve", key: 5 }, "geneve.vni", "geneve.proto_type"), "0x000005\t0x6558");
});

const refused: readonly (readonly [string, GenerateOptions, RegExp])[] = [
  ["scenario", { scenario: "x" }, /^unknown scenario "x", expected one of east-west, /],
  ["VMs", { vms: 245 }, /^VMs 245: expected a whole number from 1 to 244$/],
  ["VMs of one network", { scenario: "same-network", vms: 1 }, /^VMs 1: expected a whole number from 2 to 244$/],
  ["flows", { flows: 0 }, /^flows 0: expected a whole number from 1 to 16777216$/],
  ["flows of pings", { flows: 65_537, protocols: { icmp: 1 } }, /^65537 flows: 1 VMs have only 65536 different ones/],
  ["frames", { frames: 1.5 }, /^frames 1\.5: expected a whole number/],
  ["size", { size: "41" }, /^frame sizes "41": "41" is no size, expected bytes without FCS from 42 to 65000/],
  ["size without number", { size: "60,,70" }, /^frame sizes "60,,70": "" is no size/],
  ["genome", { size: "genome:aax" }, /^frame sizes "genome:aax": "x", expected letters a-j and z/],
  [
    "size for its headers",
    { size: "60", protocols: { tcp: 1 }, ipv6: 0.1 },
    /^frame size 60: a tcp frame over IPv6 has 74 bytes of headers/,
  ],
  ["alpha", { popularity: "zipf", alpha: 0 }, /^zipf exponent 0: expected/],
  ["share of IPv6", { ipv6: 2 }, /^share of IPv6 2: expected a number from 0 to 1$/],
  [
    "network identifier",
    { encapsulation: "vxlan", key: 2 ** 24 },
    /^network identifier 16777216: expected a whole number from 0 to 16777215$/,
  ],
  ["key", { encapsulation: "gre", key: 2 ** 32 }, /^GRE key 4294967296: expected/],
  ["VLAN", { vlan: 4096 }, /^VLAN 4096: expected a whole number from 0 to 4095$/],
  ["rate", { pps: 0 }, /^0 frames a second: expected a number above 0/],
  ["time", { startNs: -1n }, /^times from -1 ns on/],
];
for (const [what, options, message] of refused) {
  test(`refused: ${what}`, () => {
    assert.throws(() => makePlan(options), { name: "InputError", message });
    assert.throws(() => generateFile(scratch("refused.pcap"), options), { name: "InputError" });
    assert.ok(!existsSync(scratch("refused.pcap")) && !existsSync(scratch("refused.pcap.part")));
  });
}

test("the generator needs memory for flows, not for frames", () => {
  const generator = new FrameGenerator(makePlan({ frames: 300_000, flows: 100 }));
  let bytes = 0;
  for (let i = 0; i < 50_000 && generator.next(); i++) bytes += generator.length;
  const before = process.memoryUsage().arrayBuffers;
  while (generator.next()) bytes += generator.length;
  assert.equal(bytes, 300_000 * 60);
  assert.ok(process.memoryUsage().arrayBuffers - before < 1 << 20);
});
