/**
 * A private OVS-DPDK: its own database, sockets, log and packet memory in one folder, its own network namespace, nothing of
 * the system's Open vSwitch touched, and everything gone when `undo` runs.
 *
 *   frames ->  in (net_pcap, the capture from memory)  -> br0 -> out  (net_null: counts and frees)
 *                                                            \-> tun (gre, vxlan) -> br-phy -> out
 *
 * Packet memory is anonymous (`--in-memory`), so nothing is left in a hugetlbfs; the namespace belongs to the process, so
 * it ends with it. A tunnel needs a second netdev bridge whose LOCAL port has the address, and the remote's MAC; both are
 * given (Open vSwitch Documentation/howto/userspace-tunneling.rst). One PMD thread runs, on the measured core; all other
 * threads stay on the other cores.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../errors.ts";
import { type Daemon, lastWords, launch, run, schedule, sleep, temporaryFolder } from "./child.ts";
import { parseRuleCounts, type RuleCount } from "./numbered-rules.ts";
import { ALL_OPENFLOW, type Controls, globalSettings, planDevices, type SwitchOptions, setUp } from "./ovs-setup.ts";
import { OVS_SCHEMA, otherCores, VSWITCHD_DPDK } from "./packages.ts";
import { type PmdPerf, parsePmdPerf } from "./pmd-perf.ts";
import type { Undo } from "./undo.ts";

/** Longest frame a port takes: 1,500 bytes and an Ethernet header with a tag (net_pcap cannot be asked for more). */
export const LONGEST_FRAME = 1518;
/** Frames of a capture that fit: `infinite_rx` keeps each in a packet buffer of its own. */
export const MOST_FRAMES = 200_000;

/** Turns IPv6 off before the first interface exists, so that only the capture's frames leave; then becomes its arguments. */
const QUIET =
  'for f in all default; do p=/proc/sys/net/ipv6/conf/$f/disable_ipv6; [ ! -w $p ] || echo 1 >$p; done; exec "$0" "$@"';

export class OvsDpdk {
  /** Files with what left, by OpenFlow port of br0 or "underlay"; empty unless recorded. */
  readonly outputs: ReadonlyMap<string, string>;
  readonly #folder: string;
  /** The switch, then its database. */
  readonly #daemons: readonly Daemon[];
  readonly #core: number;

  private constructor(folder: string, daemons: readonly Daemon[], core: number, outputs: ReadonlyMap<string, string>) {
    this.#folder = folder;
    this.#daemons = daemons;
    this.#core = core;
    this.outputs = outputs;
  }

  /**
   * Starts it and begins to receive. Throws InputError when the rules are refused, an Error with the last words of its log
   * when it does not start.
   */
  static async start(undo: Undo, options: SwitchOptions): Promise<OvsDpdk> {
    const folder = temporaryFolder(undo, "eastwest-ovs-");
    const at = (name: string): string => join(folder, name);
    // RUNTIME_DIRECTORY: where DPDK puts its own run-time files, else /var/run/dpdk.
    const env = { OVS_RUNDIR: folder, OVS_LOGDIR: folder, OVS_DBDIR: folder, RUNTIME_DIRECTORY: folder };
    const daemonArguments = (name: string): string[] => [
      `--unixctl=${at(`${name}.ctl`)}`,
      `--log-file=${at(`${name}.log`)}`,
      "-vconsole:off",
    ];
    await run("ovsdb-tool", ["create", at("conf.db"), OVS_SCHEMA], { env });
    const database = await launch(
      undo,
      "ovsdb-server",
      [at("conf.db"), `--remote=punix:${at("db.sock")}`, ...daemonArguments("db")],
      env,
    );
    await appears(at("db.sock"), database, at("db.log"));
    const devices = planDevices(options, folder);
    const vsctl: Controls["vsctl"] = (args) =>
      run("ovs-vsctl", [`--db=unix:${at("db.sock")}`, "--timeout=20", ...args], { env });
    await vsctl(["--no-wait", "init"]);
    await vsctl(["--no-wait", "set", "Open_vSwitch", ".", ...globalSettings(options, devices)]);

    const command = [VSWITCHD_DPDK, `unix:${at("db.sock")}`, "--disable-system", `--pidfile=${at("vs.pid")}`];
    const daemon = await launch(
      undo,
      "taskset",
      ["-c", otherCores(options.core), "unshare", "-n", "sh", "-c", QUIET, ...command, ...daemonArguments("vs")],
      env,
    );
    await appears(at("vs.pid"), daemon, at("vs.log"));
    const self = new OvsDpdk(folder, [daemon, database], options.core, devices.outputs);
    try {
      await setUp(options, devices, {
        vsctl,
        appctl: (args) => self.ask(...args),
        ip: (args) => run("nsenter", ["-t", String(daemon.pid), "-n", "ip", ...args]),
        socket: (bridge) => self.#socket(bridge),
      });
    } catch (error) {
      if (error instanceof InputError) throw error;
      throw new Error(`OVS-DPDK does not start: ${lastErrors(at("vs.log")) || (error as Error).message}`);
    }
    return self;
  }

  /** Stops it and removes its folder; files it wrote are complete before that only for who has read them. */
  async stop(): Promise<void> {
    for (const daemon of this.#daemons) await daemon.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Sets the PMD thread's counters to zero. */
  async clear(): Promise<void> {
    await this.ask("dpif-netdev/pmd-stats-clear");
  }

  /** The counters of the PMD thread on the measured core since `clear`. */
  async perf(): Promise<PmdPerf> {
    const threads = parsePmdPerf(await this.ask("dpif-netdev/pmd-perf-show", "-nh"));
    const found = threads.find((thread) => thread.core === this.#core);
    if (found === undefined) throw new Error(`OVS-DPDK has no PMD thread on core ${this.#core}`);
    return found;
  }

  /** ns that the PMD thread has run, and that it has waited for its core; zeros where the kernel does not say. */
  schedule(): { readonly ran: number; readonly waited: number } {
    const tasks = `/proc/${this.#daemons[0].pid}/task`;
    try {
      for (const thread of readdirSync(tasks)) {
        const name = readFileSync(join(tasks, thread, "comm"), "latin1");
        if (name.startsWith("pmd-c")) return schedule(this.#daemons[0].pid, Number(thread));
      }
    } catch {
      // It is gone; the next question to it says so.
    }
    return { ran: 0, waited: 0 };
  }

  /** Packets and bytes of br0's rules by cookie, with all that the caches have counted until now. */
  async ruleCounts(): Promise<Map<string, RuleCount>> {
    await this.ask("revalidator/wait");
    return parseRuleCounts(await run("ovs-ofctl", ["-O", ALL_OPENFLOW, "dump-flows", this.#socket("br0")]));
  }

  /** Datapath flows, as `dpctl/dump-flows -m` prints them. */
  async megaflows(): Promise<string[]> {
    const dump = await this.ask("dpctl/dump-flows", "-m");
    return dump.split("\n").filter((line) => line.startsWith("ufid:"));
  }

  /** Answer to `ovs-appctl`. Throws when the switch is gone. */
  ask(...command: string[]): Promise<string> {
    return run("ovs-appctl", ["-t", join(this.#folder, "vs.ctl"), ...command]);
  }

  #socket(bridge: string): string {
    return `unix:${join(this.#folder, `${bridge}.mgmt`)}`;
  }

  /** "Open vSwitch 3.1.0, DPDK 22.11.11". */
  static async version(): Promise<string> {
    const text = await run(VSWITCHD_DPDK, ["--version"]);
    const [, ovs = "?"] = /Open vSwitch\) ([\d.]+)/.exec(text) ?? [];
    const [, dpdk = "?"] = /DPDK ([\d.]+)/.exec(text) ?? [];
    return `Open vSwitch ${ovs}, DPDK ${dpdk}`;
  }
}

/** Waits until a daemon has made its socket or pid file. Throws with its log's words when it ends or takes over 20 s. */
async function appears(file: string, daemon: Daemon, log: string): Promise<void> {
  for (let waited = 0; !existsSync(file); waited += 20) {
    if (daemon.gone() || waited > 20_000) {
      const how = daemon.gone() ? `ended (${await daemon.ended})` : "is not ready after 20 s";
      throw new Error(
        `OVS-DPDK does not start: ${file.endsWith("db.sock") ? "ovsdb-server" : "ovs-vswitchd"} ${how}: ${lastErrors(log)}`,
      );
    }
    await sleep(20);
  }
}

/** The last error of an OVS log, without its time and number. */
export function lastErrors(log: string): string {
  if (!existsSync(log)) return "";
  const lines = readFileSync(log, "utf8").split("\n");
  return lastWords(lines.filter((line) => /\|(EMER|ERR)\|/.test(line)).join("\n")).replace(/^[^|]*\|\d+\|/, "");
}
