/** Fields of Ethernet, VLAN tags and MPLS labels. */
import { W_ETH0, W_MPLS0, W_TYPE, W_VLAN0 } from "../flow/flow-key.ts";
import { EXACT, type FieldRow, macAt, piece, READ_ONLY, row } from "./field-row.ts";

const ethernet = { need: "ethernet" } as const;

export const ETHERNET_FIELDS: readonly FieldRow[] = [
  row("eth_src", {
    bits: 48,
    pieces: macAt(W_ETH0, true),
    format: "ethernet",
    also: "dl_src",
    nxm: "NXM_OF_ETH_SRC",
    oxm: "OXM_OF_ETH_SRC",
    ...ethernet,
  }),
  row("eth_dst", {
    bits: 48,
    pieces: macAt(W_ETH0, false),
    format: "ethernet",
    also: "dl_dst",
    nxm: "NXM_OF_ETH_DST",
    oxm: "OXM_OF_ETH_DST",
    ...ethernet,
  }),
  row("eth_type", {
    bits: 16,
    pieces: [piece(W_TYPE, 16, 16)],
    format: "hexadecimal",
    also: "dl_type",
    nxm: "NXM_OF_ETH_TYPE",
    oxm: "OXM_OF_ETH_TYPE",
    ...ethernet,
    ...READ_ONLY,
    ...EXACT,
  }),
  row("vlan_tci", {
    bits: 16,
    pieces: [piece(W_VLAN0, 0, 16)],
    format: "hexadecimal",
    nxm: "NXM_OF_VLAN_TCI",
    ...ethernet,
  }),
  row("dl_vlan", { bits: 12, pieces: [piece(W_VLAN0, 0, 12)], format: "decimal", ...ethernet, ...EXACT }),
  // 12 bits by name; the value also carries bit 12, "present" (OFPVID_PRESENT), so that is what its piece covers.
  row("vlan_vid", {
    bits: 12,
    pieces: [piece(W_VLAN0, 0, 13)],
    format: "decimal",
    oxm: "OXM_OF_VLAN_VID",
    ...ethernet,
  }),
  row("dl_vlan_pcp", { bits: 3, pieces: [piece(W_VLAN0, 13, 3)], format: "decimal", ...ethernet, ...EXACT }),
  row("vlan_pcp", {
    bits: 3,
    pieces: [piece(W_VLAN0, 13, 3)],
    format: "decimal",
    oxm: "OXM_OF_VLAN_PCP",
    need: "vlan",
    ...EXACT,
  }),
  row("mpls_label", {
    bits: 20,
    bytes: 4,
    pieces: [piece(W_MPLS0, 12, 20)],
    format: "decimal",
    oxm: "OXM_OF_MPLS_LABEL",
    need: "mpls",
    ...EXACT,
  }),
  row("mpls_tc", {
    bits: 3,
    pieces: [piece(W_MPLS0, 9, 3)],
    format: "decimal",
    oxm: "OXM_OF_MPLS_TC",
    need: "mpls",
    ...EXACT,
  }),
  row("mpls_bos", {
    bits: 1,
    pieces: [piece(W_MPLS0, 8, 1)],
    format: "decimal",
    oxm: "OXM_OF_MPLS_BOS",
    need: "mpls",
    ...READ_ONLY,
    ...EXACT,
  }),
  row("mpls_ttl", {
    bits: 8,
    pieces: [piece(W_MPLS0, 0, 8)],
    format: "decimal",
    nxm: "NXM_NX_MPLS_TTL",
    need: "mpls",
    ...EXACT,
  }),
];
