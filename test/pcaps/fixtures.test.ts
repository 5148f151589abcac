/**
 * Files that other programs wrote (fixtures/make.sh), read as those programs read them: time, lengths and the MD5 of every
 * frame as tshark printed them. And captures of ours, as tshark reads them now.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readCapture, readTrace, TraceWindows } from "../../pcaps/read-trace.ts";
import { fixtures, frameOf, has, listing, recorded, tsharkListing } from "./support.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const said = (name: string): string[] =>
  readFileSync(join(fixtures, `${name}.frames.txt`), "utf8")
    .trimEnd()
    .split("\n");

const files: readonly (readonly [string, string, number])[] = [
  ["micro.pcap", "pcap, microseconds, little endian", 1],
  ["nano.pcap", "pcap, nanoseconds, little endian", 1],
  ["members.pcap.gz", "pcap, nanoseconds, little endian", 1],
  ["snapped.pcap", "pcap, microseconds, little endian", 1],
  ["plain.pcapng", "pcapng, little endian", 1],
  ["nano.pcapng", "pcapng, little endian", 1],
  ["merged.pcapng", "pcapng, little endian", 2],
  ["wire.pcap", "pcap, microseconds, little endian", 1],
];
for (const [name, format, interfaces] of files) {
  test(`${name} as tshark reads it`, async () => {
    const { trace, description } = await readCapture(join(fixtures, name));
    assert.deepEqual(listing(trace), said(name));
    assert.equal(description.format, format);
    assert.equal(description.interfaces.length, interfaces);
    assert.equal(description.gzip, name.endsWith(".gz"));
  });
}

for (const name of ["sections.pcapng", "backwards.pcap"]) {
  test(`${name}: frames in the file's order, their time not backwards`, async () => {
    const trace = await readTrace(join(fixtures, name));
    const without = (lines: string[]): string[] => lines.map((line) => line.slice(line.indexOf("\t")));
    assert.deepEqual(without(listing(trace)), without(said(name)));
    assert.ok(trace.time.every((time, i) => i === 0 || time >= trace.time[i - 1]));
    assert.match(trace.warnings.join(), /time runs backwards \d+ times?/);
    const times = said(name).map((line) => Number(line.split("\t")[0]));
    assert.ok(
      times.some((time, i) => i > 0 && time < times[i - 1]),
      "the file itself runs backwards",
    );
  });
}

for (const [name, message] of [
  ["rawip.pcap", /link type 101 \(raw IP\): its packets have no Ethernet header to switch by/],
  ["ppp.pcap", /link type 9 \(PPP\), expected Ethernet/],
  ["modified.pcap", /begins with 34 cd b2 a1 .*modified pcap/],
  ["snoop.snoop", /begins with 73 6e 6f 6f 70 .*snoop capture/],
] as const) {
  test(`${name} is refused by name`, async () => {
    await assert.rejects(readTrace(join(fixtures, name)), { name: "InputError", message });
  });
}

for (const name of ["cooked1.pcap", "cooked2.pcap"]) {
  test(`${name}: the frames that the wire carried, but for unicast destinations`, async () => {
    const cooked = await readTrace(join(fixtures, name));
    const wire = await readTrace(join(fixtures, "wire.pcap"));
    const sent = Array.from({ length: wire.count }, (_, i) => frameOf(wire, i));
    let used = 0;
    for (let i = 0; i < cooked.count; i++) {
      const frame = frameOf(cooked, i);
      const loopback = frame.subarray(6, 12).every((byte) => byte === 0);
      if (loopback) continue; // seen at "any", not on this wire
      const original = sent[used++];
      const tag = original[12] === 0x81 && name === "cooked2.pcap" ? 4 : 0;
      const [expected, got] = [hex(original.subarray(0, 6)), hex(frame.subarray(0, 6))];
      const probe = hex(original.subarray(12, 22)) === "08060001080006040001" && original[0] !== 0xff;
      const subnet = hex(original.subarray(30, 34)) === "0a0900ff"; // 10.9.0.255: a broadcast only to who knows the mask
      if (/^(3333|01005e|ffffffffffff)/.test(expected) && !subnet) assert.equal(got, expected);
      else if (expected.startsWith("01")) assert.equal(got, "010000000000");
      else assert.match(got, probe ? /^(ffffffffffff|020000000000)$/ : /^02000000000[04]$/);
      assert.deepEqual(frame.subarray(6, 12), original.subarray(6, 12), "the source");
      // libpcap stores no tag in v2: it is lost in the capture.
      assert.deepEqual(frame.subarray(12), original.subarray(12 + tag));
    }
    assert.equal(used, wire.count);
    assert.ok(cooked.count > wire.count, "loopback frames are there too");
  });
}

test("IPv4 and IPv6 groups get their own multicast address back", async () => {
  const wire = await readTrace(join(fixtures, "wire.pcap"));
  const cooked = await readTrace(join(fixtures, "cooked1.pcap"));
  const groups = (trace: typeof wire): string[] =>
    Array.from({ length: trace.count }, (_, i) => hex(frameOf(trace, i).subarray(0, 14))).filter((head) =>
      /^(3333|01005e)/.test(head),
    );
  assert.ok(
    groups(wire).some((head) => head.startsWith("01005e")) && groups(wire).some((head) => head.startsWith("3333")),
  );
  assert.deepEqual(groups(cooked), groups(wire));
});

test("windows of a file give the frames of the whole", async () => {
  for (const name of ["gre-dvr.underlay.pcap", "gre-legacy.underlay.pcap"]) {
    const path = join(recorded, name);
    const whole = listing(await readTrace(path));
    for (const memory of [1 << 17, 150_000, 1 << 24]) {
      const windows = await TraceWindows.open(path, { memory });
      const lines: string[] = [];
      let count = 0;
      for await (const window of windows) {
        lines.push(...listing(window));
        count++;
      }
      assert.deepEqual(lines, whole);
      assert.equal(windows.frames, whole.length);
      if (memory === 1 << 17) assert.ok(count > 1, `${count} windows`);
    }
  }
});

test("recorded captures as tshark reads them", (t) => {
  if (!has("tshark")) return t.skip("tshark is not installed: nobody to compare with");
  return (async () => {
    for (const name of ["gre-dvr.underlay.pcap", "vlan-dvr.vm1.pcap", "vxlan-legacy.underlay.pcap"]) {
      const path = join(recorded, name);
      assert.deepEqual(listing(await readTrace(path)), tsharkListing(path));
    }
  })();
});
