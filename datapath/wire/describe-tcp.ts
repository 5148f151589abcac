/** A TCP header in tcpdump's words (print-tcp.c), with absolute sequence numbers (its -S): there is no memory of flows here. */
import { be16, be32 } from "./bytes.ts";
import {
  isTcp,
  TCP_ACK,
  TCP_FIN,
  TCP_HEADER_LEN,
  TCP_OPTIONS,
  TCP_RST,
  TCP_SYN,
  TCP_URG,
  TCP_URGENT,
  tcpAcknowledgment,
  tcpFlags,
  tcpHeaderLength,
  tcpSequence,
  tcpWindow,
} from "./tcp.ts";

/** From bit 0 up: FIN, SYN, RST, PSH, ACK, URG, ECE, CWR. */
const FLAGS = "FSRP.UEW";

/** "Flags [S], seq 1, win 64240, options [mss 1460], length 0" for the segment [at, end), which ended at `wire` on the wire. */
export function describeTcp(frame: Uint8Array, at: number, end: number, wire = end): string {
  if (!isTcp(frame, at, end)) return "[|tcp]";
  const header = tcpHeaderLength(frame, at);
  if (header < TCP_HEADER_LEN) return `tcp ${wire - at - header} [bad hdr length ${header} - too short, < 20]`;
  if (header > wire - at) return `tcp ${wire - at} [bad hdr length ${header} - too long, > ${wire - at}]`;
  const flags = tcpFlags(frame, at);
  const length = wire - at - header;
  let names = "";
  for (let bit = 0; bit < 8; bit++) if (flags & (1 << bit)) names += FLAGS[bit];
  let text = `Flags [${names || "none"}]`;
  const sequence = tcpSequence(frame, at) >>> 0;
  if (length > 0) text += `, seq ${sequence}:${(sequence + length) >>> 0}`;
  else if (flags & (TCP_SYN | TCP_FIN | TCP_RST)) text += `, seq ${sequence}`;
  if (flags & TCP_ACK) text += `, ack ${tcpAcknowledgment(frame, at) >>> 0}`;
  text += `, win ${tcpWindow(frame, at)}`;
  if (flags & TCP_URG) text += `, urg ${be16(frame, at + TCP_URGENT)}`;
  if (header > TCP_HEADER_LEN) text += `, options [${options(frame, at + TCP_OPTIONS, Math.min(at + header, end))}]`;
  return `${text}, length ${length}`;
}

/** Options whose data have one length, in bytes. */
const FIXED: ReadonlyMap<number, { readonly name: string; readonly data: number }> = new Map([
  [2, { name: "mss", data: 2 }],
  [3, { name: "wscale", data: 1 }],
  [4, { name: "sackOK", data: 0 }],
  [8, { name: "TS", data: 8 }],
]);

function options(frame: Uint8Array, at: number, end: number): string {
  const list: string[] = [];
  while (at < end) {
    const kind = frame[at];
    if (kind === 0) {
      list.push("eol");
      break;
    }
    if (kind === 1) {
      list.push("nop");
      at++;
      continue;
    }
    const length = at + 1 < end ? frame[at + 1] : 0;
    if (length < 2 || at + length > end) {
      list.push("[bad opt]");
      break;
    }
    const fixed = FIXED.get(kind);
    if (fixed === undefined) {
      list.push(option(frame, kind, at + 2, length - 2));
      at += length;
    } else if (at + 2 + fixed.data > end) {
      list.push(`${fixed.name}[bad opt]`);
      break;
    } else {
      // What the option says of its length is not believed, as by tcpdump, only told.
      const lies = length === fixed.data + 2 ? "" : `[len ${length}]`;
      list.push(option(frame, kind, at + 2, fixed.data) + lies);
      at += 2 + fixed.data;
    }
  }
  return list.join(",");
}

function option(frame: Uint8Array, kind: number, at: number, length: number): string {
  const number = (offset: number): number => be32(frame, at + offset) >>> 0;
  switch (kind) {
    case 2:
      return `mss ${be16(frame, at)}`;
    case 3:
      return `wscale ${frame[at]}`;
    case 4:
      return "sackOK";
    case 5: {
      let text = `sack ${length >> 3} `;
      for (let i = 0; i + 8 <= length; i += 8) text += `{${number(i)}:${number(i + 4)}}`;
      return text;
    }
    case 8:
      return `TS val ${number(0)} ecr ${number(4)}`;
    default: {
      let hex = "";
      for (let i = 0; i < length; i++) hex += frame[at + i].toString(16).padStart(2, "0");
      return `unknown-${kind}${length > 0 ? ` 0x${hex}` : ""}`;
    }
  }
}
