/**
 * The instruction set that datapath actions are compiled to (program.ts) and that execute.ts runs: one int32 for the
 * operation, then its operands. Everything that translation knows is an operand or chose the operation, so that running a
 * program is loads, stores and additions.
 *
 * A program owns the packets that it is started with. Operations marked (end) take them; every program, and every nested
 * one, ends in one of those.
 */
export const Op = {
  /** (end) reason: a code of Drop. */
  Drop: 0,
  /** (end) port. */
  Output: 1,
  /** port, most bytes (0 = all): transmits a copy. */
  OutputCopy: 2,
  /** Three little-endian words: Ethernet destination and source, all 12 bytes. */
  SetEth: 3,
  /** Three values, three masks. */
  SetEthMasked: 4,
  /** TTL of IPv4, nothing else. */
  SetTtl: 5,
  /** Values and masks of source, destination and word TOSTTL. */
  SetIpv4: 6,
  /** 10 values (source, destination, label, TOSTTL), 10 masks. */
  SetIpv6: 7,
  /** Value and mask of word PORTS. */
  SetTcp: 8,
  SetUdp: 9,
  SetSctp: 10,
  /** Value and mask of word PORTS: type and code. */
  SetIcmp: 11,
  /** 6 values (TYPE, NW_SRC, NW_DST, MACS0-2), 6 masks. */
  SetArp: 12,
  /** 7 values (ND_TARGET, MACS0-2), 7 masks. */
  SetNd: 13,
  /** Value, mask of the outermost label stack entry. */
  SetMpls: 14,
  /** tpid << 16 | tci without the present bit. */
  PushVlan: 15,
  PopVlan: 16,
  /** Ethernet type, label stack entry. */
  PushMpls: 17,
  PopMpls: 18,
  /** Three words. */
  PushEth: 19,
  PopEth: 20,
  /** 1 = UDP, 0 = GRE; 1 = checksum wanted; bytes of the header; offset of its IPv4 header; sum of that without the length; the header as little-endian words. */
  PushTunnel: 21,
  /** (end) port, kind (TunnelKind). */
  PopTunnel: 22,
  /** (end) recirculation id. */
  Recirculate: 23,
  /** Words of the nested program, then it: runs on copies. */
  Clone: 24,
  /** (end) size, words of the program for longer packets, that program, the program for the others. */
  CheckLength: 25,
  /** (end) probability as uint32 in int32, words of the program for those chosen, that program, the program for the others. */
  Sample: 26,
  /** Most bytes: cuts the packet. */
  Truncate: 27,
  /** Basis: the packet's hash for the bits that the next pass matches. */
  Hash: 28,
  Userspace: 29,
  /** Value, mask. */
  SetMark: 30,
  SetPriority: 31,
  /** Mark, priority and hash start at 0: before the first operation of a program that uses them. */
  ClearMetadata: 32,
  /** Bytes that the program pushes at most: packets without room die here. */
  Headroom: 33,
  /** Parses the packet anew for its l3 and l4, by the vlan-limit: what Open vSwitch does at `userspace`. */
  Reparse: 34,
  /** Port: what was pushed is a packet that comes in there, without tunnel fields, when it comes round again. */
  EnterBy: 35,
} as const;

/**
 * l4 of a packet that was parsed anew and has more tags than are parsed: nothing is known of its transport header, and the
 * network header is where the tags that were parsed end, rightly or not.
 */
export const NO_TRANSPORT = -1;

/** Source ports of an outer UDP header: OVS's tnl_udp_port_min and _max. */
export const PORT_MIN = 32768;
export const PORT_MAX = 61000;

/** How a tunnel port decapsulates. `Any` reads it from the outer header: for ports that nobody has declared. */
export const TunnelKind = { Any: 0, Gre: 1, Vxlan: 2, Geneve: 3 } as const;
