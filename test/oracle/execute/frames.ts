/** Frames of every kind, drawn by fast-check: well made, with checksums that are wrong or missing, cut, and with lengths that lie. */
import fc from "fast-check";
import { bytesOf } from "./arbitrary.ts";
import { parse, put16, transportLength } from "./frame.ts";
import { crc32c, ipv4HeaderSum, transportSum } from "./sums.ts";
import { pushOuter } from "./tunnel.ts";

const two = (value: number): number[] => [value >> 8, value & 255];
const byte = fc.integer({ min: 0, max: 255 });
const payload = fc.oneof(
  fc.array(byte, { maxLength: 40 }),
  fc.integer({ min: 0, max: 9 }).map((length) => Array.from({ length }, () => 255)),
);
/** A transport header and what it carries: its protocol, its bytes with the checksum left 0. */
interface Transport {
  readonly proto: number;
  readonly bytes: readonly number[];
}

const tcp = fc.record({ ports: bytesOf(4), data: fc.integer({ min: 5, max: 8 }), flags: byte, rest: payload }).map(
  ({ ports, data, flags, rest }): Transport => ({
    proto: 6,
    bytes: [
      ...ports,
      ...Array(8).fill(1),
      data * 16,
      flags,
      1,
      0,
      0,
      0,
      0,
      0,
      ...Array(4 * data - 20).fill(1),
      ...rest,
    ],
  }),
);
const udp = fc
  .record({ ports: bytesOf(4), rest: payload })
  .map(({ ports, rest }): Transport => ({ proto: 17, bytes: [...ports, ...two(8 + rest.length), 0, 0, ...rest] }));
const sctp = fc
  .record({ ports: bytesOf(4), rest: payload })
  .map(({ ports, rest }): Transport => ({ proto: 132, bytes: [...ports, 1, 2, 3, 4, 0, 0, 0, 0, ...rest] }));
const icmp = (proto: number): fc.Arbitrary<Transport> =>
  fc
    .record({ type: fc.constantFrom(0, 3, 8, 11, 128, 135, 136), code: fc.constantFrom(0, 1), rest: payload })
    .map(({ type, code, rest }) => ({ proto, bytes: [type, code, 0, 0, 0, 1, 0, 2, ...rest] }));
const option = fc.oneof(
  fc.record({ type: fc.constantFrom(1, 2), address: bytesOf(6) }).map(({ type, address }) => [type, 1, ...address]),
  fc
    .record({ type: fc.constantFrom(1, 5, 14), units: fc.integer({ min: 0, max: 2 }) })
    .map(({ type, units }) => [...[type, units], ...Array<number>(Math.max(6, 8 * units - 2)).fill(3)]),
);
const neighbour = fc
  .record({ type: fc.constantFrom(135, 136), target: bytesOf(16), options: fc.array(option, { maxLength: 3 }) })
  .map(
    ({ type, target, options }): Transport => ({
      proto: 58,
      bytes: [type, 0, 0, 0, 0x60, 0, 0, 0, ...target, ...options.flat()],
    }),
  );
const other = fc
  .record({ proto: fc.constantFrom(1, 2, 47, 58, 59, 89, 253), bytes: payload })
  .map((one): Transport => one);
const transport = fc.oneof(tcp, tcp, tcp, udp, udp, sctp, icmp(1), icmp(1), icmp(58), neighbour, neighbour, other);

/** What Ethernet carries, with its type. */
interface Carried {
  readonly type: number;
  readonly bytes: readonly number[];
}

const ipv4 = fc
  .record({
    tos: byte,
    fragment: fc.oneof(fc.constantFrom(0, 0, 0, 0x4000, 0x2000), fc.integer({ min: 0, max: 0x3fff })),
    ttl: byte,
    addresses: bytesOf(8),
    options: fc.integer({ min: 0, max: 10 }).map((words) => (words > 5 ? 0 : words)),
    inside: transport,
  })
  .map(({ tos, fragment, ttl, addresses, options, inside }): Carried => {
    const length = 20 + 4 * options + inside.bytes.length;
    const start = [0x45 + options, tos, ...two(length), 0x12, 0x34, ...two(fragment), ttl, inside.proto, 0, 0];
    return { type: 0x0800, bytes: [...start, ...addresses, ...Array(4 * options).fill(1), ...inside.bytes] };
  });

/** RFC 8200 section 4: [its number, its bytes with the next one's number left 0]. */
const extension: fc.Arbitrary<readonly [number, readonly number[]]> = fc.oneof(
  fc
    .tuple(fc.constantFrom(0, 60), fc.integer({ min: 0, max: 2 }))
    .map(([kind, length]) => [kind, [0, length, ...Array<number>(6 + 8 * length).fill(0)]] as const),
  fc.tuple(fc.constantFrom(0, 2), fc.constantFrom(0, 1)).map(([kind, left]) => {
    return [43, [0, 2, kind, left, 0, 0, 0, 0, ...Array<number>(16).fill(0xfc)]] as const;
  }),
  fc
    .integer({ min: 1, max: 4 })
    .map((length) => [51, [0, length, ...Array<number>(4 * (length + 2) - 2).fill(5)]] as const),
  fc.constantFrom(0, 1, 8, 9, 0xfff8).map((place) => [44, [0, 0, ...two(place), 1, 2, 3, 4]] as const),
);
const ipv6 = fc
  .record({
    first: bytesOf(3),
    hops: byte,
    addresses: bytesOf(32),
    extensions: fc.oneof(
      fc.constant<(readonly [number, readonly number[]])[]>([]),
      fc.array(extension, { maxLength: 3 }),
    ),
    inside: fc.oneof(transport, neighbour),
  })
  .map(({ first, hops, addresses, extensions, inside }): Carried => {
    const kinds = [...extensions.map(([kind]) => kind), inside.proto];
    const chain = extensions.flatMap(([, bytes], n) => [kinds[n + 1]!, ...bytes.slice(1)]);
    const length = chain.length + inside.bytes.length;
    const start = [0x60 + (first[0]! & 15), first[1]!, first[2]!, 7, ...two(length), kinds[0]!, hops];
    return { type: 0x86dd, bytes: [...start, ...addresses, ...chain, ...inside.bytes] };
  });
const arp = fc
  .record({
    type: fc.constantFrom(0x0806, 0x8035),
    lie: fc.constantFrom([0, 1, 8, 0, 6, 4], [0, 1, 8, 0, 6, 4], [0, 6, 8, 0, 6, 4]),
    op: fc.constantFrom(1, 2, 3, 9, 0, 256),
    rest: bytesOf(20),
  })
  .map(({ type, lie, op, rest }): Carried => ({ type, bytes: [...lie, ...two(op), ...rest] }));
const mpls = fc
  .record({ type: fc.constantFrom(0x8847, 0x8848), labels: fc.array(bytesOf(4), { maxLength: 4 }), rest: payload })
  .map(({ type, labels, rest }): Carried => ({ type, bytes: [...labels.flat(), ...rest] }));
const llc = fc
  .record({
    snap: fc.constantFrom([0xaa, 0xaa, 3, 0, 0, 0], [0xaa, 0xaa, 3, 0, 0, 0x0c], [0x42, 0x42, 3, 0, 0, 0]),
    inside: fc.oneof(ipv4, arp),
  })
  .map(({ snap, inside }): Carried => {
    const bytes = [...snap, ...two(inside.type), ...inside.bytes];
    return { type: bytes.length, bytes };
  });
const anything = fc
  .record({ type: fc.constantFrom(0x88cc, 0x0800, 0x86dd, 0x0600, 0x8100), bytes: payload })
  .map((one): Carried => one);
const carried = fc.oneof(
  { weight: 8, arbitrary: ipv4 },
  { weight: 8, arbitrary: ipv6 },
  { weight: 2, arbitrary: arp },
  { weight: 1, arbitrary: mpls },
  { weight: 1, arbitrary: llc },
  { weight: 1, arbitrary: anything },
);

/** Puts in the checksums; `wrong` is added to each, `none` leaves UDP without. */
function finish(frame: number[], tags: number, wrong: number, none: boolean): void {
  const packet = parse(frame, tags);
  const { ip, proto, l4, net } = packet;
  if (ip === 0) return;
  const put = (at: number, sum: number): void => put16(frame, at, (sum + wrong) % 0x10000);
  packet.bytes = frame;
  const length = transportLength(packet);
  if (proto === 17 && length >= 8 && !none) {
    const sum = transportSum(packet, 6, true);
    put(l4 + 6, sum === 0 ? 0xffff : sum);
  }
  if (proto === 6 && length >= 20) put(l4 + 16, transportSum(packet, 16, true));
  if ((proto === 1 || proto === 58) && length >= 8) put(l4 + 2, transportSum(packet, 2, proto === 58));
  if (proto === 132 && length >= 12) {
    const crc = crc32c(frame.slice(l4, l4 + length));
    frame.splice(l4 + 8, 4, (crc + wrong) & 255, (crc >>> 8) & 255, (crc >>> 16) & 255, crc >>> 24);
  }
  if (ip === 4) put(net + 10, ipv4HeaderSum(packet));
}

/** At least the 14 bytes of an Ethernet header. `limit`: VLAN tags that are looked behind. */
export function frameOf(limit: number): fc.Arbitrary<number[]> {
  const plain = fc
    .record({
      addresses: bytesOf(12),
      tags: fc.array(fc.tuple(fc.constantFrom(0x8100, 0x88a8), bytesOf(2)), { maxLength: 3 }),
      inside: carried,
      wrong: fc.oneof(fc.constant(0), fc.constant(0), fc.integer({ min: 1, max: 0xffff })),
      none: fc.boolean(),
      padding: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 20 })),
      cut: fc.oneof(
        { weight: 8, arbitrary: fc.constant(0) },
        { weight: 1, arbitrary: fc.integer({ min: 1, max: 60 }) },
      ),
      lie: fc.oneof(
        { weight: 8, arbitrary: fc.constant(undefined) },
        {
          weight: 1,
          arbitrary: fc.record({ at: fc.integer({ min: 0, max: 60 }), by: fc.integer({ min: 1, max: 255 }) }),
        },
      ),
    })
    .map(({ addresses, tags, inside, wrong, none, padding, cut, lie }) => {
      const outside = [...addresses, ...tags.flatMap(([type, tci]) => [...two(type), ...tci]), ...two(inside.type)];
      const frame = [...outside, ...inside.bytes, ...Array<number>(padding).fill(0)];
      finish(frame, limit, wrong, none);
      if (lie !== undefined && 14 + lie.at < frame.length) frame[14 + lie.at]! ^= lie.by;
      frame.length = Math.max(14, frame.length - cut);
      return frame;
    });
  const inTunnel = fc
    .record({
      inner: plain,
      type: fc.constantFrom("gre" as const, "vxlan" as const, "geneve" as const),
      checksum: fc.boolean(),
      key: fc.option(fc.integer({ min: 0, max: 0xffffff }), { nil: undefined }),
      damage: fc.option(fc.record({ at: fc.integer({ min: 12, max: 49 }), by: fc.integer({ min: 1, max: 255 }) })),
    })
    .map(({ inner, type, checksum, key, damage }) => {
      const packet = parse(inner, limit);
      const [dst, src] = [inner.slice(0, 6), inner.slice(6, 12)];
      const [from, to] = [
        [10, 0, 0, 1],
        [10, 0, 0, 2],
      ];
      pushOuter(packet, { type, dst, src, from, to, tos: 3, ttl: 64, noFragments: true, checksum, key }, 40000);
      if (damage !== null && damage.at < packet.bytes.length) packet.bytes[damage.at]! ^= damage.by;
      return packet.bytes;
    });
  return fc.oneof({ weight: 5, arbitrary: plain }, { weight: 1, arbitrary: inTunnel });
}

/** What frameOf() has seldom: TCP, SCTP, ICMP, neighbour discovery, ARP and labels over IP, whole, with a tag at most. */
export function rareFrameOf(limit: number): fc.Arbitrary<number[]> {
  const message = fc.oneof(tcp, sctp, icmp(1), icmp(1));
  const over4 = fc.record({ head: bytesOf(8), inside: message }).map(({ head, inside }): Carried => {
    const start = [0x45, 0, ...two(20 + inside.bytes.length), 0, 1, 0, 0, 64, inside.proto, 0, 0];
    return { type: 0x0800, bytes: [...start, ...head, ...inside.bytes] };
  });
  const over6 = fc
    .record({ head: bytesOf(32), inside: fc.oneof(tcp, sctp, neighbour, neighbour) })
    .map(({ head, inside }): Carried => {
      const start = [0x60, 0, 0, 7, ...two(inside.bytes.length), inside.proto, 64];
      return { type: 0x86dd, bytes: [...start, ...head, ...inside.bytes] };
    });
  const labelled = fc
    .record({ type: fc.constantFrom(0x8847, 0x8848), labels: fc.integer({ min: 1, max: 3 }), inside: over4 })
    .map(({ type, labels, inside }): Carried => {
      const stack = Array.from({ length: labels }, (_, n) => [0, 1, n === labels - 1 ? 0x11 : 0x10, 64]).flat();
      return { type, bytes: [...stack, ...inside.bytes] };
    });
  return fc
    .record({
      addresses: bytesOf(12),
      tags: fc.array(bytesOf(2), { maxLength: 1 }),
      inside: fc.oneof(over4, over4, over6, over6, arp, arp, labelled),
    })
    .map(({ addresses, tags, inside }) => {
      const frame = [...addresses, ...tags.flatMap((tci) => [0x81, 0, ...tci]), ...two(inside.type), ...inside.bytes];
      finish(frame, limit, 0, false);
      return frame;
    });
}

/** An untagged IPv4 frame of TCP or UDP with right checksums. */
export function plainFrame(
  proto: 6 | 17,
  addresses: readonly number[],
  ports: readonly number[],
  rest: number[],
): number[] {
  const udp = [...ports, ...two(8 + rest.length), 0, 0, ...rest];
  const tcp = [...ports, ...Array<number>(8).fill(1), 0x50, 16, 1, 0, 0, 0, 0, 0, ...rest];
  const message = proto === 17 ? udp : tcp;
  const ip = [0x45, 0, ...two(20 + message.length), 0, 1, 0, 0, 64, proto, 0, 0, ...addresses];
  const frame = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, ...ip, ...message];
  finish(frame, 1, 0, false);
  return frame;
}
