/**
 * Watches one packet on its way through a fabric, with all caches off, so that every pass asks the slow path: where it came
 * in, what each bridge said to it, what went over the wires, where it was delivered. Afterwards the way is read backwards
 * from the delivery, which leaves out what was flooded elsewhere.
 */

import type { Fabric } from "../../datapath/fabric.ts";
import { W_IN_PORT, W_NW_DST, W_NW_SRC, W_PORTS, W_TOSTTL, W_TUN_DST, W_TYPE } from "../../datapath/flow/flow-key.ts";
import type { Host } from "../../datapath/host.ts";
import type { TracedTranslation } from "../../datapath/translate/switch.ts";
import { ipv4FromText } from "../../datapath/wire/addresses.ts";
import { describe } from "../../datapath/wire/describe.ts";
import type { BridgeHop, Hop, PacketPath } from "./hop.ts";
import { translationHops } from "./translation-hops.ts";

const ICMP = 1;
const ECHO_REQUEST = 8;
const TUNNELS: ReadonlySet<number> = new Set([17, 47]);

/** An echo request or reply, as `describe` tells it from all others. */
export interface Echo {
  readonly packet: "request" | "reply";
  readonly source: string;
  readonly destination: string;
  readonly id: string;
  readonly sequence: string;
}

/** The echo in a line of `describe`, the innermost one; undefined when there is none. */
export function echoIn(text: string): Echo | undefined {
  const found = [...text.matchAll(/(\d\S+) > (\S+): ICMP echo (request|reply), id (\d+), seq (\d+)/g)].at(-1);
  if (found === undefined) return undefined;
  const [, source, destination, packet, id, sequence] = found;
  return { packet: packet as Echo["packet"], source, destination, id, sequence };
}

/** The packet at a port of a host, before the datapath. */
interface Arrival {
  readonly host: number;
  readonly port: number;
  readonly frame: string;
  readonly bytes: number;
  readonly translations: { readonly inPort: string; readonly traced: TracedTranslation }[];
}

export class PacketRecorder {
  readonly #fabric: Fabric;
  #wanted: Echo | undefined;
  #arrivals: Arrival[] = [];
  #delivered: { readonly vm: number; readonly frame: string } | undefined;

  /** `fabric` must have no caches (`megaflow: false`); it is the recorder's from here on. */
  constructor(fabric: Fabric) {
    this.#fabric = fabric;
    for (const [index, host] of fabric.hosts.entries()) this.#watch(index, host);
    fabric.tap = {
      delivered: (vm, bytes, start, end) => {
        const frame = describe(bytes, start, end, true);
        if (this.#is(frame)) this.#delivered = { vm, frame };
      },
      underlay: () => {},
      wire: () => {},
    };
  }

  /** From now on, until the next call, this packet is watched; undefined: none. */
  follow(echo: Echo | undefined): void {
    this.#wanted = echo;
    this.#arrivals = [];
    this.#delivered = undefined;
  }

  #is(frame: string): boolean {
    const wanted = this.#wanted;
    if (wanted === undefined) return false;
    const echo = echoIn(frame);
    return echo !== undefined && (Object.keys(wanted) as (keyof Echo)[]).every((name) => echo[name] === wanted[name]);
  }

  #watch(index: number, host: Host): void {
    const receive = host.receive.bind(host);
    host.receive = (port, slot, start, end, time, pool) => {
      if (this.#wanted !== undefined) {
        const frame = describe(pool.bytes, start, end, true);
        if (this.#is(frame)) this.#arrivals.push({ host: index, port, frame, bytes: end - start, translations: [] });
      }
      return receive(port, slot, start, end, time, pool);
    };
    const { switch: bridges } = host;
    const translate = bridges.translate.bind(bridges);
    bridges.translate = (keys, at, now, sideEffects) => {
      const arrival = this.#wanted === undefined ? undefined : this.#arrivals.findLast((one) => one.host === index);
      if (arrival === undefined || !this.#belongs(keys, at, arrival)) return translate(keys, at, now, sideEffects);
      const inPort = bridges.inputPort(keys, at)?.name ?? bridges.portName(keys[at + W_IN_PORT]);
      const traced = bridges.traceKey(keys, at, now, sideEffects);
      if (traced === undefined) return translate(keys, at, now, sideEffects);
      arrival.translations.push({ inPort, traced });
      return traced;
    };
  }

  /** Whether a key is the watched packet's, or that of the tunnel packet that it came in. */
  #belongs(keys: Int32Array, at: number, { frame, translations, port }: Arrival): boolean {
    const wanted = this.#wanted as Echo;
    const proto = keys[at + W_TYPE] & 0xff;
    const between =
      keys[at + W_NW_SRC] === ipv4FromText(wanted.source) && keys[at + W_NW_DST] === ipv4FromText(wanted.destination);
    if (between && proto === ICMP) {
      return keys[at + W_PORTS] >>> 16 === (wanted.packet === "request" ? ECHO_REQUEST : 0);
    }
    return (
      translations.length === 0 &&
      keys[at + W_IN_PORT] === port &&
      keys[at + W_TUN_DST] === 0 &&
      TUNNELS.has(proto) &&
      outerOf(frame) !== null
    );
  }

  /** The way of the watched packet; null when it was delivered to nobody. */
  path(from: string): PacketPath | null {
    const end = this.#delivered;
    const wanted = this.#wanted;
    if (end === undefined || wanted === undefined) return null;
    const { hosts, vms } = this.#fabric;
    const vm = vms[end.vm];
    const way = this.#backFrom(vm.host, vm.port);
    if (way.length === 0) return null;
    const first = way[0];
    const hops: Hop[] = [
      {
        kind: "vm",
        vm: from,
        host: hosts[first.host].name,
        port: this.#portName(first),
        frame: first.frame,
      },
    ];
    for (const [i, arrival] of way.entries()) {
      const next = way.at(i + 1);
      hops.push(...this.#bridges(arrival, next, vm.port, i + 1));
      if (next !== undefined) hops.push(this.#between(arrival, next));
    }
    hops.push({
      kind: "vm",
      vm: vm.config.name,
      host: hosts[vm.host].name,
      port: hosts[vm.host].switch.portName(vm.port),
      frame: end.frame,
    });
    return {
      packet: wanted.packet,
      from,
      to: vm.config.name,
      tableLookups: way
        .flatMap(({ translations }) => translations)
        .reduce((sum, { traced }) => sum + traced.lookups, 0),
      hops,
    };
  }

  #portName({ host, port }: { readonly host: number; readonly port: number }): string {
    return this.#fabric.hosts[host].switch.portName(port);
  }

  /** Arrivals that led to a delivery at this port, in order: each one's cause is the latest before it that fits. */
  #backFrom(host: number, port: number): Arrival[] {
    const way: Arrival[] = [];
    let at = this.#arrivals.findLastIndex((one) => one.host === host && this.#sends(one, port));
    while (at >= 0) {
      const arrival = this.#arrivals[at];
      way.unshift(arrival);
      at = this.#arrivals.slice(0, at).findLastIndex((before) => this.#leadsTo(before, arrival));
    }
    return way;
  }

  #leadsTo(before: Arrival, after: Arrival): boolean {
    return this.#exitPort(before, after) >= 0;
  }

  /** The port by which `before` left so as to arrive as `after`; -1: it did not. */
  #exitPort(before: Arrival, after: Arrival): number {
    const { hosts } = this.#fabric;
    const sent = hosts[before.host].switch
      .portNames()
      .map((_, port) => port)
      .filter((port) => this.#sends(before, port));
    if (before.host === after.host) {
      const { attachments } = hosts[after.host];
      const to = attachments[after.port];
      return to === undefined ? -1 : (sent.find((port) => attachments[port]?.namespace === to.namespace) ?? -1);
    }
    const wire = this.#wireOf(after.host, after.port);
    return wire < 0 ? -1 : (sent.find((port) => this.#wireOf(before.host, port) === wire) ?? -1);
  }

  #wireOf(host: number, port: number): number {
    const name = `${this.#fabric.hosts[host].name}/${this.#portName({ host, port })}`;
    return this.#fabric.topology.wires.findIndex(({ members }) => members.includes(name));
  }

  #sends({ translations }: Arrival, port: number): boolean {
    return translations.some(({ traced }) => outputs(traced.actions, port));
  }

  #bridges(arrival: Arrival, next: Arrival | undefined, vmPort: number, pass: number): BridgeHop[] {
    const host = this.#fabric.hosts[arrival.host];
    const exit = next === undefined ? vmPort : this.#exitPort(arrival, next);
    const remote = next === undefined ? null : outerOf(next.frame);
    const hops: BridgeHop[] = [];
    for (const { inPort, traced } of arrival.translations) {
      const pops = traced.actions.some(({ kind }) => kind === "tnl_pop");
      const bridge = pops ? bridgeOf(host, inPort) : bridgeOf(host, host.switch.portName(exit));
      const port = pops ? bridge : host.switch.portName(exit);
      const some = translationHops(
        host.switch,
        host.name,
        { nodes: traced.nodes, inPort },
        { bridge, port, remote },
        pass,
      );
      const last = some.at(-1);
      if (pops && last !== undefined) {
        const text = outerText(arrival.frame) ?? "";
        some[some.length - 1] = { ...last, tunnel: { change: "decapsulate", text } };
      }
      hops.push(...some);
    }
    return hops;
  }

  #between(before: Arrival, after: Arrival): Hop {
    const { hosts, topology } = this.#fabric;
    const out = this.#exitPort(before, after);
    const fromPort = this.#portName({ host: before.host, port: out });
    if (before.host !== after.host) {
      return {
        kind: "wire",
        wire: topology.wires[this.#wireOf(after.host, after.port)].name,
        from: `${hosts[before.host].name}/${fromPort}`,
        to: `${hosts[after.host].name}/${this.#portName(after)}`,
        bytes: after.bytes,
        frame: after.frame,
      };
    }
    const host = hosts[after.host];
    const namespace = host.attachments[after.port]?.namespace ?? 0;
    return {
      kind: "namespace",
      host: host.name,
      namespace: host.namespaces[namespace].name,
      inPort: fromPort,
      outPort: this.#portName(after),
      ttlIn: ttlOf(before),
      ttlOut: ttlOf(after),
      frame: after.frame,
    };
  }
}

/** TTL of the packet itself as it came to the last bridges of an arrival. */
const ttlOf = ({ translations }: Arrival): number =>
  ((translations.at(-1)?.traced.initial[W_TOSTTL] ?? 0) >>> 16) & 0xff;

function outputs(actions: TracedTranslation["actions"], port: number): boolean {
  return actions.some(
    (action) =>
      (action.kind === "output" && action.port === port) || (action.kind === "clone" && outputs(action.actions, port)),
  );
}

/** The bridge that has the port. */
function bridgeOf(host: Host, port: string): string {
  return (
    host.switch.bridges.find(({ ports, name }) => name === port || ports.some((one) => one.name === port))?.name ?? ""
  );
}

/** The tunnel header in a text of `describe`, "10.11.1.115 > 10.11.1.116: GREv0, key=0x2"; null without one. */
function outerText(frame: string): string | null {
  const [, addresses, header] =
    /(\d+\.\S+ > \d+\.\S+): (GREv0(?:, key=0x[0-9a-f]+)?|(?:VXLAN|Geneve)\b[^\n:]*?vni (?:0x)?[0-9a-f]+)/.exec(frame) ??
    [];
  return header === undefined ? null : `${addresses}: ${header}`;
}

/** Outer destination address; null without a tunnel. */
function outerOf(frame: string): string | null {
  const text = outerText(frame);
  return text === null ? null : (/ > (\d+\.\d+\.\d+\.\d+)/.exec(text)?.[1] ?? null);
}
