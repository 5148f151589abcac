/**
 * A record of one translation for people (OVS: struct oftrace_node, ofproto/ofproto-dpif-trace.c): a tree of bridges, the
 * rules that matched, their actions and remarks. It holds things, not text; ../ovs/trace-text.ts writes it.
 */
import type { OfAction } from "../openflow/action.ts";
import type { Rule } from "../openflow/rule.ts";

export type TraceKind = "bridge" | "table" | "action" | "detail" | "warn" | "error" | "bucket" | "thaw";

export interface TraceNode {
  readonly kind: TraceKind;
  /** What it says, where it is not a rule or an action. */
  readonly text: string;
  /** Of "table": the rule that matched, undefined when none did. */
  readonly rule: Rule | undefined;
  readonly table: number;
  /** Of "action". */
  readonly action: OfAction | undefined;
  /** Of a "detail" that ends in a list of actions. */
  readonly actionSet?: readonly OfAction[];
  readonly inner: TraceNode[];
}

export function traceNode(kind: TraceKind, text: string): TraceNode {
  return { kind, text, rule: undefined, table: -1, action: undefined, inner: [] };
}

export function traceRule(table: number, rule: Rule | undefined): TraceNode {
  return { kind: "table", text: "", rule, table, action: undefined, inner: [] };
}

export function traceAction(action: OfAction): TraceNode {
  return { kind: "action", text: "", rule: undefined, table: -1, action, inner: [] };
}
