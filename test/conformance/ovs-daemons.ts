/**
 * The daemons of a private Open vSwitch, ovsdb-server and ovs-vswitchd with the userspace "dummy" datapath, in a temporary
 * folder. Nothing of the system is touched, and everything is removed again, also after a failure or an interrupt.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { missingTools, ovsSchema, sleep, toolPath } from "../lab/shell.ts";
import { ShellPipe } from "./shell-pipe.ts";
import { Unixctl } from "./unixctl.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const TOOLS = ["ovsdb-tool", "ovsdb-server", "ovs-vswitchd", "ovs-vsctl", "ovs-ofctl"];

/** Open vSwitch does not take a rule or a group. */
export class Refusal extends Error {}

/** Why there is no Open vSwitch to ask, with how to install it, or undefined. */
export function oracleObstacle(): string | undefined {
  return missingTools(TOOLS);
}

export class OvsDaemons {
  /** Everything of this switch: database, sockets, logs, captures. */
  readonly folder: string;
  private readonly daemons: ChildProcess[] = [];
  private readonly env: Readonly<Record<string, string>>;
  /** The way to ovs-appctl's commands. */
  control!: Unixctl;
  /** The way to ovs-vsctl's and ovs-ofctl's, with the environment that they need. */
  readonly shell: ShellPipe;
  private readonly removeNow = (): void => this.remove();
  private readonly stop = (signal: NodeJS.Signals): void => {
    this.remove();
    process.exit(128 + constants.signals[signal]);
  };
  /** Takes everything away when this process ends without being able to (SIGKILL): the pipe to it closes then. */
  private readonly guard: ChildProcess;

  private constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "eastwest-ovs-"));
    const folders = ["RUN", "LOG", "DB", "SYSCONF"].map((name) => [`OVS_${name}DIR`, this.folder] as const);
    this.env = Object.fromEntries(folders);
    this.shell = new ShellPipe(this.env);
    const clear = 'read -r done || { kill -9 $(cat "$1"/*.pid); sleep 1; rm -rf "$1"; }';
    const pipes = ["pipe", "ignore", "ignore"] as const;
    this.guard = spawn("/bin/sh", ["-c", clear, "sh", this.folder], { stdio: [...pipes], detached: true });
    this.guard.on("error", () => {}).stdin!.on("error", () => {});
    process.on("exit", this.removeNow);
    for (const signal of SIGNALS) process.on(signal, this.stop);
  }

  /** Starts the daemons. Throws where Open vSwitch is not installed. */
  static async start(): Promise<OvsDaemons> {
    const obstacle = oracleObstacle();
    if (obstacle) throw new Error(obstacle);
    const ovs = new OvsDaemons();
    try {
      await ovs.startDaemons();
    } catch (error) {
      ovs.close();
      throw error;
    }
    return ovs;
  }

  close(): void {
    this.control?.close();
    this.remove();
    process.off("exit", this.removeNow);
    for (const signal of SIGNALS) process.off(signal, this.stop);
  }

  /** What the daemon reports of itself. */
  version(): Promise<string> {
    return this.control.call("version");
  }

  private remove(): void {
    this.shell.close();
    this.guard.kill("SIGKILL");
    for (const daemon of this.daemons.splice(0).reverse()) daemon.kill("SIGKILL"); // Nothing of theirs outlives the folder.
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }

  private async startDaemons(): Promise<void> {
    await this.shell.run(["ovsdb-tool", "create", join(this.folder, "conf.db"), ovsSchema()]);
    await this.daemon("ovsdb-server", "db.sock", "conf.db", "--remote=punix:db.sock");
    await this.vsctl("--no-wait", "init");
    const options = ["--enable-dummy", "--disable-system", "--disable-system-route", "--unixctl=vswitchd.ctl"];
    await this.daemon("ovs-vswitchd", "vswitchd.ctl", "unix:db.sock", ...options);
    this.control = await Unixctl.open(join(this.folder, "vswitchd.ctl"));
    await this.control.call("time/stop");
  }

  private async daemon(name: string, socket: string, ...argv: string[]): Promise<void> {
    const log = ["-vconsole:off", `--log-file=${this.folder}/${name}.log`, `--pidfile=${this.folder}/${name}.pid`];
    const env = { ...process.env, ...this.env };
    const errors = openSync(join(this.folder, `${name}.err`), "w");
    const child = spawn(toolPath(name)!, [...argv, ...log], {
      cwd: this.folder,
      env,
      stdio: ["ignore", "ignore", errors],
    });
    closeSync(errors);
    this.daemons.push(child);
    for (let wait = 0; wait < 1000; wait++) {
      // Its file is there a moment before anybody listens at it.
      if (await answers(join(this.folder, socket))) return;
      if (child.exitCode !== null) break;
      await sleep(10);
    }
    throw new Error(`${name} did not start`);
  }

  vsctl(...argv: string[]): Promise<string> {
    return this.shell.run(["ovs-vsctl", "--timeout=20", `--db=unix:${this.folder}/db.sock`, ...argv]);
  }

  /** ovs-ofctl with a bridge; `lines` go to its standard input, a text is its last argument. Throws Refusal. */
  async ofctl(openflow: string, command: string, bridge: string, lines: readonly string[] | string): Promise<void> {
    const [last, input] = typeof lines === "string" ? [lines, ""] : ["-", `${lines.join("\n")}\n`];
    const argv = ["ovs-ofctl", "-O", openflow, command, `unix:${this.folder}/${bridge}.mgmt`];
    try {
      await this.shell.run([...argv, ...(last === "" ? [] : [last])], input);
    } catch (error) {
      await this.control.call("version"); // Or it is the switch that is gone.
      const said = (error as Error).message;
      const code = /OF[A-Z0-9]*_ERROR[^:]*: (\w+)/.exec(said)?.[1];
      throw new Refusal(code ?? said.replace(/^.*?ovs-ofctl: /s, "").split("\n")[0]!);
    }
  }

  /** Why the switch has ended: its failed assertion, which it says on standard error as its log is written by another thread. */
  lastWords(): string {
    const last = (file: string): string => readFileSync(join(this.folder, file), "utf8").trimEnd().split("\n").at(-1)!;
    return last("ovs-vswitchd.err") || last("ovs-vswitchd.log");
  }
}

/** Whether somebody listens at a socket. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
