/**
 * A flow as text (OVS: parse_ofp_exact_flow in lib/ofp-flow.c): like a match, but every field is a value, said once, and
 * what it needs to exist stands before it.
 */
import { W_TYPE } from "../flow/flow-key.ts";
import { type Field, fieldGet } from "./field.ts";
import { findField } from "./fields.ts";
import { Match } from "./match.ts";
import { applyMatchKey, PROTOCOLS } from "./match-text.ts";
import type { PortNumbers } from "./port-name.ts";
import { isMet, knownFrom } from "./prerequisite.ts";
import { bigOf, type KeyValue, keyValues, Span, shown, wordsOf } from "./syntax.ts";

/** The fields that `text` names, as a match on all their bits. */
export function parseExactFlow(text: string, ports: PortNumbers | undefined): Match {
  const flow = new Match();
  const context = { ports, internal: true, exact: true };
  for (const pair of keyValues(new Span(text, 0, "flow", 1))) {
    const { key } = pair;
    const field = findField(key.text);
    if (Object.hasOwn(PROTOCOLS, key.text)) checkProtocol(flow, pair);
    else if (field !== undefined) checkField(flow, field, pair);
    const known = key.text !== "eth" && !key.text.includes("[") && applyMatchKey(flow, pair, context);
    if (!known) key.fail(`${shown(key.text)} is not known`, "a field of a flow");
  }
  return flow;
}

function checkProtocol({ value }: Match, { key }: KeyValue): void {
  if (value[W_TYPE] >>> 16 !== 0) key.fail(`${key.text}: the Ethernet type is already set`, "one Ethernet type");
  if (PROTOCOLS[key.text][1] !== 0 && (value[W_TYPE] & 0xff) !== 0) {
    key.fail(`${key.text}: the IP protocol is already set`, "one IP protocol");
  }
}

function checkField(flow: Match, field: Field, { key }: KeyValue): void {
  if (!isMet(field.prerequisite, knownFrom(flow))) {
    key.fail(`${key.text} in a flow that has not said ${field.prerequisite} before`, `${field.prerequisite} before it`);
  }
  if (bigOf(fieldGet(field, flow.value, scratch)) !== 0n) key.fail(`${key.text} is already set`, "each field once");
}

const scratch = wordsOf(0n);
