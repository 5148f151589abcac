/**
 * What a bridge holds after flow mods and group mods, as a real switch holds it: rules as dump-flows prints them, groups, and a
 * refusal for a refusal (test/golden/flow-mods.json.gz, made by record-flow-mods.ts from flow-mod-steps.ts).
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { openFlowVersion } from "../../datapath/openflow/action.ts";
import { formatGroup } from "../../datapath/openflow/group-text.ts";
import { formatRule } from "../../datapath/openflow/rule-text.ts";
import { FlowSyntaxError } from "../../datapath/openflow/syntax.ts";
import { FlowModError } from "../../datapath/openflow/table.ts";
import { OvsSwitch } from "../../datapath/translate/switch.ts";
import { type Sequence, sequences } from "./flow-mod-steps.ts";

/** By sequence, for each step: error (or ""), rules, groups. */
interface Recording {
  readonly held: Readonly<Record<string, readonly (readonly [string, readonly string[], readonly string[]])[]>>;
}
const { held } = JSON.parse(gunzipSync(readFileSync("test/golden/flow-mods.json.gz")).toString()) as Recording;

for (const sequence of sequences) test(`flow mods: ${sequence.name}`, () => compare(sequence));

function compare({ name, openflow, steps }: Sequence): void {
  const host = new OvsSwitch([{ name: "br0", failMode: "secure", ports: [], flows: "", flowsFile: "" }]);
  const { tables } = host.bridge("br0")!;
  const version = openFlowVersion(openflow);
  steps.forEach((step, i) => {
    const [refused, rules, groups] = held[name]![i]!;
    const text = step.lines.join("\n");
    let error = "";
    try {
      if (step.kind === "flows") host.addFlows("br0", text, { openflow });
      else host.addGroups("br0", text, { openflow: step.openflow ?? openflow });
    } catch (caught) {
      if (!(caught instanceof FlowSyntaxError) && !(caught instanceof FlowModError)) throw caught;
      error = caught.message;
    }
    const where = `step ${i + 1}, ${text}: ${refused === "" ? "taken" : refused}; here ${error === "" ? "taken" : error}`;
    assert.equal(error === "", refused === "", where);
    assert.deepEqual(
      tables
        .rules()
        .map((rule) => formatRule(rule, undefined, undefined, version))
        .sort(),
      rules,
      where,
    );
    assert.deepEqual(
      tables
        .allGroups()
        .map((group) => formatGroup(group, true))
        .sort(),
      groups,
      where,
    );
  });
}
