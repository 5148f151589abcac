/** What `info` counts, against what tshark and capinfos count in the same files, and frames made to be odd. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { generateFile } from "../../pcaps/generate/generate.ts";
import { captureInfo } from "../../pcaps/inspect/capture-info.ts";
import { KeyTable } from "../../pcaps/inspect/key-table.ts";
import { readTrace } from "../../pcaps/read-trace.ts";
import { anyFrame, block, enhancedPacket, interfaceBlock, option, pcap, sectionHeader } from "./byte-captures.ts";
import { fileOf, frameOf, has, program, recorded, run, scratch } from "./support.ts";

const files = [
  "gre-dvr.vm1.pcap",
  "gre-dvr.underlay.pcap",
  "gre-legacy.underlay.pcap",
  "vxlan-dvr.underlay.pcap",
  "vlan-dvr.underlay.pcap",
];

test("frames, bytes and times as capinfos says", async (t) => {
  if (!has("capinfos")) return t.skip("capinfos is not installed: nobody to count with");
  for (const name of files) {
    const path = join(recorded, name);
    const info = await captureInfo(path);
    // Comma-separated, without a header: name, frames, data bytes, duration, first, last.
    const fields = run("capinfos", "-T", "-r", "-m", "-N", "-c", "-d", "-u", "-S", "-a", "-e", path)
      .trimEnd()
      .split(",");
    const [, frames, bytes, duration, first, last] = fields;
    assert.deepEqual([info.frames, info.bytes], [Number(frames), Number(bytes)], name);
    assert.equal((info.time.spanNs / 1e9).toFixed(6), Number(duration).toFixed(6), name);
    assert.equal((Date.parse(`${info.time.first.slice(0, 19)}Z`) / 1000).toString(), first.split(".")[0], name);
    assert.equal((Date.parse(`${info.time.last.slice(0, 19)}Z`) / 1000).toString(), last.split(".")[0], name);
  }
});

/** One value of each field for every frame, occurrences joined by commas, as tshark prints them. */
function fields(path: string, ...names: string[]): string[][] {
  const text = run(
    "tshark",
    "-r",
    path,
    "-n",
    "-o",
    "ip.defragment:FALSE",
    "-T",
    "fields",
    ...names.flatMap((name) => ["-e", name]),
  );
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => line.split("\t"));
}

test("tunnels with keys, tags, fragments and flows as tshark sees them", async (t) => {
  if (!has("tshark")) return t.skip("tshark is not installed: nobody to count with");
  for (const name of files) {
    const path = join(recorded, name);
    const info = await captureInfo(path);
    const rows = fields(path, "ip.src", "ip.dst", "gre.key", "vxlan.vni", "vlan.id", "ip.flags.mf", "ip.frag_offset");
    const tunnels = new Map<string, number>();
    const tags = new Map<string, number>();
    let fragments = 0;
    for (const [src, dst, key, vni, vlan, more, offset] of rows) {
      const end = `${src.split(",")[0]} ${dst.split(",")[0]}`;
      const tunnel = key !== "" ? `gre ${Number(key)} ${end}` : vni !== "" ? `vxlan ${vni} ${end}` : "";
      if (tunnel !== "") tunnels.set(tunnel, (tunnels.get(tunnel) ?? 0) + 1);
      if (vlan !== "") tags.set(vlan, (tags.get(vlan) ?? 0) + 1);
      const offsets = offset.split(",");
      for (const [i, flag] of more.split(",").entries())
        if (flag === "1" || flag === "True" || Number(offsets[i]) > 0) fragments++;
    }
    const ours = info.tunnels.map((one) => [`${one.kind} ${one.key} ${one.from} ${one.to}`, one.frames] as const);
    assert.deepEqual(new Map([...ours].sort()), new Map([...tunnels].sort()), name);
    assert.deepEqual(new Map(info.tags.map((one) => [one.vlan, one.frames])), tags, name);
    assert.equal(info.fragments.ipv4, fragments, name);
  }
  const path = join(recorded, "gre-dvr.vm1.pcap");
  const flows = new Set(
    fields(
      path,
      "ip.proto",
      "ip.src",
      "ip.dst",
      "tcp.srcport",
      "tcp.dstport",
      "udp.srcport",
      "udp.dstport",
      "ip.flags.mf",
      "ip.frag_offset",
    )
      .filter(
        ([proto, , , , , , , more, offset]) =>
          (proto === "6" || proto === "17") && !(Number(offset) > 0) && more !== "1" && more !== "True",
      )
      .map((row) => row.slice(0, 7).join(" ")),
  );
  const info = await captureInfo(path, { top: 1000 });
  const numbered = info.topFlows.filter(
    ({ protocol, from }) => /^(tcp|udp)$/.test(protocol) && from.includes(" port ") && !from.includes(":"),
  );
  assert.equal(numbered.length, flows.size);
});

test("sizes: extremes, quantiles and classes", async () => {
  const lengths = [59, 60, 61, 123, 124, 1514, 1515, 9014, 9015];
  const path = fileOf(pcap(lengths.map((length, i) => ({ frame: anyFrame(length, i), seconds: i, fraction: 0 }))));
  const { sizes, time, bytes } = await captureInfo(path);
  assert.deepEqual([sizes.min, sizes.max, sizes.p50, sizes.p90, sizes.p99], [59, 9015, 124, 9015, 9015]);
  assert.equal(sizes.mean, lengths.reduce((sum, length) => sum + length, 0) / 9);
  assert.deepEqual(
    sizes.distribution.map(({ from, to, frames }) => [from, to, frames]),
    [
      [0, 59, 1],
      [60, 60, 1],
      [61, 123, 2],
      [124, 251, 1],
      [1020, 1514, 1],
      [1515, 9014, 2],
      [9015, null, 1],
    ],
  );
  assert.deepEqual([time.spanNs, time.framesPerSecond, time.bitsPerSecond], [8e9, 9 / 8, bytes]);
  const one = await captureInfo(fileOf(pcap([{ frame: anyFrame(60, 1), seconds: 9, fraction: 5 }])));
  assert.deepEqual([one.time.framesPerSecond, one.time.first], [null, "1970-01-01T00:00:09.000005000Z"]);
});

test("each oddity is counted where it was made", async () => {
  generateFile(scratch("odd.pcap"), { frames: 1, size: "100" });
  const trace = await readTrace(scratch("odd.pcap"));
  const good = [...frameOf(trace, 0)];
  const edit = (...changes: readonly (readonly [number, number])[]): number[] => {
    const frame = [...good];
    for (const [at, value] of changes) frame[at] = value;
    return frame;
  };
  const count = async (frame: number[], wire?: number): Promise<Record<string, number>> => {
    const { odd } = await captureInfo(fileOf(pcap([{ frame, seconds: 1, fraction: 0, wire }])));
    return Object.fromEntries(Object.entries(odd).filter(([, n]) => n > 0));
  };
  assert.deepEqual(await count(good), {});
  assert.deepEqual(await count(good.slice(0, 13)), { short: 1 });
  assert.deepEqual(await count(edit([14, 0x65])), { badIpv4: 1 });
  assert.deepEqual(await count(edit([17, 99])), { badIpv4: 1 }, "longer than its frame");
  assert.deepEqual(
    await count(good.slice(0, 30)),
    { badIpv4: 1 },
    "shorter than its header, and that was all there was",
  );
  assert.deepEqual(await count(good.slice(0, 30), 100), {}, "snapped: nothing to blame");
  assert.deepEqual(await count(edit([22, 7])), { badIpv4Checksum: 1 });
  assert.deepEqual(await count(edit([60, 7])), { badTransportChecksum: 1 });
  assert.deepEqual(await count(edit([40, 0], [41, 0])), {}, "no UDP checksum");
  assert.deepEqual(await count(good.slice(0, 80), 100), { unchecked: 1 });
  assert.deepEqual(await count(edit([38, 0], [39, 7])), { badTransport: 1, badTransportChecksum: 1 });
  assert.deepEqual(await count(edit([12, 0x86], [13, 0xdd], [14, 0x40])), { badIpv6: 1 });
  // The pseudo header alone: 192.168.1.11 + 192.168.2.11 + 17 + 66, by hand.
  const sum = 0xc0a8 + 0x010b + 0xc0a8 + 0x020b + 17 + 66;
  const folded = (sum & 0xffff) + (sum >>> 16);
  assert.deepEqual(await count(edit([40, folded >>> 8], [41, folded & 0xff])), { offloadedChecksum: 1 });
});

test("windows and one piece give the same", async () => {
  generateFile(scratch("long.pcap"), { frames: 20_000, flows: 3000, size: "IMIX_v4_1", encapsulation: "vxlan" });
  const whole = await captureInfo(scratch("long.pcap"));
  assert.deepEqual(await captureInfo(scratch("long.pcap"), { memory: 300_000 }), whole);
  assert.equal(whole.frames, 20_000);
});

test("a key table keeps exact counts when it grows, and says what it did not count", () => {
  const table = new KeyTable(2, 5000);
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 6000; i++) table.add(Int32Array.of(i, i << 20), 1, i);
  }
  assert.deepEqual([table.count, table.overflow], [5000, 3000]);
  for (let i = 0; i < 5000; i++) assert.deepEqual([table.word(i, 0), table.frames(i), table.bytes(i)], [i, 3, 3 * i]);
  assert.deepEqual(table.top(3), [4999, 4998, 4997]);
});

const call = (...args: string[]) => spawnSync(process.execPath, [program, ...args], { encoding: "utf8" });

test("eastwest info and generate through the command line", async () => {
  const path = scratch("command.pcap");
  const made = call(
    "generate",
    path,
    "--scenario",
    "underlay",
    "--encap",
    "vxlan",
    "--key",
    "9",
    "--frames",
    "50",
    "--json",
  );
  assert.equal(made.status, 0, made.stderr);
  assert.equal(JSON.parse(made.stdout).frames, 50);
  const info = call("info", path);
  assert.equal(info.status, 0, info.stderr);
  assert.match(info.stdout, /^frames +50$/m);
  assert.match(info.stdout, /^ {2}vxlan +9 +10\.11\.1\.115 +10\.11\.1\.116 +50 +100\.0 %/m);
  const json = call("info", path, "--json");
  assert.deepEqual(JSON.parse(json.stdout), JSON.parse(JSON.stringify(await captureInfo(path))));
  const piped = spawnSync(process.execPath, [program, "info", "-", "--json"], {
    input: readFileSync(path),
    encoding: "utf8",
  });
  assert.equal(JSON.parse(piped.stdout).frames, 50);
  for (const command of ["info", "generate"]) {
    const help = call(command, "--help");
    assert.equal(help.status, 0);
    assert.match(help.stdout, /Examples:/);
  }
});

test("a capture that is cut off is a warning and exit code 0", () => {
  const bytes = pcap([0, 1].map((i) => ({ frame: anyFrame(60, i), seconds: i, fraction: 0 })));
  const done = call("info", fileOf(bytes.subarray(0, -1)));
  assert.equal(done.status, 0);
  assert.match(
    done.stderr,
    /^eastwest: .*: cut off: 1 frames read, frame 2 at offset 100 has only 59 of its 60 bytes$/m,
  );
});

test("an if_tsoffset that lies by 10^11 years: the time is said in seconds; what would move a terminal's cursor is not", () => {
  const offset = [0, 0, 0, 0, 0, 0, 0, 0xc0]; // -2^62 s
  const made = [
    ...sectionHeader(true),
    ...interfaceBlock(true, 1, 0, [...option(true, 2, "e\u001b[2Jth\n0"), ...option(true, 14, offset)]),
    ...enhancedPacket(true, 0, 500_000n, anyFrame(60, 1)),
  ];
  const done = call("info", fileOf(made));
  assert.equal(done.status, 0, done.stderr);
  assert.match(done.stdout, /^time {10}@-4611686018427387903\.500000000 to /m);
  assert.match(done.stdout, /^interface {5}e\ufffd\[2Jth\ufffd0: link type 1/m);
});

test("lists that a capture can make as long as itself are cut, and say so", () => {
  const frames = Array.from({ length: 300 }, (_, i) => {
    const frame = anyFrame(60, i);
    frame[12] = 0x99;
    frame[13] = i & 0xff;
    return frame;
  });
  const made = [
    ...sectionHeader(true),
    ...frames.flatMap(() => interfaceBlock(true)),
    ...frames.flatMap((frame, i) => enhancedPacket(true, i, BigInt(i), frame)),
    ...block(true, 0x0bad, []),
  ];
  const done = call("info", fileOf(made));
  assert.equal(done.status, 0, done.stderr);
  assert.match(done.stdout, /^ +and 290 interfaces more$/m);
  assert.match(done.stdout, /^Ethertypes, behind tags, the largest 10 of 256$/m);
  assert.ok(done.stdout.split("\n").length < 100);
});

for (const [what, args, message] of [
  ["no such file", ["info", "/none.pcap"], /^eastwest: cannot read \/none\.pcap: no such file or directory/],
  ["not a capture", ["info", fileOf([...Buffer.from("just text")])], /not a capture: it begins with 6a 75 73 74/],
  ["an empty capture", ["info", fileOf(pcap([]))], /holds no frame/],
  ["a reader that there is not", ["info", "x", "--reader", "y"], /Expected own or libpcap/],
  ["a count that is none", ["generate", "x", "--frames", "many"], /whole number/],
  [
    "a popularity that there is not",
    ["generate", "x", "--popularity", "zipf:-1"],
    /Expected round-robin, uniform, zipf/,
  ],
  ["a protocol that there is not", ["generate", "x", "--protocol", "udp,sctp"], /"sctp": expected udp, tcp, icmp/],
  ["a size that does not fit", ["generate", scratch("x.pcap"), "--size", "20"], /"20" is no size/],
  ["a time that is none", ["generate", "x", "--start", "yesterday"], /Expected a time in UTC/],
  [
    "a file that cannot be written",
    ["generate", "/no/such/x.pcap"],
    /^eastwest: cannot write \/no\/such\/x\.pcap: no such file or directory/,
  ],
  ["a full disk", ["generate", "/dev/full"], /no space left on device/],
  ["an encapsulation that there is not", ["generate", "x", "--encap", "stt"], /none, vlan, qinq, gre, vxlan, geneve/],
] as const) {
  test(`exit code 2 and one line: ${what}`, () => {
    const done = call(...args);
    assert.equal(done.status, 2, done.stderr);
    assert.match(done.stderr, message);
    assert.doesNotMatch(done.stderr, /\n\s+at /);
    assert.equal(done.stdout, "");
  });
}
