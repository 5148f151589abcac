import assert from "node:assert/strict";
import { test } from "node:test";
import { numberRules, parseRuleCounts } from "../../../bench/peers/numbered-rules.ts";
import { recorded } from "./recorded.ts";

test("every rule gets its own cookie, in the order of the file, with its line", () => {
  const { text, rules } = numberRules(
    [
      "# the switch",
      "",
      "table=0,priority=10,in_port=1,ip,actions=mod_dl_src:02:00:00:00:01:01,output:2",
      " cookie=0x77, table=1, priority=1 actions=drop # nothing else",
      "add priority=0,actions=NORMAL",
      "table=10,priority=1,actions=learn(table=20,cookie=0x5,priority=1,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[]),output:1",
    ].join("\n"),
  );
  assert.deepEqual(text.split("\n"), [
    "# the switch",
    "",
    "cookie=0x1,table=0,priority=10,in_port=1,ip,actions=mod_dl_src:02:00:00:00:01:01,output:2",
    "cookie=0x2,table=1, priority=1 actions=drop",
    "add cookie=0x3,priority=0,actions=NORMAL",
    "cookie=0x4,table=10,priority=1,actions=learn(table=20,cookie=0x5,priority=1,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[]),output:1",
  ]);
  assert.deepEqual([...rules.keys()], ["0x1", "0x2", "0x3", "0x4"]);
  assert.equal(rules.get("0x2")!.line, 4);
  assert.equal(rules.get("0x2")!.rule, "cookie=0x77, table=1, priority=1 actions=drop");
});

test("commands that are no rules stay as they are", () => {
  const { text, rules } = numberRules("delete table=3\nmodify_strict priority=1,actions=drop\n");
  assert.equal(text, "delete table=3\nmodify_strict priority=1,actions=drop\n");
  assert.equal(rules.size, 0);
});

test("packets and bytes by cookie out of what ovs-ofctl dump-flows printed", () => {
  const counts = parseRuleCounts(recorded("dump-flows.txt"));
  assert.equal(counts.size, 8);
  assert.deepEqual(counts.get("0x1"), { packets: 5532692, bytes: 331961520 });
  assert.deepEqual(counts.get("0x8"), { packets: 5532694, bytes: 331961640 });
});

test("rules with the same cookie add up; an empty table is no error, another text is", () => {
  const line = " cookie=0x0, duration=1s, table=20, n_packets=3, n_bytes=180, hard_age=1, priority=1 actions=output:1";
  assert.deepEqual(parseRuleCounts(`${line}\n${line}\n`).get("0x0"), { packets: 6, bytes: 360 });
  assert.equal(parseRuleCounts("NXST_FLOW reply (xid=0x4):\n").size, 0);
  assert.throws(() => parseRuleCounts("ovs-ofctl: br0 is not a bridge"), /not understood/);
});
