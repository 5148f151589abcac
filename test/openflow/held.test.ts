/**
 * What a real switch holds after a rule was sent to it (test/golden/rule-text.json.gz and rule-text-fields.json.gz, made by
 * record-rule-text.ts from rule-texts.ts, field-texts.ts and action-texts.ts): the same match and actions, and a refusal for a refusal.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import type { OpenFlowVersion } from "../../datapath/openflow/action.ts";
import { formatActions } from "../../datapath/openflow/action-format.ts";
import { formatMatch } from "../../datapath/openflow/match-format.ts";
import { parseFlow } from "../../datapath/openflow/rule-text.ts";
import { FlowSyntaxError } from "../../datapath/openflow/syntax.ts";

interface Recording {
  readonly ports: Readonly<Record<string, number>>;
  readonly answers: readonly {
    readonly text: string;
    readonly version: OpenFlowVersion;
    readonly held?: string;
    readonly refused?: string;
  }[];
}

const recorded = (file: string): Recording =>
  JSON.parse(gunzipSync(readFileSync(`test/golden/${file}.json.gz`)).toString()) as Recording;

/** Where we differ on purpose. */
const DIFFERENT: readonly (readonly [RegExp, string])[] = [
  [/10\.0\.0\.256/, "Open vSwitch takes 256 for 0"],
  [/goto_table:(0|255)\b/, "Open vSwitch takes tables that cannot be gone to"],
  [/write_actions\(learn/, "1.0 drops write_actions unseen, here its content is checked"],
  [/learn\(.*idle_timeout=x/, "Open vSwitch overlooks that x is no number"],
  [/set_field:\w+->dl_vlan/, "Open vSwitch sets in_port instead"],
  [/cookie=0x1234567890abcdef/, "bridge/dump-flows breaks the line"],
  [/packet_type=\(1/, "prerequisites of fields of packets without Ethernet are not told apart"],
  [/tcp_flags=.*icmp6/, "Open vSwitch takes flags of TCP for an option of neighbour discovery"],
  [/recirc_id=0,ip/, "Open vSwitch prints eth here"],
  [/encap\(mpls|debug_recirc/, "refused by name"],
  [/write_actions\((?!set_|output:1)/, "1.0 drops write_actions unseen, here its content is checked"],
  [/output:(tun_)?(ipv6_\w+|xxreg\d|nd_target)\[\]/, "Open vSwitch's encoding has no room for a width of 128"],
  [/->dl_vlan\b/, "Open vSwitch sets in_port instead"],
  [/skb_priority/, "not for rules; Open vSwitch takes it where it says nothing"],
  [/packet_type=\(2|packet_type\[\]|packet_type\(ns=2/, "only Ethernet and Ethernet types are known"],
  [
    /packet_type=\S+\)|icmp(v6)?_code=0x,|dec_ttl\(x|priority=65536|symmetric_l3,65536|cookie=-1/,
    "Open vSwitch overlooks what is wrong",
  ],
  [/group:(7|4294967040)/, "a group may come after the rule"],
  [/vlan_tci=4095/, "1.0 has no such match"],
  [/ct_|ct\(|nsh|tun_metadata|sample|meter|pause/, "refused by name"],
];

/** What it looks like to a real switch and to us: rules by hand and mixtures; every field and action in every place. */
for (const [file, least] of [
  ["rule-text", 5000],
  ["rule-text-fields", 7500],
] as const) {
  test(`a rule is held as a real switch holds it: ${file}`, () => compare(recorded(file), least));
}

function compare({ ports, answers }: Recording, least: number): void {
  const differences: string[] = [];
  let equal = 0;
  for (const { text, version, held, refused } of answers) {
    // 1.1 has a match of its own, narrower than all others; that is not enforced.
    if (version === 2) continue;
    let got = "";
    try {
      const mod = parseFlow(text, "add", { version, ports: (name) => ports[name] });
      const fields = [mod.priority === 0x8000 ? "" : `priority=${mod.priority}`, formatMatch(mod.match)];
      got = `${fields.filter((part) => part !== "").join(",")},actions=${formatActions(mod.actions)}`;
    } catch (error) {
      if (!(error instanceof FlowSyntaxError)) throw error;
    }
    const want = (held ?? "").replace(/^(cookie=\S+, )?(table_id=\d+, )?((idle|hard)_timeout=\d+, ?)*/, "");
    if (got === want || got === held) equal++;
    else if (!DIFFERENT.some(([pattern]) => pattern.test(text))) {
      differences.push(`version ${version}: ${text}\n  ${held ?? refused}\n  ${got}`);
    }
  }
  assert.deepEqual(differences, []);
  assert.ok(equal > least, `${equal} equal`);
}
