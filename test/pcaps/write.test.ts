/** What our writers write, as our readers and tshark read it; and how files come to be. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import type { Trace } from "../../datapath/packet/trace.ts";
import { readCapture, readTrace } from "../../pcaps/read-trace.ts";
import { TraceBuilder } from "../../pcaps/trace-builder.ts";
import { PcapWriter } from "../../pcaps/write-pcap.ts";
import { Direction, PcapngWriter } from "../../pcaps/write-pcapng.ts";
import { has, listing, recorded, run, scratch, tsharkListing } from "./support.ts";

const original = (): Promise<Trace> => readTrace(join(recorded, "gre-dvr.underlay.pcap"));

function writeClassic(path: string, trace: Trace): void {
  const writer = new PcapWriter(path, trace.epochNs);
  for (let i = 0; i < trace.count; i++) {
    writer.write(trace.bytes, trace.start[i], trace.start[i] + trace.length[i], trace.time[i], trace.wireLength[i]);
  }
  writer.close();
  assert.equal(writer.frames, trace.count);
}

function writeTwoPorts(path: string, trace: Trace): void {
  const writer = new PcapngWriter(path, trace.epochNs);
  const ports = [writer.addInterface("test115/eth0", "test115's card"), writer.addInterface("test116/eth0")];
  for (let i = 0; i < trace.count; i++) {
    const [start, end] = [trace.start[i], trace.start[i] + trace.length[i]];
    const direction = i % 3 === 0 ? Direction.Unknown : i % 3 === 1 ? Direction.Inbound : Direction.Outbound;
    writer.write(ports[i & 1], trace.bytes, start, end, trace.time[i], direction, trace.wireLength[i]);
  }
  writer.close();
}

for (const name of ["out.pcap", "out.pcap.gz", "out.pcapng", "out.pcapng.gz"]) {
  test(`${name} reads back the same`, async () => {
    const trace = await original();
    const path = scratch(name);
    (name.includes("ng") ? writeTwoPorts : writeClassic)(path, trace);
    const { trace: again, description } = await readCapture(path);
    assert.deepEqual(listing(again), listing(trace));
    assert.deepEqual(again.warnings, []);
    assert.equal(description.gzip, name.endsWith(".gz"));
    assert.deepEqual(
      description.interfaces.map((one) => [one.name, one.resolution]),
      name.includes("ng")
        ? [
            ["test115/eth0", "10^-9 s"],
            ["test116/eth0", "10^-9 s"],
          ]
        : [["", "10^-9 s"]],
    );
  });
}

test("nanoseconds, far times and long frames survive, as tshark reads them", async (t) => {
  const builder = new TraceBuilder("made");
  const frame = new Uint8Array(262144).map((_, i) => i * 31);
  const times: readonly (readonly [number, number])[] = [
    [4_294_967_290, 999_999_999],
    [4_294_967_291, 0],
    [4_294_967_295, 1],
  ];
  for (const [i, [seconds, ns]] of times.entries())
    builder.add(frame, 0, [262144, 61, 1500][i], seconds, ns, [262144, 61, 9000][i]);
  const trace = builder.build();
  const expected = ["4294967290.999999999", "4294967291.000000000", "4294967295.000000001"];
  for (const [name, write] of [
    ["far.pcap", writeClassic],
    ["far.pcapng", writeTwoPorts],
  ] as const) {
    const path = scratch(name);
    write(path, trace);
    const lines = listing(await readTrace(path));
    assert.deepEqual(
      lines.map((line) => line.split("\t")[0]),
      expected,
    );
    assert.deepEqual(lines, listing(trace));
    if (has("tshark")) assert.deepEqual(tsharkListing(path), lines);
    else t.diagnostic("tshark is not installed: compared with our own reader only");
  }
});

test("tshark opens both, with the names of the interfaces and the directions", async (t) => {
  if (!has("tshark")) return t.skip("tshark is not installed: nobody to open our files");
  const trace = await original();
  for (const [name, write] of [
    ["shark.pcap", writeClassic],
    ["shark.pcapng", writeTwoPorts],
  ] as const) {
    write(scratch(name), trace);
    assert.deepEqual(tsharkListing(scratch(name)), listing(trace));
  }
  const fields = [
    "-e",
    "frame.interface_name",
    "-e",
    "frame.interface_description",
    "-e",
    "frame.packet_flags_direction",
  ];
  const lines = run("tshark", "-r", scratch("shark.pcapng"), "-c", "3", "-T", "fields", ...fields)
    .trimEnd()
    .split("\n");
  assert.deepEqual(
    lines.map((line) => line.trimEnd().split("\t")),
    [
      ["test115/eth0", "test115's card"],
      ["test116/eth0", "", "0x00000001"],
      ["test115/eth0", "test115's card", "0x00000002"],
    ],
  );
});

test("a file has its name when it is whole, and opens before", async () => {
  const trace = await original();
  const path = scratch("part.pcap");
  const writer = new PcapWriter(path, trace.epochNs);
  for (let round = 0; round < 12; round++) {
    for (let i = 0; i < trace.count; i++) {
      writer.write(trace.bytes, trace.start[i], trace.start[i] + trace.length[i], round * 3e9 + trace.time[i]);
    }
  }
  assert.ok(!existsSync(path));
  const part = await readTrace(`${path}.part`);
  assert.ok(part.count > 0 && part.count < 12 * trace.count);
  assert.deepEqual(part.warnings, [], "it ends with a whole record");
  writer.close();
  assert.ok(!existsSync(`${path}.part`));
  assert.equal((await readTrace(path)).count, 12 * trace.count);
  const given = new PcapWriter(scratch("given-up.pcap"), 0n);
  given.abort();
  assert.ok(!existsSync(scratch("given-up.pcap")) && !existsSync(scratch("given-up.pcap.part")));
});

test("an existing file is replaced when the new one is whole, through a link too", async () => {
  const trace = await original();
  const path = scratch("existing.pcap");
  writeFileSync(path, "before");
  symlinkSync(path, scratch("link.pcap"));
  const writer = new PcapWriter(scratch("link.pcap"), 0n);
  writer.write(trace.bytes, trace.start[0], trace.start[0] + 60, 0);
  assert.equal(readFileSync(path, "utf8"), "before");
  writer.close();
  assert.equal((await readTrace(path)).count, 1);
  assert.equal(statSync(path).size, 24 + 16 + 60);
});

test("gzip output is one stream of members that gunzip takes", async () => {
  const trace = await original();
  const plain = scratch("same.pcap");
  const zipped = scratch("same.pcap.gz");
  for (const path of [plain, zipped]) {
    const writer = new PcapWriter(path, trace.epochNs);
    for (let round = 0; round < 12; round++) {
      for (let i = 0; i < trace.count; i++)
        writer.write(trace.bytes, trace.start[i], trace.start[i] + trace.length[i], 0);
    }
    writer.close();
  }
  assert.deepEqual(gunzipSync(readFileSync(zipped)), readFileSync(plain));
});

const refused: readonly (readonly [string, () => string, RegExp])[] = [
  [
    "a folder that is not there",
    () => scratch("no/such/x.pcap"),
    /^cannot write .*x\.pcap: no such file or directory \(ENOENT\)$/,
  ],
  ["a directory", () => scratch("."), /^cannot write .*: is a directory, expected a file \(EISDIR\)$/],
  ["a full disk", () => "/dev/full", /^cannot write \/dev\/full beyond 0 bytes: no space left on device \(ENOSPC\)$/],
];
for (const [what, path, message] of refused) {
  test(`not written, in one line: ${what}`, (t) => {
    if (path() === "/dev/full" && !existsSync("/dev/full")) return t.skip("this system has no /dev/full");
    for (const Writer of [PcapWriter, PcapngWriter]) {
      assert.throws(() => new Writer(path(), 0n).close(), { name: "InputError", message });
    }
  });
}
