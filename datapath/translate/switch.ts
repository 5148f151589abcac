/**
 * All bridges of one host, and the answer to the datapath's question what to do with a packet it does not know. The bridges
 * share one datapath, so its port numbers are given here: each port of a bridge has one, patch ports have none (translation
 * goes on at the other end), tunnel ports of a kind share one.
 */
import {
  FLOW_WORDS,
  KEY_WORDS,
  W_IN_PORT,
  W_MACS0,
  W_ND_TARGET,
  W_PORTS,
  W_RECIRC,
  W_TUN_DST,
} from "../flow/flow-key.ts";
import { MaskSet } from "../flow/flow-mask.ts";
import { OFPP_NONE } from "../openflow/action.ts";
import type { Rule } from "../openflow/rule.ts";
import type { BridgeConfig, PortFlag } from "../topology.ts";
import type { Translation, UpcallHandler } from "../upcall.ts";
import { Bridge, type BridgePort } from "./bridge.ts";
import { Effects } from "./effects.ts";
import { isIpv6, nwProto } from "./flow-field.ts";
import { type FrozenState, FrozenStates } from "./frozen.ts";
import type { PortUnflag } from "./port.ts";
import type { TraceNode } from "./trace.ts";
import { receivingTunnel, type TunnelEnd } from "./tunnel-config.ts";
import { Underlay } from "./underlay.ts";
import { Xlate } from "./xlate.ts";
import { XlateFlows, type XlateHost } from "./xlate-state.ts";

export interface SwitchOptions {
  /** VLAN tags that are parsed, 1 or 2; only told on here. */
  readonly vlanLimit?: number | undefined;
  /** A tunnel with local_ip finds its route (true), or does not, as with routes added by hand in Open vSwitch (false). */
  readonly localRoutes?: boolean | undefined;
}

/** The reason that Open vSwitch gives for flows whose actions the datapath cannot do. */
const SLOW_ACTION: readonly string[] = ["Uses action(s) not supported by datapath"];
const NOT_SLOW: readonly string[] = [];

interface TunnelPort extends TunnelEnd {
  readonly port: BridgePort;
}

/** What a person wants to see of a translation beside its result. */
export interface TracedTranslation extends Translation {
  readonly nodes: readonly TraceNode[];
  /** The flow as it came in, with its OpenFlow port number, and as it went out, FLOW_WORDS words each. */
  readonly initial: Int32Array;
  readonly final: Int32Array;
  /** All FLOW_WORDS words of the mask. */
  readonly wholeMask: Int32Array;
}

export class OvsSwitch implements UpcallHandler, XlateHost {
  readonly bridges: readonly Bridge[];
  readonly vlanLimit: number;
  readonly underlay: Underlay;
  /** Port of a bridge, by datapath port number; undefined for the shared tunnel ports. */
  private readonly portOf: (BridgePort | undefined)[] = [];
  private readonly names: string[] = [];
  private readonly numbers = new Map<string, number>();
  private readonly tunnels: TunnelPort[] = [];
  private readonly states = new FrozenStates();
  private readonly flows = new XlateFlows();
  private readonly masks = new MaskSet();
  /** Upcalls that no bridge answered: packets from a tunnel that no port is an end of (OVS: "lost", not "missed"). */
  lost = 0;
  private changes = 1;

  /** Throws when a bridge, port or rule is not as it should be; a rule's error names its file and line. */
  constructor(configs: readonly BridgeConfig[], options: SwitchOptions = {}) {
    this.vlanLimit = options.vlanLimit ?? 1;
    this.bridges = configs.map((config) => new Bridge(config));
    for (const bridge of this.bridges) for (const port of bridge.ports) this.number(port);
    this.joinPatches();
    this.underlay = new Underlay(this.bridges, options.localRoutes ?? true, () => this.changed());
    for (const config of configs) {
      // First, as rules may name only groups that there are; in the newest version, as only that carries all that groups say.
      if (config.groups !== undefined)
        this.addGroups(config.name, config.groups, { file: config.groupsFile ?? "groups", openflow: "OpenFlow15" });
      if (config.flows.trim() !== "") this.addFlows(config.name, config.flows, { file: config.flowsFile });
      else if (config.failMode === "standalone") this.addFlows(config.name, "priority=0,actions=NORMAL");
    }
  }

  private number(port: BridgePort): void {
    if (port.type === "patch") return;
    const name = port.tunnel === undefined ? port.name : port.tunnel.vport;
    let number = this.numbers.get(name);
    if (number === undefined) {
      number = this.names.length;
      this.names.push(name);
      this.numbers.set(name, number);
      this.portOf.push(port.tunnel === undefined ? port : undefined);
    } else if (port.tunnel === undefined || this.portOf[number] !== undefined) {
      throw new Error(`port ${name} is there twice: on bridge ${port.bridge.name} and on another or the same`);
    }
    port.odpPort = number;
    if (port.tunnel !== undefined) this.tunnels.push({ tunnel: port.tunnel, odpPort: number, port });
  }

  private joinPatches(): void {
    const patches = this.bridges.flatMap((bridge) => bridge.ports).filter((port) => port.type === "patch");
    for (const port of patches) {
      const peer = patches.find((other) => other.name === port.peerName);
      if (peer?.peerName === port.name && peer !== port) port.peer = peer;
    }
  }

  // Ports of the datapath.

  get portCount(): number {
    return this.names.length;
  }

  portName(port: number): string {
    return this.names[port] ?? String(port);
  }

  portNumber(name: string): number | undefined {
    return this.numbers.get(name);
  }

  portNames(): readonly string[] {
    return this.names;
  }

  bridge(name: string): Bridge | undefined {
    return this.bridges.find((bridge) => bridge.name === name);
  }

  private mustBridge(name: string): Bridge {
    const bridge = this.bridge(name);
    if (bridge === undefined) {
      throw new Error(`there is no bridge ${name}; there are ${this.bridges.map((b) => b.name).join(", ")}`);
    }
    return bridge;
  }

  // Rules.

  /**
   * Adds the rules of `text` (one a line, as `ovs-ofctl add-flows` takes them); `file` is for messages. Throws for what is no
   * rule, and for one that names a group that is not there (OFPBAC_BAD_OUT_GROUP).
   */
  addFlows(
    bridgeName: string,
    text: string,
    options: { readonly file?: string; readonly now?: number; readonly openflow?: string } = {},
  ): void {
    const bridge = this.mustBridge(bridgeName);
    bridge.addFlows(text, options.file ?? "", options.now ?? 0, options.openflow);
  }

  /** Removes the rules that `text` matches (as `ovs-ofctl del-flows`); "" removes all. */
  delFlows(
    bridgeName: string,
    text: string,
    options: { readonly now?: number; readonly openflow?: string } = {},
  ): void {
    this.mustBridge(bridgeName).delFlows(text, options.now ?? 0, options.openflow);
  }

  /** Adds, changes or deletes the groups of `text` (one a line, as `ovs-ofctl add-groups` takes them). */
  addGroups(
    bridgeName: string,
    text: string,
    options: { readonly file?: string; readonly openflow?: string } = {},
  ): void {
    this.mustBridge(bridgeName).addGroups(text, options.file ?? "groups", options.openflow);
  }

  /** `ovs-ofctl mod-port BRIDGE PORT FLAG`; `port` is the OpenFlow number. */
  modifyPort(bridgeName: string, port: number, flag: PortFlag | PortUnflag): void {
    const found = this.mustBridge(bridgeName).port(port);
    if (found === undefined) throw new Error(`bridge ${bridgeName} has no port ${port}`);
    if (found.modify(flag)) this.changed();
  }

  rules(bridgeName: string): readonly Rule[] {
    return this.mustBridge(bridgeName).tables.rules();
  }

  /** Whether a translation waits for a packet with this recirculation id. */
  thaws(id: number): boolean {
    return this.states.find(id) !== undefined;
  }

  // Time and change.

  /** Something that megaflows depend on has changed. */
  changed(): void {
    this.changes++;
  }

  get epoch(): number {
    let sum = this.changes;
    for (const bridge of this.bridges) sum += bridge.tables.epoch;
    return sum;
  }

  /** Ages MAC tables and rules to virtual time `now` (ns). */
  expire(now: number): void {
    for (const bridge of this.bridges) {
      if (bridge.macs.expire(now) > 0) this.changed();
      bridge.tables.expire(now);
    }
  }

  freeze(state: FrozenState): number {
    return this.states.idFor(state);
  }

  // Translation.

  translate(keys: Int32Array, at: number, now: number, sideEffects: boolean): Translation {
    const xlate = this.upcall(keys, at, now, sideEffects, undefined);
    if (xlate !== undefined) {
      leaveOutDiscovery(xlate.initial, xlate.mask);
      return result(xlate, this.masks.shared(xlate.mask));
    }
    this.lost++;
    return unassociated(keys, at);
  }

  /** As `translate`, with a record of how it went; undefined when no port of a bridge takes the packet in. */
  traceKey(keys: Int32Array, at: number, now: number, sideEffects: boolean): TracedTranslation | undefined {
    const nodes: TraceNode[] = [];
    const xlate = this.upcall(keys, at, now, sideEffects, nodes);
    return xlate === undefined ? undefined : traced(xlate, nodes);
  }

  /**
   * What `ofproto/trace BRIDGE FLOW` does: translates a flow (FLOW_WORDS words, in_port an OpenFlow number of the bridge)
   * that need not come from a packet. Nothing is learned unless `sideEffects`.
   */
  traceFlow(bridgeName: string, flow: Int32Array, now: number, sideEffects = false): TracedTranslation {
    const bridge = this.mustBridge(bridgeName);
    const nodes: TraceNode[] = [];
    const xlate = new Xlate(this, bridge, now, sideEffects);
    xlate.trace = nodes;
    xlate.remembers = sideEffects;
    const state = flow[W_RECIRC] === 0 ? undefined : this.states.find(flow[W_RECIRC]);
    xlate.run(flow, 0, FLOW_WORDS, bridge.port(flow[W_IN_PORT]), flow[W_IN_PORT], state);
    return traced(xlate, nodes);
  }

  private upcall(
    keys: Int32Array,
    at: number,
    now: number,
    sideEffects: boolean,
    nodes: TraceNode[] | undefined,
  ): Xlate | undefined {
    const port = this.inputPort(keys, at);
    const id = keys[at + W_RECIRC];
    const state = id === 0 ? undefined : this.states.find(id);
    const bridge = state?.bridge ?? port?.bridge;
    if (bridge === undefined || (id !== 0 && state === undefined)) return undefined;
    const xlate = new Xlate(this, bridge, now, sideEffects, nodes === undefined ? this.flows : new XlateFlows());
    xlate.trace = nodes;
    xlate.run(keys, at, KEY_WORDS, port, port?.ofport ?? OFPP_NONE, state);
    return xlate;
  }

  /** The port of a bridge that a packet came in by: on a shared tunnel port the outer header decides. */
  inputPort(keys: Int32Array, at: number): BridgePort | undefined {
    const number = keys[at + W_IN_PORT];
    const port = this.portOf[number];
    if (port !== undefined || keys[at + W_TUN_DST] === 0) return port;
    return receivingTunnel(this.tunnels, keys.subarray(at, at + KEY_WORDS))?.port;
  }
}

function result(xlate: Xlate, mask: Int32Array): Translation {
  return {
    mask,
    actions: xlate.actions,
    suppressed: xlate.suppressed,
    slow: xlate.slow ? SLOW_ACTION : NOT_SLOW,
    error: xlate.error,
    effects: xlate.effects,
    lookups: xlate.lookups,
  };
}

/**
 * Fields of Neighbour Discovery do not go into the mask of the datapath for an ICMPv6 packet that is none, although the tables
 * looked for them: its type, which they looked at first, tells it from any packet that has them.
 */
function leaveOutDiscovery(packet: Int32Array, mask: Int32Array): void {
  if (!isIpv6(packet) || nwProto(packet) !== 58) return;
  const type = packet[W_PORTS] >>> 16;
  if ((type === 135 || type === 136) && (packet[W_PORTS] & 0xffff) === 0) return;
  mask.fill(0, W_ND_TARGET, W_ND_TARGET + 4);
  mask.fill(0, W_MACS0, W_MACS0 + 3);
}

function traced(xlate: Xlate, nodes: readonly TraceNode[]): TracedTranslation {
  return {
    ...result(xlate, xlate.mask.slice(0, KEY_WORDS)),
    nodes,
    initial: xlate.initial,
    final: xlate.flow,
    wholeMask: xlate.mask,
  };
}

/** As Open vSwitch's userspace datapath does with a packet that no bridge wants: dropped each time, nothing installed. */
function unassociated(keys: Int32Array, at: number): Translation {
  const first = keys[at + W_RECIRC] === 0;
  const why = first ? "receive tunnel port not found" : "recirculation context not found";
  return {
    mask: new Int32Array(KEY_WORDS).fill(-1),
    actions: [],
    slow: [why],
    error: why,
    noTunnel: first,
    effects: new Effects(),
    lookups: 0,
  };
}
