/**
 * Rules and groups as text, judged by Open vSwitch 3.1: every line of the recordings is a rule and what
 * `ovs-ofctl -O VERSION parse-flow RULE` (parse-group) said of it, the flow mod as printed or "error: ...". The rules are
 * those of the lab's bridges, of all recorded cases, and a list that has each field, action and mistake at least once in
 * five OpenFlow versions. Left out: what OpenFlow 1.1 cannot send (ovs-ofctl: "no usable protocol"), which is not enforced.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { W_PACKET_TYPE } from "../../datapath/flow/flow-key.ts";
import { openFlowVersion } from "../../datapath/openflow/action.ts";
import { formatActions } from "../../datapath/openflow/action-format.ts";
import { formatGroup, parseGroup } from "../../datapath/openflow/group-text.ts";
import { formatMatch } from "../../datapath/openflow/match-format.ts";
import type { FlowMod } from "../../datapath/openflow/rule.ts";
import { parseFlow, parseFlows } from "../../datapath/openflow/rule-text.ts";
import { FlowSyntaxError } from "../../datapath/openflow/syntax.ts";

const recorded = (file: string): string[][] =>
  gunzipSync(readFileSync(`test/golden/${file}`))
    .toString()
    .trimEnd()
    .split("\n")
    .map((line) => line.split("\t"));

/** As ofp_print_flow_mod prints it. */
function printed(mod: FlowMod, version: number): string {
  const parts = ["ADD"];
  if (mod.table !== 255 && mod.table !== 0) parts.push(`table:${mod.table}`);
  const fields = [mod.priority === 0x8000 ? "" : `priority=${mod.priority}`, formatMatch(mod.match)].filter(
    (f) => f !== "",
  );
  if (fields.length > 0) parts.push(fields.join(","));
  if (mod.newCookie !== 0n) parts.push(`cookie:0x${mod.newCookie.toString(16)}`);
  if (mod.idleTimeout !== 0) parts.push(`idle:${mod.idleTimeout}`);
  if (mod.hardTimeout !== 0) parts.push(`hard:${mod.hardTimeout}`);
  if (mod.importance !== 0) parts.push(`importance:${mod.importance}`);
  const flags: [number, string][] = [
    [1, "send_flow_rem"],
    [8, "check_overlap"],
    [16, "reset_counts"],
    [2, "no_packet_counts"],
    [4, "no_byte_counts"],
  ];
  for (const [bit, name] of flags) if ((mod.flags & bit) !== 0 && !(bit === 16 && version <= 2)) parts.push(name);
  parts.push(`actions=${formatActions(mod.actions)}`);
  return parts.join(" ");
}

/** Rules that Open vSwitch takes and we refuse, or print otherwise, with the reason. */
const DIFFERENT: readonly (readonly [RegExp, string])[] = [
  [/ct\(|ct_clear|ct_state/, "connection tracking"],
  [/sample\(|meter:|nsh|debug_recirc/, "sampling, meters, NSH, debugging"],
  [/tun_metadata|nd_reserved/, "tunnel metadata and experimenter fields"],
  [/controller\(pause\)/, "continuations"],
  [/encap\(mpls/, "MPLS in front of Ethernet"],
  [/dp_hash|recirc_id/, "ovs-ofctl sends it, the switch refuses it (OFPBRC_EPERM)"],
  [/^actions=goto_table:0|tp_src.*nw_frag=later/, "as before"],
  [/10\.0\.0\.300/, "Open vSwitch takes 300 for 44"],
  [/write_actions\(note/, "OpenFlow 1.0 drops write_actions unseen, here its content is checked"],
  [/set_field:\+oam->tun_flags/, "1.5 prints a mask of all public flags as none"],
];

test("rules arrive and print as ovs-ofctl says", () => {
  const rows = recorded("openflow-rules.tsv.gz");
  assert.ok(rows.length > 4000, `${rows.length} rules recorded`);
  const differences: string[] = [];
  let equal = 0;
  for (const [name, text, want] of rows) {
    const version = openFlowVersion(name);
    let got: string;
    try {
      got = printed(parseFlow(text, "add", { version }), version);
    } catch (error) {
      if (!(error instanceof FlowSyntaxError)) throw error;
      got = `error: ${error.message}`;
    }
    if (got === want || (got.startsWith("error: ") && want.startsWith("error: "))) equal++;
    else if (!DIFFERENT.some(([pattern]) => pattern.test(text)))
      differences.push(`${name} ${text}\n  ${want}\n  ${got}`);
  }
  assert.deepEqual(differences, []);
  assert.ok(equal > rows.length * 0.98, `${equal} of ${rows.length} equal`);
});

test("groups arrive and print as ovs-ofctl says", () => {
  const differences: string[] = [];
  for (const [name, text, want] of recorded("openflow-groups.tsv.gz")) {
    // 1.1 to 1.4 send no selection method, so Open vSwitch never checks it there.
    if (name !== "OpenFlow15" && /selection_method=bogus|type=all,selection_method/.test(text)) continue;
    let got: string;
    try {
      got = formatGroup(parseGroup(text, "add", { version: openFlowVersion(name) }).group, name === "OpenFlow15");
    } catch (error) {
      if (!(error instanceof FlowSyntaxError)) throw error;
      got = `error: ${error.message}`;
    }
    if (got !== want && !(got.startsWith("error: ") && want.startsWith("error: "))) {
      differences.push(`${name} ${text}\n  ${want}\n  ${got}`);
    }
  }
  assert.deepEqual(differences, []);
});

test("what is printed is read back as the same rule", () => {
  for (const [name, text, want] of recorded("openflow-rules.tsv.gz")) {
    if (want.startsWith("error: ") || DIFFERENT.some(([pattern]) => pattern.test(text))) continue;
    const version = openFlowVersion(name);
    const once = parseFlow(text, "add", { version });
    const match = formatMatch(once.match);
    // erspan and gbp masks are not all printed; an untagged match in 1.0 is, but as a VLAN of its own.
    if (/tun_|gtpu|packet_type|actset/.test(match)) continue;
    const again = parseFlow(`${match}${match === "" ? "" : ","}actions=drop`, "add", { version });
    assert.equal(formatMatch(again.match), match, text);
    // "Ethernet only" is not printed, neither there: what had a field without its prerequisite reads back without it.
    once.match.clearBits(W_PACKET_TYPE, -1);
    again.match.clearBits(W_PACKET_TYPE, -1);
    assert.deepEqual(again.match.mask, once.match.mask, text);
    assert.deepEqual(again.match.value, once.match.value, text);
  }
});

test("mistakes are named with line, column and what was expected", () => {
  const cases: [string, number, number, RegExp][] = [
    ["in_port=1", 1, 10, /no actions; expected actions=/],
    ["\n# comment\nip,nw_src=1.2.3,actions=1", 3, 11, /ip_src "1\.2\.3"; expected an IPv4 address/],
    ["foo=1,actions=1", 1, 1, /"foo" is not known here; expected a field/],
    ["foo,actions=1", 1, 1, /"foo" is not known/],
    ["priority=70000,actions=1", 1, 10, /priority "70000"; expected a number from 0 to 65535/],
    ["tcp,tp_dst=abc actions=1", 1, 12, /value "abc" of tcp_dst; expected a number/],
    ["dl_vlan=1/2,actions=1", 1, 9, /takes no mask/],
    ["actions=output:nowhere", 1, 16, /port "nowhere", which is not known; expected a port/],
    ["actions=bogus", 1, 9, /action "bogus" is not known; expected an action or a port/],
    ["ip actions=ct(commit)", 1, 12, /action ct: connection tracking is not supported/],
    ["nsh_ttl=3 actions=1", 1, 1, /field nsh_ttl: NSH is not supported/],
    ["tun_metadata0=3 actions=1", 1, 1, /field tun_metadata0: tunnel metadata \(TLV options\) is not supported/],
    ["actions=set_field:1->reg99", 1, 22, /field "reg99" is not known/],
    ["actions=load:5->NXM_NX_REG0[0..1]", 1, 14, /5 does not fit; expected a number of at most 2 bits/],
    ["actions=load:5->NXM_NX_REG0[0..99]", 1, 28, /bits \[0\.\.99\] of NXM_NX_REG0; expected bits from 0 to 31/],
    [
      "actions=set_field:80->tcp_dst",
      1,
      9,
      /set_field of tcp_dst without its prerequisite; expected a rule that matches tcp/,
    ],
    ["actions=learn(bogus=1)", 1, 15, /"bogus" in learn/],
    ["actions=resubmit()", 1, 18, /expected a port or a table/],
    ["table=5 actions=goto_table:5", 1, 28, /goto_table:5 from table 5; expected a later table/],
    ["tcp,tcp_flags=+bogus actions=1", 1, 15, /"bogus" is not a flag of tcp_flags/],
    ["actions=drop,1", 1, 9, /drop beside other actions/],
    ["actions=conjunction(1,3/2)", 1, 21, /clause 3 of 2/],
    ["actions=write_metadata:1,output:1", 1, 26, /output behind write_metadata/],
  ];
  for (const [text, line, column, message] of cases) {
    const version = text.includes("goto_table") || text.includes("write_metadata") ? 4 : 1;
    assert.throws(
      () => parseFlows(text, { file: "x.flows", version }),
      (error) => {
        assert.ok(error instanceof FlowSyntaxError, text);
        assert.match(error.message, message);
        assert.deepEqual(
          [error.file, error.line, error.column],
          ["x.flows", line, column],
          `${text}: ${error.message}`,
        );
        assert.ok(error.message.startsWith(`x.flows:${line}:${column}: `) && !error.message.includes("\n"));
        return true;
      },
    );
  }
});

test("port names are resolved, also in quotes", () => {
  const ports = (name: string): number | undefined => ({ p1: 7, "qvo-1": 9 })[name];
  const mod = parseFlow('in_port=p1 actions=output:"qvo-1",p1,resubmit(p1,2)', "add", { ports });
  assert.equal(formatMatch(mod.match), "in_port=7");
  assert.equal(formatActions(mod.actions), "output:9,output:7,resubmit(7,2)");
});

test("selections for del-flows and mod-flows", () => {
  const mod = parseFlow("table=3,cookie=0x10/0xf0,out_port=2,ip", "delete");
  assert.deepEqual(
    [mod.command, mod.table, mod.cookie, mod.cookieMask, mod.outPort, formatMatch(mod.match)],
    ["delete", 3, 0x10n, 0xf0n, 2, "ip"],
  );
  assert.equal(parseFlow("cookie=1/-1", "delete").cookieMask, 0xffffffffffffffffn);
  assert.throws(() => parseFlow("cookie=1", "delete"), /expected a mask/);
  assert.throws(() => parseFlow("priority=1", "delete"), /"priority" is not known here/);
  assert.equal(parseFlow("priority=1", "delete_strict").priority, 1);
  const [first, second] = parseFlows("delete ip\nmodify_strict priority=3,ip,actions=2");
  assert.deepEqual([first.command, second.command, second.priority], ["delete", "modify_strict", 3]);
});

/** Deterministic: the seed is in the name of the test. */
function random(seed: number): (below: number) => number {
  let s = seed;
  return (below) => {
    s = (s + 0x6d2b79f5) | 0;
    let t = Math.imul(s ^ (s >>> 15), 1 | s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const SEED = Number(process.env["FUZZ_SEED"] ?? 20260101);
const ROUNDS = Number(process.env["FUZZ_ROUNDS"] ?? 6000);
test(`fuzz: ${ROUNDS} mutated rules give a rule or a FlowSyntaxError (FUZZ_SEED=${SEED})`, () => {
  const below = random(SEED);
  const rows = recorded("openflow-rules.tsv.gz");
  const groups = recorded("openflow-groups.tsv.gz");
  const alphabet = ' ,:=()[]./->0123456789abcfxNXM_#"\t|+*\\\u00e9\0';
  for (let i = 0; i < ROUNDS; i++) {
    const [name, base] = below(8) === 0 ? groups[below(groups.length)] : rows[below(rows.length)];
    let text = base;
    for (let n = below(4) + 1; n > 0; n--) {
      const at = below(text.length + 1);
      const kind = below(5);
      if (kind === 0) text = text.slice(0, at) + text.slice(at + 1 + below(6));
      else if (kind === 1) text = text.slice(0, at) + alphabet[below(alphabet.length)] + text.slice(at);
      else if (kind === 2) text = text.slice(0, at) + alphabet[below(alphabet.length)] + text.slice(at + 1);
      else if (kind === 3) text = text.slice(0, at) + text.slice(below(text.length + 1), below(text.length + 1));
      else {
        const other = rows[below(rows.length)][1];
        text = text.slice(0, at) + other.slice(below(other.length));
      }
    }
    const version = openFlowVersion(name);
    for (const read of [
      () => parseFlows(text, { version }).map((mod) => formatMatch(mod.match) + formatActions(mod.actions)),
      () => formatGroup(parseGroup(text, "add", { version }).group),
    ]) {
      try {
        read();
      } catch (error) {
        assert.ok(
          error instanceof FlowSyntaxError,
          `${JSON.stringify(text)}: ${error instanceof Error ? error.stack : error}`,
        );
        assert.ok(!/[\n\r]/.test(error.message), JSON.stringify(text));
      }
    }
  }
});

test("numbers in every form that ovs-ofctl takes", () => {
  // `ovs-ofctl -O OpenFlow13 parse-flow RULE`: a plus everywhere, octal where it is not decimal by itself, -1 as 64 ones.
  const pairs: readonly (readonly [string, string])[] = [
    ["priority=+5,tcp,tp_dst=+80,actions=drop", "ADD priority=5,tcp,tp_dst=80 actions=drop"],
    ["table=010,in_port=+1,actions=drop", "ADD table:10 in_port=1 actions=drop"],
    ["priority=010,reg0=010,actions=output:017", "ADD priority=8,reg0=0x8 actions=output:17"],
    ["cookie=-0x10,reg0=+1/+3,actions=drop", "ADD reg0=0x1/0x3 cookie:0xfffffffffffffff0 actions=drop"],
    ["nw_src=1.2.3.4/+8,ip,actions=drop", "ADD ip,nw_src=1.0.0.0/8 actions=drop"],
    ["actions=resubmit(+1,+2),resubmit(,010),+2", "ADD actions=resubmit(1,2),resubmit(,10),output:2"],
    ["actions=goto_table:010", "ADD actions=goto_table:10"],
    [
      "actions=learn(table=1,priority=010,hard_timeout=011,in_port=1)",
      "ADD actions=learn(table=1,hard_timeout=11,priority=10,in_port=1)",
    ],
    ["actions=load:+1->NXM_NX_REG0[+1..2]", "ADD actions=load:0x1->NXM_NX_REG0[1..2]"],
    [
      "actions=multipath(eth_src,+50,hrw,012,0,NXM_NX_REG0[0..3])",
      "ADD actions=multipath(eth_src,50,hrw,12,0,NXM_NX_REG0[0..3])",
    ],
    ["actions=conjunction(010,1/2),conjunction(+9,2/2)", "ADD actions=conjunction(8,1/2),conjunction(9,2/2)"],
    [
      "actions=output(port=+1,max_len=0100),check_pkt_larger(+100)->reg0[0]",
      "ADD actions=output(port=1,max_len=64),check_pkt_larger(100)->NXM_NX_REG0[0]",
    ],
  ];
  for (const [text, want] of pairs) assert.equal(printed(parseFlow(text, "add", { version: 4 }), 4), want, text);
  for (const text of [
    "table=0x5,actions=drop",
    "actions=resubmit(,0x5)",
    "actions=goto_table:0x5",
    "priority=++5,actions=drop",
  ])
    assert.throws(() => parseFlow(text, "add", { version: 4 }), FlowSyntaxError, text);
});
