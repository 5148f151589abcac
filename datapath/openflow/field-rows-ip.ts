/** Fields of IPv4, IPv6 and ARP. */
import {
  W_IPV6_DST,
  W_IPV6_LABEL,
  W_IPV6_SRC,
  W_MACS0,
  W_NW_DST,
  W_NW_SRC,
  W_TOSTTL,
  W_TYPE,
} from "../flow/flow-key.ts";
import { EXACT, type FieldRow, macAt, piece, READ_ONLY, row, words } from "./field-row.ts";

const ipv4 = { format: "ipv4", need: "ipv4" } as const;
const ipv6 = { format: "ipv6", need: "ipv6" } as const;
const ip = { format: "decimal", need: "ip", exact: true } as const;
const arp = { need: "arp" } as const;

export const IP_FIELDS: readonly FieldRow[] = [
  row("ip_src", {
    bits: 32,
    pieces: words(W_NW_SRC, 1),
    also: "nw_src",
    nxm: "NXM_OF_IP_SRC",
    oxm: "OXM_OF_IPV4_SRC",
    ...ipv4,
  }),
  row("ip_dst", {
    bits: 32,
    pieces: words(W_NW_DST, 1),
    also: "nw_dst",
    nxm: "NXM_OF_IP_DST",
    oxm: "OXM_OF_IPV4_DST",
    ...ipv4,
  }),
  row("ipv6_src", {
    bits: 128,
    pieces: words(W_IPV6_SRC, 4),
    nxm: "NXM_NX_IPV6_SRC",
    oxm: "OXM_OF_IPV6_SRC",
    ...ipv6,
  }),
  row("ipv6_dst", {
    bits: 128,
    pieces: words(W_IPV6_DST, 4),
    nxm: "NXM_NX_IPV6_DST",
    oxm: "OXM_OF_IPV6_DST",
    ...ipv6,
  }),
  row("ipv6_label", {
    bits: 20,
    bytes: 4,
    pieces: [piece(W_IPV6_LABEL, 0, 20)],
    format: "hexadecimal",
    nxm: "NXM_NX_IPV6_LABEL",
    oxm: "OXM_OF_IPV6_FLABEL",
    need: "ipv6",
  }),
  row("nw_proto", {
    bits: 8,
    pieces: [piece(W_TYPE, 0, 8)],
    also: "ip_proto",
    nxm: "NXM_OF_IP_PROTO",
    oxm: "OXM_OF_IP_PROTO",
    ...ip,
    ...READ_ONLY,
  }),
  // The two low bits of nw_tos are ECN and no part of the field's value, though of its width.
  row("nw_tos", { bits: 8, pieces: [piece(W_TOSTTL, 26, 6), piece(-1, 0, 2)], nxm: "NXM_OF_IP_TOS", ...ip }),
  row("ip_dscp", { bits: 6, pieces: [piece(W_TOSTTL, 26, 6)], also: "nw_tos_shifted", oxm: "OXM_OF_IP_DSCP", ...ip }),
  row("nw_ecn", {
    bits: 2,
    pieces: [piece(W_TOSTTL, 24, 2)],
    also: "ip_ecn",
    nxm: "NXM_NX_IP_ECN",
    oxm: "OXM_OF_IP_ECN",
    ...ip,
  }),
  row("nw_ttl", { bits: 8, pieces: [piece(W_TOSTTL, 16, 8)], nxm: "NXM_NX_IP_TTL", ...ip }),
  row("ip_frag", {
    bits: 2,
    pieces: [piece(W_TYPE, 8, 2)],
    format: "frag",
    also: "nw_frag",
    nxm: "NXM_NX_IP_FRAG",
    need: "ip",
    ...READ_ONLY,
  }),
  row("arp_op", {
    bits: 16,
    pieces: [piece(-1, 0, 8), piece(W_TYPE, 0, 8)],
    format: "decimal",
    nxm: "NXM_OF_ARP_OP",
    oxm: "OXM_OF_ARP_OP",
    ...arp,
    ...EXACT,
  }),
  row("arp_spa", {
    bits: 32,
    pieces: words(W_NW_SRC, 1),
    format: "ipv4",
    nxm: "NXM_OF_ARP_SPA",
    oxm: "OXM_OF_ARP_SPA",
    ...arp,
  }),
  row("arp_tpa", {
    bits: 32,
    pieces: words(W_NW_DST, 1),
    format: "ipv4",
    nxm: "NXM_OF_ARP_TPA",
    oxm: "OXM_OF_ARP_TPA",
    ...arp,
  }),
  row("arp_sha", {
    bits: 48,
    pieces: macAt(W_MACS0, false),
    format: "ethernet",
    nxm: "NXM_NX_ARP_SHA",
    oxm: "OXM_OF_ARP_SHA",
    ...arp,
  }),
  row("arp_tha", {
    bits: 48,
    pieces: macAt(W_MACS0, true),
    format: "ethernet",
    nxm: "NXM_NX_ARP_THA",
    oxm: "OXM_OF_ARP_THA",
    ...arp,
  }),
];
