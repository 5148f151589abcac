/**
 * `--port 1=pcap --port 2=gre:10.11.1.115:10.11.1.116`: what stands behind the OpenFlow ports of a bridge when a capture
 * is put through it.
 *
 *   pcap                    the capture comes in here, over and over; frames sent to it are counted and gone
 *   pcap:FILE               another capture does
 *   null                    frames sent to it are counted and gone
 *   write:FILE              frames sent to it in the counting pass are written to a capture
 *   gre:LOCAL:REMOTE[:KEY]  frames sent to it are put into GRE from LOCAL to REMOTE and leave by the underlay; KEY, or where
 *                           it is left out the tunnel ID of the flow, is the key
 *   vxlan:LOCAL:REMOTE[:VNI]  the same with VXLAN, UDP port 4789
 *
 * The underlay of tunnels is a second bridge with the address LOCAL and a port called `underlay`, which is null, unless
 * `--port underlay=...` says otherwise: pcap and pcap:FILE take tunnelled frames in, write:FILE keeps what leaves.
 * The Ethernet addresses of the underlay follow from the two IP addresses (`underlayMac`), so that two programs put the
 * same bytes in front of a frame without being told.
 */
import { InputError } from "../errors.ts";

export type PortKind = "pcap" | "null" | "write" | "gre" | "vxlan";

export interface PortSpec {
  /** OpenFlow port number, 1 to 65279; UNDERLAY. */
  readonly ofport: number;
  readonly kind: PortKind;
  /** pcap and write only: "" is the capture given first. */
  readonly file: string;
  /** Tunnels only: the two ends, dotted, and the key, "" for that of the flow. */
  readonly local: string;
  readonly remote: string;
  readonly key: string;
}

/** `ofport` of the card that tunnels leave by: no port of the bridge with the rules. */
export const UNDERLAY = 0;
const MAX_OFPORT = 65279; // OFPP_MAX - 1, OpenFlow 1.0 5.2.1
export const DEFAULT_PORTS = ["1=pcap", "2=null"] as const;

const EXPECTED = "NUMBER=pcap[:FILE]|null|write:FILE|gre:LOCAL:REMOTE[:KEY]|vxlan:LOCAL:REMOTE[:VNI]";

/** Reads one `--port` value. Throws InputError. */
export function parsePort(text: string): PortSpec {
  const wrong = (why: string): InputError => new InputError(`--port ${text}: ${why}, expected ${EXPECTED}`);
  const [, number, kind, rest] = /^(\d+|underlay)=([a-z]+)(?::(.*))?$/.exec(text) ?? [];
  if (number === undefined) throw wrong("not understood");
  const ofport = number === "underlay" ? UNDERLAY : Number(number);
  if (number !== "underlay" && (ofport < 1 || ofport > MAX_OFPORT)) {
    throw wrong(`port ${number} is not in 1 to ${MAX_OFPORT}`);
  }
  const plain = { ofport, file: "", local: "", remote: "", key: "" };
  switch (kind) {
    case "pcap":
      if (rest === "") throw wrong("the file's name is missing");
      return { ...plain, kind, file: rest ?? "" };
    case "write":
      if (rest === undefined || rest === "") throw wrong("the file's name is missing");
      return { ...plain, kind, file: rest };
    case "null":
      if (rest !== undefined) throw wrong(`${kind} takes no address`);
      return { ...plain, kind };
    case "gre":
    case "vxlan": {
      if (ofport === UNDERLAY) throw wrong("the underlay is no tunnel");
      const [local, remote, key, ...more] = (rest ?? "").split(":");
      if (remote === undefined) throw wrong("a tunnel has two IPv4 addresses");
      if (more.length > 0) throw wrong("a tunnel has two IPv4 addresses and a key");
      for (const end of [local, remote]) {
        if (!isIpv4(end)) throw wrong(`"${end}" is not an IPv4 address`);
        if (!isStation(end)) throw wrong(`"${end}" is no address of one station`);
      }
      if (local === remote) throw wrong("LOCAL and REMOTE are the same");
      const bits = kind === "gre" ? 32 : 24;
      if (key !== undefined && !(/^\d+$/.test(key) && Number(key) < 2 ** bits)) {
        throw wrong(`"${key}" is no number of ${bits} bits`);
      }
      return { ...plain, kind, local, remote, key: key ?? "" };
    }
    default:
      throw wrong(`no kind of port is called "${kind}"`);
  }
}

/** Reads all `--port` values: distinct numbers, exactly one `pcap` without a file. Throws InputError. */
export function parsePorts(texts: readonly string[]): PortSpec[] {
  const ports = texts.map(parsePort);
  const seen = new Set<number>();
  for (const { ofport } of ports) {
    if (seen.has(ofport)) throw new InputError(`--port ${portName(ofport)}=...: given twice`);
    seen.add(ofport);
  }
  const sources = ports.filter((port) => port.kind === "pcap" && port.file === "").length;
  if (sources !== 1) throw new InputError(`--port: ${sources} ports are pcap, expected exactly one`);
  const locals = new Set(ports.filter(isTunnel).map((port) => port.local));
  if (locals.size > 1) {
    throw new InputError(`--port: tunnels from ${[...locals].join(" and ")}, expected the same LOCAL for all`);
  }
  if (seen.has(UNDERLAY) && locals.size === 0) {
    throw new InputError("--port underlay=...: there is no tunnel port, expected one of gre or vxlan beside it");
  }
  checkTwins(ports);
  return ports;
}

/** Open vSwitch takes no second tunnel with the same ends and key (ofproto/tunnel.c: "with same config"). */
function checkTwins(ports: readonly PortSpec[]): void {
  const taken = new Map<string, PortSpec>();
  for (const port of ports) {
    if (!isTunnel(port)) continue;
    const { kind, local, remote, key } = port;
    const ends = [kind, local, remote, key === "" ? key : Number(key)].join(" ");
    const other = taken.get(ends);
    if (other !== undefined) {
      throw new InputError(
        `--port ${formatPort(port)}: has the ends and the key of port ${other.ofport}, expected another REMOTE or key`,
      );
    }
    taken.set(ends, port);
  }
}

/** Throws InputError for a port that a peer has not. */
export function checkPeerPorts(ports: readonly PortSpec[]): void {
  for (const port of ports) {
    if (port.kind === "write" || port.ofport === UNDERLAY || (port.kind === "pcap" && port.file !== "")) {
      throw new InputError(`--port ${formatPort(port)}: not in a comparison, expected pcap, null, gre or vxlan`);
    }
  }
}

export const isTunnel = (port: PortSpec): boolean => port.kind === "gre" || port.kind === "vxlan";

/** "2", "underlay". */
export const portName = (ofport: number): string => (ofport === UNDERLAY ? "underlay" : String(ofport));

/** A port as it was typed. */
export function formatPort({ ofport, kind, file, local, remote, key }: PortSpec): string {
  const parts = [file, local, remote, key].filter((part) => part !== "");
  return `${portName(ofport)}=${[kind, ...parts].join(":")}`;
}

/** The Ethernet address of an underlay address: locally administered, 02:00 and the four bytes of the address. */
export function underlayMac(ip: string): string {
  return ["02", "00", ...ip.split(".").map((part) => Number(part).toString(16).padStart(2, "0"))].join(":");
}

/** Bits that two addresses share, at most 24: the network that both ends of a tunnel are in. */
export function sharedPrefix(a: string, b: string): number {
  const word = (ip: string): number => ip.split(".").reduce((sum, part) => (sum << 8) | Number(part), 0);
  return Math.min(Math.clz32(word(a) ^ word(b)), 24);
}

/** Dotted, as inet_pton(3) takes it: no leading zeros, which some read as octal. */
function isIpv4(text: string): boolean {
  return (
    /^\d{1,3}(\.\d{1,3}){3}$/.test(text) &&
    text.split(".").every((part) => String(Number(part)) === part && Number(part) <= 255)
  );
}

/** Not "this network", multicast, reserved or broadcast (RFC 6890 2.2.2): something that a tunnel can begin or end at. */
function isStation(ip: string): boolean {
  const first = Number(ip.split(".", 1)[0]);
  return first !== 0 && first < 224;
}
