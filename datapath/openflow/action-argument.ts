/**
 * What the actions of a list take behind their names, and what is known where they stand.
 */
import type { OpenFlowVersion } from "./action.ts";
import type { Subfield } from "./field.ts";
import { parseSubfield } from "./field-text.ts";
import { OFPG_MAX } from "./group.ts";
import { type PortNumbers, portFromText } from "./port-name.ts";
import { hasVlan, type Known } from "./prerequisite.ts";
import { type Span, shown, u32, unsigned } from "./syntax.ts";

export interface ActionContext {
  readonly version: OpenFlowVersion;
  readonly ports: PortNumbers | undefined;
  /** True for groups that there are; undefined: unknown, nothing is checked. */
  readonly groups?: ((id: number) => boolean) | undefined;
  /** What the match says of the packets; undefined: unknown, nothing is checked (buckets of a group). */
  readonly known: Known | undefined;
  /** Of the rule; 255 = not said. */
  readonly table: number;
  /** Within write_actions: what packets the set will meet is not known, so less is checked. */
  readonly inSet?: boolean;
  /** Lists of actions that this one is within. */
  readonly depth?: number;
}

/** A VLAN tag is known to be there. */
export const hasTag = ({ known }: ActionContext): boolean => known !== undefined && hasVlan(known);

/** A number from 0 to `most`. Fails (as all here) at the text, with what was expected. */
export function limited(span: Span, most: number, what: string, bits = 16): number {
  const number = Number(unsigned(span, bits, what));
  if (number > most) span.fail(`${what} ${span.text}`, `a number from 0 to ${most}`);
  return number;
}

/** A group that there is, as far as `groups` knows. */
export function groupId(span: Span, groups: ActionContext["groups"]): number {
  const id = u32(span, "group");
  if (id > OFPG_MAX) span.fail(`group ${id}`, `a group from 0 to ${OFPG_MAX}`);
  // OFPBAC_BAD_OUT_GROUP of a flow mod; a bucket may name a group that comes later.
  if (groups?.(id) === false) span.fail(`there is no group ${id}`, "a group that was added before");
  return id;
}

/** A port by number or name. */
export function portOf(span: Span, ports: PortNumbers | undefined): number {
  const port = portFromText(span.text, ports);
  if (port === undefined) span.fail(`port ${shown(span.text)} is not known`, "a port number or the name of a port");
  return port;
}

/** "value->field" in two. */
export function arrow(span: Span): [Span, Span] {
  const at = span.text.indexOf("->");
  if (at < 0 || at + 2 === span.text.length) span.fail(shown(span.text), "VALUE->FIELD");
  return [span.slice(0, at), span.slice(at + 2)];
}

/** A subfield that may be written. */
export function writable(span: Span): Subfield {
  const subfield = parseSubfield(span);
  if (!subfield.field.writable) span.fail(`field ${subfield.field.name} is read-only`, "a field that can be written");
  return subfield;
}

/** "01.02ff": bytes of two digits, dots and spaces between them allowed. */
export function hexBytes(span: Span): readonly number[] {
  const digits = span.text.replace(/[. ]/g, "");
  if (!/^([0-9a-fA-F]{2})*$/.test(digits)) span.fail(shown(span.text), "bytes as pairs of hexadecimal digits");
  return Array.from(digits.matchAll(/../g), ([pair]) => Number.parseInt(pair, 16));
}
