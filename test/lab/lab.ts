/**
 * The article's three hosts with real parts: on each an ovs-vswitchd of its own (userspace datapath) in its own network
 * namespace; VMs, DHCP ports and router copies are namespaces with Linux's own IP stack; Linux bridges are the underlay.
 * What is measured here is the outside judge of the product: its rules come from the same files.
 *
 *     vm1 --veth-- br-int --patch-- br-tun ==tunnel== br-ex --eth0-- fab  (bridge in the namespace "fabric")
 *                     \---patch-- br-eth1 --eth1--------------------- fab1
 *
 * Quiet on purpose, so that a capture holds what the VMs were told to send, and what that causes: infrastructure
 * interfaces have no IPv6, the underlay's neighbours are set by hand, nobody solicits an IPv6 router (there is none),
 * and routers probe no neighbour within a recording.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  endpointsOf,
  HOSTS,
  type HostName,
  hostNamed,
  INNER_MTU,
  type LabHost,
  type Mode,
  type Network,
  PERMANENT_NEIGHBOURS,
  tunnelPortName,
} from "./layout.ts";
import { missingTools, ovsSchema, run, sleep, toolPath } from "./shell.ts";

export interface LabOptions {
  readonly mode: Mode;
  readonly network: Network;
  /** Folder with HOST.BRIDGE.flows; the article's scenario where not given. */
  readonly rules?: string;
  /** Without them a router copy has to ask for its neighbours. */
  readonly permanentNeighbours?: boolean;
}

const TOOLS =
  "ip sysctl tcpdump ethtool iperf3 ping ovsdb-tool ovsdb-server ovs-vswitchd ovs-vsctl ovs-ofctl ovs-appctl";

/** Bridges with rules; VLAN networks need no tunnels. */
export function bridgesOf(network: Network): readonly string[] {
  return network === "vlan" ? ["br-int", "br-eth1"] : ["br-int", "br-tun", "br-eth1"];
}

/** Why the lab cannot run here, in one sentence, or undefined. */
export function labObstacle(): string | undefined {
  if (process.platform !== "linux") return `the lab needs Linux (network namespaces), this is ${process.platform}`;
  if (process.getuid?.() !== 0) return "the lab needs root (it makes network namespaces): run it with sudo";
  return missingTools(TOOLS.split(" "));
}

/** Why namespaces cannot be made although we are root (a container, mostly), or undefined. */
export async function namespaceObstacle(): Promise<string | undefined> {
  const name = `eastwest-probe-${process.pid}`;
  try {
    await run(["ip", "netns", "add", name]);
    await run(["ip", "netns", "exec", name, "ip", "tuntap", "add", "probe", "mode", "tap"]);
    return undefined;
  } catch (error) {
    return `the lab cannot make network namespaces and taps here: ${(error as Error).message.split("\n")[0]}`;
  } finally {
    await run(["ip", "netns", "delete", name], { mayFail: true });
  }
}

/** Repository root, from the sources as well as from dist/. */
function repository(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
  return folder;
}

export function scenarioRules(network: Network, mode: Mode): string {
  return join(repository(), "bench", "scenarios", `${network}-${mode}`);
}

export class Lab {
  /** Put before the name of every namespace, so that a test does not take away the lab that a person uses. */
  readonly prefix: string;
  readonly folder: string;

  constructor(prefix = "") {
    this.prefix = prefix;
    this.folder = join(tmpdir(), `eastwest-lab-${prefix || "main"}`);
  }

  // -- asking ---------------------------------------------------------------------------------------------------

  /** Name of a namespace: "vm1", "fabric", "test115". */
  space(name: string): string {
    return this.prefix + name;
  }

  /** Command line that runs inside a namespace. */
  inside(name: string, ...argv: string[]): string[] {
    return ["ip", "netns", "exec", this.space(name), ...argv];
  }

  exec(name: string, ...argv: string[]): Promise<string> {
    return run(this.inside(name, ...argv));
  }

  /** `ovs-ofctl` on a bridge of a host: ofctl("test115", "br-int", "dump-flows"). */
  ofctl(host: string, bridge: string, command: string, ...rest: string[]): Promise<string> {
    const folder = this.hostFolder(hostNamed(host).name);
    return run(
      this.inside(
        host,
        "ovs-ofctl",
        ...(rest[0] === "-O" ? rest.splice(0, 2) : []),
        command,
        `unix:${folder}/${bridge}.mgmt`,
        ...rest,
      ),
    );
  }

  /** `ovs-appctl` on the switch of a host: appctl("test115", "fdb/show", "br-int"). */
  appctl(host: string, ...argv: string[]): Promise<string> {
    return run(this.inside(host, "ovs-appctl", "-t", join(this.hostFolder(hostNamed(host).name), "ctl"), ...argv));
  }

  vsctl(host: HostName, ...argv: string[]): Promise<string> {
    const folder = this.hostFolder(host);
    return run(this.inside(host, "ovs-vsctl", "--timeout=20", `--db=unix:${folder}/db.sock`, ...argv));
  }

  private hostFolder(host: HostName): string {
    return join(this.folder, host);
  }

  // -- up -------------------------------------------------------------------------------------------------------

  /** Builds everything anew; what an earlier lab of this prefix left is removed first. Throws, taking down again. */
  async up(options: LabOptions): Promise<void> {
    const obstacle = labObstacle();
    if (obstacle) throw new Error(obstacle);
    const rules = options.rules ?? scenarioRules(options.network, options.mode);
    if (!existsSync(rules)) throw new Error(`${rules}: no such folder of rule files`);
    await this.down();
    mkdirSync(this.folder, { recursive: true });
    try {
      await this.makeSpace("fabric");
      for (const bridge of ["fab", "fab1"]) {
        await this.exec("fabric", "ip", "link", "add", bridge, "type", "bridge", "mcast_snooping", "0");
        await this.exec("fabric", "ip", "link", "set", bridge, "up");
      }
      for (const host of HOSTS) {
        await this.makeHost(host);
        await this.addBridges(host, options.network);
        await this.addEndpoints(host, options);
        await this.addRules(host, rules, options.network);
      }
      await this.setUnderlayNeighbours();
      writeFileSync(join(this.folder, "options.json"), JSON.stringify({ ...options, rules }));
    } catch (error) {
      await this.down();
      throw error;
    }
  }

  /** What is up under this prefix, or undefined. */
  current(): LabOptions | undefined {
    const path = join(this.folder, "options.json");
    return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
  }

  private async makeSpace(name: string): Promise<void> {
    // Written down before it is made, so that `down` finds it whatever happens in between.
    writeFileSync(join(this.folder, "namespaces"), `${this.space(name)}\n`, { flag: "a" });
    await run(["ip", "netns", "add", this.space(name)]);
    await this.exec(name, "ip", "link", "set", "lo", "up");
    await this.exec(name, "sysctl", "-qw", "net.ipv6.conf.default.router_solicitations=0");
    if (name === "fabric" || HOSTS.some((host) => host.name === name))
      await this.exec(
        name,
        "sysctl",
        "-qw",
        "net.ipv6.conf.all.disable_ipv6=1",
        "net.ipv6.conf.default.disable_ipv6=1",
      );
  }

  /** Namespace, NICs on the fabric, database and switch of a host. */
  private async makeHost(host: LabHost): Promise<void> {
    const { name } = host;
    const folder = this.hostFolder(name);
    mkdirSync(folder, { recursive: true });
    await this.makeSpace(name);
    for (const [nic, bridge, octet] of [
      ["eth0", "fab", "01"], // Another MAC address than br-ex, or the kernel would answer tunnel frames too.
      ["eth1", "fab1", "02"],
    ] as const) {
      const port = nic === "eth0" ? name : `${name}-1`;
      const peer = ["type", "veth", "peer", "name", port, "netns", this.space("fabric")];
      await run(["ip", "link", "add", nic, "netns", this.space(name), ...peer]);
      await this.exec("fabric", "ip", "link", "set", port, "master", bridge, "up");
      await this.exec(name, "ip", "link", "set", nic, "address", host.mac.replace("52:54:00", `52:54:${octet}`), "up");
      await this.noOffload(name, nic);
      await this.noOffload("fabric", port);
    }
    const env = { OVS_RUNDIR: folder, OVS_LOGDIR: folder, OVS_DBDIR: folder, OVS_SYSCONFDIR: folder };
    const daemon = (argv: string[]): Promise<string> =>
      run(this.inside(name, ...argv, "--detach", "--no-chdir", "-vconsole:off", "--log-file"), { env });
    await run(["ovsdb-tool", "create", join(folder, "conf.db"), ovsSchema()], { env });
    const socket = join(folder, "db.sock");
    await daemon(["ovsdb-server", join(folder, "conf.db"), `--pidfile=${folder}/db.pid`, `--remote=punix:${socket}`]);
    await this.vsctl(name, "--no-wait", "init");
    const control = [`--pidfile=${folder}/switch.pid`, `--unixctl=${folder}/ctl`];
    await daemon([toolPath("ovs-vswitchd")!, `unix:${socket}`, ...control]);
  }

  private async addBridges(host: LabHost, network: Network): Promise<void> {
    const { name, patch } = host;
    const commands: string[] = [];
    const add = (...words: string[]): unknown => commands.push(...(commands.length > 0 ? ["--"] : []), ...words);
    const addPort = (bridge: string, port: string, ofport: number, ...settings: string[]): void => {
      add("add-port", bridge, port);
      add("set", "interface", port, `ofport_request=${ofport}`, ...settings);
    };
    add("add-br", "br-ex");
    add("set", "bridge", "br-ex", "datapath_type=netdev", `other_config:hwaddr="${host.mac}"`);
    addPort("br-ex", "eth0", 1);
    for (const bridge of bridgesOf(network)) {
      const failMode = bridge === "br-eth1" ? "standalone" : "secure";
      add("add-br", bridge);
      add("set", "bridge", bridge, "datapath_type=netdev", `fail_mode=${failMode}`);
    }
    addPort("br-eth1", "eth1", 1);
    const addPatch = (bridge: string, port: string, ofport: number, peer: string): void =>
      addPort(bridge, port, ofport, "type=patch", `options:peer=${peer}`);
    if (network !== "vlan") {
      addPatch("br-int", "patch-tun", patch.patchTun, "patch-int");
      addPatch("br-tun", "patch-int", patch.patchInt, "patch-tun");
    }
    addPatch("br-int", "int-br-eth1", patch.intBrEth1, "phy-br-eth1");
    addPatch("br-eth1", "phy-br-eth1", 2, "int-br-eth1");
    await this.vsctl(name, ...commands);
    await this.exec(name, "ip", "address", "add", `${host.tunnelAddress}/24`, "dev", "br-ex");
    await this.exec(name, "ip", "link", "set", "br-ex", "up");
    if (network === "vlan") return;
    commands.length = 0;
    for (const { to, ofport } of host.tunnels) {
      const remote = hostNamed(to).tunnelAddress;
      const options = ["key=flow", "df_default=true", `local_ip=${host.tunnelAddress}`, `remote_ip=${remote}`];
      const settings = options.map((option) => `options:${option}`);
      addPort("br-tun", tunnelPortName(network, remote), ofport, `type=${network}`, ...settings);
    }
    await this.vsctl(name, ...commands);
  }

  private async addEndpoints(host: LabHost, options: LabOptions): Promise<void> {
    const { name } = host;
    const spaces = new Set<string>();
    for (const one of endpointsOf(host, options.mode)) {
      const { space, port } = one;
      const router = one.kind === "router";
      if (!spaces.has(space)) await this.makeSpace(space);
      spaces.add(space);
      const device = router ? port : "eth0";
      const veth = ["type", "veth", "peer", "name", device, "netns", this.space(space)];
      await run(["ip", "link", "add", port, "netns", this.space(name), ...veth]);
      await this.exec(name, "ip", "link", "set", port, "up");
      await this.noOffload(name, port);
      const mtu = String(INNER_MTU[options.network]);
      await this.vsctl(
        name,
        ...["add-port", "br-int", port, `tag=${one.tag}`],
        ...["--", "set", "interface", port, `ofport_request=${one.ofport}`],
      );
      await this.exec(space, "ip", "link", "set", device, "address", one.mac, "mtu", mtu, "up");
      await this.exec(space, "ip", "address", "add", one.address, "dev", device);
      await this.noOffload(space, device);
      if (one.kind !== "vm") {
        // Routers and DHCP servers probe no neighbour while a recording lasts.
        const patient = ["ipv4", "ipv6"].map((version) => `net/${version}/neigh/${device}/delay_first_probe_time=120`);
        await this.exec(space, "sysctl", "-qw", ...patient);
      }
      const gateway = one.address.replace(/\d+\/\d+$/, "1");
      if (one.kind === "vm") await this.exec(space, "ip", "route", "add", "default", "via", gateway);
      if (!router) continue;
      const settings = [
        "ip_forward=1",
        "conf.all.rp_filter=0",
        "conf.default.rp_filter=0",
        "conf.all.send_redirects=0",
      ];
      await this.exec(space, "sysctl", "-qw", ...settings.map((setting) => `net.ipv4.${setting}`));
      if (options.mode === "legacy" || options.permanentNeighbours === false) continue;
      for (const { ip, dev, mac } of PERMANENT_NEIGHBOURS.filter((neighbour) => neighbour.dev === device))
        await this.exec(space, "ip", "neigh", "replace", ip, "lladdr", mac, "nud", "permanent", "dev", dev);
    }
  }

  private async addRules(host: LabHost, rules: string, network: Network): Promise<void> {
    for (const bridge of bridgesOf(network)) {
      await this.ofctl(host.name, bridge, "del-flows");
      const file = join(rules, `${host.name}.${bridge}.flows`);
      await this.ofctl(host.name, bridge, "add-flows", "-O", "OpenFlow10", file);
    }
  }

  /** In place of ARP on the underlay, which would cost the first frame of each pair of hosts. */
  async setUnderlayNeighbours(): Promise<void> {
    for (const host of HOSTS)
      for (const other of HOSTS)
        if (other !== host) await this.appctl(host.name, "tnl/arp/set", "br-ex", other.tunnelAddress, other.mac);
  }

  private async noOffload(space: string, device: string): Promise<void> {
    // Each frame as it is on a wire: whole checksums, no segment larger than the MTU.
    const features = ["tx", "off", "tso", "off", "gso", "off", "gro", "off"];
    await run(this.inside(space, "ethtool", "-K", device, ...features), { mayFail: true });
  }

  /** Empties what hosts and stacks have learned, so that a recording begins cold: MAC tables, learned rules, megaflows, ARP. */
  async forget(): Promise<void> {
    const { mode, network, rules } = this.current()!;
    for (const host of HOSTS) {
      for (const bridge of ["br-ex", ...bridgesOf(network)]) await this.appctl(host.name, "fdb/flush", bridge);
      await this.addRules(host, rules!, network);
      await this.appctl(host.name, "revalidator/purge");
      for (const space of new Set(endpointsOf(host, mode).map((one) => one.space)))
        await this.exec(space, "ip", "neigh", "flush", "all"); // Permanent entries stay.
    }
  }

  // -- down -----------------------------------------------------------------------------------------------------

  /** Ends what runs in our namespaces, removes them and the run folder. Never fails; nothing else is touched. */
  async down(): Promise<void> {
    const list = join(this.folder, "namespaces");
    const spaces = existsSync(list) ? [...new Set(readFileSync(list, "utf8").split("\n").filter(Boolean))] : [];
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      let alive = 0;
      for (const space of spaces)
        for (const pid of (await run(["ip", "netns", "pids", space], { mayFail: true })).split("\n").filter(Boolean)) {
          alive++;
          try {
            process.kill(Number(pid), signal);
          } catch {
            // Ended by itself.
          }
        }
      if (alive === 0) break;
      for (let wait = 0; wait < 20 && (await this.processes(spaces)) > 0; wait++) await sleep(50);
    }
    for (const space of spaces) await run(["ip", "netns", "delete", space], { mayFail: true });
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async processes(spaces: readonly string[]): Promise<number> {
    let count = 0;
    for (const space of spaces)
      count += (await run(["ip", "netns", "pids", space], { mayFail: true })).split("\n").filter(Boolean).length;
    return count;
  }
}
