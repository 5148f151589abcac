/** What a replay's ports counted, and its underlay. */
import type { Counters } from "../../datapath/counters.ts";
import { BRIDGE, type BridgeSetup, shownPorts, UNDERLAY_BRIDGE } from "./bridge.ts";
import type { ReplayEngine } from "./engine.ts";
import { formatPort, isTunnel, portName } from "./port-spec.ts";
import type { PortResult, UnderlayResult } from "./result.ts";

/** What came and went by each port that was asked for, and by bridges' own ports that something went to. */
export function portsOf(engine: ReplayEngine, { ports }: BridgeSetup): PortResult[] {
  const { counters } = engine.datapath;
  const shown = shownPorts(engine.switch, ports);
  const result: PortResult[] = [];
  for (const port of ports) {
    const name = portName(port.ofport);
    const kind = formatPort(port).slice(name.length + 1);
    if (isTunnel(port)) {
      const own = engine.switch.bridge(BRIDGE)?.port(port.ofport);
      if (own === undefined) continue;
      const { rxPackets, rxBytes, sentPackets: txPackets, sentBytes: txBytes } = own;
      result.push({ port: name, kind, rxPackets, rxBytes, txPackets, txBytes });
    } else result.push({ port: name, kind, ...datapathCounts(counters, shown.indexOf(name)) });
  }
  for (const [n, name] of shown.entries()) {
    if (result.some(({ port }) => port === name)) continue;
    const counts = datapathCounts(counters, n);
    if (name === "underlay" || counts.rxPackets + counts.txPackets > 0) {
      result.push({ port: name, kind: name === "underlay" ? "null" : "", ...counts });
    }
  }
  return result;
}

/** Who the underlay's bridge was, and what ended at its own port; null without one. */
export function underlayOf(
  { station, ports: specs }: BridgeSetup,
  ports: readonly PortResult[],
  pops: number,
): UnderlayResult | null {
  if (station === undefined) return null;
  const tunnels = new Set(specs.filter(isTunnel).map(({ ofport }) => portName(ofport)));
  const taken = ports.reduce((sum, { port, rxPackets }) => sum + (tunnels.has(port) ? rxPackets : 0), 0);
  const own = ports.find(({ port }) => port === UNDERLAY_BRIDGE);
  return { ...station, unmatched: pops - taken, ended: { packets: own?.txPackets ?? 0, bytes: own?.txBytes ?? 0 } };
}

function datapathCounts(
  { rxPackets, rxBytes, txPackets, txBytes }: Counters,
  n: number,
): Omit<PortResult, "port" | "kind"> {
  return { rxPackets: rxPackets[n], rxBytes: rxBytes[n], txPackets: txPackets[n], txBytes: txBytes[n] };
}
