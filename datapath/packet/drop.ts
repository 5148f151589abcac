/**
 * The one list of reasons a packet can die. Every packet that comes in ends in an output or in exactly one of these
 * counters; nothing on the path throws. The index is the code, so new reasons go to the end (pinned by a test).
 */
export const Drop = {
  /** Alive. */
  None: 0,
  /** Shorter than an Ethernet header, or longer than a slot. */
  Truncated: 1,
  /** The actions of its flow have no output ("drop" in Open vSwitch). */
  NoAction: 2,
  /** Translation failed: too many resubmits, no route to a tunnel endpoint, recursion. */
  TranslationError: 3,
  /** A tunnel header that lies, or one that no tunnel port takes. */
  NoTunnel: 4,
  /** Popped more often than the bound for recirculations allows. */
  RecirculationLimit: 5,
  /** No free slot in the packet pool. */
  NoBuffer: 6,
  /** The queue of the port was full. */
  QueueFull: 7,
  /** Handed to a port that leads nowhere: the bridge's own LOCAL port without a stack behind it, a port that is down. */
  NoReceiver: 8,
  /** Namespace: the frame is for another MAC address (a flooded copy). */
  OtherHost: 9,
  /** Namespace: header check failed (version, header length, total length, checksum). */
  BadIpHeader: 10,
  /** Namespace: TTL ran out; an ICMP time exceeded answers it where the RFC allows. */
  TtlExceeded: 11,
  /** Namespace: no route to the destination. */
  NoRoute: 12,
  /** Namespace: longer than the MTU with "don't fragment". */
  TooBig: 13,
  /** Namespace: neighbour did not answer, or too many packets wait for it. */
  NoNeighbour: 14,
  /** Namespace: taken in by its own stack (ARP, echo request for itself): an end, not a loss. */
  Consumed: 15,
  /** Namespace: a protocol that the model has no use for (router solicitations, MLD, unknown ethertypes). */
  Unhandled: 16,
  /** A table said drop at an OpenFlow level that the operator asked to see apart: reserved. */
  Policed: 17,
  /** Replaced by its own fragments or by another packet made from it. */
  Replaced: 18,
  /** Namespace: a source address that no other host can have (own, multicast, broadcast, loopback), a "martian". */
  Martian: 19,
} as const;
export type Drop = (typeof Drop)[keyof typeof Drop];

/** Names by code, for reports. */
export const dropNames: readonly string[] = Object.keys(Drop);
export const DROP_COUNT = dropNames.length;
