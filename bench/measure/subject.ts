/**
 * What is measured: one bridge with its rules, or a whole cluster. Frames come in by the ports of the traffic, by their
 * numbers in it, which go round and round.
 */
import { C_UPCALL } from "../../datapath/counters.ts";
import { Fabric, type FabricOptions } from "../../datapath/fabric.ts";
import { Drop } from "../../datapath/packet/drop.ts";
import { BURST } from "../../datapath/packet/packet-batch.ts";
import { longestFrame, type Trace } from "../../datapath/packet/trace.ts";
import type { Topology } from "../../datapath/topology.ts";
import type { OvsSwitch } from "../../datapath/translate/switch.ts";
import { BRIDGE, type BridgeSetup } from "../replay/bridge.ts";
import { ReplayEngine } from "../replay/engine.ts";
import type { WarmUp } from "./trial-words.ts";

/** The traffic: frame n of a trial is `frame[n % count]` of the trace of port `port[n % count]`. All shared memory. */
export interface Traffic {
  readonly ports: readonly string[];
  /** By port. */
  readonly traces: readonly Trace[];
  readonly port: Uint8Array;
  readonly frame: Int32Array;
}

export type SubjectPlan =
  | { readonly kind: "bridge"; readonly setup: BridgeSetup }
  | { readonly kind: "cluster"; readonly topology: Topology; readonly answering: readonly string[] };

export interface SubjectCounts {
  /** Frames that ended within: by rule, or taken by a router. */
  readonly dropped: number;
  /** Found no buffer or a full queue within. */
  readonly lost: number;
  readonly upcalls: number;
}

export interface Subject {
  /** Frames `numbers[0..count)` of the traffic come in by a port; afterwards all is done that follows from them. */
  take(port: number, numbers: Int32Array, count: number): void;
  /** Moves time (ns): ageing and revalidation when they are due. */
  advance(now: number): void;
  /** Adds a rule that no frame hits, or deletes the one that was added longest ago. */
  change(now: number): void;
  /** Deletes all rules of the bridge and adds them again. */
  replaceRules(now: number): void;
  /** Empties the caches. */
  renew(): void;
  counts(): SubjectCounts;
  /** Puts all frames through until caches and code are warm, or `stopped` says so. */
  warmUp(stopped: () => boolean): WarmUp;
  /** What does not add up; empty when all does. */
  violations(): string[];
}

/** Throws when a rule or topology is none. */
export function makeSubject(plan: SubjectPlan, traffic: Traffic): Subject {
  return plan.kind === "bridge" ? new BridgeSubject(plan.setup, traffic) : new ClusterSubject(plan, traffic);
}

const longest = ({ traces }: Traffic): number => Math.max(...traces.map(longestFrame));

/** Passes until the last one makes no upcall, and code is compiled. */
const WARM_UP_MS = 500;
const MOST_WARM_UP_MS = 5000;
const MOST_PASSES = 10_000;

function warmUp(
  subject: Subject,
  { port, ports }: Traffic,
  stopped: () => boolean,
  megaflows: () => { count: number; masks: number },
): WarmUp {
  const byPort = ports.map((_, p) => Int32Array.from(port.keys()).filter((n) => port[n] === p));
  const began = performance.now();
  const scratch = new Int32Array(BURST);
  for (let passes = 1; ; passes++) {
    const before = subject.counts().upcalls;
    for (let at = 0, left = true; left; at += BURST) {
      left = false;
      for (const [p, numbers] of byPort.entries()) {
        const count = Math.min(BURST, numbers.length - at);
        if (count <= 0) continue;
        scratch.set(numbers.subarray(at, at + count));
        subject.take(p, scratch, count);
        left = true;
      }
    }
    const upcallsInLastPass = subject.counts().upcalls - before;
    const spent = performance.now() - began;
    const quiet = spent >= WARM_UP_MS && upcallsInLastPass === 0;
    if (quiet || spent >= MOST_WARM_UP_MS || passes === MOST_PASSES || stopped()) {
      const { count, masks } = megaflows();
      return { passes, upcallsInLastPass, megaflows: count, masks };
    }
  }
}

/** Rules that are there at once while rules come and go: none but the newest would be deleted at once. */
const CHURN_RULES = 64;

/** Adds and deletes rules in turn, for addresses of documentation (RFC 5737) that no frame has. */
class Churn {
  readonly #switch: OvsSwitch;
  readonly #bridge: string;
  #added = 0;
  #deleted = 0;

  constructor(of: OvsSwitch, bridge: string) {
    this.#switch = of;
    this.#bridge = bridge;
  }

  step(now: number): void {
    if (this.#added - this.#deleted < CHURN_RULES) {
      this.#switch.addFlows(this.#bridge, `priority=1,${this.#match(this.#added++)},actions=drop`, { now });
    } else this.#switch.delFlows(this.#bridge, this.#match(this.#deleted++), { now });
  }

  #match(n: number): string {
    return `ip,nw_src=203.0.113.${n & 255},nw_dst=198.51.100.${(n >> 8) & 255}`;
  }
}

class BridgeSubject implements Subject {
  readonly #engine: ReplayEngine;
  readonly #setup: BridgeSetup;
  readonly #traffic: Traffic;
  readonly #entries: Int32Array;
  readonly #frames = new Int32Array(BURST);
  readonly #churn: Churn;

  constructor(setup: BridgeSetup, traffic: Traffic) {
    this.#setup = setup;
    this.#traffic = traffic;
    this.#engine = new ReplayEngine(setup, { longest: longest(traffic) });
    this.#entries = Int32Array.from(traffic.ports, (port) => this.#engine.entry(port));
    this.#churn = new Churn(this.#engine.switch, BRIDGE);
  }

  take(port: number, numbers: Int32Array, count: number): void {
    const { frame, traces } = this.#traffic;
    const frames = this.#frames;
    const trace = traces[port];
    const entry = this.#entries[port];
    // A burst is in ascending order; where the traffic begins anew, so does a burst.
    let first = 0;
    for (let i = 0; i < count; i++) {
      frames[i] = frame[numbers[i] % frame.length];
      if (i > first && frames[i] <= frames[i - 1]) {
        this.#engine.burst(entry, trace, frames, first, i - first);
        first = i;
      }
    }
    this.#engine.burst(entry, trace, frames, first, count - first);
  }

  advance(now: number): void {
    this.#engine.advance(now);
  }

  change(now: number): void {
    this.#churn.step(now);
  }

  replaceRules(now: number): void {
    const made = this.#engine.switch;
    const { rules } = this.#setup;
    made.delFlows(BRIDGE, "", { now });
    made.addFlows(BRIDGE, rules?.text ?? "priority=0,actions=NORMAL", { file: rules?.file ?? "", now });
  }

  renew(): void {
    this.#engine.datapath.purge();
  }

  counts(): SubjectCounts {
    const { counters } = this.#engine.datapath;
    const capacity = counters.drops[Drop.NoBuffer] + counters.drops[Drop.QueueFull];
    return {
      dropped: counters.dropped - capacity,
      lost: this.#engine.losses(),
      upcalls: counters.total[C_UPCALL],
    };
  }

  warmUp(stopped: () => boolean): WarmUp {
    return warmUp(this, this.#traffic, stopped, () => this.#engine.datapath.megaflowCache);
  }

  violations(): string[] {
    return this.#engine.violations();
  }
}

/** What a router answers, if at all, with an error to the sender. */
const ROUTER_ENDS = [Drop.BadIpHeader, Drop.TtlExceeded, Drop.NoRoute, Drop.TooBig, Drop.NoNeighbour, Drop.Martian];

class ClusterSubject implements Subject {
  readonly #fabric: Fabric;
  readonly #traffic: Traffic;
  readonly #entries: Int32Array;
  readonly #churn: Churn;
  /** The host whose rules are changed: the first VM's, its first bridge (br-int). */
  readonly #host: number;
  #taken = 0;
  #now = 0;

  constructor({ topology, answering }: SubjectPlan & { kind: "cluster" }, traffic: Traffic) {
    const options: FabricOptions = { frameBytes: Math.max(1800, longest(traffic)), answering };
    this.#fabric = new Fabric(topology, options);
    this.#traffic = traffic;
    this.#entries = Int32Array.from(traffic.ports, (port) => this.#fabric.entry(port));
    this.#host = this.#fabric.vms[0]?.host ?? 0;
    this.#churn = new Churn(this.#fabric.hosts[this.#host].switch, topology.hosts[this.#host].bridges[0].name);
  }

  take(port: number, numbers: Int32Array, count: number): void {
    const { frame, traces } = this.#traffic;
    const trace = traces[port];
    const entry = this.#entries[port];
    this.#fabric.clock[0] = this.#now;
    for (let i = 0; i < count; i++) this.#fabric.offerAtClock(entry, trace, frame[numbers[i] % frame.length]);
    this.#fabric.settle();
    this.#taken += count;
  }

  advance(now: number): void {
    this.#now = now;
    if (now >= this.#fabric.nextTick) this.#fabric.advance(now);
  }

  change(now: number): void {
    this.#churn.step(now);
  }

  replaceRules(now: number): void {
    const { name, flows, flowsFile } = this.#fabric.topology.hosts[this.#host].bridges[0];
    const made = this.#fabric.hosts[this.#host].switch;
    made.delFlows(name, "", { now });
    made.addFlows(name, flows, { file: flowsFile, now });
  }

  renew(): void {
    for (const { datapath } of this.#fabric.hosts) datapath.purge();
  }

  /** A frame that no VM got, and that was not lost, ended within; or a router ended it, and a VM got an error in its place. */
  counts(): SubjectCounts {
    const { vms, hosts } = this.#fabric;
    const delivered = vms.reduce((sum, vm) => sum + vm.delivered, 0);
    const lost = this.#fabric.losses();
    let ended = 0;
    for (const { namespaces } of hosts) {
      for (const { counters } of namespaces) for (const reason of ROUTER_ENDS) ended += counters.drops[reason];
    }
    return {
      dropped: Math.max(this.#taken - lost - delivered, ended),
      lost,
      upcalls: hosts.reduce((sum, { datapath }) => sum + datapath.counters.total[C_UPCALL], 0),
    };
  }

  warmUp(stopped: () => boolean): WarmUp {
    return warmUp(this, this.#traffic, stopped, () => ({
      count: this.#fabric.hosts.reduce((sum, { datapath }) => sum + datapath.megaflowCache.count, 0),
      masks: this.#fabric.hosts.reduce((sum, { datapath }) => sum + datapath.megaflowCache.masks, 0),
    }));
  }

  violations(): string[] {
    return this.#fabric.check();
  }
}
