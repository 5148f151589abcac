/**
 * A cluster of any number of compute hosts, for curves: a VM on each, all hosts joined by GRE tunnels to all others, as
 * Neutron's l2population lays it out: addresses of far VMs are rules, nothing is flooded that is known.
 */

import type { Trace } from "../../datapath/packet/trace.ts";
import type { HostConfig, PortConfig, Topology } from "../../datapath/topology.ts";
import type { GenerateOptions } from "../../pcaps/generate/plan.ts";
import type { Input } from "../trial/schedule.ts";
import { frames } from "./fixture.ts";

const PATCH = 1;
/** OpenFlow port of the tunnel to host n. */
const TUNNEL = 10;
const hex = (n: number): string => n.toString(16).padStart(2, "0");
const address = (n: number): string => `10.11.${n >> 8}.${n & 255}`;
const vmMac = (n: number): string => `fa:16:3e:00:${hex(n >> 8)}:${hex(n & 255)}`;
const hostMac = (n: number): string => `52:54:00:0a:${hex(n >> 8)}:${hex(n & 255)}`;
const vmAddress = (n: number): string => `192.168.${n >> 8}.${n & 255}`;

/** `count` hosts, 2 to 1,000, numbered from 1 in their addresses. */
export function meshTopology(count: number): Topology {
  const all = Array.from({ length: count }, (_, n) => n + 1);
  return {
    name: `mesh-${count}`,
    mode: "other",
    network: "gre",
    hosts: all.map((n) => meshHost(n, all)),
    vms: all.map((n) => ({
      name: `vm${n}`,
      port: `host${n}/tap${n}`,
      mac: vmMac(n),
      addresses: [`${vmAddress(n)}/16`],
    })),
    wires: [{ name: "underlay", members: all.map((n) => `host${n}/eth0`) }],
  };
}

function meshHost(self: number, all: readonly number[]): HostConfig {
  const others = all.filter((n) => n !== self);
  const tunnels: PortConfig[] = others.map((n) => ({
    name: `gre-${n}`,
    ofport: TUNNEL + n,
    type: "gre",
    options: { in_key: "flow", out_key: "flow", local_ip: address(self), remote_ip: address(n) },
  }));
  const flood = others.map((n) => `output:${TUNNEL + n}`).join(",");
  const rules = [
    ...others.map((n) => `priority=2,in_port=${PATCH},dl_dst=${vmMac(n)},actions=set_tunnel:1,output:${TUNNEL + n}`),
    `priority=1,in_port=${PATCH},actions=set_tunnel:1,${flood}`,
    `priority=1,tun_id=1,actions=output:${PATCH}`,
    "priority=0,actions=drop",
  ];
  const patch = (name: string, ofport: number, peer: string): PortConfig => ({
    ...{ name, ofport, type: "patch" as const, options: { peer } },
  });
  return {
    name: `host${self}`,
    role: "compute",
    namespaces: [],
    bridges: [
      {
        name: "br-int",
        failMode: "standalone",
        flows: "priority=0 actions=NORMAL\n",
        flowsFile: "br-int",
        ports: [{ name: `tap${self}`, ofport: 2, type: "system" }, patch("patch-tun", 3, "patch-int")],
      },
      {
        name: "br-tun",
        failMode: "secure",
        flows: `${rules.join("\n")}\n`,
        flowsFile: "br-tun",
        ports: [patch("patch-int", PATCH, "patch-tun"), ...tunnels],
      },
      {
        name: "br-ex",
        failMode: "standalone",
        flows: "priority=0 actions=NORMAL\n",
        flowsFile: "br-ex",
        mac: hostMac(self),
        address: `${address(self)}/16`,
        neighbours: Object.fromEntries(others.map((n) => [address(n), hostMac(n)])),
        ports: [{ name: "eth0", ofport: 1, type: "system" }],
      },
    ],
  };
}

/**
 * `flows` UDP flows from all VMs to all others, evenly; at least a burst of frames for each pair of VMs. `sorted`: each VM's frames to one
 * other follow each other, where they go to all in turn otherwise; the frames are the same.
 */
export function meshInputs(count: number, flows: number, sorted = false, options: GenerateOptions = {}): Input[] {
  const perVm = Math.max(1, Math.round(flows / count));
  // A burst for each that it sends to, so that `sorted` can fill them.
  const most = Math.max(32 * Math.min(perVm, count - 1), Math.ceil(4096 / count));
  return Array.from({ length: count }, (_, n) => {
    const trace = frames({ ...options, frames: most, flows: perVm, popularity: "round-robin" });
    // Neighbours on both sides, nearest first: who is sent to sends back, or the bridges would never learn where it is.
    const other = (i: number): number => {
      const k = (i % perVm) % (count - 1);
      const distance = (k >> 1) + 1;
      return ((n + (k % 2 === 0 ? distance : count - distance)) % count) + 1;
    };
    for (let i = 0; i < most; i++) setMacs(trace, i, n + 1, other(i));
    if (sorted)
      rearrange(
        trace,
        [...Array(most).keys()].sort((a, b) => other(a) - other(b)),
      );
    const name = `vm${n + 1}`;
    return { port: name, file: name, trace, frames: Int32Array.from({ length: most }, (_, i) => i) };
  });
}

/** Puts frame `order[i]` in place i, all of one length. */
function rearrange({ bytes, start, length }: Trace, order: readonly number[]): void {
  const before = bytes.slice();
  for (const [i, from] of order.entries()) {
    if (length[i] !== length[from]) throw new Error(`frames of ${length[i]} and ${length[from]} bytes`);
    bytes.set(before.subarray(start[from], start[from] + length[from]), start[i]);
  }
}

/** Ethernet addresses of VMs `from` and `to`; the flow stays the generator's. */
function setMacs(trace: Trace, frame: number, from: number, to: number): void {
  const at = trace.start[frame];
  for (const [offset, vm] of [
    [0, to],
    [6, from],
  ]) {
    trace.bytes.set([0xfa, 0x16, 0x3e, 0, vm >> 8, vm & 255], at + offset);
  }
}
