/** Cooked headers by hand, after the registry's description of LINKTYPE_LINUX_SLL and LINKTYPE_LINUX_SLL2. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readTrace } from "../../pcaps/read-trace.ts";
import { Bytes, pcap } from "./byte-captures.ts";
import { fileOf, framesOf } from "./support.ts";

/** Said of every cooked capture: who switches by addresses has to know. */
const REBUILT =
  "cooked packets hold no destination address: that of broadcasts and groups is rebuilt, others are 02:00:00:00:00:0N (N: packet type)";

const sender = [2, 0xaa, 0, 0, 0, 1];
const payload = Array.from({ length: 40 }, (_, i) => i);

function v1(packetType: number, arphrd: number, addressLength: number, protocol: number, rest = payload): number[] {
  return new Bytes(false).u16(packetType, arphrd, addressLength).raw(sender).u16(0, protocol).raw(rest).list;
}

function v2(packetType: number, arphrd: number, addressLength: number, protocol: number, rest = payload): number[] {
  const head = new Bytes(false).u16(protocol, 0).u32(7).u16(arphrd).raw([packetType, addressLength]);
  return head.raw(sender).u16(0xdead).raw(rest).list;
}

const read = async (linkType: number, ...frames: number[][]) =>
  readTrace(
    fileOf(
      pcap(
        frames.map((frame, i) => ({ frame, seconds: i, fraction: 0 })),
        { linkType },
      ),
    ),
  );

for (const [name, linkType, make] of [
  ["v1", 113, v1],
  ["v2", 276, v2],
] as const) {
  test(`${name}: destination by packet type, source and type kept`, async () => {
    const types = [0, 1, 2, 3, 4];
    const trace = await read(linkType, ...types.map((type) => make(type, 1, 6, 0x88b5)));
    const destinations = [
      [2, 0, 0, 0, 0, 0],
      Array(6).fill(255),
      [1, 0, 0, 0, 0, 0],
      [2, 0, 0, 0, 0, 3],
      [2, 0, 0, 0, 0, 4],
    ];
    assert.deepEqual(
      framesOf(trace),
      destinations.map((to) => [...to, ...sender, 0x88, 0xb5, ...payload]),
    );
    assert.deepEqual([...trace.wireLength], Array(5).fill(54));
    assert.deepEqual(trace.warnings, [REBUILT]);
  });

  test(`${name}: a tag stays, and a group is found behind it`, async () => {
    const ip = [0x45, 0, 0, 36, 0, 0, 0, 0, 1, 17, 0, 0, 10, 0, 0, 1, 0xef, 0x81, 2, 3, ...payload.slice(0, 16)];
    const trace = await read(linkType, make(2, 1, 6, 0x8100, [0, 7, 8, 0, ...ip]));
    assert.deepEqual(framesOf(trace), [[1, 0, 0x5e, 1, 2, 3, ...sender, 0x81, 0, 0, 7, 8, 0, ...ip]]);
  });

  test(`${name}: 802.2 frames get their length back`, async () => {
    const trace = await read(linkType, make(2, 1, 6, 4));
    assert.deepEqual(framesOf(trace)[0].slice(12), [0, payload.length, ...payload]);
  });

  test(`${name}: devices without Ethernet addresses are left out and counted`, async () => {
    const trace = await read(
      linkType,
      make(0, 65534, 0, 0x0800),
      make(0, 1, 6, 0x88b5),
      make(0, 512, 6, 0x0800),
      make(0, 1, 8, 0x0800),
      [1, 2, 3],
    );
    assert.equal(trace.count, 1);
    assert.deepEqual(trace.warnings, [
      REBUILT,
      "4 of 5 cooked packets left out: their device has no Ethernet addresses",
    ]);
    await assert.rejects(read(linkType, make(0, 65534, 0, 0x0800)), { name: "InputError" });
  });
}
