/** `set` of a header's fields under masks, on a naive packet: bytes changed one by one, checksums taken over everything. */
import { isLabelled, isTag, type Packet, put16, transportLength, u16 } from "./frame.ts";
import { carryOver, carryOverUdp, crc32c, ipv4HeaderSum, isRouted, pseudoHeader, transportSum } from "./sums.ts";

export type Header =
  | "eth"
  | "ipv4"
  | "ipv6"
  | "tcp"
  | "udp"
  | "sctp"
  | "icmp"
  | "icmpv6"
  | "arp"
  | "nd"
  | "mpls"
  | "skb_mark"
  | "skb_priority";

export interface FieldSet {
  readonly field: string;
  /** As many bytes as the field has; no bit outside the mask. */
  readonly value: readonly number[];
  readonly mask: readonly number[];
}

/** Fields that lie in whole bytes: place in the header and length. */
const PLACES: Readonly<Record<string, Readonly<Record<string, readonly [number, number]>>>> = {
  eth: { dst: [0, 6], src: [6, 6] },
  ipv4: { src: [12, 4], dst: [16, 4], tos: [1, 1], ttl: [8, 1] },
  ipv6: { src: [8, 16], dst: [24, 16], hlimit: [7, 1] },
  tcp: { src: [0, 2], dst: [2, 2] },
  udp: { src: [0, 2], dst: [2, 2] },
  sctp: { src: [0, 2], dst: [2, 2] },
  icmp: { type: [0, 1], code: [1, 1] },
  icmpv6: { type: [0, 1], code: [1, 1] },
  arp: { op: [7, 1], sha: [8, 6], sip: [14, 4], tha: [18, 6], tip: [24, 4] },
  nd: { target: [8, 16] },
  mpls: { lse: [0, 4] },
};

function write(bytes: number[], at: number, { value, mask }: FieldSet): void {
  for (const [n, bits] of mask.entries()) bytes[at + n] = (bytes[at + n]! & (255 - bits)) | value[n]!;
}

function writeAll(bytes: number[], at: number, header: Header, fields: readonly FieldSet[]): void {
  for (const one of fields) {
    const place = PLACES[header]?.[one.field];
    if (place !== undefined) write(bytes, at + place[0], one);
    else if (one.field === "tclass") {
      // Across two bytes, behind the version (RFC 8200 section 3).
      const [value, mask] = [one.value[0]!, one.mask[0]!];
      bytes[at] = (bytes[at]! & (255 - (mask >> 4))) | (value >> 4);
      bytes[at + 1] = (bytes[at + 1]! & (255 - (mask % 16) * 16)) | ((value % 16) * 16);
    } else if (one.field === "label") write(bytes, at + 1, one);
  }
}

/** Whether a rule that matches on what the packet is could have it set. */
export function maySet(packet: Packet, header: Header): boolean {
  const { ip, proto, later, outer, bytes, l4 } = packet;
  const transport = (number: number): boolean => ip !== 0 && proto === number && !later && !outer;
  switch (header) {
    case "eth":
      return !packet.bare;
    case "ipv4":
      return ip === 4 && proto !== 0;
    case "ipv6":
      return ip === 6 && proto !== 0;
    case "tcp":
      return transport(6);
    case "udp":
      return transport(17);
    case "sctp":
      return transport(132);
    case "icmp":
      return ip === 4 && transport(1);
    case "icmpv6":
      return ip === 6 && transport(58);
    case "nd":
      return ip === 6 && transport(58) && transportLength(packet) >= 8 && (bytes[l4] === 135 || bytes[l4] === 136);
    case "arp": {
      // The operation is known by its low byte; one that is 0 or longer is none.
      const operation = packet.arp ? u16(bytes, packet.net + 6) : 0;
      return operation > 0 && operation < 256;
    }
    case "mpls":
      return packet.mpls && isLabelled(typeOf(packet));
    default:
      return true;
  }
}

/** The type that stands before what Ethernet and its tags carry. */
export const typeOf = ({ bytes, net }: Packet): number =>
  isTag(u16(bytes, 12)) ? u16(bytes, net - 2) : u16(bytes, 12);

export function setFields(packet: Packet, header: Header, fields: readonly FieldSet[]): void {
  const { bytes, net, l4 } = packet;
  if (header === "eth") writeAll(bytes, 0, header, fields);
  else if (header === "arp" || header === "mpls") writeAll(bytes, net, header, fields);
  else if (header === "ipv4" || header === "ipv6") setIp(packet, header, fields);
  else if (header === "nd") setNeighbour(packet, fields);
  else if (header === "sctp") setSctp(packet, fields);
  else if (header === "tcp" || header === "udp" || header === "icmp" || header === "icmpv6") {
    const length = transportLength(packet);
    const data = header === "tcp" ? (bytes[l4 + 12]! >> 4) * 4 : 8;
    if (length < (header === "tcp" ? 20 : 8) || data < (header === "tcp" ? 20 : 8) || data > length) return;
    const at = header === "tcp" ? 16 : header === "udp" ? 6 : 2;
    changeTransport(packet, at, header !== "icmp", header === "udp", () => writeAll(bytes, l4, header, fields));
  }
}

/** Does what `change` does to the transport header; its checksum `at` bytes into it follows if anything has changed. */
function changeTransport(packet: Packet, at: number, pseudo: boolean, isUdp: boolean, change: () => void): void {
  const { bytes, l4 } = packet;
  const old = bytes.join();
  const before = transportSum(packet, at, pseudo);
  change();
  if (bytes.join() === old) return;
  (isUdp ? carryOverUdp : carryOver)(bytes, l4 + at, before, transportSum(packet, at, pseudo));
}

/** Where the checksum of a packet's transport stands that covers the addresses, if it has room for its header. */
function coveringSum(packet: Packet): number | undefined {
  const length = transportLength(packet);
  // Where a routing header still has a way to go, Open vSwitch 3.1 leaves the checksum as it is, whichever address changes
  // (asked); RFC 8200 section 8.1 has only the destination left out.
  if (packet.ip === 6 && isRouted(packet)) return undefined;
  // A later fragment of IPv4 has no such header, but Open vSwitch changes the bytes as if it had.
  if (packet.proto === 6 && length >= 20) return 16;
  if (packet.proto === 17 && length >= 8) return 6;
  if (packet.proto === 58 && packet.ip === 6 && length >= 4) return 2;
  return undefined;
}

function setIp(packet: Packet, header: "ipv4" | "ipv6", fields: readonly FieldSet[]): void {
  const { bytes, net, l4 } = packet;
  const at = coveringSum(packet);
  const addresses = pseudoHeader(packet).join();
  const old = bytes.join();
  const transport = at === undefined ? 0 : transportSum(packet, at, true);
  const own = header === "ipv4" ? ipv4HeaderSum(packet) : 0;
  writeAll(bytes, net, header, fields);
  if (at !== undefined && pseudoHeader(packet).join() !== addresses) {
    const carry = packet.proto === 17 ? carryOverUdp : carryOver;
    carry(bytes, l4 + at, transport, transportSum(packet, at, true));
  }
  if (header === "ipv4" && bytes.join() !== old) carryOver(bytes, net + 10, own, ipv4HeaderSum(packet));
}

function setSctp(packet: Packet, fields: readonly FieldSet[]): void {
  const { bytes, l4 } = packet;
  const length = transportLength(packet);
  if (length < 12) return;
  const right = (): number[] => {
    const message = bytes.slice(l4, l4 + length);
    message.fill(0, 8, 12);
    const crc = crc32c(message);
    return [crc & 255, (crc >>> 8) & 255, (crc >>> 16) & 255, crc >>> 24]; // RFC 9260 appendix A: low byte first
  };
  const before = right();
  writeAll(bytes, l4, "sctp", fields);
  // A CRC is linear: what was wrong with it stays wrong in the same bits.
  for (const [n, byte] of right().entries()) bytes[l4 + 8 + n]! ^= byte ^ before[n]!;
}

/** RFC 4861 sections 4.3, 4.4 and 4.6.1: the target, and the first option with a link-layer address. */
function setNeighbour(packet: Packet, fields: readonly FieldSet[]): void {
  const { bytes, l4 } = packet;
  const length = transportLength(packet);
  if (length < 24) return;
  changeTransport(packet, 2, true, false, () => {
    writeAll(bytes, l4, "nd", fields);
    for (let at = 24; at + 8 <= length; ) {
      const [type, units] = [bytes[l4 + at]!, bytes[l4 + at + 1]!];
      if (units === 0) return;
      if (units === 1 && (type === 1 || type === 2)) {
        const option = fields.find(({ field }) => field === (type === 1 ? "sll" : "tll"));
        if (option !== undefined) write(bytes, l4 + at + 2, option);
        return;
      }
      at += 8 * units;
    }
  });
}

/** Puts `type` where the Ethernet type of the payload stands: behind the tags, if any. */
export function setType(packet: Packet, type: number): void {
  put16(packet.bytes, isTag(u16(packet.bytes, 12)) ? packet.net - 2 : 12, type);
}
