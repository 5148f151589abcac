/** Fields of TCP, UDP, SCTP, ICMP and neighbour discovery. */
import { W_MACS0, W_ND_TARGET, W_PORTS, W_TOSTTL } from "../flow/flow-key.ts";
import { type FieldRow, macAt, piece, READ_ONLY, row, words } from "./field-row.ts";

const TP_SRC = [piece(W_PORTS, 16, 16)];
const TP_DST = [piece(W_PORTS, 0, 16)];
const tp = { bits: 16, format: "decimal" } as const;
// ICMP type and code are 8-bit fields kept in 16-bit columns; a match on them covers all 16 (OVS: match_set_icmp_type).
const icmp = { bits: 8, format: "decimal", exact: true } as const;

export const TRANSPORT_FIELDS: readonly FieldRow[] = [
  row("tcp_src", { ...tp, pieces: TP_SRC, also: "tp_src", nxm: "NXM_OF_TCP_SRC", oxm: "OXM_OF_TCP_SRC", need: "tcp" }),
  row("tcp_dst", { ...tp, pieces: TP_DST, also: "tp_dst", nxm: "NXM_OF_TCP_DST", oxm: "OXM_OF_TCP_DST", need: "tcp" }),
  row("tcp_flags", {
    bits: 12,
    bytes: 2,
    pieces: [piece(W_TOSTTL, 0, 12)],
    format: "tcp-flags",
    nxm: "NXM_NX_TCP_FLAGS",
    oxm: "OXM_OF_TCP_FLAGS",
    oxm2: "ONFOXM_ET_TCP_FLAGS",
    need: "tcp",
    ...READ_ONLY,
  }),
  row("udp_src", { ...tp, pieces: TP_SRC, nxm: "NXM_OF_UDP_SRC", oxm: "OXM_OF_UDP_SRC", need: "udp" }),
  row("udp_dst", { ...tp, pieces: TP_DST, nxm: "NXM_OF_UDP_DST", oxm: "OXM_OF_UDP_DST", need: "udp" }),
  row("sctp_src", { ...tp, pieces: TP_SRC, oxm: "OXM_OF_SCTP_SRC", need: "sctp" }),
  row("sctp_dst", { ...tp, pieces: TP_DST, oxm: "OXM_OF_SCTP_DST", need: "sctp" }),
  row("icmp_type", {
    ...icmp,
    pieces: [piece(W_PORTS, 16, 8)],
    nxm: "NXM_OF_ICMP_TYPE",
    oxm: "OXM_OF_ICMPV4_TYPE",
    need: "icmpv4",
  }),
  row("icmp_code", {
    ...icmp,
    pieces: [piece(W_PORTS, 0, 8)],
    nxm: "NXM_OF_ICMP_CODE",
    oxm: "OXM_OF_ICMPV4_CODE",
    need: "icmpv4",
  }),
  row("icmpv6_type", {
    ...icmp,
    pieces: [piece(W_PORTS, 16, 8)],
    nxm: "NXM_NX_ICMPV6_TYPE",
    oxm: "OXM_OF_ICMPV6_TYPE",
    need: "icmpv6",
  }),
  row("icmpv6_code", {
    ...icmp,
    pieces: [piece(W_PORTS, 0, 8)],
    nxm: "NXM_NX_ICMPV6_CODE",
    oxm: "OXM_OF_ICMPV6_CODE",
    need: "icmpv6",
  }),
  row("nd_target", {
    bits: 128,
    pieces: words(W_ND_TARGET, 4),
    format: "ipv6",
    nxm: "NXM_NX_ND_TARGET",
    oxm: "OXM_OF_IPV6_ND_TARGET",
    need: "nd",
  }),
  row("nd_sll", {
    bits: 48,
    pieces: macAt(W_MACS0, false),
    format: "ethernet",
    nxm: "NXM_NX_ND_SLL",
    oxm: "OXM_OF_IPV6_ND_SLL",
    need: "nd-solicit",
  }),
  row("nd_tll", {
    bits: 48,
    pieces: macAt(W_MACS0, true),
    format: "ethernet",
    nxm: "NXM_NX_ND_TLL",
    oxm: "OXM_OF_IPV6_ND_TLL",
    need: "nd-advert",
  }),
];
