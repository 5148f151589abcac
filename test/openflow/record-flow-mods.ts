/**
 * Asks a private Open vSwitch what it holds after each step of flow-mod-steps.ts, and writes test/golden/flow-mods.json.gz:
 *
 *     node dist/test/openflow/record-flow-mods.js
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { packageRoot } from "../../bench/paths.ts";
import { OvsDaemons } from "../conformance/ovs-daemons.ts";
import { type Sequence, sequences } from "./flow-mod-steps.ts";

const ovs = await OvsDaemons.start();
const bridge = `unix:${ovs.folder}/br0.mgmt`;
const ofctl = (openflow: string, ...argv: string[]): Promise<string> =>
  ovs.shell.run(["ovs-ofctl", "-O", openflow, "--no-names", ...argv]);
const lines = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.includes(" reply "))
    .sort();

/** Error (or ""), rules and groups after each step. */
async function record({ openflow, steps }: Sequence): Promise<(readonly [string, string[], string[]])[]> {
  await ofctl("OpenFlow15", "del-flows", bridge);
  await ofctl("OpenFlow15", "del-groups", bridge);
  const held: (readonly [string, string[], string[]])[] = [];
  for (const step of steps) {
    let refused = "";
    try {
      await ovs.ofctl(step.openflow ?? openflow, step.kind === "flows" ? "add-flows" : "add-groups", "br0", step.lines);
    } catch (error) {
      refused = (error as Error).message;
    }
    const rules = lines(await ofctl(openflow, "--no-stats", "dump-flows", bridge));
    held.push([refused, rules, lines(await ofctl("OpenFlow15", "dump-groups", bridge))]);
  }
  return held;
}

try {
  const versions = [0, 1, 2, 3, 4, 5].map((minor) => `OpenFlow1${minor}`).join();
  const settings = ["datapath-type=dummy", "fail-mode=secure", `protocols=${versions}`];
  await ovs.vsctl("add-br", "br0", "--", "set", "bridge", "br0", ...settings);
  const held: Record<string, Awaited<ReturnType<typeof record>>> = {};
  for (const sequence of sequences) held[sequence.name] = await record(sequence);
  const source = (await ovs.version()).split("\n")[0]!;
  const target = join(packageRoot, "test", "golden", "flow-mods.json.gz");
  writeFileSync(target, gzipSync(JSON.stringify({ source, held }), { level: 9 }));
  console.log(`${Object.values(held).flat().length} steps of ${source}`);
} finally {
  ovs.close();
}
