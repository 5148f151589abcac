/**
 * Runs a case: builds its switch and datapath, takes its packets through, and answers for each what translation gives
 * (megaflow, actions), what really comes out (frames by port), and, in stateless cases, whether the packet misses the cache
 * when all are sent again with the cache kept.
 */

import { Datapath } from "../../datapath/datapath.ts";
import { extract } from "../../datapath/flow/extract.ts";
import { FLOW_WORDS, KEY_WORDS, VLAN_PRESENT, W_IN_PORT, W_VLAN0, W_VLAN1 } from "../../datapath/flow/flow-key.ts";
import { installedMask } from "../../datapath/flow/flow-mask.ts";
import { FlowSyntaxError } from "../../datapath/openflow/syntax.ts";
import { formatActions } from "../../datapath/ovs/actions-text.ts";
import { formatMatch, packetMask } from "../../datapath/ovs/flow-text.ts";
import { BURST, PacketBatch } from "../../datapath/packet/packet-batch.ts";
import { PacketPool } from "../../datapath/packet/packet-pool.ts";
import type { Bridge } from "../../datapath/translate/bridge.ts";
import { NO_DATAPATH_PORT } from "../../datapath/translate/port.ts";
import { OvsSwitch } from "../../datapath/translate/switch.ts";
import { InputError, isInputError } from "../errors.ts";
import type { CaseEvent, CaseResult, OvsCase, PacketEvent } from "./case.ts";
import { parseFlowText } from "./flow-words.ts";

/** Copies of a packet at most: what 64 kB of actions output, 8 bytes each, and a list beyond (OVS stops resubmits there). */
const SLOTS = 10_240;
const TX_CAPACITY = 10_240;
/** What a case may add to its longest frame. */
const SPARE_BYTES = 256;
const NS_PER_MS = 1e6;
const ETH_HEADER_LEN = 14;

/** The bridges of a case. Throws an InputError that says what in the case is wrong, and where. */
export function buildSwitch(ovsCase: OvsCase): OvsSwitch {
  try {
    // The corpus was recorded with routes added by hand, through which a tunnel with local_ip finds no way.
    return new OvsSwitch(ovsCase.bridges, { vlanLimit: ovsCase.vlanLimit, localRoutes: false });
  } catch (error) {
    const { source } = ovsCase;
    throw source === undefined ? error : source.where.explain(source.value, error as Error);
  }
}

/** A switch of a case with its datapath and its virtual time. */
export class CaseSwitch {
  readonly switch: OvsSwitch;
  readonly datapath: Datapath;
  /** Virtual time, ns. */
  now = 0;
  private readonly pool: PacketPool;
  private readonly batch: PacketBatch;
  private readonly vlanLimit: number;
  readonly stateless: boolean;
  /** Slow flows that Open vSwitch has in its cache too, though it translates each of their packets: mask and value. */
  private readonly slowFlows: { mask: Int32Array; key: Int32Array }[] = [];

  constructor(ovsCase: OvsCase) {
    const lengths = ovsCase.packets.map((event) => ("hex" in event ? event.hex!.length / 2 : 0));
    this.pool = new PacketPool(SLOTS, Math.max(0, ...lengths) + SPARE_BYTES);
    this.vlanLimit = ovsCase.vlanLimit;
    this.stateless = ovsCase.stateless;
    this.switch = buildSwitch(ovsCase);
    this.datapath = new Datapath(this.pool, this.switch, {
      ports: this.switch.portCount,
      vlanLimit: ovsCase.vlanLimit,
      txCapacity: TX_CAPACITY,
      emc: { entries: 0 },
    });
    this.batch = new PacketBatch(this.pool);
  }

  bridge(name: string): Bridge {
    const bridge = this.switch.bridge(name);
    if (bridge === undefined) throw new InputError(`packet for bridge ${name}: there is none of that name`);
    return bridge;
  }

  /** A frame as the only packet of the batch, coming in by datapath port `odpPort`. */
  private load(frame: Uint8Array, odpPort: number): PacketBatch {
    const { pool, batch } = this;
    const slot = pool.alloc();
    const start = pool.home(slot);
    pool.bytes.set(frame, start);
    batch.count = 1;
    batch.slot[0] = slot;
    batch.start[0] = start;
    batch.end[0] = start + frame.length;
    batch.inPort[0] = odpPort;
    batch.time[0] = this.now;
    batch.drop[0] = 0;
    batch.tunDst[0] = 0;
    batch.tunId[0] = 0;
    batch.tunSrc[0] = 0;
    batch.tunMeta[0] = 0;
    return batch;
  }

  /** The flow of a frame, with OpenFlow port number `inPort`; undefined when the frame is too short to be one. */
  parse(frame: Uint8Array, inPort: number): Int32Array | undefined {
    const batch = this.load(frame, 0);
    extract(batch, this.vlanLimit);
    const flow = new Int32Array(FLOW_WORDS);
    for (let w = 0; w < KEY_WORDS; w++) flow[w] = batch.keys[w];
    flow[W_IN_PORT] = inPort;
    this.pool.free(batch.slot[0]);
    return batch.drop[0] === 0 ? flow : undefined;
  }

  /**
   * Sends a frame in at a datapath port; returns what came out by port name, and whether a pass missed the cache. The ports are
   * Open vSwitch's dummy devices: a frame shorter than an Ethernet header (cut, then a tag popped) is not sent, and what follows
   * it in a burst to that port is lost with it (netdev_dummy_send).
   */
  inject(frame: Uint8Array, odpPort: number): { out: Record<string, string[]>; upcall: boolean } {
    const { datapath, pool } = this;
    const batch = this.load(frame, odpPort);
    const misses = (): number => datapath.counters.get("upcall") - this.switch.lost;
    const before = misses();
    datapath.process(batch);
    const out: Record<string, string[]> = {};
    datapath.tx.forEach((queue, port) => {
      let refused = false;
      for (let n = 0; queue.shiftOne(); n++) {
        pool.free(queue.lastSlot);
        const bytes = pool.bytes.subarray(queue.lastStart, queue.lastEnd);
        if (n % BURST === 0) refused = false;
        refused ||= bytes.length < ETH_HEADER_LEN;
        if (!refused) (out[this.switch.portName(port)] ??= []).push(Buffer.from(bytes).toString("hex"));
      }
    });
    return { out, upcall: misses() !== before };
  }

  /** Time passes: everything ages. `ms` in milliseconds. */
  warp(ms: number): void {
    // In steps, as a switch that looks at its clock now and then.
    const steps = 30;
    const start = this.now;
    for (let step = 1; step <= steps; step++) {
      this.now = start + Math.round((ms * NS_PER_MS * step) / steps);
      this.datapath.revalidate(this.now);
      this.switch.expire(this.now);
    }
  }

  /** True when a slow flow seen since the last `forgetSlow` takes the packet; remembers `mask` otherwise. */
  slowHit(key: Int32Array): boolean {
    return this.slowFlows.some((flow) => flow.mask.every((bits, w) => ((key[w] ^ flow.key[w]) & bits) === 0));
  }

  rememberSlow(key: Int32Array, mask: Int32Array): void {
    this.slowFlows.push({ key: key.slice(0, KEY_WORDS), mask: mask.slice(0, KEY_WORDS) });
  }
}

function plainTag(flow: Int32Array, word: number): void {
  if ((flow[word] & VLAN_PRESENT) !== 0) flow[word] = (0x8100 << 16) | (flow[word] & 0xffff);
}

function runPacket(host: CaseSwitch, event: PacketEvent): CaseResult {
  const bridge = host.bridge(event.bridge);
  const port = bridge.port(event.in_port);
  if (port === undefined) throw new InputError(`packet: bridge ${bridge.name} has no port ${event.in_port}`);
  const names = (number: number): string => bridge.port(number & 0xffff)?.name ?? String(number);
  const frame = event.hex === undefined ? undefined : Uint8Array.from(Buffer.from(event.hex, "hex"));
  const result: CaseResult = {};
  let flow: Int32Array | undefined;
  if (frame === undefined) {
    flow = parseFlowText(event.flow!, bridge);
    flow[W_IN_PORT] = event.in_port;
  } else {
    flow = host.parse(frame, event.in_port);
    if (flow !== undefined) {
      result.flow = formatMatch(flow, packetMask(flow), String);
      // Where a frame would teach the switch, the record traces the text of its flow, which does not say the type of a tag;
      // that of a flow with two tags ofproto/trace does not take, so there the record is what was installed.
      if (!host.stateless && (flow[W_VLAN1] & VLAN_PRESENT) === 0) plainTag(flow, W_VLAN0);
    }
  }
  if (flow !== undefined) {
    const translation = host.switch.traceFlow(bridge.name, flow, host.now);
    result.megaflow = formatMatch(translation.initial, translation.wholeMask, names);
    result.actions = formatActions(translation.actions, (number) => host.switch.portName(number));
    if (translation.slow.length > 0) result.slow = translation.slow;
  }
  const injected = frame !== undefined && event.trace_only !== true && port.tunnel === undefined;
  if (injected && port.odpPort !== NO_DATAPATH_PORT) {
    host.datapath.purge();
    result.out = host.inject(frame, port.odpPort).out;
  }
  return result;
}

/** What one event does: the result of a packet, {} for what is none. */
export function runEvent(host: CaseSwitch, event: CaseEvent): CaseResult {
  if ("warp" in event) host.warp(event.warp);
  else if ("add_flows" in event) {
    host.switch.addFlows(event.bridge, event.add_flows.join("\n"), {
      file: "add_flows",
      now: host.now,
      openflow: event.openflow ?? "OpenFlow10",
    });
  } else if ("del_flows" in event) {
    host.switch.delFlows(event.bridge, event.del_flows, { now: host.now, openflow: event.openflow ?? "OpenFlow10" });
  } else if ("mod_port" in event) host.switch.modifyPort(event.bridge, event.mod_port, event.flag);
  else return runPacket(host, event);
  return {};
}

/** Which part of event `i` an error is about. */
function eventPath(event: CaseEvent, i: number, error: unknown): string {
  const line = error instanceof FlowSyntaxError ? error.line : 0;
  if (line === 0) return `packets[${i}]`;
  if ("add_flows" in event) return `packets[${i}].add_flows[${line - 1}]`;
  return `packets[${i}].${"del_flows" in event ? "del_flows" : "flow"}`;
}

/** The result of each event of the case, in order; {} for events that are no packets. Throws when the case cannot be built. */
export function runCase(ovsCase: OvsCase): CaseResult[] {
  const host = new CaseSwitch(ovsCase);
  const results = ovsCase.packets.map((event, i) => {
    try {
      return runEvent(host, event);
    } catch (error) {
      if (ovsCase.source === undefined || !isInputError(error)) throw error;
      throw ovsCase.source.where.at(eventPath(event, i, error), error);
    }
  });
  if (ovsCase.stateless) replay(host, ovsCase, results);
  return results;
}

/** Sends the same frames again, the cache now kept from one to the next. */
function replay(host: CaseSwitch, ovsCase: OvsCase, results: readonly CaseResult[]): void {
  host.datapath.purge();
  ovsCase.packets.forEach((event, i) => {
    if (!("hex" in event) || event.hex === undefined || results[i].out === undefined) return;
    const bridge = host.bridge(event.bridge);
    const frame = Uint8Array.from(Buffer.from(event.hex, "hex"));
    const { upcall } = host.inject(frame, bridge.port(event.in_port)!.odpPort);
    const flow = results[i].slow === undefined ? undefined : host.parse(frame, event.in_port);
    if (flow === undefined) {
      results[i].upcall = upcall;
      return;
    }
    // Open vSwitch counts a packet that a slow flow takes as a hit: the flow is in its cache, its actions are not.
    const known = host.slowHit(flow);
    results[i].upcall = !known;
    if (!known) host.rememberSlow(flow, installedMask(host.switch.traceFlow(bridge.name, flow, host.now).mask));
  });
}
