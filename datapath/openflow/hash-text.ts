/** The arguments of multipath and bundle (OVS: lib/multipath.c, lib/bundle.c). */
import { type HashFields, OFPP_CONTROLLER, type OfAction } from "./action.ts";
import { parseShortSubfield } from "./field-text.ts";
import { type PortNumbers, portFromText } from "./port-name.ts";
import { decimal, type Span, shown } from "./syntax.ts";

export const HASH_FIELDS: readonly HashFields[] = [
  "eth_src",
  "symmetric_l4",
  "symmetric_l3l4",
  "symmetric_l3l4+udp",
  "nw_src",
  "nw_dst",
  "symmetric_l3",
];
export const ALGORITHMS = ["modulo_n", "hash_threshold", "hrw", "iter_hash"] as const;
export const BUNDLE_ALGORITHMS = ["active_backup", "hrw"] as const;

/** Cuts at commas and blanks, and at what else `more` names. */
function words(span: Span, more = ""): Span[] {
  const word = new RegExp(`[^, ${more}]+`, "g");
  return Array.from(span.text.matchAll(word), (found) => span.slice(found.index, found.index + found[0].length));
}

function oneOf<T extends string>(span: Span, names: readonly T[], what: string): T {
  const found = names.find((name) => name === span.text.toLowerCase());
  if (found === undefined) span.fail(`${what} ${shown(span.text)}`, names.join(", "));
  return found;
}

export function parseMultipath(span: Span): OfAction {
  const parts = words(span);
  if (parts.length !== 6)
    span.fail(`multipath(${span.text})`, "multipath(FIELDS,BASIS,ALGORITHM,LINKS,ARGUMENT,FIELD[..])");
  const links = decimal(parts[3], 32, "links");
  const destination = parseShortSubfield(parts[5]);
  if (!destination.field.writable)
    parts[5].fail(`field ${destination.field.name} is read-only`, "a field that can be written");
  if (links < 1 || links > 0x10000) parts[3].fail(`${links} links`, "1 to 65536");
  if (destination.width < 16 && links > 1 << destination.width) {
    parts[5].fail(`${links} links in ${destination.width} bits`, "a wider destination");
  }
  return {
    kind: "multipath",
    fields: oneOf(parts[0], HASH_FIELDS, "fields"),
    basis: decimal(parts[1], 16, "basis"),
    algorithm: oneOf(parts[2], ALGORITHMS, "algorithm"),
    maxLink: links - 1,
    argument: decimal(parts[4], 32, "argument"),
    destination,
  };
}

export function parseBundle(span: Span, load: boolean, ports: PortNumbers | undefined): OfAction {
  const name = load ? "bundle_load" : "bundle";
  const wanted = `${name}(FIELDS,BASIS,ALGORITHM,ofport,${load ? "FIELD[..]," : ""}members:PORT,...)`;
  const colon = /\b(?:members|slaves)\b:?/.exec(span.text);
  if (colon === null) return span.fail(`${name}(${span.text})`, wanted);
  const parts = words(span.slice(0, colon.index));
  if (parts.length !== (load ? 5 : 4)) span.fail(`${name}(${span.text})`, wanted);
  if (parts[3].text !== "ofport") parts[3].fail(`members of type ${shown(parts[3].text)}`, "ofport");
  const members = words(span.slice(colon.index + colon[0].length), "\\[\\]").map((member: Span): number => {
    const port = portFromText(member.text, ports);
    if (port === undefined)
      member.fail(`port ${shown(member.text)} is not known`, "a port number or the name of a port");
    if (port === OFPP_CONTROLLER) member.fail("the controller as a member", "a port that sends");
    return port;
  });
  const destination = load ? parseShortSubfield(parts[4]) : undefined;
  if (destination !== undefined && !destination.field.writable) {
    parts[4].fail(`field ${destination.field.name} is read-only`, "a field that can be written");
  }
  if (destination !== undefined && destination.width < 16) parts[4].fail(`${destination.width} bits`, "16 at least");
  return {
    kind: "bundle",
    fields: oneOf(parts[0], HASH_FIELDS, "fields"),
    basis: decimal(parts[1], 16, "basis"),
    algorithm: oneOf(parts[2], BUNDLE_ALGORITHMS, "algorithm"),
    members,
    destination,
  };
}
