/** The classic format, from files made byte by byte. */
import assert from "node:assert/strict";
import { truncateSync } from "node:fs";
import { test } from "node:test";
import { InputError } from "../../pcaps/input-error.ts";
import { readCapture, readTrace } from "../../pcaps/read-trace.ts";
import { anyFrame, Bytes, type Made, pcap } from "./byte-captures.ts";
import { fileOf, framesOf, scratch } from "./support.ts";

const frames: readonly Made[] = [
  { frame: anyFrame(60, 1), seconds: 1_000_000_000, fraction: 999_999 },
  { frame: anyFrame(61, 2), seconds: 1_000_000_001, fraction: 0 },
  { frame: anyFrame(14, 3), seconds: 4_294_967_295, fraction: 7 },
  { frame: [], seconds: 4_294_967_295, fraction: 8 },
];

for (const little of [true, false]) {
  for (const nano of [true, false]) {
    test(`${nano ? "nanoseconds" : "microseconds"}, ${little ? "little" : "big"} endian`, async () => {
      const { trace, description } = await readCapture(fileOf(pcap(frames, { little, nano })));
      const unit = nano ? 1 : 1000;
      assert.deepEqual(
        framesOf(trace),
        frames.map(({ frame }) => frame),
      );
      assert.equal(trace.epochNs, 1_000_000_000n * 1_000_000_000n + BigInt(999_999 * unit));
      const at = (s: number, f: number): number => (s - 1_000_000_000) * 1e9 + (f - 999_999) * unit;
      assert.deepEqual(
        [...trace.time],
        frames.map(({ seconds, fraction }) => at(seconds, fraction)),
      );
      assert.deepEqual([...trace.wireLength], [60, 61, 14, 0]);
      assert.deepEqual(trace.warnings, []);
      assert.equal(description.format, `pcap, ${nano ? "nano" : "micro"}seconds, ${little ? "little" : "big"} endian`);
      assert.equal(description.interfaces[0].linkType, 1);
    });
  }
}

test("a trace is shared memory, and no Buffer", async () => {
  const trace = await readTrace(fileOf(pcap(frames)));
  assert.equal(Object.getPrototypeOf(trace.bytes), Uint8Array.prototype);
  for (const array of [trace.bytes, trace.start, trace.length, trace.wireLength, trace.time]) {
    assert.ok(array.buffer instanceof SharedArrayBuffer);
  }
  for (const column of [trace.start, trace.length, trace.wireLength, trace.time])
    assert.equal(column.length, trace.count);
});

test("snapped frames keep their length on the wire and are counted", async () => {
  const made = [
    { frame: anyFrame(60, 1), seconds: 1, fraction: 0, wire: 1514 },
    { frame: anyFrame(60, 2), seconds: 2, fraction: 0 },
  ];
  const trace = await readTrace(fileOf(pcap(made, { snapshot: 60 })));
  assert.deepEqual([...trace.wireLength], [1514, 60]);
  assert.deepEqual(trace.warnings, ["1 of 2 frames are snapped: the capture holds only their first bytes"]);
});

test("a frame that says it was shorter on the wire than captured keeps what was captured", async () => {
  const trace = await readTrace(fileOf(pcap([{ frame: anyFrame(60, 1), seconds: 1, fraction: 0, wire: 40 }])));
  assert.deepEqual([trace.length[0], trace.wireLength[0]], [60, 60]);
  assert.deepEqual(trace.warnings, ["1 frames were captured longer than they say they were on the wire"]);
});

test("an FCS that the header announces is taken off, as far as it was captured", async () => {
  const made = [
    { frame: anyFrame(64, 1), seconds: 1, fraction: 0 },
    { frame: anyFrame(62, 2), seconds: 2, fraction: 0, wire: 64 },
    { frame: anyFrame(50, 3), seconds: 3, fraction: 0, wire: 64 },
  ];
  const trace = await readTrace(fileOf(pcap(made, { linkType: (0x24000001 >>> 0) | 0 })));
  assert.deepEqual([...trace.length], [60, 60, 50]);
  assert.deepEqual([...trace.wireLength], [60, 60, 60]);
  // Without the P bit, the upper bits mean nothing.
  const other = await readTrace(fileOf(pcap(made, { linkType: 0x20000001 })));
  assert.deepEqual([...other.length], [64, 62, 50]);
});

test("time that steps back by up to a second is held back, by more shifts the rest", async () => {
  const times = [100, 101, 100.5, 102, 50, 51, 49.5, 53];
  const made = times.map((time, i) => ({
    frame: anyFrame(60, i),
    seconds: Math.floor(time),
    fraction: Math.round((time % 1) * 1e6),
  }));
  const trace = await readTrace(fileOf(pcap(made)));
  assert.deepEqual(
    framesOf(trace),
    made.map(({ frame }) => frame),
    "the order is the file's",
  );
  // 100.5 waits for 101; 50 goes on from 102 (all after it 52 later); 49.5 + 52 is more than a second before 103.
  assert.deepEqual(
    [...trace.time].map((ns) => ns / 1e9),
    [0, 1, 1, 2, 2, 3, 3, 6.5],
  );
  assert.equal(trace.warnings.length, 1);
  assert.match(
    trace.warnings[0],
    /^time runs backwards 3 times, first at frame 3, at most by 52 s: order kept, 1 frames held back, the rest shifted 2 times$/,
  );
});

test("a file that ends within a record is read as far as it goes", async () => {
  const whole = pcap(frames.slice(0, 3));
  const trace = await readTrace(fileOf(whole.subarray(0, whole.length - 4)));
  assert.equal(trace.count, 2);
  const offset = 24 + 16 + 60 + 16 + 61;
  assert.deepEqual(trace.warnings, [`cut off: 2 frames read, frame 3 at offset ${offset} has only 10 of its 14 bytes`]);
  const header = await readTrace(fileOf(whole.subarray(0, offset + 5)));
  assert.deepEqual(header.warnings, [
    `cut off: 2 frames read, frame 3 at offset ${offset} has only 5 of the 16 bytes of its header`,
  ]);
});

const refused: readonly (readonly [string, () => string, RegExp])[] = [
  ["no such file", () => scratch("none.pcap"), /^cannot read .*none\.pcap: no such file or directory \(ENOENT\)$/],
  ["a directory", () => scratch("."), /^cannot read .*: is a directory, expected a capture file$/],
  ["an empty file", () => fileOf([]), /: is empty \(0 bytes\), expected a pcap or pcapng capture$/],
  [
    "text",
    () => fileOf([...Buffer.from("hello world")]),
    /: not a capture: it begins with 68 65 6c 6c 6f 20 77 6f, expected pcap/,
  ],
  ["three bytes", () => fileOf([0xd4, 0xc3, 0xb2]), /: not a capture: it begins with d4 c3 b2, expected/],
  ["half a header", () => fileOf(pcap([]).subarray(0, 20)), /: cut off in its file header, 20 of 24 bytes$/],
  [
    "no frames",
    () => fileOf(pcap([])),
    /: holds no frame: pcap, microseconds, little endian, 24 bytes of headers and nothing behind them$/,
  ],
  [
    "not one whole frame",
    () => fileOf(pcap(frames).subarray(0, 50)),
    /: holds no frame: .*cut off: 0 frames read, frame 1 at offset 24 has only 10 of its 60 bytes$/,
  ],
  [
    "raw IP",
    () => fileOf(pcap(frames, { linkType: 101 })),
    /: link type 101 \(raw IP\): its packets have no Ethernet header/,
  ],
  [
    "raw IPv4",
    () => fileOf(pcap(frames, { linkType: 228 })),
    /: link type 228 \(raw IPv4\): its packets have no Ethernet header/,
  ],
  ["raw IPv6", () => fileOf(pcap(frames, { linkType: 229 })), /: link type 229 \(raw IPv6\): /],
  ["raw IP as OpenBSD numbers it", () => fileOf(pcap(frames, { linkType: 14 })), /: link type 14 \(raw IP\): /],
  [
    "radiotap",
    () => fileOf(pcap(frames, { linkType: 127 })),
    /: link type 127 \(IEEE 802.11 with radiotap header\), expected Ethernet/,
  ],
  [
    "an unknown link type",
    () => fileOf(pcap(frames, { linkType: 9999 })),
    /: link type 9999 \(not known here\), expected Ethernet \(1\)/,
  ],
  [
    "zstd",
    () => fileOf([0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3, 4]),
    /begins with 28 b5 2f fd .*\(zstd-compressed data: unpack it first\)/,
  ],
  [
    "another version",
    () => fileOf(new Bytes(true).u32(0xa1b2c3d4).u16(3, 0).u32(0, 0, 0, 1, 0).list),
    /: pcap version 3\.0, expected 2\.4$/,
  ],
];
for (const [what, path, message] of refused) {
  test(`refused in one line: ${what}`, async () => {
    await assert.rejects(readTrace(path()), (error: Error) => {
      assert.ok(error instanceof InputError, `${error}`);
      assert.match(error.message, message);
      assert.ok(!error.message.includes("\n"));
      return true;
    });
  });
}

test("frames that are snapped only far into the file: lengths before them stay as they are", async () => {
  const made = Array.from({ length: 500 }, (_, i) => ({ frame: anyFrame(60 + (i % 5), i), seconds: i, fraction: 0 }));
  const bytes = pcap(made);
  const expected = made.map(({ frame }) => frame.length);
  let at = 24;
  for (const [i, { frame }] of made.entries()) {
    if (i === 300 || i === 450) {
      expected[i] = 1000 + i;
      new DataView(bytes.buffer).setUint32(at + 12, 1000 + i, true);
    }
    at += 16 + frame.length;
  }
  const trace = await readTrace(fileOf(bytes));
  assert.deepEqual([...trace.wireLength], expected);
  assert.deepEqual(
    [...trace.length],
    made.map(({ frame }) => frame.length),
  );
});

test("a captured length that cannot be is an error with frame and offset", async () => {
  const bytes = pcap(frames);
  new DataView(bytes.buffer).setUint32(24 + 76 + 8, 300_000, true);
  await assert.rejects(
    readTrace(fileOf(bytes)),
    /frame 2 at offset 100 says that 300000 bytes were captured, expected at most 262144/,
  );
});

test("a capture larger than the memory given is refused with both sizes", async () => {
  const bytes = pcap(Array.from({ length: 2000 }, (_, i) => ({ frame: anyFrame(60, i), seconds: i, fraction: 0 })));
  const path = fileOf(bytes);
  await assert.rejects(readTrace(path, { memory: 100_000 }), {
    name: "InputError",
    message: `${path}: needs ${bytes.length} bytes of memory as one trace, the limit is 100000 bytes: raise it, or split the file (editcap -c)`,
  });
  // The columns count too: 20 bytes for each frame, which is what they come to at most.
  await assert.rejects(readTrace(path, { memory: bytes.length + 39_000 }), /InputError|needs/);
  assert.equal((await readTrace(path, { memory: bytes.length + 41_000 })).count, 2000);
});

test("offsets are int32: 2 GiB and more are refused as one trace, before anything is read", async () => {
  const path = fileOf(pcap(frames));
  truncateSync(path, 2 ** 31); // sparse: takes no room
  await assert.rejects(readTrace(path), {
    name: "InputError",
    message: `${path}: needs 2147483648 bytes of memory as one trace, the limit is 2147483647 bytes: split the file (editcap -c)`,
  });
});
