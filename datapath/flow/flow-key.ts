/**
 * The word layout of a flow: one 32-bit word a row, values as the network has them (big-endian), kept as signed int32.
 * A MAC address lies over two words; a mask has the same layout. What the wire can give comes first (KEY_WORDS), then what
 * only the slow path knows (registers, metadata). Fields that are always matched together share a word, so that an
 * untagged TCP or UDP packet over IPv4 needs nine words: 0, 2-5, 8-11.
 *
 *   word          bits 31..24    23..16        15..8         7..0
 *   IN_PORT       datapath port number on the fast path, OpenFlow port number inside translation
 *   RECIRC        recirculation id
 *   ETH0          dl_dst[0]      [1]           [2]           [3]
 *   ETH1          dl_dst[4]      [5]           dl_src[0]     [1]
 *   ETH2          dl_src[2]      [3]           [4]           [5]
 *   TYPE          dl_type (16)                 nw_frag       nw_proto (ARP: low byte of the operation)
 *   VLAN0, VLAN1  tpid (16)                    tci (16), bit 12 = tag present (OVS: VLAN_CFI)
 *   NW_SRC/DST    nw_src, nw_dst; of ARP the spa and tpa
 *   TOSTTL        nw_tos         nw_ttl        tcp_flags (12 bits)
 *   PORTS         tp_src (16)                  tp_dst (16); of ICMP type and code as 16-bit numbers
 *   MACS0..2      arp_sha/nd_sll, then arp_tha/nd_tll, as ETH0..2 are laid out (sha first)
 *   MPLS0..2      label stack entries
 *   TUN_META      tun_tos        tun_ttl       tun_flags (16): TUN_FLAG_*
 *   TUN_TP        tun_tp_src (16)              tun_tp_dst (16)
 *   TUN_GBP       tun_gbp_id (16)              tun_gbp_flags (8)
 *   PACKET_TYPE   namespace (16)               type (16); 0 = Ethernet
 */
export const W_IN_PORT = 0;
export const W_RECIRC = 1;
export const W_ETH0 = 2;
export const W_ETH1 = 3;
export const W_ETH2 = 4;
export const W_TYPE = 5;
export const W_VLAN0 = 6;
export const W_VLAN1 = 7;
export const W_NW_SRC = 8;
export const W_NW_DST = 9;
export const W_TOSTTL = 10;
export const W_PORTS = 11;
export const W_IPV6_SRC = 12; // 4 words
export const W_IPV6_DST = 16; // 4 words
export const W_IPV6_LABEL = 20;
export const W_ND_TARGET = 21; // 4 words
export const W_MACS0 = 25; // 3 words
export const W_MPLS0 = 28; // 3 words
export const W_TUN_ID_HI = 31;
export const W_TUN_ID = 32; // low word
export const W_TUN_SRC = 33;
export const W_TUN_DST = 34;
export const W_TUN_META = 35;
export const W_TUN_TP = 36;
export const W_TUN_IPV6_SRC = 37; // 4 words
export const W_TUN_IPV6_DST = 41; // 4 words
export const W_TUN_GBP = 45;
export const W_PKT_MARK = 46;
export const W_SKB_PRIORITY = 47;
export const W_PACKET_TYPE = 48;
export const W_DP_HASH = 49;
/** Words that a megaflow can match on. */
export const KEY_WORDS = 50;
export const W_METADATA_HI = 50;
export const W_METADATA = 51;
export const W_ACTSET_OUTPUT = 52;
export const W_REG0 = 53; // 16 words
export const W_CONJ_ID = 69;
/** tun_erspan_ver (4), tun_erspan_dir (1), tun_erspan_hwid (6), pad, tun_erspan_idx (20): always 0, no such tunnel ports. */
export const W_TUN_ERSPAN = 70;
/** pad (16), tun_gtpu_flags (8), tun_gtpu_msgtype (8): always 0, no such tunnel ports. */
export const W_TUN_GTPU = 71;
/** Words of a flow inside translation. */
export const FLOW_WORDS = 72;

/** nw_frag, bits 8..9 of W_TYPE (OVS: FLOW_NW_FRAG_ANY, FLOW_NW_FRAG_LATER). */
export const FRAG_ANY = 1;
export const FRAG_LATER = 2;
/** "Tag present", OVS's VLAN_CFI. */
export const VLAN_PRESENT = 0x1000;
/** dl_type of a frame that has none (802.3 without SNAP): OVS's FLOW_DL_TYPE_NONE. */
export const DL_TYPE_NONE = 0x05ff;

/** OVS's FLOW_TNL_F_*. */
export const TUN_FLAG_DF = 1;
export const TUN_FLAG_CSUM = 2;
export const TUN_FLAG_KEY = 4;
export const TUN_FLAG_OAM = 8;

/** The leading `bits` bits of a word. */
export const prefixMask = (bits: number): number => (bits === 0 ? 0 : -1 << (32 - bits));
