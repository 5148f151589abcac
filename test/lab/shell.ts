/**
 * Runs the system's own tools. Asynchronous, so that an interrupt is noticed between two commands and the lab can be
 * taken down; every failure names the command and what it said.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Do not throw when the command fails. */
  readonly mayFail?: boolean;
  /** Milliseconds until the command is ended; 60 s where not given. */
  readonly timeout?: number;
}

/** Standard output of a command. Throws with its standard error when it fails, unless that is allowed. */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const [file, ...rest] = argv;
    const child = execFile(
      file!,
      rest,
      {
        env: { ...process.env, ...options.env },
        maxBuffer: 1 << 26,
        timeout: options.timeout ?? 60_000,
        encoding: "utf8",
      },
      (error, stdout, stderr) => {
        if (error && !options.mayFail)
          reject(new Error(`${argv.join(" ")}: ${(stderr || stdout || error.message).trim()}`));
        else resolve(stdout);
      },
    );
    child.stdin?.on("error", () => {}); // A command that does not read its input may have ended already.
    child.stdin?.end(options.input ?? "");
  });
}

/** Starts a command that goes on beside us. */
export function start(argv: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
  const [file, ...rest] = argv;
  return spawn(file!, rest, { env: { ...process.env, ...env }, stdio: "ignore" });
}

export const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Debian packages of the tools that the lab and the conformance run call. */
const PACKAGES: Readonly<Record<string, string>> = {
  "ovs-vsctl": "openvswitch-switch",
  "ovs-ofctl": "openvswitch-switch",
  "ovs-appctl": "openvswitch-switch",
  "ovsdb-tool": "openvswitch-switch",
  "ovsdb-server": "openvswitch-switch",
  "ovs-vswitchd": "openvswitch-switch",
  ip: "iproute2",
  sysctl: "procps",
  tcpdump: "tcpdump",
  ethtool: "ethtool",
  iperf3: "iperf3",
  ping: "iputils-ping",
};

/** Where Debian keeps ovs-vswitchd besides /usr/sbin. */
const EXTRA_FOLDERS = ["/usr/sbin", "/sbin", "/usr/lib/openvswitch-switch"];

/** Path of a tool, or undefined. */
export function toolPath(name: string): string | undefined {
  for (const folder of [...(process.env["PATH"] ?? "").split(delimiter), ...EXTRA_FOLDERS]) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not there: the next folder.
    }
  }
  return undefined;
}

/** One sentence that says which of the tools are missing and how to install them, or undefined. */
export function missingTools(tools: readonly string[]): string | undefined {
  const missing = tools.filter((tool) => toolPath(tool) === undefined);
  if (missing.length === 0) return undefined;
  const packages = [...new Set(missing.map((tool) => PACKAGES[tool] ?? tool))];
  return `missing ${missing.join(", ")}: install with: apt-get install -y --no-install-recommends ${packages.join(" ")}`;
}

/** The schema that ovsdb-tool makes a database from. Throws where Open vSwitch is not installed. */
export function ovsSchema(): string {
  const beside = join(toolPath("ovs-vsctl") ?? "/usr/bin/ovs-vsctl", "../../share/openvswitch/vswitch.ovsschema");
  for (const path of [
    beside,
    "/usr/share/openvswitch/vswitch.ovsschema",
    "/usr/local/share/openvswitch/vswitch.ovsschema",
  ])
    if (existsSync(path)) return path;
  throw new Error(`no vswitch.ovsschema beside Open vSwitch: expected ${beside}`);
}
