/** The small VM, judged by what a real Linux with the same addresses answered (test/golden/router-linux.json). */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { PacketPool } from "../../datapath/packet/packet-pool.ts";
import { VmResponder } from "../../datapath/router/vm.ts";

interface Recording {
  readonly cases: readonly {
    name: string;
    input: readonly { dev: number; frame: string }[];
    output: readonly { dev: number; frame: string }[];
  }[];
}
const recording = JSON.parse(readFileSync("test/golden/router-linux.json", "utf8")) as Recording;
const pool = new PacketPool(4);
const vm = new VmResponder(
  { name: "gateway", port: "x/y", mac: "fa:16:3e:cd:50:8d", addresses: ["192.168.1.1/24"] },
  pool,
);

function ask(frame: string): string | undefined {
  const slot = pool.alloc();
  const start = pool.home(slot);
  const bytes = Buffer.from(frame, "hex");
  pool.bytes.set(bytes, start);
  const answered = vm.answer(slot, start, start + bytes.length);
  const there = Buffer.from(pool.bytes.subarray(start, start + bytes.length)).toString("hex");
  if (!answered) assert.equal(there, frame, "a frame that is not answered stays as it was");
  pool.free(slot);
  return answered ? Buffer.from(pool.bytes.subarray(vm.start, vm.end)).toString("hex") : undefined;
}

/** The recorded answers on the first interface to the recorded questions, where one question has one answer. */
for (const name of [
  "arp request for an own address",
  "arp request by unicast",
  "arp request padded to 60 bytes",
  "v6 neighbour solicitation",
]) {
  test(`VM: ${name}`, () => {
    const it = recording.cases.find((candidate) => candidate.name === name);
    assert.ok(it !== undefined);
    assert.equal(ask(it.input[0].frame), it.output[0].frame);
  });
}

for (const name of [
  "arp request for somebody else",
  "gratuitous arp of an unknown host",
  "broken arp",
  "echo",
  "ttl 1",
]) {
  test(`VM is silent: ${name}`, () => {
    const it = recording.cases.find((candidate) => candidate.name === name);
    assert.ok(it !== undefined);
    for (const { frame } of it.input) assert.equal(ask(frame), undefined);
  });
}

test("VM: duplicate address detection is answered to all nodes", () => {
  const it = recording.cases.find((candidate) => candidate.name === "v6 duplicate address detection");
  assert.ok(it !== undefined);
  assert.equal(ask(it.input[0].frame), it.output[0].frame);
});

test("VM: a wrong address says which VM", () => {
  const config = { name: "vm9", port: "x/y", mac: "fa:16:3e:cd:50:8d", addresses: ["192.168.1"] };
  assert.throws(() => new VmResponder(config, pool), /VM vm9: "192\.168\.1" is not an IPv4 address/);
});
