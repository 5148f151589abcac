/**
 * Addresses between text and words. Text exists only at the edges (configuration, rules, output): these functions allocate
 * and throw, and none of them belongs on the packet path.
 */

/** A MAC address as two words: first four bytes as int32, last two as 0..65535. */
export interface Mac {
  readonly high: number;
  readonly low: number;
}

/**
 * "52:54:00:0a:00:02" (also with one digit a byte, or with dashes) to words; undefined when it is not a MAC address.
 */
export function parseMac(text: string): Mac | undefined {
  const parts = text.split(text.includes("-") ? "-" : ":");
  if (parts.length !== 6) return undefined;
  const bytes: number[] = [];
  for (const part of parts) {
    if (!/^[0-9a-fA-F]{1,2}$/.test(part)) return undefined;
    bytes.push(Number.parseInt(part, 16));
  }
  return {
    high: (bytes[0] << 24) | (bytes[1] << 16) | (bytes[2] << 8) | bytes[3],
    low: (bytes[4] << 8) | bytes[5],
  };
}

/** As `parseMac`, or an Error that names the text. */
export function macFromText(text: string): Mac {
  const mac = parseMac(text);
  if (mac === undefined) throw new Error(`${JSON.stringify(text)} is not a MAC address like 52:54:00:0a:00:02`);
  return mac;
}

/** As `macFromText`, as a pair [high, low] to be taken apart at once. */
export function macWords(text: string): readonly [number, number] {
  const mac = macFromText(text);
  return [mac.high, mac.low];
}

const hex2 = (byte: number): string => (byte & 0xff).toString(16).padStart(2, "0");

/** Two words to "52:54:00:0a:00:02". */
export function macToText(high: number, low: number): string {
  return `${hex2(high >>> 24)}:${hex2(high >>> 16)}:${hex2(high >>> 8)}:${hex2(high)}:${hex2(low >>> 8)}:${hex2(low)}`;
}

/** The MAC address at `at` of a frame, as text. */
export function macTextAt(frame: Uint8Array, at: number): string {
  return macToText(
    (frame[at] << 24) | (frame[at + 1] << 16) | (frame[at + 2] << 8) | frame[at + 3],
    (frame[at + 4] << 8) | frame[at + 5],
  );
}

/** "192.168.1.11" to int32; undefined when it is not four decimal bytes. */
export function parseIpv4(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  let word = 0;
  for (let i = 1; i <= 4; i++) {
    const byte = Number(match[i]);
    if (byte > 255) return undefined;
    word = (word << 8) | byte;
  }
  return word;
}

/** As `parseIpv4`, or an Error that names the text. */
export function ipv4FromText(text: string): number {
  const word = parseIpv4(text);
  if (word === undefined) throw new Error(`${JSON.stringify(text)} is not an IPv4 address like 192.168.1.11`);
  return word;
}

/** int32 to "192.168.1.11". */
export function ipv4ToText(word: number): string {
  return `${word >>> 24}.${(word >>> 16) & 0xff}.${(word >>> 8) & 0xff}.${word & 0xff}`;
}

/** An IPv6 address of any form of RFC 4291 2.2 to four int32 words; undefined when it is none. */
export function parseIpv6(text: string): Int32Array | undefined {
  let rest = text;
  const tail: number[] = [];
  const dot = rest.lastIndexOf(".");
  if (dot >= 0) {
    const colon = rest.lastIndexOf(":");
    const word = parseIpv4(rest.slice(colon + 1));
    if (colon < 0 || word === undefined) return undefined;
    tail.push(word >>> 16, word & 0xffff);
    rest = rest.slice(0, colon + 1);
    // "::ffff:1.2.3.4" leaves "::ffff:", "::1.2.3.4" leaves "::".
    if (rest !== "::") rest = rest.endsWith("::") ? rest : rest.slice(0, -1);
  }
  const halves = rest.split("::");
  if (halves.length > 2) return undefined;
  const groups: number[][] = [];
  for (const half of halves) {
    const list: number[] = [];
    if (half !== "") {
      for (const group of half.split(":")) {
        if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
        list.push(Number.parseInt(group, 16));
      }
    }
    groups.push(list);
  }
  const head = groups[0];
  const behind = groups.length === 2 ? [...groups[1], ...tail] : tail;
  const count = head.length + behind.length;
  if (groups.length === 2 ? count > 7 : count !== 8) return undefined;
  const all =
    groups.length === 2 ? [...head, ...new Array<number>(8 - count).fill(0), ...behind] : [...head, ...behind];
  const words = new Int32Array(4);
  for (let i = 0; i < 4; i++) words[i] = (all[2 * i] << 16) | all[2 * i + 1];
  return words;
}

/** As `parseIpv6`, or an Error that names the text. */
export function ipv6FromText(text: string): Int32Array {
  const words = parseIpv6(text);
  if (words === undefined) throw new Error(`${JSON.stringify(text)} is not an IPv6 address like fe80::1`);
  return words;
}

/**
 * Four words from `at` to text as RFC 5952 wants it: lower case, no leading zeros, "::" for the longest run of two or more
 * zero groups (the first of equals), and the dotted form for IPv4-mapped addresses (5).
 */
export function ipv6ToText(words: ArrayLike<number>, at = 0): string {
  if (words[at] === 0 && words[at + 1] === 0 && words[at + 2] === 0xffff) {
    return `::ffff:${ipv4ToText(words[at + 3])}`;
  }
  const groups: number[] = [];
  for (let i = 0; i < 4; i++) groups.push(words[at + i] >>> 16, words[at + i] & 0xffff);
  let best = -1;
  let length = 1;
  for (let i = 0; i < 8; ) {
    let j = i;
    while (j < 8 && groups[j] === 0) j++;
    if (j - i > length) {
      best = i;
      length = j - i;
    }
    i = j + 1;
  }
  const hex = groups.map((group) => group.toString(16));
  if (best < 0) return hex.join(":");
  return `${hex.slice(0, best).join(":")}::${hex.slice(best + length).join(":")}`;
}

/** The IPv6 address at byte `at` of a frame, as text. */
export function ipv6TextAt(frame: Uint8Array, at: number): string {
  const words = [0, 0, 0, 0];
  for (let i = 0; i < 4; i++) {
    const b = at + 4 * i;
    words[i] = (frame[b] << 24) | (frame[b + 1] << 16) | (frame[b + 2] << 8) | frame[b + 3];
  }
  return ipv6ToText(words);
}

/** An address with a prefix length: one word for IPv4, four for IPv6. */
export interface Prefix {
  readonly family: 4 | 6;
  readonly words: Int32Array;
  /** Leading bits, 0..32 or 0..128. */
  readonly bits: number;
}

/** "192.168.1.1/24", "fe80::1/64", or an address alone (all bits). Throws an Error that names the text. */
export function prefixFromText(text: string): Prefix {
  const slash = text.indexOf("/");
  const address = slash < 0 ? text : text.slice(0, slash);
  const family = address.includes(":") ? 6 : 4;
  const most = family === 4 ? 32 : 128;
  const bits = slash < 0 ? most : /^\d{1,3}$/.test(text.slice(slash + 1)) ? Number(text.slice(slash + 1)) : -1;
  if (bits < 0 || bits > most) {
    throw new Error(`${JSON.stringify(text)} is not an address with a prefix length of 0 to ${most}`);
  }
  const words = family === 4 ? Int32Array.of(ipv4FromText(address)) : ipv6FromText(address);
  return { family, words, bits };
}

/** The link-local address that the MAC address gives (modified EUI-64, RFC 4291 appendix A): four words. */
export function linkLocalFromMac(mac: Mac): Int32Array {
  const b = (shift: number): number => (mac.high >>> shift) & 0xff;
  return Int32Array.of(
    0xfe800000 | 0,
    0,
    ((b(24) ^ 2) << 24) | (b(16) << 16) | (b(8) << 8) | 0xff,
    (0xfe << 24) | (b(0) << 16) | mac.low,
  );
}
