/**
 * The registry of match fields: every field of Open vSwitch's ovs-fields(7) but conntrack, NSH, tunnel metadata (TLVs) and
 * experimenter fields, which are refused by name (`refusedFields`). A field says where its bits lie in the words of
 * ../flow/flow-key.ts, so that matches, actions and un-wildcarding all work on words and nothing here is looked up by name
 * after the text has been read.
 *
 * A value of a field, a "FieldValue", is four words in network order, right-aligned: [3] holds the 32 low bits. Fields of
 * 128 bits (IPv6 addresses, xxreg) fill all four.
 *
 * One file for one table of about 90 rows, hence its length.
 */
import {
  W_ACTSET_OUTPUT,
  W_CONJ_ID,
  W_DP_HASH,
  W_ETH0,
  W_IN_PORT,
  W_IPV6_DST,
  W_IPV6_LABEL,
  W_IPV6_SRC,
  W_MACS0,
  W_METADATA,
  W_METADATA_HI,
  W_MPLS0,
  W_ND_TARGET,
  W_NW_DST,
  W_NW_SRC,
  W_PACKET_TYPE,
  W_PKT_MARK,
  W_PORTS,
  W_RECIRC,
  W_REG0,
  W_SKB_PRIORITY,
  W_TOSTTL,
  W_TUN_DST,
  W_TUN_ERSPAN,
  W_TUN_GBP,
  W_TUN_GTPU,
  W_TUN_ID,
  W_TUN_ID_HI,
  W_TUN_IPV6_DST,
  W_TUN_IPV6_SRC,
  W_TUN_META,
  W_TUN_SRC,
  W_TYPE,
  W_VLAN0,
} from "../flow/flow-key.ts";

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

const piece = (word: number, shift: number, width: number): FieldPiece => ({ word, shift, width });
const words = (first: number, count: number): FieldPiece[] =>
  Array.from({ length: count }, (_, i) => piece(first + i, 0, 32));
const macAt = (first: number, second: boolean): FieldPiece[] =>
  second ? [piece(first + 1, 0, 16), piece(first + 2, 0, 32)] : [piece(first, 0, 32), piece(first + 1, 16, 16)];

interface Row {
  bits: number;
  pieces: readonly FieldPiece[];
  format: FieldFormat;
  also?: string;
  nxm?: string;
  oxm?: string;
  oxm2?: string;
  need?: Prerequisite;
  exact?: boolean;
  readOnly?: boolean;
  bytes?: number;
}

const table: Field[] = [];

function add(name: string, row: Row): void {
  const aliases = [row.also, row.nxm, row.oxm, row.oxm2].filter((alias) => alias !== undefined);
  const bytes = row.bytes ?? [1, 2, 4, 6, 8, 16].find((n) => n * 8 >= row.bits)!;
  table.push({
    id: table.length,
    name,
    aliases,
    nxm: row.nxm ?? row.oxm,
    oxm: row.oxm,
    bits: row.bits,
    bytes,
    pieces: row.pieces,
    maskable: row.exact !== true,
    writable: row.readOnly !== true,
    prerequisite: row.need ?? "none",
    format: row.format,
  });
}

const ro = { readOnly: true } as const;
const exact = { exact: true } as const;

// Metadata.
add("dp_hash", { bits: 32, pieces: words(W_DP_HASH, 1), format: "hexadecimal", nxm: "NXM_NX_DP_HASH", ...ro });
add("recirc_id", {
  bits: 32,
  pieces: words(W_RECIRC, 1),
  format: "decimal",
  nxm: "NXM_NX_RECIRC_ID",
  ...ro,
  ...exact,
});
add("packet_type", {
  bits: 32,
  pieces: words(W_PACKET_TYPE, 1),
  format: "packet-type",
  oxm: "OXM_OF_PACKET_TYPE",
  ...ro,
  ...exact,
});
add("conj_id", { bits: 32, pieces: words(W_CONJ_ID, 1), format: "decimal", nxm: "NXM_NX_CONJ_ID", ...ro, ...exact });
add("tun_id", {
  bits: 64,
  pieces: [piece(W_TUN_ID_HI, 0, 32), piece(W_TUN_ID, 0, 32)],
  format: "hexadecimal",
  also: "tunnel_id",
  nxm: "NXM_NX_TUN_ID",
  oxm: "OXM_OF_TUNNEL_ID",
});
add("tun_src", { bits: 32, pieces: words(W_TUN_SRC, 1), format: "ipv4", nxm: "NXM_NX_TUN_IPV4_SRC" });
add("tun_dst", { bits: 32, pieces: words(W_TUN_DST, 1), format: "ipv4", nxm: "NXM_NX_TUN_IPV4_DST" });
add("tun_ipv6_src", { bits: 128, pieces: words(W_TUN_IPV6_SRC, 4), format: "ipv6", nxm: "NXM_NX_TUN_IPV6_SRC" });
add("tun_ipv6_dst", { bits: 128, pieces: words(W_TUN_IPV6_DST, 4), format: "ipv6", nxm: "NXM_NX_TUN_IPV6_DST" });
// Only the OAM bit is public (FLOW_TNL_PUB_F_MASK); it is bit 0 of the field and bit 3 of the flow's flags.
add("tun_flags", {
  bits: 1,
  bytes: 2,
  pieces: [piece(W_TUN_META, 3, 1)],
  format: "tunnel-flags",
  nxm: "NXM_NX_TUN_FLAGS",
});
add("tun_ttl", { bits: 8, pieces: [piece(W_TUN_META, 16, 8)], format: "decimal", ...exact });
add("tun_tos", { bits: 8, pieces: [piece(W_TUN_META, 24, 8)], format: "decimal", ...exact });
add("tun_gbp_id", { bits: 16, pieces: [piece(W_TUN_GBP, 16, 16)], format: "decimal", nxm: "NXM_NX_TUN_GBP_ID" });
add("tun_gbp_flags", {
  bits: 8,
  pieces: [piece(W_TUN_GBP, 8, 8)],
  format: "hexadecimal",
  nxm: "NXM_NX_TUN_GBP_FLAGS",
});
add("tun_erspan_idx", {
  bits: 20,
  bytes: 4,
  pieces: [piece(W_TUN_ERSPAN, 0, 20)],
  format: "hexadecimal",
  nxm: "NXOXM_ET_ERSPAN_IDX",
});
add("tun_erspan_ver", { bits: 4, pieces: [piece(W_TUN_ERSPAN, 28, 4)], format: "decimal", nxm: "NXOXM_ET_ERSPAN_VER" });
add("tun_erspan_dir", { bits: 1, pieces: [piece(W_TUN_ERSPAN, 27, 1)], format: "decimal", nxm: "NXOXM_ET_ERSPAN_DIR" });
add("tun_erspan_hwid", {
  bits: 6,
  pieces: [piece(W_TUN_ERSPAN, 21, 6)],
  format: "hexadecimal",
  nxm: "NXOXM_ET_ERSPAN_HWID",
});
add("tun_gtpu_flags", {
  bits: 8,
  pieces: [piece(W_TUN_GTPU, 8, 8)],
  format: "hexadecimal",
  nxm: "NXOXM_ET_GTPU_FLAGS",
  ...ro,
});
add("tun_gtpu_msgtype", {
  bits: 8,
  pieces: [piece(W_TUN_GTPU, 0, 8)],
  format: "decimal",
  nxm: "NXOXM_ET_GTPU_MSGTYPE",
  ...ro,
});
add("metadata", {
  bits: 64,
  pieces: [piece(W_METADATA_HI, 0, 32), piece(W_METADATA, 0, 32)],
  format: "hexadecimal",
  oxm: "OXM_OF_METADATA",
});
add("in_port", { bits: 16, pieces: [piece(W_IN_PORT, 0, 16)], format: "port", nxm: "NXM_OF_IN_PORT", ...exact });
// OpenFlow 1.1+ port numbers are 32 bits wide; the reserved ones map to 0xff..: see fieldGet.
add("in_port_oxm", {
  bits: 32,
  pieces: [piece(-1, 0, 16), piece(W_IN_PORT, 0, 16)],
  format: "port-oxm",
  oxm: "OXM_OF_IN_PORT",
  ...exact,
});
add("actset_output", {
  bits: 32,
  pieces: [piece(-1, 0, 16), piece(W_ACTSET_OUTPUT, 0, 16)],
  format: "port-oxm",
  oxm: "ONFOXM_ET_ACTSET_OUTPUT",
  oxm2: "OXM_OF_ACTSET_OUTPUT",
  ...ro,
  ...exact,
});
add("skb_priority", { bits: 32, pieces: words(W_SKB_PRIORITY, 1), format: "hexadecimal", ...ro, ...exact });
add("pkt_mark", { bits: 32, pieces: words(W_PKT_MARK, 1), format: "hexadecimal", nxm: "NXM_NX_PKT_MARK" });
for (let i = 0; i < 16; i++) {
  add(`reg${i}`, { bits: 32, pieces: words(W_REG0 + i, 1), format: "hexadecimal", nxm: `NXM_NX_REG${i}` });
}
for (let i = 0; i < 8; i++) {
  add(`xreg${i}`, { bits: 64, pieces: words(W_REG0 + 2 * i, 2), format: "hexadecimal", oxm: `OXM_OF_PKT_REG${i}` });
}
for (let i = 0; i < 4; i++) {
  add(`xxreg${i}`, { bits: 128, pieces: words(W_REG0 + 4 * i, 4), format: "hexadecimal", nxm: `NXM_NX_XXREG${i}` });
}

// Ethernet and VLAN.
const ethernet = { need: "ethernet" } as const;
add("eth_src", {
  bits: 48,
  pieces: macAt(W_ETH0, true),
  format: "ethernet",
  also: "dl_src",
  nxm: "NXM_OF_ETH_SRC",
  oxm: "OXM_OF_ETH_SRC",
  ...ethernet,
});
add("eth_dst", {
  bits: 48,
  pieces: macAt(W_ETH0, false),
  format: "ethernet",
  also: "dl_dst",
  nxm: "NXM_OF_ETH_DST",
  oxm: "OXM_OF_ETH_DST",
  ...ethernet,
});
add("eth_type", {
  bits: 16,
  pieces: [piece(W_TYPE, 16, 16)],
  format: "hexadecimal",
  also: "dl_type",
  nxm: "NXM_OF_ETH_TYPE",
  oxm: "OXM_OF_ETH_TYPE",
  ...ethernet,
  ...ro,
  ...exact,
});
add("vlan_tci", {
  bits: 16,
  pieces: [piece(W_VLAN0, 0, 16)],
  format: "hexadecimal",
  nxm: "NXM_OF_VLAN_TCI",
  ...ethernet,
});
add("dl_vlan", { bits: 12, pieces: [piece(W_VLAN0, 0, 12)], format: "decimal", ...ethernet, ...exact });
// 12 bits by name; the value also carries bit 12, "present" (OFPVID_PRESENT), so that is what its piece covers.
add("vlan_vid", { bits: 12, pieces: [piece(W_VLAN0, 0, 13)], format: "decimal", oxm: "OXM_OF_VLAN_VID", ...ethernet });
add("dl_vlan_pcp", { bits: 3, pieces: [piece(W_VLAN0, 13, 3)], format: "decimal", ...ethernet, ...exact });
add("vlan_pcp", {
  bits: 3,
  pieces: [piece(W_VLAN0, 13, 3)],
  format: "decimal",
  oxm: "OXM_OF_VLAN_PCP",
  need: "vlan",
  ...exact,
});
add("mpls_label", {
  bits: 20,
  bytes: 4,
  pieces: [piece(W_MPLS0, 12, 20)],
  format: "decimal",
  oxm: "OXM_OF_MPLS_LABEL",
  need: "mpls",
  ...exact,
});
add("mpls_tc", {
  bits: 3,
  pieces: [piece(W_MPLS0, 9, 3)],
  format: "decimal",
  oxm: "OXM_OF_MPLS_TC",
  need: "mpls",
  ...exact,
});
add("mpls_bos", {
  bits: 1,
  pieces: [piece(W_MPLS0, 8, 1)],
  format: "decimal",
  oxm: "OXM_OF_MPLS_BOS",
  need: "mpls",
  ...ro,
  ...exact,
});
add("mpls_ttl", {
  bits: 8,
  pieces: [piece(W_MPLS0, 0, 8)],
  format: "decimal",
  nxm: "NXM_NX_MPLS_TTL",
  need: "mpls",
  ...exact,
});

// IP and ARP.
const ipv4 = { format: "ipv4", need: "ipv4" } as const;
const ipv6 = { format: "ipv6", need: "ipv6" } as const;
const ip = { format: "decimal", need: "ip", exact: true } as const;
add("ip_src", {
  bits: 32,
  pieces: words(W_NW_SRC, 1),
  also: "nw_src",
  nxm: "NXM_OF_IP_SRC",
  oxm: "OXM_OF_IPV4_SRC",
  ...ipv4,
});
add("ip_dst", {
  bits: 32,
  pieces: words(W_NW_DST, 1),
  also: "nw_dst",
  nxm: "NXM_OF_IP_DST",
  oxm: "OXM_OF_IPV4_DST",
  ...ipv4,
});
add("ipv6_src", {
  bits: 128,
  pieces: words(W_IPV6_SRC, 4),
  nxm: "NXM_NX_IPV6_SRC",
  oxm: "OXM_OF_IPV6_SRC",
  ...ipv6,
});
add("ipv6_dst", {
  bits: 128,
  pieces: words(W_IPV6_DST, 4),
  nxm: "NXM_NX_IPV6_DST",
  oxm: "OXM_OF_IPV6_DST",
  ...ipv6,
});
add("ipv6_label", {
  bits: 20,
  bytes: 4,
  pieces: [piece(W_IPV6_LABEL, 0, 20)],
  format: "hexadecimal",
  nxm: "NXM_NX_IPV6_LABEL",
  oxm: "OXM_OF_IPV6_FLABEL",
  need: "ipv6",
});
add("nw_proto", {
  bits: 8,
  pieces: [piece(W_TYPE, 0, 8)],
  also: "ip_proto",
  nxm: "NXM_OF_IP_PROTO",
  oxm: "OXM_OF_IP_PROTO",
  ...ip,
  ...ro,
});
// The two low bits of nw_tos are ECN and no part of the field's value, though of its width.
add("nw_tos", { bits: 8, pieces: [piece(W_TOSTTL, 26, 6), piece(-1, 0, 2)], nxm: "NXM_OF_IP_TOS", ...ip });
add("ip_dscp", { bits: 6, pieces: [piece(W_TOSTTL, 26, 6)], also: "nw_tos_shifted", oxm: "OXM_OF_IP_DSCP", ...ip });
add("nw_ecn", {
  bits: 2,
  pieces: [piece(W_TOSTTL, 24, 2)],
  also: "ip_ecn",
  nxm: "NXM_NX_IP_ECN",
  oxm: "OXM_OF_IP_ECN",
  ...ip,
});
add("nw_ttl", { bits: 8, pieces: [piece(W_TOSTTL, 16, 8)], nxm: "NXM_NX_IP_TTL", ...ip });
add("ip_frag", {
  bits: 2,
  pieces: [piece(W_TYPE, 8, 2)],
  format: "frag",
  also: "nw_frag",
  nxm: "NXM_NX_IP_FRAG",
  need: "ip",
  ...ro,
});
const arp = { need: "arp" } as const;
add("arp_op", {
  bits: 16,
  pieces: [piece(-1, 0, 8), piece(W_TYPE, 0, 8)],
  format: "decimal",
  nxm: "NXM_OF_ARP_OP",
  oxm: "OXM_OF_ARP_OP",
  ...arp,
  ...exact,
});
add("arp_spa", {
  bits: 32,
  pieces: words(W_NW_SRC, 1),
  format: "ipv4",
  nxm: "NXM_OF_ARP_SPA",
  oxm: "OXM_OF_ARP_SPA",
  ...arp,
});
add("arp_tpa", {
  bits: 32,
  pieces: words(W_NW_DST, 1),
  format: "ipv4",
  nxm: "NXM_OF_ARP_TPA",
  oxm: "OXM_OF_ARP_TPA",
  ...arp,
});
add("arp_sha", {
  bits: 48,
  pieces: macAt(W_MACS0, false),
  format: "ethernet",
  nxm: "NXM_NX_ARP_SHA",
  oxm: "OXM_OF_ARP_SHA",
  ...arp,
});
add("arp_tha", {
  bits: 48,
  pieces: macAt(W_MACS0, true),
  format: "ethernet",
  nxm: "NXM_NX_ARP_THA",
  oxm: "OXM_OF_ARP_THA",
  ...arp,
});

// Transport.
const TP_SRC = [piece(W_PORTS, 16, 16)];
const TP_DST = [piece(W_PORTS, 0, 16)];
const tp = { bits: 16, format: "decimal" } as const;
add("tcp_src", { ...tp, pieces: TP_SRC, also: "tp_src", nxm: "NXM_OF_TCP_SRC", oxm: "OXM_OF_TCP_SRC", need: "tcp" });
add("tcp_dst", { ...tp, pieces: TP_DST, also: "tp_dst", nxm: "NXM_OF_TCP_DST", oxm: "OXM_OF_TCP_DST", need: "tcp" });
add("tcp_flags", {
  bits: 12,
  bytes: 2,
  pieces: [piece(W_TOSTTL, 0, 12)],
  format: "tcp-flags",
  nxm: "NXM_NX_TCP_FLAGS",
  oxm: "OXM_OF_TCP_FLAGS",
  oxm2: "ONFOXM_ET_TCP_FLAGS",
  need: "tcp",
  ...ro,
});
add("udp_src", { ...tp, pieces: TP_SRC, nxm: "NXM_OF_UDP_SRC", oxm: "OXM_OF_UDP_SRC", need: "udp" });
add("udp_dst", { ...tp, pieces: TP_DST, nxm: "NXM_OF_UDP_DST", oxm: "OXM_OF_UDP_DST", need: "udp" });
add("sctp_src", { ...tp, pieces: TP_SRC, oxm: "OXM_OF_SCTP_SRC", need: "sctp" });
add("sctp_dst", { ...tp, pieces: TP_DST, oxm: "OXM_OF_SCTP_DST", need: "sctp" });
// ICMP type and code are 8-bit fields kept in 16-bit columns; a match on them covers all 16 (OVS: match_set_icmp_type).
const icmp = { bits: 8, format: "decimal", exact: true } as const;
add("icmp_type", {
  ...icmp,
  pieces: [piece(W_PORTS, 16, 8)],
  nxm: "NXM_OF_ICMP_TYPE",
  oxm: "OXM_OF_ICMPV4_TYPE",
  need: "icmpv4",
});
add("icmp_code", {
  ...icmp,
  pieces: [piece(W_PORTS, 0, 8)],
  nxm: "NXM_OF_ICMP_CODE",
  oxm: "OXM_OF_ICMPV4_CODE",
  need: "icmpv4",
});
add("icmpv6_type", {
  ...icmp,
  pieces: [piece(W_PORTS, 16, 8)],
  nxm: "NXM_NX_ICMPV6_TYPE",
  oxm: "OXM_OF_ICMPV6_TYPE",
  need: "icmpv6",
});
add("icmpv6_code", {
  ...icmp,
  pieces: [piece(W_PORTS, 0, 8)],
  nxm: "NXM_NX_ICMPV6_CODE",
  oxm: "OXM_OF_ICMPV6_CODE",
  need: "icmpv6",
});
add("nd_target", {
  bits: 128,
  pieces: words(W_ND_TARGET, 4),
  format: "ipv6",
  nxm: "NXM_NX_ND_TARGET",
  oxm: "OXM_OF_IPV6_ND_TARGET",
  need: "nd",
});
add("nd_sll", {
  bits: 48,
  pieces: macAt(W_MACS0, false),
  format: "ethernet",
  nxm: "NXM_NX_ND_SLL",
  oxm: "OXM_OF_IPV6_ND_SLL",
  need: "nd-solicit",
});
add("nd_tll", {
  bits: 48,
  pieces: macAt(W_MACS0, true),
  format: "ethernet",
  nxm: "NXM_NX_ND_TLL",
  oxm: "OXM_OF_IPV6_ND_TLL",
  need: "nd-advert",
});

/** All fields, index = id. */
export const fields: readonly Field[] = table;

const byName = new Map<string, Field>();
const bySubfieldName = new Map<string, Field>();
for (const field of fields) {
  for (const name of [field.name, ...field.aliases]) {
    if (!/^(NX|OXM|ONFOXM)/.test(name)) byName.set(name, field);
    bySubfieldName.set(name, field);
  }
}

/** The field with that ovs-ofctl name or alias ("eth_src", "dl_src"), or undefined. Case counts. */
export function findField(name: string): Field | undefined {
  return byName.get(name);
}

/** As `findField`, or by its NXM or OXM name: what may stand before the brackets of a subfield. */
export function findSubfieldName(name: string): Field | undefined {
  return bySubfieldName.get(name);
}

/** The field with that name; throws when there is none (for names written in this code). */
export function fieldNamed(name: string): Field {
  const field = findField(name);
  if (field === undefined) throw new Error(`field ${name} is not in the registry`);
  return field;
}

/** Why a field of ovs-fields(7) is not in the registry, or undefined when the name means nothing to OVS either. */
export function refusedField(name: string): string | undefined {
  const lower = name.toLowerCase();
  if (/^(nxm_nx_)?ct_(state|zone|mark|label|nw_src|nw_dst|nw_proto|tp_src|tp_dst|ipv6_src|ipv6_dst)$/.test(lower)) {
    return "connection tracking is not supported";
  }
  if (/^(nxoxm_)?nsh_|^(nsp|nsi|nshc[1-4])$/.test(lower)) return "NSH is not supported";
  if (/^(nxm_nx_)?tun_metadata\d+$/.test(lower)) return "tunnel metadata (TLV options) is not supported";
  if (/^nd_(reserved|options_type)$|^ericoxm_of_icmpv6_nd_/.test(lower)) return "experimenter fields are not supported";
  return undefined;
}

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
