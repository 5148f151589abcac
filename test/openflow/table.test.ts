/**
 * Flow mods on tables, judged by Open vSwitch 3.1: the recording has sequences of `ovs-ofctl add-flow`, `mod-flows` and
 * `del-flows` (with --strict for *_strict) on a bridge, and after each what `dump-flows --no-stats` printed.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { FLOW_WORDS } from "../../datapath/flow/flow-key.ts";
import { openFlowVersion } from "../../datapath/openflow/action.ts";
import { parseGroup } from "../../datapath/openflow/group-text.ts";
import type { FlowMod } from "../../datapath/openflow/rule.ts";
import { formatRule, parseFlow, parseFlows } from "../../datapath/openflow/rule-text.ts";
import { FlowModError, FlowTables } from "../../datapath/openflow/table.ts";

interface Recording {
  readonly openflow: string;
  /** Command, text, error, rules after it. */
  readonly steps: readonly (readonly [FlowMod["command"], string, string, readonly string[]])[];
}

const recordings = JSON.parse(
  gunzipSync(readFileSync("test/golden/openflow-tables.json.gz")).toString(),
) as Recording[];

test("adds, changes and removes leave the rules that Open vSwitch has, in its order", () => {
  let steps = 0;
  for (const { openflow, steps: sequence } of recordings) {
    const tables = new FlowTables();
    const version = openFlowVersion(openflow);
    for (const [command, text, error, want] of sequence) {
      const before = tables.epoch;
      const mod = parseFlow(text, command, { version });
      if (error === "") tables.apply(mod, 0);
      else assert.throws(() => tables.apply(mod, 0), FlowModError, `${text}: ${error}`);
      const got = tables.rules().map((rule) => formatRule(rule, undefined, undefined, version));
      assert.deepEqual(got, want, `step ${command} ${text}`);
      assert.equal(tables.size, want.length);
      const index = sequence.findIndex((step) => step[1] === text && step[3] === want);
      const old = index > 0 ? sequence[index - 1][3] : [];
      if (JSON.stringify(old) !== JSON.stringify(want)) assert.ok(tables.epoch >= before);
      steps++;
    }
  }
  assert.ok(steps > 400);
});

test("statistics and timeouts", () => {
  const tables = new FlowTables();
  const [rule] = tables.apply(parseFlow("idle_timeout=5,hard_timeout=60,cookie=0x1f,tcp,actions=1"), 1e9);
  rule.credit(3, 300, 4e9);
  assert.equal(
    formatRule(rule, 3.25e9),
    "cookie=0x1f, duration=2.25s, table=0, n_packets=3, n_bytes=300, idle_timeout=5, hard_timeout=60, tcp actions=output:1",
  );
  assert.deepEqual(tables.expire(9e9), []);
  assert.deepEqual(tables.expire(9.1e9), [rule]);
  assert.equal(rule.live, false);
  const [hard] = tables.apply(parseFlow("hard_timeout=10,actions=1"), 10e9);
  hard.credit(1, 1, 19e9);
  assert.deepEqual(tables.expire(20e9), []);
  assert.deepEqual(tables.expire(20.1e9), [hard]);
});

test("an added rule again: 1.0 resets its counters, 1.3 keeps them unless reset_counts", () => {
  for (const [text, version, packets] of [
    ["ip,actions=2", 1, 0],
    ["ip,actions=2", 4, 5],
    ["ip,reset_counts,actions=2", 4, 0],
  ] as const) {
    const tables = new FlowTables();
    const [rule] = tables.apply(parseFlow("ip,actions=1", "add", { version }), 0);
    rule.credit(5, 500, 1);
    const [again] = tables.apply(parseFlow(text, "add", { version }), 2);
    assert.equal(again.packets, packets, `${text} in version ${version}`);
    assert.equal(rule.live, false);
    assert.equal(tables.size, 1);
  }
});

test("learn: made once, then kept young; a limit by cookie", () => {
  const tables = new FlowTables();
  const mod = (text: string): FlowMod => ({ ...parseFlow(text), command: "modify_strict", table: 3 });
  const first = tables.learn(mod("cookie=9,hard_timeout=10,in_port=1,actions=1"), 1, 0);
  assert.deepEqual([first.added, first.changed], [true, true]);
  const epoch = tables.epoch;
  const again = tables.learn(mod("cookie=9,hard_timeout=10,in_port=1,actions=1"), 1, 8e9);
  assert.deepEqual([again.rule, again.added, again.changed, tables.epoch], [first.rule, false, false, epoch]);
  assert.deepEqual(tables.expire(12e9), []);
  assert.equal(tables.learn(mod("cookie=9,hard_timeout=10,in_port=2,actions=1"), 1, 9e9).rule, undefined);
  // A rule that would only change counts as well (recorded: "a learned rule that changes counts against the limit").
  assert.equal(tables.learn(mod("cookie=9,hard_timeout=10,in_port=1,actions=2"), 1, 9e9).rule, undefined);
  assert.ok(tables.learn(mod("cookie=9,hard_timeout=10,in_port=1,actions=2"), 2, 9e9).changed);
});

test("a rule that is hidden is passed over, its mask is not", () => {
  const tables = new FlowTables();
  const [low, high] = parseFlows("priority=1,actions=1\npriority=2,in_port=0,actions=2").flatMap((mod) =>
    tables.apply(mod, 0),
  );
  const mask = new Int32Array(FLOW_WORDS);
  assert.equal(
    tables.lookup(0, new Int32Array(FLOW_WORDS), mask, (rule) => rule === high),
    low,
  );
  assert.equal(mask[0], 0xffff);
  assert.equal(tables.lookup(0, new Int32Array(FLOW_WORDS)), high);
});

test("groups: added once, rules go with a deleted group", () => {
  const tables = new FlowTables();
  tables.applyGroup(parseGroup("group_id=1,type=all,bucket=output:1"));
  assert.throws(() => tables.applyGroup(parseGroup("group_id=1,type=all")), /group 1 exists already/);
  tables.apply(parseFlow("in_port=1,actions=group:1"), 0);
  tables.apply(parseFlow("in_port=2,actions=1"), 0);
  tables.applyGroup(parseGroup("group_id=1", "delete"));
  assert.equal(tables.group(1), undefined);
  assert.equal(tables.size, 1);
});

/** Recorded: OpenFlow version, the lines of an `ovs-ofctl add-flows`, what `dump-flows --no-stats` printed then. */
test("one rule or two, as Open vSwitch has them", () => {
  const rows = JSON.parse(readFileSync("test/golden/openflow-identity.json", "utf8")) as [string, string[], string[]][];
  const differences: string[] = [];
  for (const [name, lines, want] of rows) {
    const tables = new FlowTables();
    for (const mod of parseFlows(lines.join("\n"), { version: openFlowVersion(name) })) tables.apply(mod, 0);
    const got = tables.rules().map((rule) => formatRule(rule));
    if (JSON.stringify(got.sort()) !== JSON.stringify([...want].sort()))
      differences.push(`${name} ${lines.join("; ")}\n  ${want.join("; ")}\n  ${got.join("; ")}`);
  }
  assert.deepEqual(differences, []);
  assert.ok(rows.length > 180, `${rows.length} rows`);
});
