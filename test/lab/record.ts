/**
 * Real traffic through the lab, captured at both VMs and on the underlay: what pcaps/recorded is made of. It begins
 * cold (nothing learned, no ARP entry), so the resolution of addresses is in the captures. Small on purpose: each kind
 * of frame that the datapath has to get right, and enough TCP and UDP to repeat.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "./lab.ts";
import { HOSTS, type Mode, type Network } from "./layout.ts";
import { run, sleep, start } from "./shell.ts";

const GATEWAY_LINK_LOCAL = "fe80::f816:3eff:fecd:508d";
const VM2 = "192.168.2.11";

/** Brings the lab up, records, takes it down. Files are OUTDIR/NETWORK-MODE.WHAT. */
export async function record(lab: Lab, mode: Mode, network: Network, folder: string, rules?: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const name = `${network}-${mode}`;
  try {
    await lab.up({ mode, network, ...(rules === undefined ? {} : { rules }) });
    await sleep(4000); // Duplicate address detection and the first multicast reports are over.
    const wire = network === "vlan" ? "fab1" : "fab";
    const captures = [
      capture(lab, "vm1", "eth0", join(folder, `${name}.vm1.pcap`)),
      capture(lab, "vm2", "eth0", join(folder, `${name}.vm2.pcap`)),
      capture(lab, "fabric", wire, join(folder, `${name}.underlay.pcap`)),
    ];
    await sleep(700); // tcpdump opens its socket.
    await lab.forget();
    writeFileSync(join(folder, `${name}.traffic.txt`), await traffic(lab));
    await sleep(300);
    for (const one of captures) await finish(one);
    for (const host of HOSTS) await dump(lab, host.name, join(folder, `${name}.${host.name}`), network);
  } finally {
    await lab.down();
  }
}

/** The router copy has no permanent neighbour (claim K17): VM2 is never reached in the dialect of 2015. */
export async function recordUnknownNeighbour(lab: Lab, folder: string, rules?: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const name = "gre-dvr-unknown-neighbour";
  try {
    const options = { mode: "dvr", network: "gre", permanentNeighbours: false } as const;
    await lab.up({ ...options, ...(rules === undefined ? {} : { rules }) });
    await sleep(4000);
    const captures = [
      capture(lab, "vm1", "eth0", join(folder, `${name}.vm1.pcap`)),
      capture(lab, "vm2", "eth0", join(folder, `${name}.vm2.pcap`)),
      capture(lab, "fabric", "fab", join(folder, `${name}.underlay.pcap`)),
    ];
    await sleep(700);
    await lab.forget();
    const ping = lab.inside("vm1", "ping", "-c", "2", "-i", "0.5", "-W", "4", VM2);
    writeFileSync(join(folder, `${name}.traffic.txt`), await run(ping, { mayFail: true }));
    for (const one of captures) await finish(one);
    for (const host of HOSTS) await dump(lab, host.name, join(folder, `${name}.${host.name}`), "gre");
  } finally {
    await lab.down();
  }
}

/** What people typed, in order, and what they saw. */
async function traffic(lab: Lab): Promise<string> {
  const seen: string[] = [];
  const at = async (space: string, ...argv: string[]): Promise<void> => {
    const output = await run(lab.inside(space, ...argv), { mayFail: true });
    seen.push(`${space}$ ${argv.join(" ")}\n${output.trimEnd()}\n`);
  };
  const server = async (): Promise<ChildProcess> => {
    const child = start(lab.inside("vm2", "iperf3", "-s", "-1", "-4"));
    await sleep(400);
    return child;
  };
  await at("vm1", "ping", "-c", "5", "-i", "0.2", VM2);
  const tcp = await server();
  await at("vm1", "iperf3", "-c", VM2, "-P", "3", "-l", "8K", "-n", "40K");
  tcp.kill();
  const udp = await server();
  await at("vm1", "iperf3", "-c", VM2, "-u", "-b", "2M", "-l", "400", "-n", "32K");
  udp.kill();
  await at("vm1", "ping", "-c", "2", "-i", "0.2", "-s", "3000", VM2); // Fragments.
  await at("vm1", "ping", "-c", "1", "-t", "1", "-W", "1", VM2); // Time exceeded.
  await at("vm1", "ping", "-c", "1", "-W", "1", "192.168.1.1"); // The router itself.
  await at("vm2", "ping", "-c", "2", "-i", "0.2", "192.168.1.11");
  await at("vm1", "ping", "-6", "-c", "2", "-i", "0.2", `${GATEWAY_LINK_LOCAL}%eth0`); // Neighbour discovery.
  return seen.join("\n");
}

interface Capture {
  readonly child: ChildProcess;
  readonly file: string;
  said: string;
}

/** Immediate mode: a frame is in the file at once, none is left in the kernel's block when the capture ends. */
function capture(lab: Lab, space: string, device: string, file: string): Capture {
  const how = ["--immediate-mode", "-U", "-Z", "root", "-nn", "-s", "0", "-B", "16384"];
  const [command, ...rest] = lab.inside(space, "tcpdump", ...how, "-i", device, "-w", file);
  const one: Capture = { child: spawn(command!, rest, { stdio: ["ignore", "ignore", "pipe"] }), file, said: "" };
  one.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    one.said += text;
  });
  return one;
}

/** Ends a capture. Throws when the kernel dropped a frame: such a recording judges nobody. */
async function finish(one: Capture): Promise<void> {
  await new Promise<void>((resolve) => {
    one.child.once("close", () => resolve());
    one.child.kill("SIGINT");
  });
  if (!/(^|\n)0 packets dropped by kernel/.test(one.said))
    throw new Error(`${one.file}: tcpdump lost frames: ${one.said.trim()}`);
}

/** The state at the end: rules with counters, the MAC tables, and what the datapath had installed. */
async function dump(lab: Lab, host: string, file: string, network: Network): Promise<void> {
  const bridges = ["br-int", network === "vlan" ? "br-eth1" : "br-tun"];
  for (const bridge of bridges) {
    const rules = (await lab.ofctl(host, bridge, "dump-flows")).replace(/^NXST_FLOW.*\n/, "");
    writeFileSync(`${file}.${bridge}.dump`, rules.replace(/ (duration|idle_age|hard_age)=[^,]*,/g, ""));
  }
  // The age column is the only thing that differs from one recording to the next.
  const fdb = await lab.appctl(host, "fdb/show", "br-int");
  writeFileSync(
    `${file}.br-int.fdb`,
    fdb
      .replace(/ {2,}\S+$/gm, "")
      .replace(/\bAge\b/, "")
      .replace(/ +$/gm, ""),
  );
}
