/**
 * Asks a private Open vSwitch what it holds after each rule text of rule-texts.ts has been sent to it in each OpenFlow
 * version, and writes test/golden/rule-text.json.gz:
 *
 *     node dist/test/openflow/record-rule-text.js
 *     node dist/test/openflow/record-rule-text.js fields     the questions of field- and action-texts.ts, to rule-text-fields.json.gz
 *
 * "Holds" is what `bridge/dump-flows` of the daemon prints, which knows the rule before it is put into any version's words.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { Unixctl } from "../conformance/unixctl.ts";
import { ovsSchema, run, sleep, toolPath } from "../lab/shell.ts";
import { actionQuestions } from "./action-texts.ts";
import { fieldQuestions } from "./field-texts.ts";
import { PORTS, type Question, questions } from "./rule-texts.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
const folder = mkdtempSync(join(tmpdir(), "eastwest-rules-"));
const env = Object.fromEntries(["RUN", "LOG", "DB", "SYSCONF"].map((name) => [`OVS_${name}DIR`, folder]));
const daemons: ChildProcess[] = [];
process.on("exit", () => {
  for (const daemon of daemons) daemon.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});

async function daemon(name: string, socket: string, ...argv: string[]): Promise<void> {
  const log = ["-vconsole:off", `--pidfile=${folder}/${name}.pid`];
  daemons.push(
    spawn(toolPath(name)!, [...argv, ...log], { cwd: folder, env: { ...process.env, ...env }, stdio: "ignore" }),
  );
  for (let wait = 0; wait < 1000 && !existsSync(join(folder, socket)); wait++) await sleep(10);
}

/** Whole hidden tables and the statistics are no part of what a rule says. */
function held(dump: string): string {
  return dump
    .split("\n")
    .filter((line) => line.includes("duration=") && !line.includes("table_id=254"))
    .map((line) => line.replace(/duration=\d+s, n_packets=\d+, n_bytes=\d+, /, "").trim())
    .join("\n");
}

await run(["ovsdb-tool", "create", join(folder, "conf.db"), ovsSchema()], { env });
await daemon("ovsdb-server", "db.sock", "conf.db", "--remote=punix:db.sock");
const vsctl = (...argv: string[]): Promise<string> =>
  run(["ovs-vsctl", "--timeout=20", `--db=unix:${folder}/db.sock`, ...argv], { env });
await vsctl("--no-wait", "init");
const options = ["--enable-dummy", "--disable-system", "--disable-system-route", "--unixctl=vswitchd.ctl"];
await daemon("ovs-vswitchd", "vswitchd.ctl", "unix:db.sock", ...options);
const control = await Unixctl.open(join(folder, "vswitchd.ctl"));
const protocols = "protocols=OpenFlow10,OpenFlow11,OpenFlow12,OpenFlow13,OpenFlow14,OpenFlow15";
/** Asked side by side, each by a bridge of its own. */
const BRIDGES = ["br0", "br1", "br2"];
for (const name of BRIDGES) {
  const ports = Object.entries(PORTS).flatMap(([port, number]) => [
    ...["--", "add-port", name, `${name}${port}`, "--", "set", "interface", `${name}${port}`],
    ...["type=dummy", `ofport_request=${number}`],
  ]);
  await vsctl(
    ...["add-br", name, "--", "set", "bridge", name, "datapath-type=dummy", "fail-mode=secure", protocols],
    ...ports,
  );
  const group = "group_id=5,type=all,bucket=output:1";
  await run(["ovs-ofctl", "-O", "OpenFlow15", "add-group", `unix:${folder}/${name}.mgmt`, group], { env });
}

/** Fields in the version that Neutron speaks, actions in three that differ most. */
const tableQuestions = (): Question[] => [
  ...fieldQuestions().map((text) => ({ text, versions: [4] })),
  ...actionQuestions().map((text) => ({ text, versions: [1, 4, 6] })),
];

interface Answer {
  readonly text: string;
  readonly version: number;
  readonly held?: string;
  readonly dump?: string;
  readonly refused?: string;
}

/** One rule, after everything else is gone. `dump`: also as dump-flows prints it. */
async function ask(name: string, text: string, version: number, dump: boolean): Promise<Answer> {
  const argv = ["ovs-ofctl", "-O", `OpenFlow1${version - 1}`];
  const bridge = `unix:${folder}/${name}.mgmt`;
  // Port names are unique in a switch.
  const own = text.replace(/\b(p[1-3]|eth-4)\b/g, `${name}$1`);
  try {
    await run([...argv, "add-flows", bridge, "-"], { env, input: `delete\n${own}\n` });
  } catch (error) {
    const said = (error as Error).message;
    const code = /OF[A-Z0-9]*_ERROR[^:]*: (\w+)/.exec(said)?.[1];
    const refused = code ?? said.replace(/^.*?ovs-ofctl: /s, "").split("\n")[0]!;
    return { text, version, refused: refused.replace(/^-:\d+: /, "") };
  }
  const answer = { text, version, held: held(await control.call("bridge/dump-flows", name)) };
  if (answer.held.includes("\n")) {
    // Of "delete" and what follows, a slow switch may still show what was there before.
    await run([...argv, "del-flows", bridge], { env });
    return ask(name, text, version, dump);
  }
  if (!dump) return answer;
  const listed = await run([...argv, "--no-names", "--no-stats", "dump-flows", bridge], { env });
  return { ...answer, dump: listed.trim() };
}

const fields = process.argv[2] === "fields";
const asked = (fields ? tableQuestions() : questions()).flatMap(({ text, versions, dump }) =>
  versions.map((version) => ({ text, version, dump: dump === true && (version === 1 || version === 4) })),
);
const answers: Answer[] = new Array(asked.length);
let next = 0;
await Promise.all(
  BRIDGES.map(async (name) => {
    while (next < asked.length) {
      const at = next++;
      const { text, version, dump } = asked[at]!;
      answers[at] = await ask(name, text, version, dump);
      if (at % 500 === 0) console.log(`${at} of ${asked.length}`);
    }
  }),
);
const version = (await control.call("version")).trim();
control.close();
const target = join(root, "test", "golden", fields ? "rule-text-fields.json.gz" : "rule-text.json.gz");
writeFileSync(target, gzipSync(JSON.stringify({ source: version, ports: PORTS, answers }), { level: 9 }));
console.log(
  `${answers.length} answers of ${version} (${answers.filter((a) => a.refused === undefined).length} accepted)`,
);
process.exit(0);
