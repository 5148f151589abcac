/** Two readers, the same frames: ours, and libpcap through node-pcap. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Worker } from "node:worker_threads";
import { generateFile } from "../../pcaps/generate/generate.ts";
import { libpcapVersion, readTraceWithLibpcap } from "../../pcaps/libpcap-reader.ts";
import { readTrace } from "../../pcaps/read-trace.ts";
import { anyFrame, enhancedPacket, interfaceBlock, pcap, sectionHeader } from "./byte-captures.ts";
import { fileOf, fixtures, framesOf, has, listing, recorded, run, scratch } from "./support.ts";

const version = await libpcapVersion();

function missing(t: TestContext): boolean {
  if (version === undefined) t.skip("node-pcap is not installed or does not load: no second reader");
  return version === undefined;
}

/** Times cut to microseconds, as libpcap gives them. */
const micro = (lines: string[]): string[] => lines.map((line) => line.replace(/^(\d+\.\d{6})\d{3}/, "$1000"));

for (const [folder, name] of [
  [recorded, "gre-dvr.underlay.pcap"],
  [recorded, "vlan-dvr.vm1.pcap"],
  [fixtures, "micro.pcap"],
  [fixtures, "nano.pcap"],
  [fixtures, "snapped.pcap"],
  [fixtures, "plain.pcapng"],
  [fixtures, "merged.pcapng"],
  [fixtures, "cooked1.pcap"],
  [fixtures, "cooked2.pcap"],
  [fixtures, "backwards.pcap"],
]) {
  test(`${name}: both readers give the same frames`, async (t) => {
    if (missing(t)) return;
    const own = await readTrace(join(folder, name));
    const other = await readTraceWithLibpcap(join(folder, name));
    assert.deepEqual(micro(listing(other)), micro(listing(own)));
    const finer = name.startsWith("nano") || name === "merged.pcapng";
    if (name === "nano.pcap") assert.match(other.warnings.join(), /libpcap gives microseconds/);
    else if (!finer) assert.doesNotMatch(other.warnings.join(), /microseconds/);
  });
}

test("a big-endian file and a generated one, too", async (t) => {
  if (missing(t)) return;
  const frames = Array.from({ length: 50 }, (_, i) => ({
    frame: Array(60 + i).fill(i),
    seconds: i,
    fraction: i,
    wire: 60 + 2 * i,
  }));
  const path = fileOf(pcap(frames, { little: false }));
  assert.deepEqual(listing(await readTraceWithLibpcap(path)), listing(await readTrace(path)));
  generateFile(scratch("both.pcap"), {
    frames: 3000,
    size: "IMIX_v4_1",
    protocols: { udp: 1, tcp: 1, icmp: 1 },
    ipv6: 0.5,
    encapsulation: "gre",
    pps: 1000,
  });
  const [own, other] = [await readTrace(scratch("both.pcap")), await readTraceWithLibpcap(scratch("both.pcap"))];
  assert.deepEqual(framesOf(other), framesOf(own));
});

test("a filter lets through what tcpdump's does", async (t) => {
  if (missing(t)) return;
  const path = join(recorded, "gre-dvr.vm1.pcap");
  const all = await readTrace(path);
  for (const filter of ["icmp", "tcp and dst port 5201", "ip host 192.168.2.11 and udp", "arp or icmp6"]) {
    const trace = await readTraceWithLibpcap(path, { filter });
    assert.ok(trace.count > 0 && trace.count < all.count, `${filter}: ${trace.count} of ${all.count}`);
    if (!has("tcpdump")) {
      t.diagnostic("tcpdump is not installed: filtered frames not compared");
      continue;
    }
    run("tcpdump", "-r", path, "-w", scratch("filtered.pcap"), filter);
    assert.deepEqual(listing(trace), listing(await readTrace(scratch("filtered.pcap"))));
  }
});

test("refused in one line: filters that do not compile or let nothing through, gzip, what our reader refuses", async (t) => {
  if (missing(t)) return;
  const path = join(fixtures, "micro.pcap");
  const refuse = async (file: string, filter: string | undefined, message: RegExp): Promise<void> =>
    assert.rejects(readTraceWithLibpcap(file, { filter }), { name: "InputError", message });
  await refuse(path, "icmp and (", /^cannot read .* through libpcap with filter "icmp and \(": .*syntax error$/);
  await refuse(path, "udp port 1", /no frame passes the filter "udp port 1"$/);
  await refuse(join(fixtures, "members.pcap.gz"), undefined, /libpcap does not read gzip: unpack it first/);
  await refuse(scratch("none.pcap"), undefined, /no such file or directory/);
  await refuse(join(fixtures, "rawip.pcap"), undefined, /link type 101 \(raw IP\)/);
  await assert.rejects(readTraceWithLibpcap(path, { memory: 700 }), {
    name: "InputError",
    message: /needs more than 700 bytes/,
  });
});

test("a file that is cut off is read as far as it goes, and said", async (t) => {
  if (missing(t)) return;
  const frames = [0, 1, 2].map((i) => ({ frame: Array(60).fill(i), seconds: i, fraction: 0 }));
  const path = fileOf(pcap(frames).subarray(0, -5));
  const trace = await readTraceWithLibpcap(path);
  assert.equal(trace.count, 2);
  assert.deepEqual(trace.warnings, ["cut off: 2 frames read, frame 3 at offset 176 has only 55 of its 60 bytes"]);
});

test("a file that libpcap does not take as a whole is refused, with the frames it would have given", async (t) => {
  if (missing(t)) return;
  const frame = anyFrame(60, 1);
  const section = (little: boolean): number[] => [
    ...sectionHeader(little),
    ...interfaceBlock(little),
    ...enhancedPacket(little, 0, 1n, frame),
  ];
  const path = fileOf(Uint8Array.from([...section(true), ...section(false)]));
  assert.equal((await readTrace(path)).count, 2);
  await assert.rejects(readTraceWithLibpcap(path), /libpcap gives 1 of its 2 frames/);
});

test("reading leaves no file open", async (t) => {
  if (missing(t)) return;
  const { readdirSync, existsSync } = await import("node:fs");
  if (!existsSync("/proc/self/fd")) return t.skip("this system has no /proc to count open files in");
  const path = join(fixtures, "micro.pcap");
  await readTraceWithLibpcap(path);
  const before = readdirSync("/proc/self/fd").length;
  for (let i = 0; i < 20; i++) await readTraceWithLibpcap(path);
  assert.equal(readdirSync("/proc/self/fd").length, before);
});

test("in a worker thread it is refused with the reason", async () => {
  const module = new URL("../../pcaps/libpcap-reader.js", import.meta.url).href;
  const code = `import(${JSON.stringify(module)}).then((m) => m.readTraceWithLibpcap(${JSON.stringify(join(fixtures, "micro.pcap"))}))
    .catch((error) => require("node:worker_threads").parentPort.postMessage(error.message));`;
  const worker = new Worker(code, { eval: true });
  const message = await new Promise((resolve) => worker.once("message", resolve));
  await worker.terminate();
  assert.match(String(message), /its addon loads in the main thread only/);
});
