/**
 * Changes between packets leave nothing stale: rules added, changed and removed, groups changed and removed, ports that go
 * down and up or stop flooding, addresses that move, time that passes. Every packet fares with megaflows, and with the
 * exact-match cache before them, as it does with no cache at all; and after a sweep each megaflow left does what a
 * translation of its packet says now, under no wider mask. A failure is shrunk to the few steps that matter.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { KEY_WORDS } from "../../datapath/flow/flow-key.ts";
import { installedMask } from "../../datapath/flow/flow-mask.ts";
import { parseGroup } from "../../datapath/openflow/group-text.ts";
import type { FlowMod } from "../../datapath/openflow/rule.ts";
import { parseFlow } from "../../datapath/openflow/rule-text.ts";
import { FlowSyntaxError } from "../../datapath/openflow/syntax.ts";
import type { BridgeConfig } from "../../datapath/topology.ts";
import { buildFrame } from "../action/frames.ts";
import { property } from "./property.ts";
import { Side } from "./side.ts";

const BRIDGES: readonly BridgeConfig[] = [
  {
    name: "br0",
    failMode: "secure",
    openflow: "OpenFlow13",
    ports: [
      ...[1, 2, 3].map((ofport) => ({ name: `p${ofport}`, ofport, type: "dummy" as const })),
      { name: "to1", ofport: 4, type: "patch" as const, options: { peer: "to0" } },
    ],
    flows: "priority=0,actions=NORMAL",
    flowsFile: "test",
  },
  {
    name: "br1",
    failMode: "secure",
    openflow: "OpenFlow13",
    ports: [
      { name: "q1", ofport: 1, type: "dummy" },
      { name: "to0", ofport: 2, type: "patch", options: { peer: "to1" } },
    ],
    flows: "priority=0,actions=NORMAL",
    flowsFile: "test",
  },
];

const bridge = fc.constantFrom("br0", "br0", "br1");
const match = fc.constantFrom(
  "",
  "in_port=1",
  "in_port=2",
  "ip",
  "ip,nw_dst=10.0.0.2",
  "ip,nw_src=10.0.0.0/31",
  "udp,tp_dst=2",
  "tcp",
  "dl_dst=02:00:00:00:00:02",
  "dl_vlan=7",
);
const actions = fc.constantFrom(
  "drop",
  "NORMAL",
  "output:1",
  "output:2,output:3",
  "output:4",
  "FLOOD",
  "ALL",
  "group:1",
  "group:2",
  "dec_ttl,NORMAL",
  "mod_dl_dst:02:00:00:00:00:03,NORMAL",
  "set_field:10.0.0.3->ip_dst,resubmit(,1)",
  "resubmit(,1)",
  "push_vlan:0x8100,set_field:4103->vlan_vid,output:2",
  "learn(table=1,priority=3,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[]),NORMAL",
);
const table = fc.constantFrom(0, 0, 1);
/** Of a group; "": it is deleted. */
const buckets = fc.constantFrom(
  "",
  "type=all,bucket=output:1,bucket=output:2",
  "type=all,bucket=output:3",
  "type=indirect,bucket=output:4",
  "type=fast_failover,bucket=watch_port:1,output:1,bucket=watch_port:2,output:2",
  "type=select,selection_method=hash,bucket=output:2,bucket=output:3",
);

const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant("packet" as const),
      port: fc.constantFrom("br0 1", "br0 1", "br0 2", "br0 3", "br1 1"),
      source: fc.integer({ min: 1, max: 3 }),
      target: fc.integer({ min: 1, max: 4 }),
      tagged: fc.boolean(),
      udp: fc.boolean(),
      tp: fc.integer({ min: 1, max: 2 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom("add" as const, "add" as const, "modify" as const, "modify_strict" as const),
      bridge,
      table,
      priority: fc.integer({ min: 1, max: 3 }),
      match,
      actions,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom("delete" as const, "delete_strict" as const),
      bridge,
      table,
      priority: fc.integer({ min: 0, max: 3 }),
      match,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("group" as const), bridge, id: fc.constantFrom(1, 2), buckets }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("port" as const),
      port: fc.integer({ min: 1, max: 4 }),
      flag: fc.constantFrom(
        "down" as const,
        "up" as const,
        "no-flood" as const,
        "flood" as const,
        "no-forward" as const,
        "forward" as const,
        "no-receive" as const,
        "receive" as const,
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("time" as const), seconds: fc.constantFrom(1, 200, 400) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("sweep" as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function frameOf(one: Extract<Step, { kind: "packet" }>): Uint8Array {
  const ports = { src: 1000, dst: one.tp };
  return buildFrame({
    src: `02:00:00:00:00:0${one.source}`,
    dst: `02:00:00:00:00:0${one.target}`,
    ...(one.tagged ? { tags: [[0x8100, 7]] } : {}),
    ip4: { src: `10.0.0.${one.source}`, dst: `10.0.0.${one.target}` },
    ...(one.udp ? { udp: ports } : { tcp: ports }),
    payload: [1, 2, 3, 4],
  });
}

/** Everything but packets; all sides get the same. */
function change(side: Side, one: Step, now: number): void {
  const { switch: host } = side;
  if (one.kind === "group") {
    const { tables, openflow: version } = host.bridge(one.bridge)!;
    const { id, buckets } = one;
    if (buckets !== "") tables.applyGroup(parseGroup(`group_id=${id},${buckets}`, "add_or_mod", { version }));
    else if (tables.group(id) !== undefined) tables.applyGroup(parseGroup(`group_id=${id}`, "delete", { version }));
  } else if (one.kind === "port") host.modifyPort("br0", one.port, one.flag);
  else if (one.kind === "time") {
    // Age is counted from the last hit, which the switch has to be told of.
    side.datapath.flushStats();
    host.expire(now);
  } else if (one.kind === "sweep") sweep(side, now);
  else if (one.kind !== "packet") {
    const strict = one.kind === "add" || one.kind.endsWith("strict") ? `,priority=${one.priority}` : "";
    const does = "actions" in one ? `,actions=${one.actions}` : "";
    const text = `table=${one.table}${strict}${one.match === "" ? "" : `,${one.match}`}${does}`;
    const { tables, openflow: version } = host.bridge(one.bridge)!;
    let mod: FlowMod;
    try {
      mod = parseFlow(text, one.kind, { version });
    } catch (error) {
      // An action that the match does not allow: refused, for every side alike.
      if (error instanceof FlowSyntaxError) return;
      throw error;
    }
    tables.apply(mod, now);
  }
}

/** Revalidates; what is left must be what translation says of its packet now. */
function sweep(side: Side, now: number): void {
  side.datapath.revalidate(now, { idleNs: 1e18 });
  for (const { key, mask, actions: installed } of side.datapath.megaflows()) {
    const today = side.switch.translate(key, 0, now, false);
    assert.deepEqual(installed, today.actions, "a stale megaflow is left");
    const needed = installedMask(today.mask);
    for (let w = 0; w < KEY_WORDS; w++) assert.equal(needed[w] & ~mask[w], 0, "a megaflow is too wide");
  }
}

let packets = 0;
let hits = 0;
let out = 0;
property(
  "changes between packets leave nothing stale",
  fc.array(step, { minLength: 1, maxLength: 80, size: "max" }),
  60,
  (steps) => {
    const sides = [
      new Side(BRIDGES, 1, { megaflow: false }),
      new Side(BRIDGES, 1, { emc: { entries: 0 } }),
      new Side(BRIDGES, 1, { emc: { insertInverse: 1 } }),
    ];
    let now = 0;
    for (const one of steps) {
      if (one.kind === "time") now += one.seconds * 1e9;
      if (one.kind !== "packet") {
        for (const side of sides) change(side, one, now);
        continue;
      }
      const [name, number] = one.port.split(" ");
      const [slow, megaflows, all] = sides.map((side) => side.send(name, Number(number), frameOf(one), now));
      assert.deepEqual(megaflows, slow, "with megaflows");
      assert.deepEqual(all, slow, "with the exact-match cache");
      packets++;
      out += slow.length;
    }
    for (const side of sides) {
      sweep(side, now);
      assert.ok(side.conserves());
    }
    hits += sides[1].datapath.counters.get("megaflow");
  },
  (t) => {
    assert.ok(hits > packets / 20, `${hits} hits for ${packets} packets`);
    assert.ok(out > packets / 4, `${out} frames out for ${packets} packets`);
    t.diagnostic(`${packets} packets, ${hits} megaflow hits, ${out} frames out`);
  },
);
