/**
 * `--port 1=pcap --port 2=gre:10.11.1.115:10.11.1.116`: what stands behind the OpenFlow ports of a bridge when a capture
 * is put through it.
 *
 *   pcap                the capture comes in here, over and over; frames sent to it are counted and gone
 *   null                frames sent to it are counted and gone
 *   gre:LOCAL:REMOTE    frames sent to it are put into GRE with key (tunnel ID of the flow), from LOCAL to REMOTE, and gone
 *   vxlan:LOCAL:REMOTE  the same with VXLAN, UDP port 4789
 *
 * The Ethernet addresses of the underlay follow from the two IP addresses (`underlayMac`), so that two programs put the
 * same bytes in front of a frame without being told.
 */
import { InputError } from "../errors.ts";

export type PortKind = "pcap" | "null" | "gre" | "vxlan";

export interface PortSpec {
  /** OpenFlow port number, 1 to 65279. */
  readonly ofport: number;
  readonly kind: PortKind;
  /** Tunnels only: the two ends, dotted. */
  readonly local: string;
  readonly remote: string;
}

const MAX_OFPORT = 65279; // OFPP_MAX - 1, OpenFlow 1.0 5.2.1
export const DEFAULT_PORTS = ["1=pcap", "2=null"] as const;

/** Reads one `--port` value. Throws InputError. */
export function parsePort(text: string): PortSpec {
  const wrong = (why: string): InputError =>
    new InputError(`--port ${text}: ${why}, expected NUMBER=pcap|null|gre:LOCAL:REMOTE|vxlan:LOCAL:REMOTE`);
  const [, number, kind, rest] = /^(\d+)=([a-z]+)(?::(.*))?$/.exec(text) ?? [];
  if (number === undefined) throw wrong("not understood");
  const ofport = Number(number);
  if (ofport < 1 || ofport > MAX_OFPORT) throw wrong(`port ${number} is not in 1 to ${MAX_OFPORT}`);
  if (kind === "pcap" || kind === "null") {
    if (rest !== undefined) throw wrong(`${kind} takes no address`);
    return { ofport, kind, local: "", remote: "" };
  }
  if (kind !== "gre" && kind !== "vxlan") throw wrong(`no kind of port is called "${kind}"`);
  const ends = (rest ?? "").split(":");
  if (ends.length !== 2) throw wrong("a tunnel has two IPv4 addresses");
  for (const end of ends) if (!isIpv4(end)) throw wrong(`"${end}" is not an IPv4 address`);
  if (ends[0] === ends[1]) throw wrong("LOCAL and REMOTE are the same");
  return { ofport, kind, local: ends[0], remote: ends[1] };
}

/** Reads all `--port` values: distinct numbers, exactly one capture port. Throws InputError. */
export function parsePorts(texts: readonly string[]): PortSpec[] {
  const ports = texts.map(parsePort);
  const seen = new Set<number>();
  for (const { ofport } of ports) {
    if (seen.has(ofport)) throw new InputError(`--port ${ofport}=...: given twice`);
    seen.add(ofport);
  }
  const sources = ports.filter((port) => port.kind === "pcap").length;
  if (sources !== 1) throw new InputError(`--port: ${sources} ports are pcap, expected exactly one`);
  return ports;
}

export const isTunnel = (port: PortSpec): boolean => port.kind === "gre" || port.kind === "vxlan";

/** A port as it was typed. */
export function formatPort({ ofport, kind, local, remote }: PortSpec): string {
  return local === "" ? `${ofport}=${kind}` : `${ofport}=${kind}:${local}:${remote}`;
}

/** The Ethernet address of an underlay address: locally administered, 02:00 and the four bytes of the address. */
export function underlayMac(ip: string): string {
  return ["02", "00", ...ip.split(".").map((part) => Number(part).toString(16).padStart(2, "0"))].join(":");
}

function isIpv4(text: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(text) && text.split(".").every((part) => Number(part) <= 255);
}
