/** ICMP and ICMPv6 messages in tcpdump's words (print-icmp.c, print-icmp6.c). */
import { ipv4ToText, ipv6TextAt } from "./addresses.ts";
import { be16, be32 } from "./bytes.ts";
import {
  ICMP_ECHO_REPLY,
  ICMP_ECHO_REQUEST,
  ICMP_FRAGMENTATION_NEEDED,
  ICMP_HEADER_LEN,
  ICMP_MTU,
  ICMP_PARAMETER_PROBLEM,
  ICMP_PORT_UNREACHABLE,
  ICMP_PROTOCOL_UNREACHABLE,
  ICMP_REDIRECT,
  ICMP_TIME_EXCEEDED,
  ICMP_UNREACHABLE,
  icmpId,
  icmpSequence,
  isIcmp,
} from "./icmp.ts";
import {
  ICMPV6_ECHO_REPLY,
  ICMPV6_ECHO_REQUEST,
  ICMPV6_MLD_DONE,
  ICMPV6_MLD_QUERY,
  ICMPV6_MLD_REPORT,
  ICMPV6_MLDV2_REPORT,
  ICMPV6_PARAMETER_PROBLEM,
  ICMPV6_TIME_EXCEEDED,
  ICMPV6_TOO_BIG,
  ICMPV6_UNREACHABLE,
  ND_NEIGHBOUR_ADVERTISEMENT,
  ND_NEIGHBOUR_SOLICITATION,
  ND_REDIRECT,
  ND_ROUTER_ADVERTISEMENT,
  ND_ROUTER_SOLICITATION,
  ND_TARGET,
} from "./icmpv6.ts";
import { IPV4_DST, ipv4HeaderLength, ipv4Protocol, PROTOCOL_TCP, PROTOCOL_UDP } from "./ipv4.ts";
import { IPV6_DST, IPV6_HEADER_LEN, IPV6_NEXT_HEADER } from "./ipv6.ts";

const ICMP_NAMES = new Map<number, string>([
  [4, "source quench"],
  [9, "router advertisement"],
  [10, "router solicitation"],
  [15, "information request"],
  [16, "information reply"],
  [17, "address mask request"],
  [18, "address mask reply"],
]);

/** Destination unreachable by code; "%" is the address. */
const UNREACHABLE = new Map<number, string>([
  [0, "net % unreachable"],
  [1, "host % unreachable"],
  [5, "% unreachable - source route failed"],
  [6, "net % unreachable - unknown"],
  [7, "host % unreachable - unknown"],
  [8, "% unreachable - source host isolated"],
  [9, "net % unreachable - admin prohibited"],
  [10, "host % unreachable - admin prohibited"],
  [11, "net % unreachable - tos prohibited"],
  [12, "host % unreachable - tos prohibited"],
  [13, "host % unreachable - admin prohibited filter"],
  [14, "host % unreachable - host precedence violation"],
  [15, "host % unreachable - precedence cutoff"],
]);

const REDIRECT = new Map<number, string>([
  [0, "redirect % to net"],
  [1, "redirect % to host"],
  [2, "redirect-tos % to net"],
  [3, "redirect-tos % to host"],
]);

/** "ICMP echo request, id 1, seq 1, length 64" for the message [at, end), which ended at `wire` on the wire. */
export function describeIcmp(frame: Uint8Array, at: number, end: number, wire = end): string {
  if (!isIcmp(frame, at, end)) return " [|icmp]";
  return `ICMP ${icmpText(frame, at, end)}, length ${wire - at}`;
}

function icmpText(frame: Uint8Array, at: number, end: number): string {
  const type = frame[at];
  const code = frame[at + 1];
  const quoted = at + ICMP_HEADER_LEN;
  const hasQuoted = end - quoted >= 20;
  const target = hasQuoted ? ipv4ToText(be32(frame, quoted + IPV4_DST)) : "?";
  switch (type) {
    case ICMP_ECHO_REQUEST:
    case ICMP_ECHO_REPLY: {
      const kind = type === ICMP_ECHO_REQUEST ? "request" : "reply";
      return `echo ${kind}, id ${icmpId(frame, at)}, seq ${icmpSequence(frame, at)}`;
    }
    case ICMP_UNREACHABLE:
      if (code === ICMP_PROTOCOL_UNREACHABLE && hasQuoted) {
        return `${target} protocol ${ipv4Protocol(frame, quoted)} unreachable`;
      }
      if (code === ICMP_PORT_UNREACHABLE && hasQuoted) return portUnreachable(frame, quoted, end, target);
      if (code === ICMP_FRAGMENTATION_NEEDED) {
        const mtu = be16(frame, at + ICMP_MTU);
        return `${target} unreachable - need to frag${mtu === 0 ? "" : ` (mtu ${mtu})`}`;
      }
      return (UNREACHABLE.get(code) ?? `% unreachable - #${code}`).replace("%", target);
    case ICMP_REDIRECT:
      return `${(REDIRECT.get(code) ?? `redirect-#${code} % to net`).replace("%", target)} ${ipv4ToText(be32(frame, at + 4))}`;
    case ICMP_TIME_EXCEEDED:
      if (code === 0) return "time exceeded in-transit";
      return code === 1 ? "ip reassembly time exceeded" : `time exceeded-#${code}`;
    case ICMP_PARAMETER_PROBLEM:
      return code === 0 ? `parameter problem - octet ${frame[at + 4]}` : `parameter problem - code ${code}`;
    case 13:
      return `time stamp query id ${icmpId(frame, at)} seq ${icmpSequence(frame, at)}`;
    default:
      return ICMP_NAMES.get(type) ?? `type-#${type}`;
  }
}

function portUnreachable(frame: Uint8Array, quoted: number, end: number, target: string): string {
  const l4 = quoted + ipv4HeaderLength(frame, quoted);
  const protocol = ipv4Protocol(frame, quoted);
  const port = end - l4 >= 4 ? be16(frame, l4 + 2) : 0;
  if (protocol === PROTOCOL_TCP) return `${target} tcp port ${port} unreachable`;
  if (protocol === PROTOCOL_UDP) return `${target} udp port ${port} unreachable`;
  return `${target} protocol ${protocol} port ${port} unreachable`;
}

const UNREACHABLE6: readonly string[] = [
  "unreachable route ",
  "unreachable prohibited ",
  "beyond scope ",
  "unreachable address ",
  "unreachable port",
];

/** "ICMP6, echo request, id 1, seq 1, length 64" for the message [at, end), which ended at `wire` on the wire. */
export function describeIcmpv6(frame: Uint8Array, at: number, end: number, wire = end): string {
  if (end - at < 4) return " [|icmp6]";
  return `ICMP6, ${icmpv6Text(frame, at, end)}, length ${wire - at}`;
}

function icmpv6Text(frame: Uint8Array, at: number, end: number): string {
  const type = frame[at];
  const code = frame[at + 1];
  const left = end - at;
  switch (type) {
    case ICMPV6_UNREACHABLE:
      return `destination unreachable, ${unreachable6(frame, at, end)}`;
    case ICMPV6_TOO_BIG:
      return left < 8 ? "packet too big" : `packet too big, mtu ${be32(frame, at + 4) >>> 0}`;
    case ICMPV6_TIME_EXCEEDED: {
      const about = left >= 8 + IPV6_HEADER_LEN ? ipv6TextAt(frame, at + 8 + IPV6_DST) : "?";
      if (code === 0) return `time exceeded in-transit for ${about}`;
      return code === 1 ? "ip6 reassembly time exceeded" : `time exceeded, unknown code #${code}`;
    }
    case ICMPV6_PARAMETER_PROBLEM: {
      const what = ["erroneous", "next header", "option"][code];
      const octet = left >= 8 ? be32(frame, at + 4) >>> 0 : 0;
      return `parameter problem, ${what === undefined ? `code #${code}` : `${what} - octet ${octet}`}`;
    }
    case ICMPV6_ECHO_REQUEST:
    case ICMPV6_ECHO_REPLY: {
      const kind = type === ICMPV6_ECHO_REQUEST ? "request" : "reply";
      return left < 8 ? `echo ${kind}` : `echo ${kind}, id ${be16(frame, at + 4)}, seq ${be16(frame, at + 6)}`;
    }
    case ICMPV6_MLD_QUERY:
      return left >= 28 ? "multicast listener query v2" : multicast(frame, at, left, "multicast listener query");
    case ICMPV6_MLD_REPORT:
      return multicast(frame, at, left, "multicast listener report");
    case ICMPV6_MLD_DONE:
      return multicast(frame, at, left, "multicast listener done");
    case ICMPV6_MLDV2_REPORT:
      return `multicast listener report v2, ${be16(frame, at + 6)} group record(s)`;
    case ND_ROUTER_SOLICITATION:
      return "router solicitation";
    case ND_ROUTER_ADVERTISEMENT:
      return "router advertisement";
    case ND_NEIGHBOUR_SOLICITATION:
      return left < 24
        ? "neighbor solicitation"
        : `neighbor solicitation, who has ${ipv6TextAt(frame, at + ND_TARGET)}`;
    case ND_NEIGHBOUR_ADVERTISEMENT:
      return left < 24
        ? "neighbor advertisement"
        : `neighbor advertisement, tgt is ${ipv6TextAt(frame, at + ND_TARGET)}`;
    case ND_REDIRECT:
      return left < 40 ? "redirect" : `redirect, ${ipv6TextAt(frame, at + 24)} to ${ipv6TextAt(frame, at + 8)}`;
    default:
      return `unknown icmp6 type (${type})`;
  }
}

function multicast(frame: Uint8Array, at: number, left: number, name: string): string {
  if (left < 24) return name;
  return `${name} max resp delay: ${be16(frame, at + 4)} addr: ${ipv6TextAt(frame, at + 8)}`;
}

function unreachable6(frame: Uint8Array, at: number, end: number): string {
  const code = frame[at + 1];
  const quoted = at + 8;
  const name = UNREACHABLE6[code];
  if (name === undefined || end - quoted < IPV6_HEADER_LEN) return `unknown unreach code (${code})`;
  const target = ipv6TextAt(frame, quoted + IPV6_DST);
  if (code !== 4) return name + target;
  const l4 = quoted + IPV6_HEADER_LEN;
  const port = end - l4 >= 4 ? be16(frame, l4 + 2) : 0;
  const protocol = frame[quoted + IPV6_NEXT_HEADER];
  if (protocol === PROTOCOL_TCP) return `${name}, ${target} tcp port ${port}`;
  if (protocol === PROTOCOL_UDP) return `${name}, ${target} udp port ${port}`;
  return `${name}, ${target} protocol ${protocol} port ${port} unreachable`;
}
