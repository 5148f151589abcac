/**
 * A match field: where its bits lie in the words of ../flow/flow-key.ts, so that matches, actions and un-wildcarding all work
 * on words and nothing here is looked up by name after the text has been read. Which fields there are: fields.ts.
 *
 * A value of a field, a "FieldValue", is four words in network order, right-aligned: [3] holds the 32 low bits. Fields of
 * 128 bits (IPv6 addresses, xxreg) fill all four.
 */

/** Bits of a field that lie together in one word: `width` bits whose lowest is bit `shift`. word -1: bits that are always 0. */
export interface FieldPiece {
  readonly word: number;
  readonly shift: number;
  readonly width: number;
}

/** How a value is written (OVS: enum mf_string). */
export type FieldFormat =
  | "decimal"
  | "hexadecimal"
  | "ethernet"
  | "ipv4"
  | "ipv6"
  | "port"
  | "port-oxm"
  | "frag"
  | "tunnel-flags"
  | "tcp-flags"
  | "packet-type";

/** What a packet must be for the field to exist (OVS: enum mf_prereqs). */
export type Prerequisite =
  | "none"
  | "ethernet"
  | "arp"
  | "vlan"
  | "ipv4"
  | "ipv6"
  | "ip"
  | "mpls"
  | "tcp"
  | "udp"
  | "sctp"
  | "icmpv4"
  | "icmpv6"
  | "nd"
  | "nd-solicit"
  | "nd-advert";

export interface Field {
  /** Index in `fields`; the order is OVS's (enum mf_field_id). */
  readonly id: number;
  /** OVS's name for it ("eth_src"), as set_field prints it. */
  readonly name: string;
  /** The other names that a rule may use: "dl_src", NXM_OF_ETH_SRC, OXM_OF_ETH_SRC. */
  readonly aliases: readonly string[];
  /** The name that `load`, `move`, `learn` and subfields print: NXM if it has one, else OXM, else undefined. */
  readonly nxm: string | undefined;
  /** True when the field has an OpenFlow Basic OXM, which OpenFlow 1.2+ wires carry in place of the NXM. */
  readonly oxm: string | undefined;
  /** Width in bits, 1..128, as subfields count them. */
  readonly bits: number;
  /** Width in bytes of the value on the wire (OVS: n_bytes); a mask of a wider text is an error. */
  readonly bytes: number;
  /** Most significant bits first. */
  readonly pieces: readonly FieldPiece[];
  /** Arbitrary bitwise masks may be given in a match. */
  readonly maskable: boolean;
  /** set_field, load, move and pop may write it. */
  readonly writable: boolean;
  readonly prerequisite: Prerequisite;
  readonly format: FieldFormat;
}

/** Four words, network order, right-aligned. */
export type FieldValue = Int32Array;

/** Reads the field's value from a flow (or, from a mask, its mask) into `out` (4 words). */
export function fieldGet(field: Field, flow: Int32Array, out: FieldValue): FieldValue {
  out.fill(0);
  let at = 0; // bits filled from the low end
  for (let i = field.pieces.length - 1; i >= 0; i--) {
    const { word, shift, width } = field.pieces[i];
    if (word >= 0) {
      const bits = width === 32 ? flow[word] : (flow[word] >>> shift) & ((1 << width) - 1);
      orBits(out, at, width, bits);
    }
    at += width;
  }
  if (field.format === "port-oxm" && (out[3] & 0xffff) >= 0xff00) out[3] |= 0xffff0000;
  return out;
}

/** ORs the field-shaped `value` into the words (a mask into wildcards, or a value into zeroed words). */
export function fieldOr(field: Field, into: Int32Array, value: FieldValue): void {
  let at = 0;
  for (let i = field.pieces.length - 1; i >= 0; i--) {
    const { word, shift, width } = field.pieces[i];
    if (word >= 0) {
      const bits = takeBits(value, at, width);
      into[word] |= width === 32 ? bits : bits << shift;
    }
    at += width;
  }
}

/** Overwrites the bits of the field that `mask` covers with those of `value`; nothing else happens (no VLAN side effects). */
export function fieldSetMasked(field: Field, flow: Int32Array, value: FieldValue, mask: FieldValue): void {
  let at = 0;
  for (let i = field.pieces.length - 1; i >= 0; i--) {
    const { word, shift, width } = field.pieces[i];
    if (word >= 0) {
      const m = width === 32 ? takeBits(mask, at, width) : takeBits(mask, at, width) << shift;
      const v = width === 32 ? takeBits(value, at, width) : takeBits(value, at, width) << shift;
      flow[word] = (flow[word] & ~m) | (v & m);
    }
    at += width;
  }
}

/** `width` (1..32) bits of a value, the lowest being bit `at`. */
export function takeBits(value: FieldValue, at: number, width: number): number {
  const word = 3 - (at >> 5);
  const shift = at & 31;
  let bits = shift === 0 ? value[word] : value[word] >>> shift;
  if (shift !== 0 && shift + width > 32 && word > 0) bits |= value[word - 1] << (32 - shift);
  return width === 32 ? bits | 0 : bits & ((1 << width) - 1);
}

/** ORs `width` (1..32) bits into a value so that the lowest becomes bit `at`. */
export function orBits(value: FieldValue, at: number, width: number, bits: number): void {
  const word = 3 - (at >> 5);
  const shift = at & 31;
  value[word] |= bits << shift;
  if (shift !== 0 && shift + width > 32 && word > 0) value[word - 1] |= bits >>> (32 - shift);
}

/** Those that were asked for: there are as many as there are subfields in the rules. */
const bitsMasks = new Map<number, FieldValue>();

/** A value with bits [at, at + width) set: the mask of a subfield. Shared: not to be written to. */
export function bitsMask(at: number, width: number): FieldValue {
  const key = (at << 8) | width;
  let mask = bitsMasks.get(key);
  if (mask === undefined) {
    mask = new Int32Array(4);
    for (let bit = at; bit < at + width; bit++) mask[3 - (bit >> 5)] |= 1 << (bit & 31);
    bitsMasks.set(key, mask);
  }
  return mask;
}

/** Some bits of a field: `field[at..at + width - 1]`. */
export interface Subfield {
  readonly field: Field;
  /** Lowest bit. */
  readonly at: number;
  readonly width: number;
}

const scratch = new Int32Array(4);

/** The value of a subfield, right-aligned, into `out`. */
export function subfieldGet(subfield: Subfield, flow: Int32Array, out: FieldValue): FieldValue {
  fieldGet(subfield.field, flow, scratch);
  out.fill(0);
  for (let done = 0; done < subfield.width; done += 32) {
    const width = Math.min(32, subfield.width - done);
    orBits(out, done, width, takeBits(scratch, subfield.at + done, width));
  }
  return out;
}
