/** A rule change under 100,000 megaflows: after one sweep nothing stale is left, and what is not concerned stays. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { W_NW_SRC } from "../../datapath/flow/flow-key.ts";
import type { BridgeConfig } from "../../datapath/topology.ts";
import { put16, put32 } from "../../datapath/wire/bytes.ts";
import { checksum } from "../../datapath/wire/checksum.ts";
import { Side } from "./side.ts";

const FLOWS = 100_000;

function udp(source: number): Uint8Array {
  const frame = new Uint8Array(60);
  frame.set([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17]);
  put32(frame, 26, source);
  put32(frame, 30, 0x0a000001);
  put16(frame, 24, checksum(frame, 14, 34));
  put16(frame, 34, 1000);
  put16(frame, 36, 2000);
  put16(frame, 38, 26);
  return frame;
}

test("100,000 megaflows, a rule change: everything stale is gone after a sweep", (t) => {
  const bridge: BridgeConfig = {
    name: "br0",
    failMode: "secure",
    ports: [1, 2, 3].map((ofport) => ({ name: `p${ofport}`, ofport, type: "dummy" as const })),
    // A move to a register makes the source address part of every megaflow: one for each.
    flows: "priority=1,in_port=1,ip,actions=move:NXM_OF_IP_SRC[]->NXM_NX_REG0[],output:2",
    flowsFile: "test",
  };
  const side = new Side([bridge], 1, { emc: { entries: 0 } });
  for (let i = 0; i < FLOWS; i++) side.send("br0", 1, udp(0x0b000000 + i));
  const { megaflowCache } = side.datapath;
  assert.equal(megaflowCache.count, FLOWS);

  // A quarter of the sources goes elsewhere from now on.
  side.switch.addFlows("br0", "priority=2,in_port=1,ip,nw_src=11.0.0.0/255.0.0.3,actions=output:3");
  const begin = performance.now();
  const cpu = process.cpuUsage();
  const result = side.datapath.revalidate(1e9);
  const ms = performance.now() - begin;
  const { user, system } = process.cpuUsage(cpu);
  // The new rule makes a part of the address matter in another way: every mask may change, none may be wider than right.
  assert.equal(result.kept + result.stale, FLOWS);
  for (const { key, actions } of side.datapath.megaflows()) {
    assert.notEqual(key[W_NW_SRC] & 3, 0, "a stale megaflow is left");
    assert.deepEqual(
      actions.map((action) => action.kind),
      ["output"],
    );
  }
  assert.ok(result.stale >= FLOWS / 4, `${result.stale} stale`);
  for (let i = 0; i < 400; i++) {
    const out = side.send("br0", 1, udp(0x0b000000 + i));
    assert.deepEqual(
      out.map((frame) => frame.slice(0, 2)),
      [i % 4 === 0 ? "p3" : "p2"],
    );
  }
  const each = ((user + system) / FLOWS).toFixed(1);
  t.diagnostic(
    `swept ${FLOWS} megaflows in ${Math.round(ms)} ms, ${each} us of processor time for each: ${result.stale} stale, ${result.kept} kept`,
  );
});
