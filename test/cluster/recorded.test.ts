/**
 * The whole way against the recorded clusters: what VM1 and VM2 sent in the captures goes in at their ports, cold, in time
 * order; what our three hosts put on the underlay and give to the VMs must be what was recorded there on real Open vSwitch
 * and Linux, for GRE, VXLAN and VLAN, legacy and DVR. Frames between the VMs byte for byte, none missing, none extra;
 * frames that a router made itself but for what Linux draws at random (../router/masked.ts). Order is compared per flow.
 *
 * Not compared, because no frame that went in asks for them:
 *   - router solicitations and MLD reports of interfaces other than the VMs': they send them when they come up
 *   - ARP and IPv6 of the hosts' own underlay addresses (10.11.1.0/24): the topology has them as permanent neighbours
 *   - the outer MAC addresses, outer IP identification and header checksum, and the UDP source port of VXLAN (a hash)
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { modes, networks, recordedFile, scenarioFile } from "../../bench/paths.ts";
import { loadTopology } from "../../bench/scenarios/loader.ts";
import { Fabric } from "../../datapath/fabric.ts";
import type { Trace } from "../../datapath/packet/trace.ts";
import type { Topology } from "../../datapath/topology.ts";
import { ipv4FromText } from "../../datapath/wire/addresses.ts";
import { readTrace } from "../../pcaps/read-trace.ts";
import { masked } from "../router/masked.ts";

const ROUTER_OWN = [ipv4FromText("192.168.1.1"), ipv4FromText("192.168.2.1")];
const VM_MACS = ["fa163e176ba7", "fa163e2a3419"];

/** A frame on the underlay as two texts: the flow it belongs to, and what must be equal. Undefined: not compared. */
function onTheWire(hex: string): { flow: string; frame: string } | undefined {
  const type = hex.slice(24, 28);
  if (type === "8100") {
    const inner = hex.slice(0, 24) + hex.slice(32);
    if (isOnItsOwnAccount(inner)) return undefined;
    return { flow: `vlan ${hex.slice(28, 32)} ${flowOf(inner)}`, frame: hex.slice(28, 32) + masked(inner, ROUTER_OWN) };
  }
  if (type !== "0800") return undefined;
  const protocol = hex.slice(46, 48);
  const total = Number.parseInt(hex.slice(32, 36), 16);
  const addresses = hex.slice(52, 68);
  // The outer IPv4 header without identification and checksum.
  const outer = hex.slice(28, 36) + hex.slice(40, 48) + addresses;
  const headers = protocol === "2f" ? 8 : 16;
  const at = 68 + 2 * headers;
  const tunnel = protocol === "2f" ? hex.slice(68, at) : hex.slice(72, at);
  if (protocol !== "2f" && !(protocol === "11" && hex.slice(72, 76) === "12b5")) return undefined;
  const inner = hex.slice(at, 28 + 2 * total);
  if (isOnItsOwnAccount(inner)) return undefined;
  return { flow: `${addresses} ${tunnel} ${flowOf(inner)}`, frame: outer + tunnel + masked(inner, ROUTER_OWN) };
}

/**
 * Addresses and protocol, of ICMPv6 also the type: frames of one flow stay in order, others may pass each other. With DVR
 * three copies of a router answer one neighbour solicitation, so advertisements and echo replies have different senders.
 */
function flowOf(inner: string): string {
  const type = inner.slice(24, 28);
  if (type === "0800") return inner.slice(0, 28) + inner.slice(46, 48) + inner.slice(52, 68);
  if (type === "86dd") return inner.slice(0, 28) + inner.slice(40, 42) + inner.slice(44, 110);
  return inner.slice(0, 28);
}

/** Router solicitations and MLD of interfaces that are no VM's. */
function isOnItsOwnAccount(inner: string): boolean {
  if (inner.slice(24, 28) !== "86dd" || VM_MACS.includes(inner.slice(12, 24))) return false;
  return inner.slice(40, 42) === "00" || inner.slice(108, 110) === "85";
}

class Flows {
  readonly #frames = new Map<string, string[]>();
  count = 0;

  add(flow: string, frame: string): void {
    const frames = this.#frames.get(flow) ?? [];
    frames.push(frame);
    this.#frames.set(flow, frames);
    this.count++;
  }

  sorted(): [string, string[]][] {
    return [...this.#frames].sort(([a], [b]) => (a < b ? -1 : 1));
  }
}

const hexOf = (trace: Trace, i: number): string =>
  Buffer.from(trace.bytes.buffer, trace.bytes.byteOffset + trace.start[i], trace.length[i]).toString("hex");

/** Sends what the VMs of `topology` sent in their captures through it, each frame settled before the next. */
export async function replay(
  topology: Topology,
  traces: readonly Trace[],
): Promise<{ fabric: Fabric; wire: Flows; delivered: Flows[]; frames: { wire: number; hex: string }[] }> {
  const fabric = new Fabric(topology);
  const wire = new Flows();
  const frames: { wire: number; hex: string }[] = [];
  const delivered = fabric.vms.map(() => new Flows());
  const text = (bytes: Uint8Array, start: number, end: number): string =>
    Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("hex");
  fabric.tap = {
    delivered(vm, bytes, start, end) {
      const hex = text(bytes, start, end);
      delivered[vm].add(flowOf(hex), masked(hex, ROUTER_OWN));
    },
    underlay() {},
    wire(index, bytes, start, end) {
      const hex = text(bytes, start, end);
      frames.push({ wire: index, hex });
      const seen = onTheWire(hex);
      if (seen !== undefined) wire.add(seen.flow, seen.frame);
    },
  };
  const epoch = traces.map((trace) => trace.epochNs).reduce((a, b) => (a < b ? a : b));
  const events = traces.flatMap((trace, v) => {
    const mac = fabric.vms[v].config.mac.replaceAll(":", "");
    return Array.from({ length: trace.count }, (_, i) => ({
      v,
      i,
      at: Number(trace.epochNs - epoch) + trace.time[i],
    })).filter(({ i }) => hexOf(trace, i).slice(12, 24) === mac);
  });
  events.sort((a, b) => a.at - b.at);
  const entries = fabric.vms.map((vm) => fabric.entry(vm.config.name));
  for (const { v, i, at } of events) {
    fabric.advance(at);
    assert.ok(fabric.offer(entries[v], traces[v], i, at));
    fabric.settle();
  }
  return { fabric, wire, delivered, frames };
}

for (const network of networks) {
  for (const mode of modes) {
    test(`recorded ${network} ${mode}: the underlay and what the VMs got`, async () => {
      const topology = loadTopology(scenarioFile(network, mode));
      const [vm1, vm2, underlay] = await Promise.all(
        ["vm1", "vm2", "underlay"].map((place) => readTrace(recordedFile(network, mode, place))),
      );
      const { fabric, wire, delivered } = await replay(topology, [vm1, vm2]);
      assert.deepEqual(fabric.check(), []);

      const expected = new Flows();
      for (let i = 0; i < underlay.count; i++) {
        const seen = onTheWire(hexOf(underlay, i));
        if (seen !== undefined) expected.add(seen.flow, seen.frame);
      }
      assert.ok(expected.count > 200, `${expected.count} frames recorded`);
      assert.deepEqual(wire.sorted(), expected.sorted());

      for (const [v, trace] of [vm1, vm2].entries()) {
        const received = new Flows();
        for (let i = 0; i < trace.count; i++) {
          const hex = hexOf(trace, i);
          if (hex.slice(12, 24) === VM_MACS[v] || isOnItsOwnAccount(hex)) continue;
          received.add(flowOf(hex), masked(hex, ROUTER_OWN));
        }
        assert.deepEqual(delivered[v].sorted(), received.sorted(), `delivered to vm${v + 1}`);
      }
    });
  }
}
