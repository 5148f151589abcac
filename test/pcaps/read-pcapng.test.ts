/** pcapng, from files made block by block. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { InputError } from "../../pcaps/input-error.ts";
import { readCapture, readTrace } from "../../pcaps/read-trace.ts";
import {
  anyFrame,
  Bytes,
  block,
  enhancedPacket,
  interfaceBlock,
  obsoletePacket,
  option,
  sectionHeader,
  simplePacket,
} from "./byte-captures.ts";
import { fileOf, framesOf } from "./support.ts";

const a = anyFrame(61, 1);
const b = anyFrame(14, 2);
const c = anyFrame(64, 3);

for (const little of [true, false]) {
  test(`enhanced, simple and obsolete packets, other blocks between, ${little ? "little" : "big"} endian`, async () => {
    const bytes = [
      ...sectionHeader(little),
      ...interfaceBlock(little),
      ...block(little, 5, new Bytes(little).u32(0, 0, 0).list), // interface statistics
      ...enhancedPacket(little, 0, 1_000_000_000_000_123n, a, 100),
      ...block(little, 0x0bad, new Bytes(little).u32(32473).raw("anything").list), // custom block
      ...simplePacket(little, b),
      ...block(little, 0x12345678, [1, 2, 3]),
      ...obsoletePacket(little, 0, 1_000_000_000_000_456n, c),
    ];
    const { trace, description } = await readCapture(fileOf(bytes));
    assert.deepEqual(framesOf(trace), [a, b, c]);
    assert.deepEqual([...trace.wireLength], [100, 14, 64]);
    assert.equal(trace.epochNs, 1_000_000_000_000_123_000n);
    assert.deepEqual([...trace.time], [0, 0, 333_000], "a simple packet has the time of the one before");
    assert.equal(description.format, `pcapng, ${little ? "little" : "big"} endian`);
    assert.deepEqual(trace.warnings, [
      "1 packets carry no time: they got that of the packet before",
      "1 block of unknown type 0x12345678 skipped",
      "1 of 3 frames are snapped: the capture holds only their first bytes",
    ]);
  });
}

test("sections of both byte orders, each with its own interfaces", async () => {
  const bytes = [
    ...sectionHeader(true),
    ...interfaceBlock(true, 1, 0, option(true, 2, "left")),
    ...enhancedPacket(true, 0, 5_000_000n, a),
    ...sectionHeader(false),
    ...interfaceBlock(false, 1, 0, [...option(false, 2, "other"), ...option(false, 9, [9])]),
    ...interfaceBlock(false, 1, 0, option(false, 2, "right")),
    ...enhancedPacket(false, 0, 5_000_000_001n, b),
    ...enhancedPacket(false, 1, 5_000_002n, c),
  ];
  const { trace, description } = await readCapture(fileOf(bytes));
  assert.deepEqual(framesOf(trace), [a, b, c]);
  assert.deepEqual([...trace.time], [0, 1, 2000]);
  assert.deepEqual(
    description.interfaces.map(({ name, resolution }) => [name, resolution]),
    [
      ["left", "10^-6 s"],
      ["other", "10^-9 s"],
      ["right", "10^-6 s"],
    ],
  );
  assert.match(description.format, /, 2 sections$/);
});

// [if_tsresol, ticks, nanoseconds since 1970]: worked out with integers, not with the reader's arithmetic.
const nanoseconds = (ticks: bigint, perSecond: bigint): bigint =>
  (ticks / perSecond) * 1_000_000_000n + ((ticks % perSecond) * 1_000_000_000n) / perSecond;
const resolutions: readonly (readonly [string, number, bigint])[] = [
  ["10^-0 s", 0, 1n],
  ["10^-3 s", 3, 10n ** 3n],
  ["10^-6 s", 6, 10n ** 6n],
  ["10^-8 s", 8, 10n ** 8n],
  ["10^-9 s", 9, 10n ** 9n],
  ["10^-10 s", 10, 10n ** 10n],
  ["10^-12 s", 12, 10n ** 12n],
  ["2^-1 s", 0x81, 2n],
  ["2^-10 s", 0x8a, 2n ** 10n],
  ["2^-20 s", 0x94, 2n ** 20n],
  ["2^-22 s", 0x96, 2n ** 22n],
  ["2^-32 s", 0xa0, 2n ** 32n],
];
for (const [name, code, perSecond] of resolutions) {
  test(`if_tsresol ${name}`, async () => {
    const seconds = perSecond > 10n ** 10n ? 1_000n : 1_700_000_000n;
    const ticks = [0n, 1n, perSecond / 3n + 1n, perSecond + 1n, 2n * perSecond].map(
      (more) => seconds * perSecond + more,
    );
    const bytes = [
      ...sectionHeader(true),
      ...interfaceBlock(true, 1, 0, [...option(true, 9, [code]), ...option(true, 0, [])]),
      ...ticks.flatMap((at) => enhancedPacket(true, 0, at, a)),
    ];
    const { trace, description } = await readCapture(fileOf(bytes));
    assert.equal(description.interfaces[0].resolution, name);
    assert.deepEqual(
      [...trace.time].map((time) => trace.epochNs + BigInt(time)),
      ticks.map((at) => nanoseconds(at, perSecond)),
    );
  });
}

test("if_tsoffset is added, also a negative one", async () => {
  for (const offset of [1_600_000_000n, -3_600n]) {
    const value = new Uint8Array(8);
    new DataView(value.buffer).setBigInt64(0, offset, true);
    const bytes = [
      ...sectionHeader(true),
      ...interfaceBlock(true, 1, 0, option(true, 14, [...value])),
      ...enhancedPacket(true, 0, 1_000_000_000_007n, a),
    ];
    const trace = await readTrace(fileOf(bytes));
    assert.equal(trace.epochNs, (1_000_000n + offset) * 1_000_000_000n + 7_000n);
  }
});

test("if_fcslen: the FCS is taken off", async () => {
  const bytes = [
    ...sectionHeader(true),
    ...interfaceBlock(true, 1, 0, option(true, 13, [4])),
    ...enhancedPacket(true, 0, 1n, c),
  ];
  const trace = await readTrace(fileOf(bytes));
  assert.deepEqual(framesOf(trace), [c.slice(0, 60)]);
  assert.deepEqual(trace.warnings, ["interface 0: the last 4 bytes of each frame are its FCS: taken off"]);
});

test("the snapshot length bounds simple packets, whose block is padded", async () => {
  const bytes = [...sectionHeader(true), ...interfaceBlock(true, 1, 21), ...simplePacket(true, c.slice(0, 21), 64)];
  const trace = await readTrace(fileOf(bytes));
  assert.deepEqual(framesOf(trace), [c.slice(0, 21)]);
  assert.equal(trace.wireLength[0], 64);
});

test("packets of an interface that is not Ethernet are left out when others remain, and said", async () => {
  const mixed = [
    ...sectionHeader(true),
    ...interfaceBlock(true, 1),
    ...interfaceBlock(true, 101, 0, option(true, 2, "tun0")),
    ...enhancedPacket(true, 0, 1n, a),
    ...enhancedPacket(true, 1, 2n, b),
    ...enhancedPacket(true, 0, 3n, c),
  ];
  const trace = await readTrace(fileOf(mixed));
  assert.deepEqual(framesOf(trace), [a, c]);
  assert.match(
    trace.warnings[0],
    /^interface 1 \(tun0\): 1 packets left out: link type 101 \(raw IP\): its packets have no Ethernet/,
  );
  const only = [
    ...sectionHeader(true),
    ...interfaceBlock(true, 101, 0, option(true, 2, "tun0")),
    ...enhancedPacket(true, 0, 2n, b),
  ];
  await assert.rejects(readTrace(fileOf(only)), /interface 0 \(tun0\): 1 packets left out: link type 101 \(raw IP\)/);
});

const good = [...sectionHeader(true), ...interfaceBlock(true), ...enhancedPacket(true, 0, 1n, a)];
const bad: readonly (readonly [string, readonly number[], RegExp])[] = [
  [
    "a block length that is no multiple of 4",
    [...good, ...new Bytes(true).u32(6, 33, 0, 0).list],
    /offset 144, behind 1 packets: block of type 0x00000006 says 33 bytes, expected a multiple of 4/,
  ],
  ["a block length of 0", [...good, ...new Bytes(true).u32(6, 0, 0, 0).list], /says 0 bytes, expected/],
  ["a block of 4 GB", [...good, ...new Bytes(true).u32(6, 0xfffffffc, 0, 0).list], /says 4294967292 bytes/],
  [
    "lengths that differ",
    [...good, ...new Bytes(true).u32(5, 12, 16).list],
    /block of type 0x00000005 says 12 bytes at its start and 16 at its end/,
  ],
  [
    "an interface that is not there",
    [...good, ...enhancedPacket(true, 1, 2n, a)],
    /packet of interface 1, but the section has 1/,
  ],
  [
    "an interface of the section before",
    [...good, ...sectionHeader(true), ...enhancedPacket(true, 0, 2n, a)],
    /packet of interface 0, but the section has 0/,
  ],
  [
    "a packet longer than its block",
    [...good, ...block(true, 6, new Bytes(true).u32(0, 0, 0, 9, 9).raw([1, 2, 3]).list)],
    /packet of 9 captured bytes in a block of 36/,
  ],
  [
    "a packet block that is too short",
    [...good, ...block(true, 6, [0, 0, 0, 0])],
    /packet block of 16 bytes, expected at least 32/,
  ],
  [
    "a section of version 2",
    block(true, 0x0a0d0d0a, new Bytes(true).u32(0x1a2b3c4d).u16(2, 0).u32(0, 0).list),
    /pcapng version 2, expected 1/,
  ],
  [
    "a wrong byte-order magic",
    block(true, 0x0a0d0d0a, new Bytes(true).u32(0x11223344).u16(1, 0).u32(0, 0).list),
    /byte-order magic 0x44332211, expected 0x1a2b3c4d/,
  ],
  [
    "an option beyond its block",
    [...sectionHeader(true), ...interfaceBlock(true, 1, 0, new Bytes(true).u16(2, 99).u32(0).list)],
    /interface option 2 of 99 bytes reaches beyond its block/,
  ],
];
for (const [what, bytes, message] of bad) {
  test(`damaged in the middle: ${what}`, async () => {
    await assert.rejects(readTrace(fileOf(bytes)), (error: Error) => {
      assert.ok(error instanceof InputError, `${error}`);
      assert.match(error.message, message);
      return true;
    });
  });
}

test("a block that is cut off at the end is a warning with its offset", async () => {
  const cut = [...good, ...enhancedPacket(true, 0, 2n, c)].slice(0, -10);
  const trace = await readTrace(fileOf(cut));
  assert.deepEqual(framesOf(trace), [a]);
  assert.deepEqual(trace.warnings, [
    `cut off: 1 packets read, the block at offset ${good.length} has only 86 of its 96 bytes`,
  ]);
});
