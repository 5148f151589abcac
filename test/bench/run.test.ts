/**
 * `eastwest run` from outside: the result fits its schema, counts add up and are those of the recorded captures, files hold
 * what the recording holds. Expectations come from pcaps/recorded and from the article.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { compileSchema } from "../../bench/scenarios/yaml-source.ts";
import type { ModeResult, RunResult } from "../../bench/trial/result.ts";
import { RESULT_SCHEMA } from "../../bench/trial/result-file.ts";
import { generateFile } from "../../pcaps/generate/generate.ts";
import { libpcapVersion } from "../../pcaps/libpcap-reader.ts";
import { readTrace } from "../../pcaps/read-trace.ts";
import { eastwest, interrupted, program, recorded, withFolder } from "./cli.ts";

function resultOf(text: string): RunResult {
  const value = JSON.parse(text) as RunResult;
  const validate = compileSchema(RESULT_SCHEMA);
  assert.ok(
    validate(value),
    validate.errors
      ?.map(({ instancePath, message, params }) => JSON.stringify({ instancePath, message, params }))
      .join(),
  );
  return value;
}

/** The sums that hold for every run. */
function conserves(mode: ModeResult): void {
  assert.deepEqual(mode.conservation, { ok: true, violations: [] });
  const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);
  assert.equal(mode.cache.exactHits + mode.cache.megaflowHits + mode.cache.upcalls, mode.cache.lookups);
  assert.equal(mode.cache.lookups, mode.passes + mode.recirculations);
  assert.equal(sum(mode.vms.map((vm) => vm.delivered)), mode.packets);
  assert.equal(sum(mode.vms.map((vm) => vm.deliveredBytes)), mode.bytes);
  assert.equal(sum(mode.wires.map((wire) => wire.frames)), mode.underlayFrames);
  assert.equal(sum(mode.nodes.map((node) => node.underlay.txFrames)), mode.underlayFrames);
  assert.equal(sum(mode.nodes.map((node) => node.passes)), mode.passes);
  assert.equal(sum(mode.inputs.map((input) => input.sent)), mode.offered.packets);
  for (const node of mode.nodes) assert.equal(sum(node.ports.map((port) => port.rxPackets)), node.passes, node.name);
}

test("without options: both modes, schema, sums, the article's GRE lines", () => {
  const ran = eastwest("run", "--repeat", "30", "--json", "-");
  assert.equal(ran.status, 0, ran.stderr);
  // On a machine that is busy, that is said.
  assert.match(ran.stderr, /^(eastwest: warning: others had the core .*\n)?$/);
  const result = resultOf(ran.stdout);
  assert.deepEqual(Object.keys(result.modes), ["legacy", "dvr"]);
  const { legacy, dvr } = result.modes;
  for (const mode of [legacy, dvr]) {
    conserves(mode);
    assert.equal(mode.times?.passes, 30);
    assert.ok(mode.nsPerPacket !== null && mode.nsPerPacket > 0);
    assert.ok(Math.abs((mode.packetsPerSecond ?? 0) * mode.nsPerPacket - 1e9) < 1);
    assert.equal(mode.frameBytes, mode.bytes / mode.packets);
    assert.ok(mode.capacity.packetsPerSecond !== null);
    const { nsPerPacket, restNsPerPacket = null, samples } = mode.times ?? assert.fail("no times");
    const inNodes = mode.nodes.reduce((sum, node) => sum + (node.nsPerPacket?.median ?? 0), 0);
    assert.ok(Math.abs(inNodes + (restNsPerPacket ?? Number.NaN) - nsPerPacket.median) < 1e-6, "time rows add up");
    assert.ok(samples !== undefined && nsPerPacket.samples === samples.taken - samples.leftOut);
    assert.ok([0, samples.disturbed].includes(samples.leftOut));
  }
  const keys = (mode: ModeResult): string[] => mode.firstPing.map((line) => / key=0x(\d), /.exec(line)?.[1] ?? line);
  assert.deepEqual(keys(legacy), ["1", "2", "2", "1"]);
  assert.deepEqual(keys(dvr), ["2", "1"]);
  assert.match(
    dvr.firstPing[0],
    /^IP 10\.11\.1\.115 > 10\.11\.1\.116: GREv0, key=0x2, length 106: IP 192\.168\.1\.11 > 192\.168\.2\.11: ICMP echo request, id \d+, seq 1, length 64$/,
  );
  assert.equal(dvr.networkNode.routings, 0);
  assert.ok(legacy.networkNode.routings > 0);
});

for (const network of ["gre", "vxlan", "vlan"]) {
  for (const mode of ["legacy", "dvr"]) {
    test(`${network} ${mode}: delivered and underlay frames are as many as recorded`, async () => {
      const ran = eastwest("run", "--network", network, "--mode", mode, "--no-timing", "--json", "-");
      assert.equal(ran.status, 0, ran.stderr);
      const result = resultOf(ran.stdout).modes[mode];
      conserves(result);
      assert.equal(result.times, null);
      const underlay = await readTrace(recorded(`${network}-${mode}.underlay.pcap`));
      assert.equal(result.underlayFrames, underlay.count);
      assert.equal(
        result.underlayBytes,
        underlay.wireLength.reduce((sum, length) => sum + length, 0),
      );
      for (const vm of result.vms) {
        const trace = await readTrace(recorded(`${network}-${mode}.${vm.name}.pcap`));
        assert.equal(vm.sent + vm.delivered, trace.count, vm.name);
      }
    });
  }
}

test("--write: the files open, hold as many bytes as the recording, in nanoseconds", () =>
  withFolder(async (folder) => {
    const ran = eastwest("run", "--mode", "dvr", "--no-timing", "--quiet", "--write", folder);
    assert.equal(ran.status, 0, ran.stderr);
    assert.equal(ran.stdout + ran.stderr, "");
    const underlay = await readTrace(join(folder, "dvr", "underlay.pcap"));
    const wanted = await readTrace(recorded("gre-dvr.underlay.pcap"));
    assert.equal(underlay.count, wanted.count);
    assert.deepEqual(underlay.length.toSorted(), wanted.length.toSorted());
    assert.equal(readFileSync(join(folder, "dvr", "vm2.pcap")).readUInt32LE(0), 0xa1b23c4d);
    const here = await readTrace(join(folder, "dvr", "test115-eth0.pcap"));
    const there = await readTrace(join(folder, "dvr", "test116-eth0.pcap"));
    const network = await readTrace(join(folder, "dvr", "test114-eth0.pcap"));
    // Every frame has a sender and a receiver among the three.
    assert.equal(here.count + there.count + network.count, 2 * underlay.count);
  }));

test("--from HOST/PORT: captured GRE frames are decapsulated and delivered", () => {
  const from = `test116/eth0=${recorded("gre-dvr.underlay.pcap")}`;
  const ran = eastwest("run", "--mode", "dvr", "--no-timing", "--json", "-", "--from", from);
  assert.equal(ran.status, 0, ran.stderr);
  const { dvr } = resultOf(ran.stdout).modes;
  conserves(dvr);
  const vm2 = dvr.vms.find((vm) => vm.name === "vm2");
  assert.ok(vm2 !== undefined && vm2.delivered > 100, `delivered to vm2: ${vm2?.delivered}`);
  assert.deepEqual(
    dvr.vms.map((vm) => vm.answering),
    [true, true],
  );
  assert.match(dvr.notes[0], /small model answers/);
});

test("--from HOST/PORT with another network's frames: where they ended is said, and what to look at", () =>
  withFolder((folder) => {
    const file = join(folder, "underlay.pcap");
    const made = eastwest("generate", file, "--scenario", "underlay", "--encap", "vxlan", "--frames", "500", "--quiet");
    assert.equal(made.status, 0, made.stderr);
    const from = ["--from", `test116/eth0=${file}`, "--mode", "dvr", "--no-timing"];
    const lost = eastwest("run", ...from);
    assert.equal(lost.status, 0, lost.stderr);
    assert.match(lost.stdout, /packets delivered +0\n/);
    assert.match(lost.stdout, /ended there\n.*\n +br-ex of test116 +500\n/);
    assert.match(lost.stdout, /Nothing was delivered to a VM in dvr\.\n.* gre networks: .*--network/);
    const right = eastwest("run", ...from, "--network", "vxlan");
    assert.match(right.stdout, /packets delivered +[1-9]/);
    assert.doesNotMatch(right.stdout, /Nothing was delivered/);
  }));

test("--loop repeats the counting pass; the same command gives the same counts", () => {
  const counts = (...more: string[]): ModeResult =>
    resultOf(eastwest("run", "--mode", "legacy", "--no-timing", "--json", "-", ...more).stdout).modes["legacy"];
  const once = counts();
  assert.deepEqual(counts(), once);
  const twice = counts("--loop", "2");
  conserves({ ...twice, inputs: [...twice.inputs, ...twice.inputs] });
  assert.equal(twice.offered.packets, 2 * once.offered.packets);
});

test("a capture of which no frame reaches a VM once all is warm: why there is no time is said", () =>
  withFolder((folder) => {
    // To an address that nobody has: the router asks for it, gets no answer, and the VM is told so once.
    const file = join(folder, "nobody.pcap");
    assert.equal(eastwest("generate", file, "--frames", "3", "--scenario", "same-network", "--quiet").status, 0);
    const ran = eastwest("run", "--mode", "dvr", "--from", `vm1=${file}`, "--repeat", "2", "--json", "-");
    const { modes } = JSON.parse(ran.stdout);
    assert.equal(modes.dvr.times, null);
    assert.match(modes.dvr.notes.join("\n"), /^not timed: no frame reached a VM in the warm passes/m);
  }));

test("--pps paces on the wall clock", () => {
  const began = performance.now();
  const ran = eastwest("run", "--mode", "dvr", "--no-timing", "--pps", "200", "--json", "-");
  const { dvr } = resultOf(ran.stdout).modes;
  assert.ok(performance.now() - began > 1200, "251 frames at 200 a second take 1.25 s");
  assert.ok(dvr.pace !== null && dvr.pace.framesPerSecond < 210, `${dvr.pace?.framesPerSecond}`);
});

test("--save and --dump-flows show counters, MAC tables and megaflows", () =>
  withFolder((folder) => {
    const file = join(folder, "state.json");
    const ran = eastwest("run", "--mode", "dvr", "--no-timing", "--save", file, "--dump-flows", "test115/br-tun");
    assert.equal(ran.status, 0, ran.stderr);
    const state = JSON.parse(readFileSync(file, "utf8"));
    const host = state.modes.dvr.hosts[1];
    assert.equal(host.name, "test115");
    assert.ok(host.megaflows.length > 5);
    // What real Open vSwitch had counted in the same rules, at the end of the recording.
    const recordedLines = readFileSync(recorded("gre-dvr.test115.br-tun.dump"), "utf8").trim().split("\n");
    const count = (line: string): string =>
      /table=0, .*in_port=8 /.test(line) ? (/n_packets=(\d+)/.exec(line)?.[1] ?? "") : "";
    const wanted = recordedLines.map(count).find((found) => found !== "");
    assert.ok(wanted !== undefined);
    const ours = ran.stdout
      .split("\n")
      .map(count)
      .find((found) => found !== "");
    assert.equal(ours, wanted);
    const learned = host.bridges.find((bridge: { name: string }) => bridge.name === "br-int").macs;
    assert.ok(
      learned.some((entry: { mac: string; port: number }) => entry.mac === "fa:16:3e:17:6b:a7" && entry.port === 27),
    );
  }));

test("the report has both modes side by side", () => {
  const { stdout, status } = eastwest("run", "--repeat", "15");
  assert.equal(status, 0);
  for (const words of [
    /legacy +dvr\n/,
    /packets delivered +[\d,]+ +[\d,]+/,
    /ns per delivered packet +[\d,.]+ ±[\d.]+ % +[\d,.]+ ±/,
    /Mpps +[\d.]+ ±[\d.]+ % +[\d.]+ ±[\d.]+ %/,
    /Gbit\/s \(layer 2\) +[\d.]+ ±[\d.]+ % +[\d.]+ ±[\d.]+ %/,
    /exact match +\d+ \([\d.]+ %\)/,
    /TtlExceeded +1 +1/,
    /Interfaces of test114 \(network node\)\n.*\n +Interface +RX Pkts +TX Pkts +RX Bytes +TX Bytes/,
    /model: busiest node/,
    /time without the core \(others had it\) +(-|[\d.]+ %) +(-|[\d.]+ %)\n/,
    /Counters add up/,
  ]) {
    assert.match(stdout, words);
  }
});

test("compare: a result equals itself, differs from another network's, and names what differs", () =>
  withFolder((folder) => {
    const a = join(folder, "a.json");
    const b = join(folder, "b.json");
    assert.equal(eastwest("run", "--mode", "dvr", "--repeat", "15", "--quiet", "--json", a).status, 0);
    assert.equal(
      eastwest("run", "--mode", "dvr", "--network", "vlan", "--no-timing", "--quiet", "--json", b).status,
      0,
    );
    const same = JSON.parse(eastwest("compare", a, a, "--json").stdout);
    assert.deepEqual(same.counts, []);
    assert.deepEqual(same.settings, []);
    assert.ok(same.times.every((time: { differs: boolean; ratio: number }) => !time.differs && time.ratio === 1));
    // Twice as slow, but others had the core: nothing follows.
    const busy = JSON.parse(readFileSync(a, "utf8"), (key, value) =>
      key === "waitedShare" ? 0.4 : ["median", "low", "high"].includes(key) ? 2 * value : value,
    );
    const c = join(folder, "c.json");
    writeFileSync(c, JSON.stringify(busy));
    for (const [x, y] of [
      [a, c],
      [c, a],
    ]) {
      const doubtful = JSON.parse(eastwest("compare", x, y, "--json").stdout).times;
      assert.ok(doubtful.length > 0);
      for (const { differs, disturbed } of doubtful) assert.deepEqual([differs, disturbed], [false, true]);
      assert.match(eastwest("compare", x, y).stdout, /dvr nsPerPacket .* disturbed\n/);
    }
    const other = JSON.parse(eastwest("compare", a, b, "--json").stdout);
    assert.ok(
      other.counts.some((count: { name: string; b: number }) => count.name === "encapsulations" && count.b === 0),
    );
    assert.match(eastwest("compare", a, b).stdout, /dvr encapsulations +248 +0 +-248/);
  }));

test("interrupted: what was done is reported, exit code 130", () =>
  withFolder(async (folder) => {
    const file = join(folder, "r.json");
    const pcaps = join(folder, "pcaps");
    const options = ["--real-time", "--loop", "1000", "--json", file, "--write", pcaps, "--quiet"];
    // It has begun when its files are there; a moment later frames have gone in.
    const begun = (): boolean => existsSync(join(pcaps, "legacy", "underlay.pcap.part"));
    const ran = await interrupted(["run", ...options], { signal: "SIGINT", begun, after: 500 });
    assert.equal(ran.status, 130, ran.stderr);
    const result = resultOf(readFileSync(file, "utf8"));
    assert.equal(result.interrupted, true);
    assert.ok(result.modes["legacy"].offered.packets > 0);
    // What was written so far is whole.
    const underlay = await readTrace(join(pcaps, "legacy", "underlay.pcap"));
    assert.equal(underlay.count, result.modes["legacy"].underlayFrames);
    assert.deepEqual(underlay.warnings, []);
  }));

test("generate, interrupted: nothing is left, exit code 130", () =>
  withFolder(async (folder) => {
    const file = join(folder, "long.pcap.gz");
    const begun = (): boolean => existsSync(`${file}.part`);
    const ran = await interrupted(["generate", file, "--frames", "100000000"], { signal: "SIGTERM", begun });
    assert.equal(ran.status, 130, ran.stderr);
    assert.match(ran.stderr, /^eastwest: interrupted, \S+ was not written\n$/);
    assert.ok(!existsSync(file) && !begun());
  }));

test("--write: times that pcap cannot hold count from 1970, and that is said", () =>
  withFolder(async (folder) => {
    // A pcapng section with an interface whose times begin 5 * 10^9 s before 1970 (if_tsoffset, option 14), and one frame.
    const words = (...list: readonly number[]): Buffer => Buffer.from(Int32Array.from(list).buffer);
    const block = (type: number, body: Buffer): Buffer =>
      Buffer.concat([words(type, body.length + 12), body, words(body.length + 12)]);
    // A broadcast of VM1: bridges flood it to the other hosts.
    const frame = Buffer.alloc(60);
    frame.write("fffffffffffffa163e176ba788b5", "hex");
    const file = join(folder, "old.pcapng");
    const offset = Buffer.alloc(16);
    offset.writeUInt32LE(14 + (8 << 16), 0);
    offset.writeBigInt64LE(-5_000_000_000n, 4);
    const section = block(0x0a0d0d0a, words(0x1a2b3c4d, 1, -1, -1));
    const card = block(1, Buffer.concat([words(1, 0), offset]));
    const packet = block(6, Buffer.concat([words(0, 0, 7, frame.length, frame.length), frame]));
    writeFileSync(file, Buffer.concat([section, card, packet]));
    const ran = eastwest(
      ...["run", "--mode", "dvr", "--no-timing", "--quiet", "--write", folder, "--from", `vm1=${file}`],
    );
    assert.equal(ran.status, 0, ran.stderr);
    assert.match(ran.stderr, /^eastwest: warning: --write: .*times in the files count from 1970\n$/);
    assert.equal((await readTrace(join(folder, "dvr", "underlay.pcap"))).epochNs, 0n);
  }));

test("--reader libpcap and --filter", async (context) => {
  if ((await libpcapVersion()) === undefined) return context.skip("the optional package node-pcap is not there");
  const offered = (...more: string[]): number => {
    const ran = eastwest("run", "--mode", "dvr", "--no-timing", "--json", "-", ...more);
    assert.equal(ran.status, 0, ran.stderr);
    return resultOf(ran.stdout).modes["dvr"].offered.packets;
  };
  assert.equal(offered("--reader", "libpcap"), offered());
  const icmp = offered("--filter", "icmp");
  assert.ok(icmp > 0 && icmp < offered());
  const wrong = eastwest("run", "--no-timing", "--filter", "no such filter");
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /^eastwest: [^\n]+\n$/);
});

test("a reader that has enough is no error", () =>
  withFolder(async (folder) => {
    mkdirSync(join(folder, "x"));
    const file = join(folder, "x", "a.json");
    assert.equal(eastwest("run", "--mode", "dvr", "--no-timing", "--quiet", "--json", file).status, 0);
    assert.ok(existsSync(file));
    const json = JSON.parse(readFileSync(file, "utf8")) as RunResult;
    // Long enough to fill a pipe.
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`m${i}`, json.modes["dvr"]]));
    writeFileSync(file, JSON.stringify({ ...json, modes: many }));
    const empty = join(folder, "x", "b.json");
    const none = Object.fromEntries(
      Object.entries(many).map(([name, mode]) => [name, { ...mode, nodes: [], vms: [], wires: [] }]),
    );
    writeFileSync(empty, JSON.stringify({ ...json, modes: none }));
    const child = spawn(process.execPath, [program, "compare", file, empty], { stdio: ["ignore", "pipe", "pipe"] });
    let errors = "";
    child.stderr.on("data", (piece: Buffer) => {
      errors += piece.toString();
    });
    child.stdout.once("data", () => child.stdout.destroy());
    const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
    assert.equal(errors, "");
    assert.equal(code, 0);
  }));

/** The clocks of hosts and stages, which the timed passes read, leave 8 to 12 bytes a packet: the figure is taken without them. */
test("forwarded frames leave nothing on the heap: less than a byte a packet, whatever a pass costs", async () => {
  await withFolder((folder) => {
    const capture = join(folder, "udp.pcap");
    generateFile(capture, { frames: 2000, flows: 100, seed: 1 });
    const { status, stdout, stderr } = eastwest(
      "run",
      "--mode",
      "dvr",
      "--from",
      `vm1=${capture}`,
      "--seconds",
      "1",
      "--json",
      "-",
    );
    assert.equal(status, 0, stderr);
    const bytes = resultOf(stdout).modes["dvr"]?.bytesAllocatedPerPacket;
    assert.ok(typeof bytes === "number" && bytes < 0.1, `${bytes} bytes a packet`);
  });
});
