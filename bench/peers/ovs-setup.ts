/**
 * What a private OVS-DPDK is made of: its devices, settings, bridges, ports, addresses and rules, in the order in which
 * they have to come. ovs-dpdk.ts says why it looks like this.
 */
import { join } from "node:path";
import { InputError } from "../errors.ts";
import { isTunnel, type PortSpec, sharedPrefix, underlayMac } from "../replay/port-spec.ts";
import { run, sleep } from "./child.ts";
import { otherCores } from "./packages.ts";

/** Packet memory, MB: 262,144 buffers of about 3 KB, what OVS asks for first, and its own needs. */
export const MEMORY_MB = 1024;

export interface SwitchOptions {
  /** A plain pcap (plain-capture.ts). */
  readonly capture: string;
  /** Rules for br0, as `ovs-ofctl add-flows` takes them, and what to call them in messages. */
  readonly rules: string;
  readonly rulesName: string;
  readonly ports: readonly PortSpec[];
  readonly core: number;
  /** False: no flow is put into the exact-match cache. */
  readonly exactMatchCache: boolean;
  /** The capture comes over and over out of memory; otherwise once, out of the file. */
  readonly endless: boolean;
  /** What leaves is written to pcap files, for the check; otherwise counted and freed. */
  readonly record: boolean;
}

/** All tunnel ports leave through one device, which is the output of this name. */
export const UNDERLAY = "underlay";

/** OpenFlow versions a bridge speaks, and in which it is asked. */
export const ALL_OPENFLOW = "OpenFlow10,OpenFlow11,OpenFlow12,OpenFlow13,OpenFlow14,OpenFlow15";

export interface Devices {
  /** DPDK's name of the device behind each port of br0 and behind the underlay. */
  readonly names: ReadonlyMap<string, string>;
  /** The arguments that make them. */
  readonly arguments: readonly string[];
  /** Files that they write, by port or "underlay"; empty unless recorded. */
  readonly outputs: ReadonlyMap<string, string>;
}

/** The devices for the ports; files go to `folder`. */
export function planDevices(options: SwitchOptions, folder: string): Devices {
  const names = new Map<string, string>();
  const outputs = new Map<string, string>();
  const vdevs: string[] = [];
  const sink = (key: string): void => {
    const name = `net_${options.record ? "pcap" : "null"}${names.size}`;
    const file = join(folder, `out-${key}.pcap`);
    if (options.record) outputs.set(key, file);
    names.set(key, name);
    vdevs.push(`--vdev=${name},${options.record ? `tx_pcap=${file}` : "no-rx=1"}`);
  };
  for (const { ofport, kind } of options.ports) {
    if (kind === "null") sink(String(ofport));
    if (kind !== "pcap") continue;
    const name = `net_pcap${names.size}`;
    names.set(String(ofport), name);
    vdevs.push(`--vdev=${name},rx_pcap=${options.capture}${options.endless ? ",infinite_rx=1" : ""}`);
  }
  if (options.ports.some(isTunnel)) sink(UNDERLAY);
  return { names, arguments: vdevs, outputs };
}

/** The settings that OVS reads when it starts, as `ovs-vsctl set Open_vSwitch .` takes them. */
export function globalSettings(options: SwitchOptions, devices: Devices): string[] {
  const first = Number(otherCores(options.core).split(",")[0]);
  const eal = ["--in-memory", "-m", String(MEMORY_MB), "--no-pci", "--iova-mode=va", "--no-telemetry"];
  return [
    "other_config:dpdk-init=true",
    `other_config:pmd-cpu-mask=0x${(2 ** options.core).toString(16)}`,
    `other_config:dpdk-lcore-mask=0x${(2 ** first).toString(16)}`,
    `other_config:dpdk-extra="${[...eal, ...devices.arguments].join(" ")}"`,
    ...(options.exactMatchCache ? [] : ["other_config:emc-insert-inv-prob=0"]),
  ];
}

/** How to talk to the switch that is being set up. */
export interface Controls {
  readonly vsctl: (args: readonly string[]) => Promise<string>;
  readonly appctl: (args: readonly string[]) => Promise<string>;
  /** `ip` in the switch's network namespace. */
  readonly ip: (args: readonly string[]) => Promise<string>;
  /** The OpenFlow socket of a bridge. */
  readonly socket: (bridge: string) => string;
}

/** Bridges, addresses, ports and rules; the port that receives comes last, when everything else stands. */
export async function setUp(options: SwitchOptions, devices: Devices, controls: Controls): Promise<void> {
  const { vsctl, socket } = controls;
  const { ports } = options;
  await vsctl(bridge("br0"));
  if (ports.some(isTunnel)) await setUpUnderlay(ports.filter(isTunnel), devices, controls);
  for (const port of ports) {
    const { ofport, kind, local, remote, key } = port;
    if (kind === "null") await vsctl(dpdkPort("br0", `out${ofport}`, ofport, devices.names.get(String(ofport))!));
    if (!isTunnel(port)) continue;
    const name = `tun${ofport}`;
    const ends = [
      `options:local_ip=${local}`,
      `options:remote_ip=${remote}`,
      `options:key=${key === "" ? "flow" : key}`,
    ];
    await vsctl([
      "add-port",
      "br0",
      name,
      "--",
      "set",
      "interface",
      name,
      `type=${kind}`,
      ...ends,
      `ofport_request=${ofport}`,
    ]);
  }
  await addRules(options, socket("br0"));
  const { ofport } = ports.find((port) => port.kind === "pcap")!;
  await vsctl(dpdkPort("br0", `in${ofport}`, ofport, devices.names.get(String(ofport))!));
}

function bridge(name: string): string[] {
  return [
    "add-br",
    name,
    "--",
    "set",
    "bridge",
    name,
    "datapath-type=netdev",
    "fail-mode=secure",
    `protocols=${ALL_OPENFLOW}`,
  ];
}

function dpdkPort(on: string, name: string, ofport: number, device: string): string[] {
  const settings = ["type=dpdk", `options:dpdk-devargs=${device}`, `ofport_request=${ofport}`];
  return ["add-port", on, name, "--", "set", "interface", name, ...settings];
}

/** The bridge whose LOCAL port has the tunnels' addresses, with the way to their other ends. */
async function setUpUnderlay(tunnels: readonly PortSpec[], devices: Devices, controls: Controls): Promise<void> {
  const { vsctl, appctl, ip, socket } = controls;
  const mac = underlayMac(tunnels[0].local);
  await vsctl([...bridge("br-phy"), `other_config:hwaddr="${mac}"`]);
  await vsctl(dpdkPort("br-phy", UNDERLAY, 1, devices.names.get(UNDERLAY)!));
  for (const { local, remote } of tunnels) {
    await ip(["addr", "replace", `${local}/${sharedPrefix(local, remote)}`, "dev", "br-phy"]);
  }
  await ip(["link", "set", "br-phy", "up"]);
  await run("ovs-ofctl", ["add-flow", socket("br-phy"), "in_port=LOCAL,actions=output:1"]);
  for (const { remote } of tunnels) await appctl(["tnl/neigh/set", "br-phy", remote, underlayMac(remote)]);
  // Routes arrive from the kernel on their own time; without them the first frames would find no way out.
  for (const { local, remote } of tunnels) {
    let found = "";
    for (let tries = 0; !found.includes(`src ${local}`); tries++) {
      if (tries === 100) throw new Error(`ovs/route/lookup ${remote}: no route with source ${local}: ${found.trim()}`);
      if (tries > 0) await sleep(20);
      found = await appctl(["ovs/route/lookup", remote]).catch((error: Error) => error.message);
    }
  }
}

/** In OpenFlow 1.0, as ovs-ofctl does by itself; where the rules need more, in the newest version that takes them. */
async function addRules({ rules, rulesName }: SwitchOptions, socket: string): Promise<void> {
  const add = (versions: string): Promise<string> =>
    run("ovs-ofctl", ["-O", versions, "add-flows", socket, "-"], { input: rules });
  try {
    await add("OpenFlow10").catch(() => add(ALL_OPENFLOW));
  } catch (error) {
    throw new InputError(`${rulesName}: Open vSwitch refuses the rules: ${(error as Error).message}`);
  }
}
