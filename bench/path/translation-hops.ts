/**
 * One translation of the slow path as hops, a bridge each. A translation is a tree: flooding and patch ports open branches,
 * of which one leads to the port by which the packet went on; the others are left out.
 */
import { formatActions } from "../../datapath/openflow/action-format.ts";
import { formatMatch } from "../../datapath/openflow/match-format.ts";
import type { Bridge } from "../../datapath/translate/bridge.ts";
import type { OvsSwitch } from "../../datapath/translate/switch.ts";
import type { TraceNode } from "../../datapath/translate/trace.ts";
import type { BridgeHop, RuleMet } from "./hop.ts";

/** What one translation did, and where. */
export interface Translated {
  readonly nodes: readonly TraceNode[];
  /** Name of the port that the packet came in by. */
  readonly inPort: string;
}

/** Where the packet of a translation went on. */
export interface Exit {
  readonly bridge: string;
  readonly port: string;
  /** Outer destination address when it left in a tunnel. */
  readonly remote: string | null;
}

/** A bridge on the way, and what is said of the tunnel that led to it. */
interface Step {
  readonly node: TraceNode;
  readonly tunnel: string | null;
}

/** The hops from `inPort` to `exit`; `pass` numbers them. Empty when the tree does not lead there. */
export function translationHops(
  host: OvsSwitch,
  hostName: string,
  translated: Translated,
  exit: Exit,
  pass: number,
): BridgeHop[] {
  const ways = waysTo(translated.nodes, exit.bridge, []);
  const way = ways.find((steps) => exit.remote === null || goesTo(steps, exit.remote)) ?? ways.at(0) ?? [];
  let inPort = translated.inPort;
  return way.map(({ node }, i) => {
    const bridge = mustBridge(host, node.text);
    const next = way.at(i + 1);
    const outPort = next === undefined ? exit.port : portTo(bridge, next);
    const hop: BridgeHop = {
      kind: "bridge",
      host: hostName,
      bridge: bridge.name,
      inPort,
      outPort,
      pass,
      rules: rulesOf(node.inner, bridge),
      tunnel: next?.tunnel ? { change: "encapsulate", text: next.tunnel } : null,
    };
    inPort = next === undefined ? "" : entryOf(bridge, next);
    return hop;
  });
}

const goesTo = (steps: readonly Step[], remote: string): boolean =>
  steps.some(({ tunnel }) => tunnel?.includes(` to ${remote} `) === true);

/** Every chain of bridges from the root down to one called `target`, in the order of the record. */
function waysTo(nodes: readonly TraceNode[], target: string, above: readonly Step[]): Step[][] {
  const found: Step[][] = [];
  let tunnel: string | null = null;
  for (const node of nodes) {
    if (node.kind === "detail" && node.text.startsWith("tunneling to")) tunnel = node.text;
    const chain = node.kind === "bridge" ? [...above, { node, tunnel }] : above;
    if (node.kind === "bridge") {
      tunnel = null;
      if (node.text === target) found.push([...chain]);
    }
    found.push(...waysTo(node.inner, target, chain));
  }
  // The chain that goes on furthest is the one that reached the port: a bridge may come twice.
  return found;
}

function mustBridge(host: OvsSwitch, name: string): Bridge {
  const bridge = host.bridge(name);
  if (bridge === undefined) throw new Error(`there is no bridge ${name}`);
  return bridge;
}

/** The port of `bridge` by which the next bridge was reached: a tunnel's, or the patch port. */
function portTo(bridge: Bridge, next: Step): string {
  if (next.tunnel !== null) {
    const remote = / to (\S+) /.exec(next.tunnel)?.[1];
    const port = bridge.config.ports.find(({ options }) => options?.remote_ip === remote);
    if (port !== undefined) return port.name;
  }
  return patchPort(bridge, next.node.text)?.name ?? "";
}

/** The port of the next bridge by which it is entered: its own port behind a tunnel, or the other end of the patch. */
function entryOf(bridge: Bridge, next: Step): string {
  return next.tunnel !== null ? next.node.text : (patchPort(bridge, next.node.text)?.peer?.name ?? "");
}

const patchPort = (bridge: Bridge, other: string): Bridge["ports"][number] | undefined =>
  bridge.ports.find((port) => port.peer?.bridge.name === other);

/** The rules met in one bridge, in order, without those of bridges behind it. */
function rulesOf(nodes: readonly TraceNode[], bridge: Bridge): RuleMet[] {
  return nodes
    .filter(({ kind }) => kind === "table")
    .flatMap(({ table, rule, inner }) => {
      const actions = inner.filter(({ kind }) => kind === "action");
      const met: RuleMet = {
        table,
        match: rule === undefined ? null : formatMatch(rule.match, bridge.actionNames),
        priority: rule?.priority ?? null,
        actions: actions
          .map(({ action, text }) => (action === undefined ? text : formatActions([action], bridge.actionNames)))
          .join(","),
        notes: inner.filter(({ kind }) => kind === "detail").map(({ text }) => text),
      };
      return [met, ...rulesOf(inner, bridge)];
    });
}
