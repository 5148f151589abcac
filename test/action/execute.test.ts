/** Where packets go: outputs, copies, lists that depend on the packet, and what happens where there is no room. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { OdpAction } from "../../datapath/action/odp-action.ts";
import { W_TOSTTL } from "../../datapath/flow/flow-key.ts";
import { TestBench } from "../datapath/bench.ts";
import { toHex } from "../flow/burst.ts";
import { buildFrame, type FrameSpec } from "./frames.ts";
import { runs, set } from "./run-actions.ts";

test("outputs before the last copy what the packet is then; what comes behind the last has no effect", () => {
  const spec: FrameSpec = { ip4: { src: "10.0.0.1", dst: "10.0.0.2" }, udp: { src: 1, dst: 2 }, payload: [9] };
  const ttl = (n: number): OdpAction => set("ipv4", [W_TOSTTL, n << 16, 0xff0000]);
  const to = (port: number): OdpAction => ({ kind: "output", port });
  const hex = (ttl: number): string => toHex(buildFrame({ ...spec, ip4: { ...spec.ip4!, ttl } }));
  const got = runs([to(2), ttl(9), to(3), to(3), ttl(8), to(4), ttl(7)], [buildFrame(spec)]);
  assert.deepEqual(got, [`2:${hex(64)}`, `3:${hex(9)}`, `3:${hex(9)}`, `4:${hex(8)}`]);
  assert.deepEqual(runs([], [buildFrame(spec)]), []);
  assert.deepEqual(runs([{ kind: "drop" }], [buildFrame(spec)]), []);
  assert.deepEqual(runs([ttl(4)], [buildFrame(spec)]), []);
});

test("clone works on a copy, also nested; the last clone takes the packet", () => {
  const spec: FrameSpec = { ip4: { src: "10.0.0.1", dst: "10.0.0.2" }, udp: { src: 1, dst: 2 }, payload: [9] };
  const ttl = (n: number): OdpAction => set("ipv4", [W_TOSTTL, n << 16, 0xff0000]);
  const to = (port: number): OdpAction => ({ kind: "output", port });
  const hex = (ttl: number): string => toHex(buildFrame({ ...spec, ip4: { ...spec.ip4!, ttl } }));
  const clone = (...actions: OdpAction[]): OdpAction => ({ kind: "clone", actions });
  const frames = [buildFrame(spec)];
  assert.deepEqual(runs([clone(ttl(9), to(2)), to(3)], frames), [`2:${hex(9)}`, `3:${hex(64)}`]);
  const nested = [clone(ttl(9), clone(ttl(8), clone(ttl(7), to(4)), to(3)), to(2)), to(1)];
  assert.deepEqual(runs(nested, frames), [`1:${hex(64)}`, `2:${hex(9)}`, `3:${hex(8)}`, `4:${hex(7)}`]);
  assert.deepEqual(runs([to(1), clone(ttl(9), to(2))], frames), [`1:${hex(64)}`, `2:${hex(9)}`]);
  assert.deepEqual(runs([clone(ttl(9)), to(1)], frames), [`1:${hex(64)}`]);
});

test("check_pkt_len, trunc, sample, hash, userspace", () => {
  const spec: FrameSpec = { ip4: { src: "10.0.0.1", dst: "10.0.0.2" }, udp: { src: 1, dst: 2 } };
  const short = buildFrame({ ...spec, payload: [1] });
  const long = buildFrame({ ...spec, payload: new Array(100).fill(7) });
  const to = (port: number): OdpAction => ({ kind: "output", port });
  const check: OdpAction = { kind: "check_pkt_len", size: short.length, greater: [to(2)], lesser: [to(3)] };
  assert.deepEqual(runs([check], [short, long]), [`3:${toHex(short)}`, `2:${toHex(long)}`]);
  assert.deepEqual(runs([check, to(4)], [short]), [`3:${toHex(short)}`, `4:${toHex(short)}`]);
  const bench = new TestBench(() => ({ actions: [check] }));
  assert.equal(bench.send([long, short, long, short]).length, 4);
  bench.conserves();

  const cut = runs([{ kind: "trunc", maxLength: 60 }, to(2), to(3)], [long]);
  assert.deepEqual(cut, [`2:${toHex(long, 0, 60)}`, `3:${toHex(long)}`]);
  assert.deepEqual(runs([{ kind: "trunc", maxLength: 60 }, to(2)], [long]), [`2:${toHex(long, 0, 60)}`]);
  assert.deepEqual(runs([{ kind: "trunc", maxLength: 9000 }, to(2)], [long]), [`2:${toHex(long)}`]);

  const always: OdpAction = { kind: "sample", probability: 0xffffffff, actions: [to(2)] };
  assert.deepEqual(runs([always, to(3)], [short]), [`2:${toHex(short)}`, `3:${toHex(short)}`]);
  const never: OdpAction = { kind: "sample", probability: 0, actions: [to(2)] };
  assert.deepEqual(runs([never, to(3)], [short]), [`3:${toHex(short)}`]);
  let chosen = 0;
  const half = new TestBench(() => ({ actions: [{ kind: "sample", probability: 0x80000000, actions: [to(2)] }] }));
  for (let n = 0; n < 1000; n++) {
    chosen += half.send([buildFrame({ ...spec, ip4: { ...spec.ip4!, src: `10.0.${n >> 8}.${n & 255}` } })]).length;
  }
  assert.ok(chosen > 400 && chosen < 600, `${chosen} of 1000`);
  half.conserves();

  const controller: OdpAction = { kind: "userspace", reason: "controller", maxLength: 65535 };
  const watched = new TestBench(() => ({ actions: [to(3), controller] }));
  assert.deepEqual(watched.send([short, short]), [`3:${toHex(short)}`, `3:${toHex(short)}`]);
  assert.equal(watched.datapath.counters.get("userspace"), 2);
  watched.conserves();
});

test("no slot for a copy, a full queue, a port that is not there, no headroom: counted, nothing lost", () => {
  const frame = buildFrame({ ip4: { src: "10.0.0.1", dst: "10.0.0.2" }, udp: { src: 1, dst: 2 } });
  const to = (port: number): OdpAction => ({ kind: "output", port });
  const poor = new TestBench(() => ({ actions: [to(1), { kind: "clone", actions: [to(2)] }, to(3)] }), {}, 3);
  assert.equal(poor.send([frame, frame]).length, 3);
  poor.conserves();
  assert.equal(poor.datapath.counters.snapshot().drops["NoBuffer"], 3);

  const full = new TestBench(() => ({ actions: [to(1), to(2)] }), { txCapacity: 2 });
  assert.equal(full.send([frame, frame, frame, frame]).length, 4);
  full.conserves();
  assert.equal(full.datapath.counters.snapshot().drops["QueueFull"], 4);

  const nowhere = new TestBench(() => ({ actions: [to(70), to(8)] }));
  assert.deepEqual(nowhere.send([frame]), []);
  nowhere.conserves();
  assert.equal(nowhere.datapath.counters.snapshot().drops["NoReceiver"], 2);

  const push: OdpAction = { kind: "push_vlan", tpid: 0x8100, tci: 1 };
  const deep = new TestBench(() => ({ actions: [...new Array<OdpAction>(49).fill(push), to(1)] }));
  assert.deepEqual(deep.send([frame]), []);
  deep.conserves();
  assert.equal(deep.datapath.counters.snapshot().drops["NoBuffer"], 1);

  // What is taken off again, or put on a copy, needs no room for the next one: a tag for each of 60 trunks.
  const pop: OdpAction = { kind: "pop_vlan" };
  const wide = new TestBench(() => ({
    actions: [
      ...Array.from({ length: 60 }, () => [push, to(1), pop]).flat(),
      ...Array.from({ length: 60 }, (): OdpAction => ({ kind: "clone", actions: [push, to(2)] })),
    ],
  }));
  assert.equal(wide.send([frame]).length, 120);
  wide.conserves();
});
