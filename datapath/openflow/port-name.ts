/** OpenFlow port numbers and names in text (OVS: ofputil_port_from_string, ofputil_format_port; lib/ofp-port.c). */
import {
  OFPP_ALL,
  OFPP_CONTROLLER,
  OFPP_FLOOD,
  OFPP_IN_PORT,
  OFPP_LOCAL,
  OFPP_MAX,
  OFPP_NONE,
  OFPP_NORMAL,
  OFPP_TABLE,
  OFPP_UNSET,
} from "./action.ts";

/** Number of a port by its name, or undefined. */
export type PortNumbers = (name: string) => number | undefined;
/** How a port number is printed. */
export type PortNames = (port: number) => string;

const RESERVED: readonly (readonly [string, number])[] = [
  ["IN_PORT", OFPP_IN_PORT],
  ["TABLE", OFPP_TABLE],
  ["NORMAL", OFPP_NORMAL],
  ["FLOOD", OFPP_FLOOD],
  ["ALL", OFPP_ALL],
  ["CONTROLLER", OFPP_CONTROLLER],
  ["LOCAL", OFPP_LOCAL],
  ["ANY", OFPP_NONE],
  ["UNSET", OFPP_UNSET],
];
const byName = new Map([...RESERVED, ["NONE", OFPP_NONE] as const]);
const byNumber = new Map(RESERVED.map(([name, number]) => [number, name]));

/** The 16-bit number of a port given by number (also OpenFlow 1.1's 32-bit ones), keyword or name. */
export function portFromText(text: string, numbers: PortNumbers | undefined): number | undefined {
  if (/^\+?\d+$/.test(text)) {
    const number = Number(text);
    if (number < OFPP_MAX || (number >= OFPP_UNSET && number <= 0xffff)) return number;
    return number >= 0xffffff00 && number <= 0xffffffff ? number - 0xffff0000 : undefined;
  }
  const named = byName.get(text.toUpperCase());
  if (named !== undefined) return named;
  if (numbers === undefined) return undefined;
  return numbers(/^".*"$/.test(text) ? text.slice(1, -1) : text);
}

/** Reserved ports by keyword, others by number, as ovs-ofctl prints them with --no-names. */
export const portToText: PortNames = (port) => byNumber.get(port) ?? String(port);
