/**
 * A recorded translation as ofproto/trace prints it (OVS: oftrace_node_print_details, ofproto/ofproto-dpif-trace.c).
 */
import type { OfAction } from "../openflow/action.ts";
import { formatActions as formatOfActions } from "../openflow/action-format.ts";
import { formatMatch as formatRuleMatch } from "../openflow/match-format.ts";
import type { Bridge } from "../translate/bridge.ts";
import type { OvsSwitch, TracedTranslation } from "../translate/switch.ts";
import type { TraceNode } from "../translate/trace.ts";
import { formatActions } from "./actions-text.ts";
import { formatMatch, packetMask } from "./flow-text.ts";
import { portNames } from "./port-text.ts";

/** What a translation by OvsSwitch.traceFlow looks like to a person: flow, table by table, megaflow, datapath actions. */
export function formatTrace(host: OvsSwitch, bridgeName: string, trace: TracedTranslation): string {
  const bridge = host.bridge(bridgeName);
  if (bridge === undefined) throw new Error(`there is no bridge ${bridgeName}`);
  const names = portNames(bridge);
  const before = formatMatch(trace.initial, packetMask(trace.initial), names);
  const lines = [`Flow: ${before}`];
  new Writer(host, bridge, lines).list(trace.nodes, 0, bridge);
  lines.push("");
  const same = trace.final.every((word, w) => word === trace.initial[w]);
  lines.push(`Final flow: ${same ? "unchanged" : formatMatch(trace.final, packetMask(trace.final), names)}`);
  lines.push(`Megaflow: ${formatMatch(trace.initial, trace.wholeMask, names)}`);
  lines.push(`Datapath actions: ${formatActions(trace.actions, (port) => host.portName(port))}`);
  if (trace.error !== undefined) lines.push(`Translation failed (${trace.error}), packet is dropped.`);
  else if (trace.slow.length > 0) {
    lines.push("This flow is handled by the userspace slow path because it:");
    for (const reason of trace.slow) lines.push(`  - ${reason}.`);
  }
  return `${lines.join("\n")}\n`;
}

class Writer {
  private readonly host: OvsSwitch;
  private readonly first: Bridge;
  private readonly lines: string[];

  constructor(host: OvsSwitch, first: Bridge, lines: string[]) {
    this.host = host;
    this.first = first;
    this.lines = lines;
  }

  list(nodes: readonly TraceNode[], level: number, bridge: Bridge): void {
    nodes.forEach((node, i) => {
      const inside = node.kind === "bridge" ? (this.host.bridge(node.text) ?? bridge) : bridge;
      // The last table goes back to the margin, so that a chain of tables does not wander off to the right.
      const more = i < nodes.length - 1 || !["bridge", "table", "thaw"].includes(node.kind) ? 1 : 0;
      const indent = " ".repeat((level + more) * 4);
      const text = this.text(node, inside);
      if (node.kind === "bridge") this.lines.push("", indent + text, indent + "-".repeat(text.length));
      else this.lines.push(indent + text);
      this.list(node.inner, level + 2 * more, inside);
    });
  }

  private text(node: TraceNode, bridge: Bridge): string {
    switch (node.kind) {
      case "bridge":
        return `bridge("${node.text}")`;
      case "table":
        return node.text === "" ? this.tableText(node, bridge) : node.text;
      case "action":
        return node.action === undefined ? node.text : formatOfActions([node.action], bridge.actionNames);
      case "detail":
        return ` -> ${node.text}${node.actionSet === undefined ? "" : this.setText(node.actionSet)}`;
      case "warn":
        return ` >> ${node.text}`;
      case "error":
        return ` >>>> ${node.text} <<<<`;
      default:
        return node.text;
    }
  }

  private setText(actions: readonly OfAction[]): string {
    return actions.length === 0 ? " empty" : `: ${formatOfActions(actions)}`;
  }

  private tableText({ table, rule }: TraceNode, bridge: Bridge): string {
    const number = `${String(table).padStart(2)}. `;
    if (rule === undefined) {
      // In another bridge Open vSwitch shows the hidden rule that such a packet meets.
      return `${number}${bridge === this.first ? "No match." : "reg0=0x2, priority 0"}`;
    }
    const match = formatRuleMatch(rule.match, bridge.actionNames);
    const cookie = rule.cookie === 0n ? "" : `, cookie 0x${rule.cookie.toString(16)}`;
    return `${number}${match === "" ? "" : `${match}, `}priority ${rule.priority}${cookie}`;
  }
}
