/**
 * Where packets go: ports, floods, the controller, tunnels with the bridge behind them, other bridges over patch ports (OVS:
 * xlate_output_action, compose_output_action, native_tunnel_output, patch_port_output).
 */

import {
  FLOW_WORDS,
  W_ACTSET_OUTPUT,
  W_ETH0,
  W_ETH1,
  W_ETH2,
  W_IN_PORT,
  W_IPV6_DST,
  W_IPV6_SRC,
  W_METADATA,
  W_METADATA_HI,
  W_NW_DST,
  W_NW_SRC,
  W_PACKET_TYPE,
  W_PKT_MARK,
  W_PORTS,
  W_REG0,
  W_TOSTTL,
  W_TUN_DST,
  W_TUN_ID_HI,
  W_TUN_META,
  W_TUN_SRC,
  W_TUN_TP,
  W_TYPE,
} from "../flow/flow-key.ts";
import {
  OFPP_ALL,
  OFPP_CONTROLLER,
  OFPP_FLOOD,
  OFPP_IN_PORT,
  OFPP_LOCAL,
  OFPP_NONE,
  OFPP_NORMAL,
  OFPP_TABLE,
  OFPP_UNSET,
} from "../openflow/action.ts";
import { portToText } from "../openflow/port-name.ts";
import { ipv4ToText, macToText } from "../wire/addresses.ts";
import type { BridgePort } from "./bridge.ts";
import { translateNormal } from "./normal.ts";
import { NO_DATAPATH_PORT, type Port } from "./port.ts";
import { buildHeader, sendIntoTunnel } from "./tunnel-output.ts";
import { XlateChange } from "./xlate-change.ts";
import { clearTunnel } from "./xlate-state.ts";

const TUN_END = W_PKT_MARK; // the words of the tunnel are W_TUN_ID_HI up to here, and two more

/** OpenFlow's packet-in reasons (OFPR_*), as a datapath action prints them. */
const REASONS: Readonly<Record<string, number>> = {
  no_match: 0,
  action: 1,
  invalid_ttl: 2,
  action_set: 3,
  group: 4,
  packet_out: 5,
};

export abstract class XlateOutput extends XlateChange {
  protected abstract tableAction(inPort: number, table: number, last: boolean, cloned: boolean): void;
  protected abstract finishPipeline(): void;

  protected outputAction(port: number, maxLength: number, last: boolean, truncated: boolean, bucket: boolean): void {
    switch (port) {
      case OFPP_IN_PORT:
        this.composeOutput(this.flow[W_IN_PORT], last, truncated);
        break;
      case OFPP_TABLE:
        this.tableAction(this.flow[W_IN_PORT], 0, false, false);
        break;
      case OFPP_NORMAL:
        translateNormal(this);
        break;
      case OFPP_FLOOD:
        this.flood(false, last);
        break;
      case OFPP_ALL:
        this.flood(true, last);
        break;
      case OFPP_CONTROLLER:
        this.sendToController(maxLength, bucket ? "group" : this.inActionSet ? "action_set" : "action", 0);
        break;
      case OFPP_NONE:
        break;
      default:
        if (port !== this.flow[W_IN_PORT]) this.composeOutput(port, last, truncated);
        else this.note("warn", "skipping output to input port");
    }
  }

  protected outputTruncated(number: number, maxLength: number, last: boolean, bucket: boolean): void {
    if (number >= OFPP_TABLE && number !== OFPP_LOCAL) {
      this.note("error", `output_trunc does not support port: ${portToText(number)}`);
      return;
    }
    if (number === this.flow[W_IN_PORT]) {
      this.note("warn", "skipping output to input port");
      return;
    }
    const port = this.bridge.port(number);
    if (port === undefined || port.odpPort === NO_DATAPATH_PORT) {
      this.note("error", `output_trunc does not support patch port ${portToText(number)}`);
      return;
    }
    this.actions.push({ kind: "trunc", maxLength });
    this.outputAction(number, 0, last, true, bucket);
  }

  protected flood(all: boolean, last: boolean): void {
    const inPort = this.flow[W_IN_PORT];
    const ports = this.bridge.ports.filter((port) => port.ofport !== inPort && (all || !port.noFlood));
    for (const port of ports) this.composeOutput(port.ofport, last && port === ports[ports.length - 1], false);
  }

  override sendToController(
    maxLength: number,
    reason: string,
    controller: number,
    userdata: readonly number[] = [],
  ): void {
    this.commit();
    const rule = this.rule;
    const miss =
      reason === "action" && rule !== undefined && rule.priority === 0 && rule.match.mask.every((word) => word === 0);
    const code = miss ? 6 : (REASONS[reason] ?? 1);
    // Tracing only a flow, Open vSwitch marks what would be sent; the id is of a state that it keeps for its controller.
    const onlyTraced = this.trace !== undefined && !this.sideEffects;
    const state = { ...this.frozenState([]), table: this.table, userdata, actionSet: [] };
    const id = this.trace === undefined ? 0 : this.host.freeze(state);
    this.actions.push({
      kind: "userspace",
      reason: `controller(reason=${code},dont_send=${onlyTraced ? 1 : 0},continuation=0,recirc_id=${id},rule_cookie=${rule === undefined || rule.cookie === 0n ? "0" : `0x${rule.cookie.toString(16)}`},controller_id=${controller},max_len=${maxLength})`,
      maxLength,
    });
  }

  /** Sends the packet out of a port of the current bridge, wherever that leads (compose_output_action). */
  composeOutput(number: number, last: boolean, truncated: boolean): void {
    const port = this.bridge.port(number);
    const { flow } = this;
    if (port === undefined) {
      this.note("warn", "Nonexistent output port");
      return;
    }
    if (port.noForward) {
      this.note("detail", "OFPPC_NO_FWD set, skipping output");
      return;
    }
    if (port.protected && this.bridge.inputPort(flow)?.protected) {
      this.note("detail", "Flow is between protected ports, skipping output.");
      return;
    }
    // A patch port takes packets without an Ethernet header; all others here are legacy L2 ports.
    if (port.peer !== undefined) {
      if (truncated) this.note("error", "Cannot truncate output to patch port");
      this.crossTo(port, port.peer, last);
      return;
    }
    if (flow[W_PACKET_TYPE] !== 0) {
      this.note("warn", "Trying to send non-Ethernet packet through legacy L2 port. Dropping packet.");
      return;
    }
    if (port.odpPort === NO_DATAPATH_PORT) return;
    if (port.tunnel !== undefined) {
      this.outputToTunnel(port, last, truncated);
      return;
    }
    this.commit();
    const popped =
      port.ofport === OFPP_LOCAL
        ? this.host.underlay.terminate(this.bridge, flow, this.mask, this.sideEffects)
        : NO_DATAPATH_PORT;
    if (popped !== NO_DATAPATH_PORT) this.actions.push({ kind: "tnl_pop", port: popped });
    else this.actions.push({ kind: "output", port: port.odpPort });
  }

  protected outputToTunnel(port: Port, last: boolean, truncated: boolean): void {
    const { flow, mask } = this;
    const saved = saveTunnel(flow);
    sendIntoTunnel(port.tunnel!, flow, mask);
    // Also where neither has one. The tunnel fields then stay as the port has set them, as there.
    if (flow[W_TUN_DST] === this.originalTunnelDst) {
      this.note("warn", "Not tunneling to our own address");
      return;
    }
    this.effects.counts({ credit: (packets, bytes) => port.creditTx(packets, bytes) });
    this.note("detail", "output to native tunnel");
    this.commit();
    this.nativeTunnel(port, last, truncated);
    restoreTunnel(flow, saved);
  }

  /** Pushes the outer header and goes on in the bridge that has the local address (native_tunnel_output). */
  protected nativeTunnel(port: Port, last: boolean, truncated: boolean): void {
    const { flow, base } = this;
    const tunnel = port.tunnel!;
    const route = this.host.underlay.route(flow[W_TUN_DST], flow[W_TUN_SRC], flow[W_PKT_MARK]);
    if (route === undefined) {
      this.note("warn", "native tunnel routing failed");
      return;
    }
    const out = route.bridge.local;
    const remote = ipv4ToText(flow[W_TUN_DST]);
    this.note("detail", `tunneling to ${remote} via ${out.name}`);
    const mac = route.bridge.neighbour(flow[W_TUN_DST]);
    if (mac === undefined) {
      this.note("detail", `neighbor cache miss for ${remote} on bridge ${route.bridge.name}, sending ARP request`);
      return;
    }
    this.note(
      "detail",
      `tunneling from ${macToText(...route.bridge.mac)} ${ipv4ToText(route.source)} to ${macToText(...mac)} ${remote}`,
    );
    const header = buildHeader(tunnel, flow, route.source, route.bridge.mac, mac);
    const savedFlow = flow.slice();
    const savedBase = base.slice();
    for (const either of [base, flow])
      becomeOuter(either, savedFlow, route.bridge.mac, mac, route.source, tunnel.kind === "gre");
    const outer = this.actions;
    this.actions = [];
    this.actions.push({ kind: "tnl_push", tunnelPort: port.odpPort, outPort: out.odpPort, header });
    if (truncated) {
      // Counters would be wrong otherwise: the truncated packet comes round again.
      this.actions.push({ kind: "recirc", id: 0 });
    } else {
      const { mask, sideEffects, remembers, suppressed } = this;
      this.mask = new Int32Array(FLOW_WORDS);
      this.sideEffects = false;
      this.remembers = true;
      this.effects.headerBytes += header.bytes.length;
      const newest = this.effects.repeated;
      this.crossTo(port, out, last);
      this.effects.headerBytes -= header.bytes.length;
      this.sideEffects = sideEffects;
      this.remembers = remembers;
      this.mask = mask;
      if (sideEffects) {
        this.effects.performFrom(newest, this.now);
        this.suppressed = suppressed;
      }
    }
    // Open vSwitch 3.1 makes no copy for what it takes to be the last action, also where (after an action set) it is not.
    const pushed = this.actions;
    if (pushed.length > 1) {
      if (last) outer.push(...pushed);
      else outer.push({ kind: "clone", actions: pushed });
    }
    this.actions = outer;
    flow.set(savedFlow);
    base.set(savedBase);
  }

  /** Goes on in another bridge, as a packet that comes in at `to`; registers, metadata and tunnel fields stay behind. */
  protected crossTo(from: Port, to: BridgePort, last: boolean): void {
    const { flow, stack, actionSet, actionSetHasGroup, wasMpls, bridge, withheld, kept } = this;
    // The tables of the next bridge are taken as they are now.
    this.withheld = undefined;
    this.kept = undefined;
    const savedFlow = flow.slice();
    const savedMask = saveTunnel(this.mask);
    this.stack = [];
    this.actionSet = [];
    this.actionSetHasGroup = false;
    flow[W_IN_PORT] = to.ofport;
    flow[W_METADATA] = 0;
    flow[W_METADATA_HI] = 0;
    clearTunnel(flow);
    clearTunnel(this.mask);
    for (let w = W_REG0; w < W_REG0 + 16; w++) flow[w] = 0;
    flow[W_ACTSET_OUTPUT] = OFPP_UNSET;
    this.bridge = to.bridge;
    this.push("bridge", to.bridge.name, () => {
      if (to.noReceive) return;
      this.tableAction(flow[W_IN_PORT], 0, last, true);
      this.finishPipeline();
    });
    flow.set(savedFlow);
    this.bridge = bridge;
    this.actionSet = actionSet;
    this.actionSetHasGroup = actionSetHasGroup;
    this.stack = stack;
    restoreTunnel(this.mask, savedMask);
    this.wasMpls = wasMpls;
    this.withheld = withheld;
    this.kept = kept;
    this.exit = false;
    this.error = undefined;
    this.effects.counts({
      credit: (packets, bytes) => {
        if (from.tunnel === undefined) from.creditTx(packets, bytes);
        else from.creditOuter(packets, bytes);
        to.creditRx(packets, bytes);
      },
    });
  }

  /** A clone at the very end needs no copy (xlate_optimize_odp_actions). */
  protected unwrapLastClone(): void {
    const lastAction = this.actions.at(-1);
    if (lastAction?.kind !== "clone") return;
    this.actions.pop();
    this.actions.push(...lastAction.actions);
  }
}

function saveTunnel(words: Int32Array): Int32Array {
  return words.slice(W_TUN_ID_HI, TUN_END);
}

function restoreTunnel(words: Int32Array, saved: Int32Array): void {
  words.set(saved, W_TUN_ID_HI);
}

/** The flow of the packet with its outer header on (propagate_tunnel_data_to_flow); the inner VLAN tags stay in it, as there. */
function becomeOuter(
  flow: Int32Array,
  sent: Int32Array,
  sourceMac: readonly [number, number],
  targetMac: readonly [number, number],
  source: number,
  isGre: boolean,
): void {
  flow[W_ETH0] = targetMac[0];
  flow[W_ETH1] = (targetMac[1] << 16) | (sourceMac[0] >>> 16);
  flow[W_ETH2] = (sourceMac[0] << 16) | sourceMac[1];
  flow[W_PACKET_TYPE] = 0;
  flow[W_NW_SRC] = sent[W_TUN_SRC] === 0 ? source : sent[W_TUN_SRC];
  flow[W_NW_DST] = sent[W_TUN_DST];
  for (let i = 0; i < 4; i++) {
    flow[W_IPV6_SRC + i] = 0;
    flow[W_IPV6_DST + i] = 0;
  }
  const meta = sent[W_TUN_META];
  flow[W_TOSTTL] = (flow[W_TOSTTL] & 0xffff) | (meta & (0xffff0000 | 0));
  flow[W_PORTS] = sent[W_TUN_TP];
  flow[W_TYPE] = (0x0800 << 16) | (isGre ? 47 : 17);
}
