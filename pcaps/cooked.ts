/**
 * Linux "cooked" captures (`tcpdump -i any`) back into Ethernet frames, in place: the cooked header is longer than an
 * Ethernet header, so the last 14 bytes of it become one, and the payload stays where it is.
 *
 *   v1 (LINKTYPE_LINUX_SLL, 16 bytes)                     v2 (LINKTYPE_LINUX_SLL2, 20 bytes)
 *    0 packet type (0 to us, 1 broadcast, 2 multicast,     0 protocol
 *                   3 other host, 4 from us)               2 reserved
 *    2 ARPHRD type                                         4 interface index
 *    4 address length                                      8 ARPHRD type
 *    6 sender's address, 8 bytes                          10 packet type (1 byte)
 *   14 protocol                                           11 address length (1 byte)
 *                                                         12 sender's address, 8 bytes
 *
 * What is kept: sender's address, protocol, and all that follows, so that 802.1Q tags (protocol 0x8100, then the tag)
 * and LLC frames (protocol 4, "802.2") come back as they were. (libpcap itself stores no tags in v2.) What is lost in the
 * capture is the destination address. It is rebuilt:
 *   - broadcast: ff:ff:ff:ff:ff:ff; also for what we sent to 255.x.x.x and for the ARP requests we sent, which are
 *     broadcast but for rare probes;
 *   - multicast, received or sent: the address of the IPv4 or IPv6 group (RFC 1112 6.4, RFC 2464 7), behind tags too;
 *     01:00:00:00:00:00 for groups of other protocols;
 *   - the rest 02:00:00:00:00:0N: locally administered, with the packet type N as last byte.
 * Frames of devices that are not Ethernet-like (ARPHRD other than 1 and loopback, address not 6 bytes) are left out.
 *
 * Source: https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html and LINKTYPE_LINUX_SLL2.html.
 */
const ETHERNET_HEADER = 14;
const ARPHRD_ETHER = 1;
const ARPHRD_LOOPBACK = 772;
const PROTOCOL_802_3 = 1; // Novell raw 802.3
const PROTOCOL_802_2 = 4; // LLC
const BROADCAST = 1;
const MULTICAST = 2;
const FROM_US = 4;

/** What whoever switches by addresses has to know; a warning of the readers. */
export const COOKED_NOTE =
  "cooked packets hold no destination address: that of broadcasts and groups is rebuilt, others are 02:00:00:00:00:0N (N: packet type)";

/** Bytes that a cooked header loses when it becomes an Ethernet header: the frame starts that much later. */
export const SLL_SURPLUS = 2;
export const SLL2_SURPLUS = 6;

/**
 * Rewrites the cooked header at `at` (v1, or v2 with `second`) so that an Ethernet frame starts SLL_SURPLUS (SLL2_SURPLUS)
 * bytes later. `end` is one past the last captured byte, `wireLength` the length of the whole cooked packet. False when
 * no frame can be recovered; nothing is written then.
 */
export function recoverEthernet(
  bytes: Uint8Array,
  at: number,
  end: number,
  wireLength: number,
  second: boolean,
): boolean {
  const surplus = second ? SLL2_SURPLUS : SLL_SURPLUS;
  const frame = at + surplus;
  const payload = frame + ETHERNET_HEADER;
  if (end < payload) return false;
  const arphrd = second ? be16(bytes, at + 8) : be16(bytes, at + 2);
  const packetType = second ? bytes[at + 10] : be16(bytes, at);
  const addressLength = second ? bytes[at + 11] : be16(bytes, at + 4);
  const address = second ? at + 12 : at + 6;
  const protocol = second ? be16(bytes, at) : be16(bytes, at + 14);
  if (arphrd !== ARPHRD_ETHER && arphrd !== ARPHRD_LOOPBACK) return false;
  if (addressLength !== 6 || packetType > 4) return false;
  // v1 moves the address up by two bytes; in v2 it is in its place already.
  bytes.copyWithin(frame + 6, address, address + 6);
  const llc = protocol === PROTOCOL_802_2 || protocol === PROTOCOL_802_3;
  const type = llc ? Math.min(wireLength - surplus - ETHERNET_HEADER, 1500) : protocol;
  bytes[frame + 12] = type >>> 8;
  bytes[frame + 13] = type;
  writeDestination(bytes, frame, end, packetType);
  return true;
}

function writeDestination(bytes: Uint8Array, frame: number, end: number, packetType: number): void {
  let at = frame + 12;
  while (end - at >= 6 && (be16(bytes, at) === 0x8100 || be16(bytes, at) === 0x88a8)) at += 4;
  const type = be16(bytes, at);
  const packet = at + 2;
  const room = end - packet;
  bytes.fill(0, frame, frame + 6);
  const ours = packetType === FROM_US;
  const request = ours && type === 0x0806 && room >= 8 && be16(bytes, packet + 6) === 1;
  const limited = ours && type === 0x0800 && room >= 20 && bytes[packet + 16] === 0xff;
  if (packetType === BROADCAST || request || limited) {
    bytes.fill(0xff, frame, frame + 6);
  } else if (type === 0x0800 && room >= 20 && bytes[packet + 16] >>> 4 === 14 && (ours || packetType === MULTICAST)) {
    bytes[frame] = 0x01;
    bytes[frame + 2] = 0x5e;
    bytes[frame + 3] = bytes[packet + 17] & 0x7f;
    bytes[frame + 4] = bytes[packet + 18];
    bytes[frame + 5] = bytes[packet + 19];
  } else if (type === 0x86dd && room >= 40 && bytes[packet + 24] === 0xff && (ours || packetType === MULTICAST)) {
    bytes[frame] = 0x33;
    bytes[frame + 1] = 0x33;
    for (let i = 0; i < 4; i++) bytes[frame + 2 + i] = bytes[packet + 36 + i];
  } else if (packetType === MULTICAST) {
    bytes[frame] = 0x01; // a group of another protocol: which one is not known
  } else {
    bytes[frame] = 0x02;
    bytes[frame + 5] = packetType;
  }
}

function be16(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}
