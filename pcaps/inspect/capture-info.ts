/**
 * What `eastwest info` says about a capture, as plain data: read in windows, so of any size. Counts are exact; rates are
 * derived from them. Schema "eastwest.info/1": a field may be added within a version, none changes its meaning.
 */
import type { Trace } from "../../datapath/packet/trace.ts";
import { ipv4ToText, ipv6ToText, macToText } from "../../datapath/wire/addresses.ts";
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from "../../datapath/wire/ethernet.ts";
import { type LibpcapOptions, readTraceWithLibpcap } from "../libpcap-reader.ts";
import { type CaptureDescription, TraceWindows } from "../read-trace.ts";
import { FrameCensus, type Oddities, type Tally, tunnelKinds } from "./frame-census.ts";
import { KeyTable } from "./key-table.ts";

export const INFO_SCHEMA = "eastwest.info/1";
const DEFAULT_WINDOW = 512 << 20;

export interface CaptureInfo {
  readonly schema: typeof INFO_SCHEMA;
  readonly file: CaptureDescription;
  readonly frames: number;
  /** On the wire, without FCS. */
  readonly bytes: number;
  readonly capturedBytes: number;
  readonly snapped: number;
  readonly time: {
    /** ISO 8601 with nanoseconds, UTC. */
    readonly first: string;
    readonly last: string;
    readonly spanNs: number;
    /** From first to last frame; null when that takes no time. */
    readonly framesPerSecond: number | null;
    /** Of the frames, without FCS, preamble and gap. */
    readonly bitsPerSecond: number | null;
  };
  /** Frame lengths on the wire, without FCS. */
  readonly sizes: {
    readonly min: number;
    readonly mean: number;
    readonly max: number;
    readonly p50: number;
    readonly p90: number;
    readonly p99: number;
    readonly distribution: readonly { readonly from: number; readonly to: number | null; readonly frames: number }[];
  };
  readonly ethertypes: readonly (Tally & { readonly type: number; readonly name: string })[];
  /** Of the innermost packets. */
  readonly protocols: readonly (Tally & { readonly name: string; readonly over: "IPv4" | "IPv6" | null })[];
  /** By VLAN, or "outer/inner" VLAN. */
  readonly tags: readonly (Tally & { readonly vlan: string })[];
  readonly tunnels: readonly (Tally & {
    readonly kind: string;
    readonly key: number | null;
    readonly from: string;
    readonly to: string;
  })[];
  readonly flows: {
    /** By the outermost headers. */
    readonly outer: number;
    /** Inside tunnels. */
    readonly inner: number;
    /** Frames of flows beyond the most that are counted; 0 = the counts are exact. */
    readonly uncounted: number;
  };
  /** The flows with the most bytes, by their innermost headers. */
  readonly topFlows: readonly (Tally & { readonly protocol: string; readonly from: string; readonly to: string })[];
  /** The addresses with the most bytes sent and received. */
  readonly topAddresses: readonly (Tally & { readonly address: string })[];
  readonly fragments: { readonly ipv4: number; readonly ipv6: number };
  readonly odd: Oddities;
  readonly warnings: readonly string[];
}

export interface InfoOptions extends LibpcapOptions {
  /** Entries in the lists of the largest. */
  readonly top?: number | undefined;
  /** Through libpcap; a filter asks for it too. */
  readonly libpcap?: boolean | undefined;
}

/** Upper bounds of the size classes: RMON's (RFC 2819, etherStatsPkts), 4 bytes of FCS taken off. */
const SIZE_CLASSES = [59, 60, 123, 251, 507, 1019, 1514, 9014, Infinity];

/** Reads a capture once and says what it holds. Throws InputError as readTrace does. */
export async function captureInfo(path: string, options: InfoOptions = {}): Promise<CaptureInfo> {
  const census = new FrameCensus();
  let last = 0;
  let epochNs = 0n;
  const see = (trace: Trace): void => {
    census.add(trace);
    last = trace.time[trace.count - 1];
    epochNs = trace.epochNs;
  };
  const windows = await TraceWindows.open(path, { memory: options.memory ?? DEFAULT_WINDOW });
  let warnings: readonly string[];
  if (options.libpcap || options.filter !== undefined) {
    for await (const window of windows) void window; // for what the file is; the frames come from libpcap
    const trace = await readTraceWithLibpcap(path, options);
    see(trace);
    warnings = trace.warnings;
  } else {
    for await (const window of windows) see(window);
    warnings = windows.warnings;
  }
  return summary(census, windows.description, epochNs, last, warnings, options.top ?? 10);
}

function summary(
  census: FrameCensus,
  file: CaptureDescription,
  epochNs: bigint,
  spanNs: number,
  warnings: readonly string[],
  top: number,
): CaptureInfo {
  const seconds = spanNs / 1e9;
  return {
    schema: INFO_SCHEMA,
    file,
    frames: census.frames,
    bytes: census.bytes,
    capturedBytes: census.capturedBytes,
    snapped: census.snapped,
    time: {
      first: isoTime(epochNs),
      last: isoTime(epochNs + BigInt(Math.round(spanNs))),
      spanNs,
      framesPerSecond: seconds > 0 ? census.frames / seconds : null,
      bitsPerSecond: seconds > 0 ? (census.bytes * 8) / seconds : null,
    },
    sizes: sizes(census),
    ethertypes: largest(census.ethertypes).map(([type, tally]) => ({ type, name: ethertypeName(type), ...tally })),
    protocols: largest(census.protocols).map(([key, tally]) => ({
      name: protocolName(Math.floor(key / 256), key % 256),
      over: over(Math.floor(key / 256)),
      ...tally,
    })),
    tags: largest(census.tags).map(([key, tally]) => ({ vlan: vlanText(key), ...tally })),
    tunnels: tunnels(census.tunnels),
    flows: {
      outer: census.outerFlows.count,
      inner: census.innerFlows.count,
      uncounted: census.outerFlows.overflow + census.innerFlows.overflow,
    },
    topFlows: census.flows.top(top).map((i) => flowText(census.flows, i)),
    topAddresses: addresses(census.flows, top),
    fragments: { ipv4: census.ipv4Fragments, ipv6: census.ipv6Fragments },
    odd: { ...census.odd },
    warnings: [...warnings],
  };
}

function sizes(census: FrameCensus): CaptureInfo["sizes"] {
  const { lengths, frames } = census;
  const quantile = (share: number): number => {
    const rank = Math.ceil(share * frames);
    let seen = 0;
    for (let length = 0; length < lengths.length; length++) if ((seen += lengths[length]) >= rank) return length;
    return lengths.length - 1;
  };
  const distribution: { from: number; to: number | null; frames: number }[] = [];
  let from = 0;
  for (const to of SIZE_CLASSES) {
    let count = 0;
    for (let length = from; length <= Math.min(to, lengths.length - 1); length++) count += lengths[length];
    if (count > 0) distribution.push({ from, to: Number.isFinite(to) ? to : null, frames: count });
    from = to + 1;
  }
  return {
    min: lengths.findIndex((count) => count > 0),
    mean: census.bytes / frames,
    max: census.longest,
    p50: quantile(0.5),
    p90: quantile(0.9),
    p99: quantile(0.99),
    distribution,
  };
}

function largest(counts: Map<number, Tally>): [number, Tally][] {
  return [...counts].sort(([a, x], [b, y]) => y.frames - x.frames || a - b);
}

function tunnels(table: KeyTable): CaptureInfo["tunnels"] {
  return table.top(table.count).map((i) => {
    const kind = tunnelKinds[table.word(i, 0)];
    const keyed = kind === "gre with key" || kind === "vxlan" || kind === "geneve";
    return {
      kind: kind === "gre with key" ? "gre" : kind,
      key: keyed ? table.word(i, 1) >>> 0 : null,
      from: addressText(table, i, table.word(i, 2), 3),
      to: addressText(table, i, table.word(i, 2), 7),
      frames: table.frames(i),
      bytes: table.bytes(i),
    };
  });
}

function addresses(flows: KeyTable, top: number): CaptureInfo["topAddresses"] {
  const table = new KeyTable(5);
  const key = new Int32Array(5);
  for (let i = 0; i < flows.count; i++) {
    for (const at of [3, 7]) {
      const type = flows.word(i, 0);
      key[0] = type === ETHERTYPE_IPV4 || type === ETHERTYPE_IPV6 ? type : 0;
      for (let w = 0; w < 4; w++) key[1 + w] = flows.word(i, at + w);
      table.add(key, flows.frames(i), flows.bytes(i));
    }
  }
  return table.top(top).map((i) => ({
    address: addressText(table, i, table.word(i, 0), 1),
    frames: table.frames(i),
    bytes: table.bytes(i),
  }));
}

function flowText(flows: KeyTable, i: number): CaptureInfo["topFlows"][number] {
  const type = flows.word(i, 0);
  const protocol = flows.word(i, 1);
  const ports = flows.word(i, 2);
  const name = protocolName(type, protocol);
  const numbered = ["tcp", "udp", "sctp"].includes(name) && ports !== 0;
  const port = (number: number): string => (numbered ? ` port ${number}` : "");
  const icmp =
    (name === "icmp" || name === "icmpv6") && ports !== 0 ? ` type ${ports >>> 24} id ${ports & 0xffff}` : "";
  return {
    protocol: `${name}${icmp}`,
    from: `${addressText(flows, i, type, 3)}${port(ports >>> 16)}`,
    to: `${addressText(flows, i, type, 7)}${port(ports & 0xffff)}`,
    frames: flows.frames(i),
    bytes: flows.bytes(i),
  };
}

/** Address in the four words from `at` of key `i`: IPv4, IPv6, or of what is not IP the MAC address. */
function addressText(table: KeyTable, i: number, type: number, at: number): string {
  if (type === ETHERTYPE_IPV4) return ipv4ToText(table.word(i, at));
  const words = [0, 1, 2, 3].map((w) => table.word(i, at + w));
  if (type === ETHERTYPE_IPV6) return ipv6ToText(words);
  return macToText((words[0] << 16) | (words[1] >>> 16), words[1] & 0xffff);
}

function vlanText(key: number): string {
  const first = (key >>> 12) & 0xfff;
  const second = key & 0xfff;
  return key >= 2 * 16777216 ? `${first}/${second}` : `${second}`;
}

const ETHERTYPES: Readonly<Record<number, string>> = {
  0: "802.3",
  2048: "IPv4",
  2054: "ARP",
  25944: "Ethernet",
  32821: "RARP",
  34525: "IPv6",
  33024: "802.1Q, more than two tags",
  34887: "MPLS",
  34888: "MPLS multicast",
  34915: "PPPoE discovery",
  34916: "PPPoE",
  34958: "802.1X",
  34984: "802.1ad, more than two tags",
  35020: "LLDP",
  35063: "PTP",
  35074: "CFM",
  36864: "loopback test",
};

export function ethertypeName(type: number): string {
  return ETHERTYPES[type < 0x600 ? 0 : type] ?? `0x${type.toString(16).padStart(4, "0")}`;
}

const PROTOCOLS: Readonly<Record<number, string>> = {
  0: "hop-by-hop",
  1: "icmp",
  2: "igmp",
  4: "ipip",
  6: "tcp",
  17: "udp",
  41: "ipv6",
  47: "gre",
  50: "esp",
  51: "ah",
  58: "icmpv6",
  59: "no next header",
  89: "ospf",
  103: "pim",
  112: "vrrp",
  132: "sctp",
};

/** Name of a protocol over IP, or of what is not IP by its Ethertype, in lower case. */
export function protocolName(type: number, protocol: number): string {
  if (type !== ETHERTYPE_IPV4 && type !== ETHERTYPE_IPV6) return ethertypeName(type).toLowerCase();
  return PROTOCOLS[protocol] ?? `protocol ${protocol}`;
}

function over(type: number): "IPv4" | "IPv6" | null {
  return type === ETHERTYPE_IPV4 ? "IPv4" : type === ETHERTYPE_IPV6 ? "IPv6" : null;
}

/** The first second of the year 0 and the last of 9999: what ISO 8601 can say in four digits. */
const FIRST_SECOND = -62_167_219_200n;
const LAST_SECOND = 253_402_300_799n;
const SECOND_NS = 1_000_000_000n;

/**
 * "2026-11-22T11:47:21.089116000Z"; seconds since 1970 as in "@253402300800.000000000" or "@-62167219201.500000000" where a
 * broken clock, or a lying if_tsoffset, says a time outside the years 0 to 9999.
 */
export function isoTime(ns: bigint): string {
  const rest = ((ns % SECOND_NS) + SECOND_NS) % SECOND_NS;
  const seconds = (ns - rest) / SECOND_NS;
  const nine = (part: bigint): string => part.toString().padStart(9, "0");
  if (seconds < FIRST_SECOND) return `@-${-ns / SECOND_NS}.${nine(-ns % SECOND_NS)}`;
  if (seconds > LAST_SECOND) return `@${seconds}.${nine(rest)}`;
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${nine(rest)}Z`;
}
