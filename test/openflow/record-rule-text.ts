/**
 * Asks a private Open vSwitch what it holds after each rule text of rule-texts.ts has been sent to it in each OpenFlow
 * version, and writes test/golden/rule-text.json.gz:
 *
 *     node dist/test/openflow/record-rule-text.js
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
import { PORTS, questions } from "./rule-texts.ts";

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
const ports = Object.entries(PORTS).flatMap(([name, port]) => [
  ...["--", "add-port", "br0", name, "--", "set", "interface", name, "type=dummy", `ofport_request=${port}`],
]);
await vsctl(
  ...["add-br", "br0", "--", "set", "bridge", "br0", "datapath-type=dummy", "fail-mode=secure", protocols],
  ...ports,
);
const bridge = `unix:${folder}/br0.mgmt`;
await run(["ovs-ofctl", "-O", "OpenFlow15", "add-group", bridge, "group_id=5,type=all,bucket=output:1"], { env });

const answers: { text: string; version: number; held?: string; dump?: string; refused?: string }[] = [];
for (const { text, versions } of questions()) {
  for (const version of versions) {
    const protocol = `OpenFlow1${version - 1}`;
    try {
      await run(["ovs-ofctl", "-O", protocol, "add-flow", bridge, text], { env });
      const found = held(await control.call("bridge/dump-flows", "br0"));
      const listed = await run(["ovs-ofctl", "-O", protocol, "--no-names", "--no-stats", "dump-flows", bridge], {
        env,
      });
      answers.push({ text, version, held: found, dump: listed.trim() });
      await run(["ovs-ofctl", "-O", "OpenFlow10", "del-flows", bridge], { env });
    } catch (error) {
      const said = (error as Error).message;
      const code = /OF[A-Z0-9]*_ERROR[^:]*: (\w+)/.exec(said)?.[1];
      answers.push({ text, version, refused: code ?? said.replace(/^.*?ovs-ofctl: /s, "").split("\n")[0]! });
      await run(["ovs-ofctl", "-O", "OpenFlow10", "del-flows", bridge], { env });
    }
  }
}
const version = (await control.call("version")).trim();
control.close();
const target = join(root, "test", "golden", "rule-text.json.gz");
writeFileSync(target, gzipSync(JSON.stringify({ source: version, ports: PORTS, answers }), { level: 9 }));
console.log(
  `${answers.length} answers of ${version} (${answers.filter((a) => a.refused === undefined).length} accepted)`,
);
process.exit(0);
