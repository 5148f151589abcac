/**
 * Where each port of each host leads: to a namespace, a VM, a wire, or nowhere (the bridges' own ports). Made once from the
 * topology, checked there, looked up by number afterwards.
 */
import type { Host } from "./host.ts";
import type { Speculation } from "./packet/speculation.ts";
import { Segment } from "./segment.ts";
import type { Topology, VmConfig } from "./topology.ts";
import { macWords } from "./wire/addresses.ts";

/** Names of the elements of `VmState.counts`, in order. */
export const vmCountNames = [
  "sent",
  "sentBytes",
  "delivered",
  "deliveredBytes",
  "unicast",
  "unicastBytes",
  "flooded",
] as const;
/** Frames offered at its port. */
const V_SENT = 0;
const V_SENT_BYTES = 1;
/** Frames given to it that are for its MAC address or a group. */
const V_DELIVERED = 2;
const V_DELIVERED_BYTES = 3;
/** Of those, unicast ones. */
const V_UNICAST = 4;
const V_UNICAST_BYTES = 5;
/** Flooded copies for other MAC addresses, which its NIC would drop. */
const V_FLOODED = 6;

/** A VM at its port, and what it sent and got. */
export class VmState {
  readonly config: VmConfig;
  readonly host: number;
  readonly port: number;
  /** Integers, in the order of `vmCountNames`. */
  readonly counts = new Float64Array(vmCountNames.length);
  /** Its MAC address: the first four bytes, the last two. */
  readonly #macHigh: number;
  readonly #macLow: number;

  constructor(config: VmConfig, host: number, port: number) {
    this.config = config;
    this.host = host;
    this.port = port;
    const [high, low] = macWords(config.mac);
    this.#macHigh = high;
    this.#macLow = low;
  }

  /** A frame of `length` bytes was offered at its port. */
  countSent(length: number): void {
    const { counts } = this;
    counts[V_SENT]++;
    counts[V_SENT_BYTES] += length;
  }

  /** The frame in [start, end) left by its port, for it or flooded. */
  countDelivered(view: DataView, start: number, end: number): void {
    const { counts } = this;
    const length = end - start;
    const unicast = view.getInt32(start) === this.#macHigh && view.getUint16(start + 4) === this.#macLow;
    if (unicast) {
      counts[V_UNICAST]++;
      counts[V_UNICAST_BYTES] += length;
    }
    if (unicast || (view.getUint8(start) & 1) !== 0) {
      counts[V_DELIVERED]++;
      counts[V_DELIVERED_BYTES] += length;
    } else counts[V_FLOODED]++;
  }

  get delivered(): number {
    return this.counts[V_DELIVERED];
  }

  get deliveredBytes(): number {
    return this.counts[V_DELIVERED_BYTES];
  }
}

export interface Destination {
  readonly kind: "none" | "namespace" | "vm" | "wire";
  /** Number of the namespace on its host, of the VM, of the wire. */
  readonly index: number;
  /** Interface of the namespace, or member of the wire. */
  readonly member: number;
}

export class Destinations {
  /** By host, by datapath port. */
  readonly byPort: readonly (readonly Destination[])[];
  readonly vms: readonly VmState[];
  readonly wires: readonly Segment[];
  /** By wire: host << 16 | port of each member. */
  readonly members: readonly Int32Array[];
  readonly #hosts: readonly Host[];

  constructor(topology: Topology, hosts: readonly Host[], speculation?: Speculation) {
    this.#hosts = hosts;
    const nowhere: Destination = { kind: "none", index: -1, member: -1 };
    const table = hosts.map((host) =>
      Array.from({ length: host.rx.length }, (_, port): Destination => {
        const attached = host.attachments[port];
        if (attached === undefined) return nowhere;
        return { kind: "namespace", index: attached.namespace, member: attached.interfaceIndex };
      }),
    );
    const place = (name: string, wantedBy: string): { host: number; port: number } => {
      const slash = name.indexOf("/");
      const host = hosts.findIndex((candidate) => candidate.name === name.slice(0, slash));
      if (slash < 0 || host < 0) {
        throw new Error(
          `${wantedBy}: "${name}", expected HOST/PORT with one of ${hosts.map((h) => h.name).join(", ")}`,
        );
      }
      const port = hosts[host].port(name.slice(slash + 1), wantedBy);
      if (table[host][port].kind !== "none") throw new Error(`${wantedBy}: "${name}" is in use already`);
      return { host, port };
    };
    this.vms = topology.vms.map((config, index) => {
      const { host, port } = place(config.port, `VM ${config.name}`);
      table[host][port] = { kind: "vm", index, member: -1 };
      return new VmState(config, host, port);
    });
    this.wires = topology.wires.map((wire) => new Segment(wire.name, wire.members.length, speculation));
    this.members = topology.wires.map((wire, index) =>
      Int32Array.from(wire.members, (name, member) => {
        const { host, port } = place(name, `wire ${wire.name}`);
        table[host][port] = { kind: "wire", index, member };
        this.#seed(this.wires[index], hosts[host], host, port, member);
        return (host << 16) | port;
      }),
    );
    this.byPort = table;
  }

  /** Where frames can enter: a VM by name, or "host/port"; host << 16 | port. Throws with what exists. */
  entry(name: string): number {
    const vm = this.vms.find((candidate) => candidate.config.name === name);
    if (vm !== undefined) return (vm.host << 16) | vm.port;
    const slash = name.indexOf("/");
    const host = this.#hosts.findIndex((candidate) => candidate.name === name.slice(0, slash));
    if (slash < 0 || host < 0) {
      throw new Error(
        `unknown port "${name}", expected a VM (${this.vmNames()}) or HOST/PORT with one of ${this.#hosts.map((h) => h.name).join(", ")}`,
      );
    }
    return (host << 16) | this.#hosts[host].port(name.slice(slash + 1), `port "${name}"`);
  }

  /** For messages. */
  vmNames(): string {
    return this.vms.map((vm) => vm.config.name).join(", ");
  }

  /**
   * Tunnel endpoints and VMs have spoken long before a run begins: their addresses are known on the wire, as the permanent
   * neighbours of a topology say, so that no frame is flooded to hosts that it is not for. VMs matter on VLAN networks
   * with distributed routing, where a VM's own address seldom crosses the wire (the recordings show no flooding there).
   */
  #seed(wire: Segment, host: Host, number: number, port: number, member: number): void {
    for (const vm of this.vms) {
      if (vm.host !== number) continue;
      const [high, low] = macWords(vm.config.mac);
      wire.learn(high, low, member);
    }
    const name = host.switch.portName(port);
    for (const bridge of host.config.bridges) {
      if (bridge.mac === undefined || bridge.address === undefined) continue;
      if (!bridge.ports.some((candidate) => candidate.name === name)) continue;
      const [high, low] = macWords(bridge.mac);
      wire.learn(high, low, member);
    }
  }
}
