/**
 * Frames built byte by byte from a description, every checksum computed from scratch: the expectation that rewritten frames
 * are compared with. Nothing here comes from the product.
 */
export interface FrameSpec {
  readonly dst?: string;
  readonly src?: string;
  /** [tpid, tci], outermost first. */
  readonly tags?: readonly (readonly [number, number])[];
  /** Label stack entries. */
  readonly labels?: readonly number[];
  readonly ip4?: {
    readonly src: string;
    readonly dst: string;
    readonly tos?: number;
    readonly ttl?: number;
    readonly id?: number;
    /** Flags and offset as they stand in the header. */
    readonly fragment?: number;
    readonly options?: readonly number[];
  };
  readonly ip6?: {
    /** 32 hexadecimal digits. */
    readonly src: string;
    readonly dst: string;
    readonly tos?: number;
    readonly ttl?: number;
    readonly label?: number;
    /** Extension headers as bytes, the first one's number; each ends with the next one's number filled in by the caller. */
    readonly extensions?: readonly number[];
    readonly first?: number;
    /** Address that the pseudo header has, where a routing header says another. */
    readonly finalDst?: string;
  };
  readonly udp?: { readonly src: number; readonly dst: number; readonly noChecksum?: boolean };
  readonly tcp?: { readonly src: number; readonly dst: number; readonly flags?: number };
  readonly sctp?: { readonly src: number; readonly dst: number };
  /** ICMP or, over IPv6, ICMPv6. */
  readonly icmp?: { readonly type: number; readonly code: number };
  /** Neighbour solicitation or advertisement: its target and options as bytes. */
  readonly nd?: { readonly type: number; readonly target: string; readonly options: readonly number[] };
  readonly arp?: {
    readonly op: number;
    readonly sha: string;
    readonly spa: string;
    readonly tha: string;
    readonly tpa: string;
  };
  readonly payload?: readonly number[];
  /** Bytes behind the packet that its lengths do not cover. */
  readonly padding?: number;
  readonly type?: number;
}

export const macBytes = (text: string): number[] => text.split(":").map((byte) => Number.parseInt(byte, 16));
export const ip4Bytes = (text: string): number[] => text.split(".").map(Number);
export const hexBytes = (text: string): number[] =>
  Array.from({ length: text.length / 2 }, (_, n) => Number.parseInt(text.slice(2 * n, 2 * n + 2), 16));
const be16 = (value: number): number[] => [(value >>> 8) & 0xff, value & 0xff];
const be32 = (value: number): number[] => [...be16(value >>> 16), ...be16(value)];

/** RFC 1071, the slow way. */
export function internetChecksum(bytes: readonly number[]): number {
  let sum = 0;
  for (let n = 0; n < bytes.length; n += 2) {
    sum += bytes[n] * 256 + (bytes[n + 1] ?? 0);
    while (sum > 0xffff) sum = (sum % 65536) + Math.floor(sum / 65536);
  }
  return 0xffff - sum;
}

/** CRC32c bit by bit (RFC 9260 appendix A). */
export function crc32cSlow(bytes: readonly number[]): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

function transport(spec: FrameSpec): { proto: number; bytes: number[]; checksumAt: number } {
  const payload = [...(spec.payload ?? [])];
  if (spec.udp !== undefined) {
    const length = 8 + payload.length;
    return {
      proto: 17,
      bytes: [...be16(spec.udp.src), ...be16(spec.udp.dst), ...be16(length), 0, 0, ...payload],
      checksumAt: spec.udp.noChecksum === true ? -1 : 6,
    };
  }
  if (spec.tcp !== undefined) {
    const head = [...be16(spec.tcp.src), ...be16(spec.tcp.dst), ...be32(0x01020304), ...be32(0x05060708)];
    return {
      proto: 6,
      bytes: [...head, 0x50, spec.tcp.flags ?? 0x10, 0x20, 0, 0, 0, 0, 0, ...payload],
      checksumAt: 16,
    };
  }
  if (spec.sctp !== undefined) {
    const bytes = [...be16(spec.sctp.src), ...be16(spec.sctp.dst), ...be32(0xcafe0001), 0, 0, 0, 0, ...payload];
    const crc = crc32cSlow(bytes);
    bytes.splice(8, 4, crc & 0xff, (crc >>> 8) & 0xff, (crc >>> 16) & 0xff, crc >>> 24);
    return { proto: 132, bytes, checksumAt: -1 };
  }
  if (spec.nd !== undefined) {
    const bytes = [spec.nd.type, 0, 0, 0, 0x60, 0, 0, 0, ...hexBytes(spec.nd.target), ...spec.nd.options];
    return { proto: 58, bytes, checksumAt: 2 };
  }
  if (spec.icmp !== undefined) {
    const proto = spec.ip6 !== undefined ? 58 : 1;
    return { proto, bytes: [spec.icmp.type, spec.icmp.code, 0, 0, 0, 1, 0, 2, ...payload], checksumAt: 2 };
  }
  return { proto: 253, bytes: payload, checksumAt: -1 };
}

function finish(bytes: number[], at: number, pseudo: readonly number[], isUdp: boolean): void {
  if (at < 0) return;
  let sum = internetChecksum([...pseudo, ...bytes]);
  if (sum === 0 && isUdp) sum = 0xffff;
  bytes.splice(at, 2, ...be16(sum));
}

export function buildFrame(spec: FrameSpec): Uint8Array {
  const ethernet = [...macBytes(spec.dst ?? "02:00:00:00:00:01"), ...macBytes(spec.src ?? "02:00:00:00:00:02")];
  const tags = (spec.tags ?? []).flatMap(([tpid, tci]) => [...be16(tpid), ...be16(tci)]);
  const labels = (spec.labels ?? []).flatMap((entry) => be32(entry));
  let type: number;
  let packet: number[];
  if (spec.ip4 !== undefined) {
    const { ip4 } = spec;
    const { proto, bytes, checksumAt } = transport(spec);
    const options = [...(ip4.options ?? [])];
    const src = ip4Bytes(ip4.src);
    const dst = ip4Bytes(ip4.dst);
    finish(bytes, checksumAt, proto === 1 ? [] : [...src, ...dst, 0, proto, ...be16(bytes.length)], proto === 17);
    const length = 20 + options.length + bytes.length;
    const head = [0x45 + options.length / 4, ip4.tos ?? 0, ...be16(length), ...be16(ip4.id ?? 0x1234)];
    head.push(...be16(ip4.fragment ?? 0), ip4.ttl ?? 64, proto, 0, 0, ...src, ...dst, ...options);
    head.splice(10, 2, ...be16(internetChecksum(head)));
    type = 0x0800;
    packet = [...head, ...bytes];
  } else if (spec.ip6 !== undefined) {
    const { ip6 } = spec;
    const { proto, bytes, checksumAt } = transport(spec);
    const extensions = [...(ip6.extensions ?? [])];
    const pseudo = [...hexBytes(ip6.src), ...hexBytes(ip6.finalDst ?? ip6.dst), ...be32(bytes.length), 0, 0, 0, proto];
    finish(bytes, checksumAt, pseudo, proto === 17);
    const head = be32(0x60000000 | ((ip6.tos ?? 0) << 20) | (ip6.label ?? 0));
    head.push(...be16(extensions.length + bytes.length), ip6.first ?? proto, ip6.ttl ?? 64);
    type = 0x86dd;
    packet = [...head, ...hexBytes(ip6.src), ...hexBytes(ip6.dst), ...extensions, ...bytes];
  } else if (spec.arp !== undefined) {
    const { arp } = spec;
    type = 0x0806;
    packet = [0, 1, 8, 0, 6, 4, ...be16(arp.op), ...macBytes(arp.sha), ...ip4Bytes(arp.spa)];
    packet.push(...macBytes(arp.tha), ...ip4Bytes(arp.tpa));
  } else {
    type = 0x88cc;
    packet = [...(spec.payload ?? [])];
  }
  if (labels.length > 0) type = 0x8847;
  if (spec.type !== undefined) type = spec.type;
  const padding = new Array<number>(spec.padding ?? 0).fill(0xee);
  return Uint8Array.from([...ethernet, ...tags, ...be16(type), ...labels, ...packet, ...padding]);
}
