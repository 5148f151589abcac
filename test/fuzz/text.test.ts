/**
 * Rules, groups, matches, ports and cases that nobody would write: each is either taken, or refused by one line that a
 * person can read. What is taken is printed and, printed, taken again.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { isInputError, messageOf } from "../../bench/errors.ts";
import { parseJson, readCase } from "../../bench/ovs-cases/case.ts";
import { packageRoot } from "../../bench/paths.ts";
import { openFlowVersion } from "../../datapath/openflow/action.ts";
import { parseExactFlow } from "../../datapath/openflow/flow-text.ts";
import { parseGroups } from "../../datapath/openflow/group-text.ts";
import { parseFlow, parseFlows, parseMatch } from "../../datapath/openflow/rule-text.ts";
import { parseDatapathFlow } from "../../datapath/ovs/datapath-flow-text.ts";
import type { BridgeConfig, PortConfig } from "../../datapath/topology.ts";
import { OvsSwitch } from "../../datapath/translate/switch.ts";
import type { Random } from "../conformance/random.ts";
import { datapathFlows } from "../ovs/situations-datapath.ts";
import { TEXTS } from "./corpus.ts";
import { fuzz, mutateText } from "./fuzz.ts";

const VERSIONS = ["OpenFlow10", "OpenFlow11", "OpenFlow13", "OpenFlow14", "OpenFlow15"].map(openFlowVersion);
const PORTS = new Map([
  ["p1", 1],
  ["p2", 2],
  ["p3", 3],
  ["eth-4", 4],
]);
const ports = (name: string): number | undefined => PORTS.get(name);

interface Golden {
  readonly answers: readonly { readonly text: string }[];
  readonly groups?: readonly { readonly text: string }[];
}
const golden = JSON.parse(
  gunzipSync(readFileSync(join(packageRoot, "test/golden/rule-text.json.gz"))).toString(),
) as Golden;
const RULES = [...new Set(golden.answers.map(({ text }) => text))];
const GROUPS = [
  "group_id=1,type=all,bucket=output:1,bucket=output:2",
  "group_id=2,type=select,selection_method=hash,fields(ip_src,ip_dst=255.255.0.0),bucket=bucket_id:1,weight:10,actions=output:1,bucket=bucket_id:2,actions=set_field:1->reg0,2",
  "group_id=3,type=fast_failover,bucket=watch_port:1,output:1,bucket=watch_group:2,actions=drop",
  "group_id=4,type=select,selection_method=dp_hash,selection_method_param=7,bucket=weight:0,actions=1",
  "group_id=0xffffff00,type=indirect,bucket=resubmit(,5)",
];
const MATCHES = RULES.map((text) => text.replace(/[, ]*actions=.*$/s, "")).filter((text) => text !== "");

const DATAPATH_FLOWS = datapathFlows.flatMap(({ traces }) => traces.map(([, flow]) => flow!));
const HOST = new OvsSwitch(
  [{ name: "br0", failMode: "secure", ports: [{ name: "p1", ofport: 1, type: "dummy" }], flows: "", flowsFile: "" }],
  { vlanLimit: 2 },
);

/** Runs `parse`; an error must be one for people, in one line that says where. */
function accepts(text: string, parse: () => unknown): boolean {
  try {
    parse();
    return true;
  } catch (error) {
    const told = error instanceof Error ? error.stack : String(error);
    assert.ok(isInputError(error), `${JSON.stringify(text)}: ${told}`);
    const line = messageOf(error);
    assert.ok(!/\p{Cc}/u.test(line) && line.length > 0, `${JSON.stringify(text)}: ${told}`);
    return false;
  }
}

const parsers: readonly {
  name: string;
  seeds: readonly string[];
  few: number;
  parse: (text: string, random: Random) => void;
}[] = [
  {
    name: "rules",
    seeds: RULES,
    few: 20_000,
    parse: (text, random) => parseFlow(text, "add", { file: "f", version: random.pick(VERSIONS), ports }),
  },
  {
    name: "flow mods other than add",
    seeds: RULES,
    few: 5_000,
    parse: (text, random) =>
      parseFlow(text, random.pick(["modify", "modify_strict", "delete", "delete_strict"] as const), {
        version: random.pick(VERSIONS),
        ports,
      }),
  },
  {
    name: "files of rules",
    seeds: RULES,
    few: 3_000,
    parse: (text, random) => parseFlows(`# ${text}\n${text}\r\n${text}`, { version: random.pick(VERSIONS), ports }),
  },
  { name: "matches", seeds: MATCHES, few: 5_000, parse: (text) => parseMatch(text, { ports }) },
  { name: "flows", seeds: MATCHES, few: 5_000, parse: (text) => parseExactFlow(text, ports) },
  {
    name: "flows of the datapath",
    seeds: DATAPATH_FLOWS,
    few: 5_000,
    parse: (text) => parseDatapathFlow(text, HOST),
  },
  {
    name: "groups",
    seeds: GROUPS,
    few: 5_000,
    parse: (text, random) => parseGroups(text, { version: random.pick(VERSIONS), ports }),
  },
];

for (const { name, seeds, few, parse } of parsers) {
  fuzz(name, few, (random, count, t) => {
    let taken = 0;
    for (let n = 0; n < count; n++) {
      const text = mutateText(random, seeds);
      if (accepts(text, () => parse(text, random))) taken++;
    }
    // All refused or all taken would mean that nothing was tried.
    assert.ok(taken > count / 100 && taken < count, `${taken} of ${count} taken`);
    t.diagnostic(`${taken} taken`);
  });
}

const OPTIONS = [
  "remote_ip",
  "local_ip",
  "key",
  "in_key",
  "out_key",
  "tos",
  "ttl",
  "df_default",
  "csum",
  "dst_port",
  "peer",
];
const VALUES = ["flow", "inherit", "10.0.0.1", "1", "0x10", "true", "false", "64", "4789", "p2"];

fuzz("ports and their options", 2_000, (random, count, t) => {
  let taken = 0;
  for (let n = 0; n < count; n++) {
    const value = (): string => (random.chance(70) ? random.pick(VALUES) : mutateText(random, VALUES));
    const options: Record<string, string> = {};
    for (let i = random.below(4); i > 0; i--)
      options[random.chance(95) ? random.pick(OPTIONS) : mutateText(random, OPTIONS)] = value();
    const port = {
      name: random.chance(90) ? "p1" : mutateText(random, ["p1"]),
      ofport: 1,
      type: random.pick(["dummy", "gre", "vxlan", "geneve", "patch"]),
      options,
      ...(random.chance(30) ? { tag: random.pick([0, 1, 4095, 4096, -1, 1.5]) } : {}),
      ...(random.chance(20) ? { trunks: [random.pick([0, 7, 4096])] } : {}),
      ...(random.chance(20) ? { vlan_mode: random.pick(["access", "trunk", "dot1q-tunnel", "x"]) } : {}),
    } as PortConfig;
    const bridge: BridgeConfig = { name: "br0", failMode: "secure", ports: [port], flows: "", flowsFile: "" };
    if (accepts(JSON.stringify(port), () => new OvsSwitch([bridge]))) taken++;
  }
  t.diagnostic(`${taken} taken`);
});

const CASES = ["acl", "tunnel", "normal"].flatMap((family) =>
  (
    JSON.parse(
      gunzipSync(readFileSync(join(packageRoot, `test/golden/ovs-cases/${family}.json.gz`))).toString(),
    ) as unknown[]
  )
    .slice(0, 5)
    .map((one) => JSON.stringify(one)),
);

fuzz("cases", 2_000, (random, count, t) => {
  let taken = 0;
  for (let n = 0; n < count; n++) {
    // Small ones, or nearly all changes would fall into their rules.
    const one = JSON.parse(random.pick(CASES)) as { bridges: { flows: string[] }[]; packets: unknown[] };
    for (const bridge of one.bridges) bridge.flows = bridge.flows.slice(0, 2);
    one.packets = one.packets.slice(0, 2);
    delete (one as { expect?: unknown }).expect;
    const text = mutateText(random, [JSON.stringify(one)]);
    if (accepts(text, () => readCase(parseJson(text, "f"), "f"))) taken++;
  }
  t.diagnostic(`${taken} taken`);
});

test("fuzz: texts that once went wrong", () => {
  for (const { parser, text } of TEXTS) {
    const { parse } = parsers.find(({ name }) => name === parser)!;
    // Any version and command may have been the one.
    for (let n = 0; n < 20; n++)
      accepts(text, () => parse(text, { pick: (list: readonly unknown[]) => list[n % list.length] } as Random));
  }
});
