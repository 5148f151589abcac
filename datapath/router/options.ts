/**
 * IPv4 options as Linux treats them on the way in (net/ipv4/ip_options.c): the list is checked, route recording takes part,
 * source routes are refused (sysctl accept_source_route 0), what follows the end of the list is set to 0. Timestamps are
 * left as they are: they would need the time of day, and there is only virtual time here.
 */
import { put32 } from "../wire/bytes.ts";
import { IPV4_HEADER_LEN, IPV4_OPTION_END, IPV4_OPTION_NOP } from "../wire/ipv4.ts";

const RECORD_ROUTE = 7;
const ROUTER_ALERT = 0x94;
const LOOSE_SOURCE_ROUTE = 0x83;
const STRICT_SOURCE_ROUTE = 0x89;

/** What `read` found; one instance for a namespace, filled anew for each packet that has options. */
export class IpOptions {
  /** Offset of a record route option in the header, 0 = none. */
  recordRoute = 0;
  /** The packet was changed and its checksum was not. */
  changed = false;
  /** There was room for an address: one was entered, and the way out may replace it. */
  entered = false;
  refused = false;
  /** Options of an answer, as `echoInto` made them. */
  readonly answer = new Uint8Array(40);

  clear(): void {
    this.recordRoute = 0;
    this.changed = false;
    this.entered = false;
    this.refused = false;
  }

  /**
   * Reads the options of the header at `l3`; `own` is entered where a route is recorded. Returns 0, or the offset in the
   * header of what is wrong: the pointer of an ICMP parameter problem.
   */
  read(bytes: Uint8Array, l3: number, header: number, own: number): number {
    this.clear();
    const end = l3 + header;
    let at = l3 + IPV4_HEADER_LEN;
    while (at < end) {
      const kind = bytes[at];
      if (kind === IPV4_OPTION_END) {
        for (let i = at + 1; i < end; i++) {
          if (bytes[i] !== 0) this.changed = true;
          bytes[i] = 0;
        }
        return 0;
      }
      if (kind === IPV4_OPTION_NOP) {
        at++;
        continue;
      }
      const length = end - at < 2 ? 0 : bytes[at + 1];
      if (length < 2 || length > end - at) return at - l3;
      if (kind === RECORD_ROUTE) {
        if (this.recordRoute !== 0) return at - l3;
        if (length < 3) return at + 1 - l3;
        const pointer = bytes[at + 2];
        if (pointer < 4 || (pointer <= length && pointer + 3 > length)) return at + 2 - l3;
        if (pointer <= length) {
          put32(bytes, at + pointer - 1, own);
          bytes[at + 2] = pointer + 4;
          this.changed = true;
          this.entered = true;
        }
        this.recordRoute = at - l3;
      } else if (kind === LOOSE_SOURCE_ROUTE || kind === STRICT_SOURCE_ROUTE) {
        if (length < 3) return at + 1 - l3;
        if (bytes[at + 2] < 4) return at + 2 - l3;
        this.refused = true;
      } else if (kind === ROUTER_ALERT && length < 4) return at + 1 - l3;
      at += length;
    }
    return 0;
  }

  /** The packet leaves by an interface whose address is `own`: that one is on record, not the one it came in by. */
  leave(bytes: Uint8Array, l3: number, own: number): void {
    if (!this.entered) return;
    const at = l3 + this.recordRoute;
    put32(bytes, at + bytes[at + 2] - 5, own);
  }

  /**
   * The options that an answer to the packet carries, into `answer`: the record so far, and the answerer `own`, as far as
   * there is room. Returns their bytes, a multiple of 4.
   */
  echoInto(bytes: Uint8Array, l3: number, own: number): number {
    if (this.recordRoute === 0) return 0;
    const { answer } = this;
    const at = l3 + this.recordRoute;
    const length = bytes[at + 1];
    for (let i = 0; i < length; i++) answer[i] = bytes[at + i];
    const pointer = answer[2];
    if (this.entered && pointer + 3 <= length) {
      put32(answer, pointer - 1, own);
      answer[2] = pointer + 4;
    }
    let padded = length;
    while ((padded & 3) !== 0) answer[padded++] = IPV4_OPTION_END;
    return padded;
  }
}
