/**
 * Values of fields between text and words (OVS: mf_parse, mf_format, mf_parse_subfield, mf_format_subfield; lib/meta-flow.c,
 * lib/nx-match.c).
 */
import { FRAG_ANY, FRAG_LATER } from "../flow/flow-key.ts";
import { ipv4ToText, ipv6ToText, macToText, parseIpv4, parseIpv6, parseMac } from "../wire/addresses.ts";
import type { Field, FieldValue, Subfield } from "./field.ts";
import { findField, findSubfieldName, refusedField } from "./fields.ts";
import { type PortNames, type PortNumbers, portFromText, portToText } from "./port-name.ts";
import { alternateHex, bigOf, hex, integerPrefix, type Span, shown, wordsOf } from "./syntax.ts";

export interface MaskedValue {
  readonly value: FieldValue;
  /** All `bytes` of the field set where the text has no mask. */
  readonly mask: FieldValue;
}

const ones = (bits: number): bigint => (1n << BigInt(bits)) - 1n;

/** The mask of a whole field as its bytes have it. */
export const fullMask = (field: Field): FieldValue => wordsOf(ones(field.bytes * 8));

/** All bytes of the field are covered. */
export const isFull = (field: Field, mask: FieldValue): boolean => bigOf(mask) === ones(field.bytes * 8);

/** All bits that the field has are covered. */
export const isExact = ({ bits }: Field, mask: FieldValue): boolean => (bigOf(mask) & ones(bits)) === ones(bits);

/** A value, or value/mask, of `field`. */
export function parseFieldValue(field: Field, span: Span, ports: PortNumbers | undefined): MaskedValue {
  const parsed = span.text === "*" ? { value: wordsOf(0n), mask: wordsOf(0n) } : byFormat(field, span, ports);
  const mask = bigOf(parsed.mask);
  if (!field.maskable && mask !== 0n && mask !== ones(field.bytes * 8)) {
    span.fail(`${shown(span.text)}: field ${field.name} takes no mask`, `a value of ${field.name} without a mask`);
  }
  return parsed;
}

function byFormat(field: Field, span: Span, ports: PortNumbers | undefined): MaskedValue {
  const { text } = span;
  const slash = text.indexOf("/");
  switch (field.format) {
    case "decimal":
    case "hexadecimal":
      return integers(field, span);
    case "ethernet": {
      const value = parseMac(slash < 0 ? text : text.slice(0, slash));
      const mask = slash < 0 ? { high: -1, low: 0xffff } : parseMac(text.slice(slash + 1));
      if (value === undefined || mask === undefined || text.includes("-")) {
        span.fail(`${field.name} ${shown(text)}`, "a MAC address like 52:54:00:0a:00:02, or address/mask");
      }
      return { value: macValue(value.high, value.low), mask: macValue(mask.high, mask.low) };
    }
    case "ipv4": {
      const value = parseIpv4(slash < 0 ? text : text.slice(0, slash));
      const mask = slash < 0 ? -1 : ipv4Mask(text.slice(slash + 1));
      if (value === undefined || mask === undefined) {
        span.fail(`${field.name} ${shown(text)}`, "an IPv4 address like 10.0.0.1, or address/length or address/mask");
      }
      return { value: Int32Array.of(0, 0, 0, value), mask: Int32Array.of(0, 0, 0, mask) };
    }
    case "ipv6": {
      const value = parseIpv6(slash < 0 ? text : text.slice(0, slash));
      const mask = slash < 0 ? Int32Array.of(-1, -1, -1, -1) : ipv6Mask(text.slice(slash + 1));
      if (value === undefined || mask === undefined) {
        span.fail(
          `${field.name} ${shown(text)}`,
          "an IPv6 address like fe80::1, or address/length or address/mask (no mask that starts with a decimal digit)",
        );
      }
      return { value, mask };
    }
    case "port":
    case "port-oxm": {
      const port = portFromText(text, ports);
      if (port === undefined) span.fail(`${field.name} ${shown(text)}`, "a port number or the name of a port");
      return {
        value: Int32Array.of(0, 0, 0, field.format === "port-oxm" && port >= 0xff00 ? port | 0xffff0000 : port),
        mask: fullMask(field),
      };
    }
    case "frag": {
      const found = FRAGS.find(([name]) => name === text);
      if (found !== undefined)
        return { value: Int32Array.of(0, 0, 0, found[2]), mask: Int32Array.of(0, 0, 0, found[1]) };
      return span.fail(`${field.name} ${shown(text)}`, "no, yes, first, later or not_later");
    }
    case "tcp-flags":
      return flags(field, span, TCP_FLAGS, 0xfff);
    case "tunnel-flags":
      return flags(field, span, ["oam"], 1);
    case "packet-type": {
      const found = /^\((\w+),(\w+)\)$/.exec(text);
      const namespace = found === null ? undefined : integerPrefix(found[1]);
      const type = found === null ? undefined : integerPrefix(found[2]);
      if (
        namespace === undefined ||
        type === undefined ||
        namespace.length !== found![1].length ||
        type.length !== found![2].length ||
        namespace.value > 1n ||
        type.value > 0xffffn
      ) {
        return span.fail(`${field.name} ${shown(text)}`, "(namespace,type) like (1,0x800)");
      }
      return { value: wordsOf((namespace.value << 16n) | type.value), mask: fullMask(field) };
    }
  }
}

function integers(field: Field, span: Span): MaskedValue {
  const slash = span.text.indexOf("/");
  const value = integer(field, slash < 0 ? span : span.slice(0, slash), "value");
  return { value, mask: slash < 0 ? fullMask(field) : integer(field, span.slice(slash + 1), "mask") };
}

/** One number of at most the bytes of the field. */
export function integer(field: Field, span: Span, what: string): FieldValue {
  // As strtoull: -1 is 64 bits of ones, and only hexadecimal numbers may be longer than 64 bits.
  const negative = field.bytes >= 8 && span.text.startsWith("-");
  const text = negative ? span.text.slice(1) : span.text;
  const parsed = integerPrefix(text);
  const limit = field.bytes > 8 && /^0x/i.test(text) ? ones(field.bytes * 8) : ones(Math.min(field.bytes, 8) * 8);
  if (parsed === undefined || parsed.length !== text.length || parsed.value > limit) {
    span.fail(`${what} ${shown(span.text)} of ${field.name}`, `a number of at most ${field.bytes} bytes`);
  }
  return wordsOf(negative ? -parsed.value & ones(64) : parsed.value);
}

const macValue = (high: number, low: number): FieldValue => Int32Array.of(0, 0, high >>> 16, (high << 16) | low);

function ipv4Mask(text: string): number | undefined {
  if (!/^\+?\d+$/.test(text)) return parseIpv4(text);
  const length = Number(text);
  return length > 32 ? undefined : length === 0 ? 0 : -1 << (32 - length);
}

function ipv6Mask(text: string): Int32Array | undefined {
  // A mask that starts with a decimal digit is taken for a length there, and what follows is refused (ipv6_parse_masked_len).
  if (!/^\+?\d+$/.test(text)) return /^\d/.test(text) ? undefined : parseIpv6(text);
  const length = Number(text);
  return length > 128 ? undefined : wordsOf(ones(length) << BigInt(128 - length));
}

/** Name, mask, value; the first with a name is meant by it, all are printed (OVS: mf_from_frag_string). */
const FRAGS: readonly (readonly [string, number, number])[] = [
  ["no", FRAG_ANY | FRAG_LATER, 0],
  ["first", FRAG_ANY | FRAG_LATER, FRAG_ANY],
  ["later", FRAG_ANY | FRAG_LATER, FRAG_ANY | FRAG_LATER],
  ["no", FRAG_ANY, 0],
  ["yes", FRAG_ANY, FRAG_ANY],
  ["not_later", FRAG_LATER, 0],
  ["later", FRAG_LATER, FRAG_LATER],
];

export function formatFrag(value: number, mask: number): string {
  const found = FRAGS.find(([, m, v]) => m === mask && v === value);
  return found === undefined ? "<error>" : found[0];
}

/** Bit 0 first (OVS: packet_tcp_flag_to_string). */
const TCP_FLAGS: readonly string[] = "fin,syn,rst,psh,ack,urg,ece,cwr,ns,[200],[400],[800]".split(",");

/** "+syn-ack", "syn|ack" or numbers. */
function flags(field: Field, span: Span, names: readonly string[], all: number): MaskedValue {
  const { text } = span;
  const masked = (value: number, mask: number): MaskedValue => ({
    value: Int32Array.of(0, 0, 0, value & mask),
    mask: Int32Array.of(0, 0, 0, mask),
  });
  const numeric = /^(\w+)(?:\/(\w+))?$/.exec(text);
  const value = numeric === null ? undefined : integerPrefix(numeric[1]);
  if (value !== undefined && value.length === numeric![1].length) {
    const mask = numeric![2] === undefined ? { value: BigInt(all), length: 0 } : integerPrefix(numeric![2]);
    if (mask !== undefined && (numeric![2] === undefined || mask.length === numeric![2].length)) {
      if (value.value <= 0xffffn && mask.value <= 0xffffn)
        return all === 1 && numeric![2] === undefined
          ? { value: Int32Array.of(0, 0, 0, Number(value.value) & 1), mask: fullMask(field) }
          : masked(Number(value.value) & all, Number(mask.value) & all);
    }
  }
  const wanted = `flags of ${names.join(" ")} as +set-unset, or names joined by |`;
  if (/^[+-]/.test(text)) {
    let set = 0;
    let seen = 0;
    for (const [part, sign, name] of text.matchAll(/([+-])([^+-]*)/g)) {
      const bit = names.indexOf(name);
      if (bit < 0) span.fail(`${shown(part.slice(1))} is not a flag of ${field.name}`, wanted);
      if ((seen & (1 << bit)) !== 0) span.fail(`flag ${name} of ${field.name} is given twice`, wanted);
      seen |= 1 << bit;
      if (sign === "+") set |= 1 << bit;
    }
    return masked(set, seen);
  }
  let set = 0;
  for (const name of text.split("|")) {
    const bit = names.indexOf(name);
    if (bit < 0) span.fail(`${shown(name)} is not a flag of ${field.name}`, wanted);
    set |= 1 << bit;
  }
  return { value: Int32Array.of(0, 0, 0, set), mask: all === 1 ? fullMask(field) : Int32Array.of(0, 0, 0, all) };
}

export const formatTcpFlags = (value: number, mask: number): string => formatFlags(value, mask, 0xfff, TCP_FLAGS);
export const formatTunnelFlags = (value: number, mask: number): string => formatFlags(value, mask, -1, ["oam"]);

/** "syn|ack" where all flags are matched, else "+syn-ack" (OVS: format_flags_masked). */
function formatFlags(value: number, mask: number, all: number, names: readonly string[]): string {
  if (mask === all) {
    if (value === 0) return "0";
    return names.filter((_, bit) => (value & (1 << bit)) !== 0).join("|");
  }
  return names
    .map((name, bit) => ((mask & (1 << bit)) === 0 ? "" : `${(value & (1 << bit)) !== 0 ? "+" : "-"}${name}`))
    .join("");
}

/** Nothing in the value that the field has no bits for (OVS: mf_is_value_valid). */
export function isValid(field: Field, value: FieldValue): boolean {
  const number = bigOf(value);
  switch (field.name) {
    case "nw_tos":
      return (number & 3n) === 0n;
    case "arp_op":
      return number <= 0xffn;
    case "vlan_vid":
      return number <= 0x1fffn;
    case "in_port_oxm":
      return number < 0xff00n || number >= 0xffffff00n;
    default:
      return number <= ones(field.bits);
  }
}

/** A value as set_field and learn print it. */
export function formatFieldValue(
  field: Field,
  value: FieldValue,
  mask: FieldValue,
  ports: PortNames = portToText,
): string {
  const full = isFull(field, mask);
  if (!full && bigOf(mask) === 0n) return "ANY";
  switch (field.format) {
    case "port":
    case "port-oxm":
      if (full) return ports(value[3] & 0xffff);
      return `${bigOf(value)}/${hex(bigOf(mask))}`;
    case "ethernet":
      return formatMasked(macText(value), macText(mask), full);
    case "ipv4":
      return formatIpv4(value[3], mask[3]);
    case "ipv6":
      return formatIpv6(value, mask);
    case "tunnel-flags":
      return formatTunnelFlags(value[3], full ? -1 : mask[3] & 1);
    case "hexadecimal":
      return formatMasked(alternateHex(bigOf(value)), hex(bigOf(mask)), full);
    default:
      return formatMasked(String(bigOf(value)), hex(bigOf(mask)), full);
  }
}

const formatMasked = (value: string, mask: string, full: boolean): string => (full ? value : `${value}/${mask}`);
const macText = (value: FieldValue): string => macToText((value[2] << 16) | (value[3] >>> 16), value[3] & 0xffff);

/** "10.0.0.0/8", or with a dotted mask that is no prefix; no mask where all bits count. */
export function formatIpv4(value: number, mask: number): string {
  if (mask === -1) return ipv4ToText(value);
  const inverse = ~mask;
  return `${ipv4ToText(value)}/${(inverse & (inverse + 1)) === 0 ? Math.clz32(inverse) : ipv4ToText(mask)}`;
}

/** As inet_ntop, which also writes "::1.2.3.4". */
export function ipv6Text(words: ArrayLike<number>): string {
  const compatible = words[0] === 0 && words[1] === 0 && words[2] === 0 && words[3] >>> 16 !== 0;
  return compatible ? `::${ipv4ToText(words[3])}` : ipv6ToText(words);
}

export function formatIpv6(value: ArrayLike<number>, mask: ArrayLike<number>): string {
  const bits = bigOf(mask);
  const inverse = ones(128) ^ bits;
  if (inverse === 0n) return ipv6Text(value);
  const length = inverse === 0n ? 128 : 128 - inverse.toString(2).length;
  return `${ipv6Text(value)}/${(inverse & (inverse + 1n)) === 0n ? length : ipv6Text(mask)}`;
}

/** The field of that name, or an error that says why there is none. */
export function parseFieldName(span: Span): Field {
  const field = findField(span.text);
  if (field !== undefined) return field;
  const refused = refusedField(span.text);
  return span.fail(
    `field ${shown(span.text)}${refused === undefined ? "" : `: ${refused}`}`,
    "a field that can be matched",
  );
}

/** "NXM_NX_REG0[0..15]", "reg0[3]", "reg0[]", "reg0". `rest`: what stands behind it is handed back instead of refused. */
export function parseSubfield(span: Span): Subfield {
  const { subfield, length } = parseSubfieldPrefix(span);
  if (length !== span.text.length) {
    span.slice(length).fail(`${shown(span.text.slice(length))} behind ${span.text.slice(0, length)}`, "nothing more");
  }
  return subfield;
}

/** A subfield where only fields with a short number may stand, not an experimenter's: in learn, multipath, bundle_load. */
export function parseShortSubfield(span: Span): Subfield {
  const subfield = parseSubfield(span);
  const { field } = subfield;
  if (isExperimenter(field)) {
    span.fail(`${field.name} is an experimenter's field`, "another field: none of those may stand here");
  }
  return subfield;
}

/** The field has no short number in OpenFlow, but a name of Open vSwitch's or the ONF's own. */
export const isExperimenter = (field: Field): boolean => /^(NXOXM|ONFOXM)_ET_/.test(field.nxm ?? "");

export function parseSubfieldPrefix(span: Span): { readonly subfield: Subfield; readonly length: number } {
  const name = /^[^[-]*/.exec(span.text)![0];
  const field = findSubfieldName(name);
  if (field === undefined) {
    const refused = refusedField(name);
    const why = refused === undefined ? "is not known" : `: ${refused}`;
    return span.fail(`field ${shown(name)} ${why}`, "a field like NXM_NX_REG0[], reg0[0..15] or eth_src");
  }
  if (field.nxm === undefined)
    span.fail(`field ${name} has no NXM or OXM name`, "another field, such as vlan_tci or vlan_vid");
  const rest = span.text.slice(name.length);
  if (!rest.startsWith("[")) return { subfield: { field, at: 0, width: field.bits }, length: name.length };
  if (rest.startsWith("[]")) return { subfield: { field, at: 0, width: field.bits }, length: name.length + 2 };
  const found = /^\[(\+?\d{1,4})(?:\.\.(\+?\d{1,4}))?\]/.exec(rest);
  if (found === null)
    return span.slice(name.length).fail(`bits ${shown(rest)} of ${name}`, "[], [bit] or [first..last]");
  const at = Number(found[1]);
  const end = found[2] === undefined ? at : Number(found[2]);
  if (at > end || end >= field.bits) {
    return span
      .slice(name.length)
      .fail(`bits ${found[0]} of ${name}`, `bits from 0 to ${field.bits - 1}, the lower first`);
  }
  return { subfield: { field, at, width: end - at + 1 }, length: name.length + found[0].length };
}

export function formatSubfield({ field, at, width }: Subfield): string {
  const name = field.nxm ?? field.name;
  if (at === 0 && width === field.bits) return `${name}[]`;
  return width === 1 ? `${name}[${at}]` : `${name}[${at}..${at + width - 1}]`;
}
