/**
 * Names of OpenFlow ports in output: the port's own if it has one, in quotes where it would not be read back as a name
 * (OVS: ofputil_format_port, namemap_format); reserved ports in capitals.
 */
import type { Bridge } from "../translate/bridge.ts";

const RESERVED: Readonly<Record<number, string>> = {
  65527: "UNSET",
  65528: "IN_PORT",
  65529: "TABLE",
  65530: "NORMAL",
  65531: "FLOOD",
  65532: "ALL",
  65533: "CONTROLLER",
  65534: "LOCAL",
  65535: "ANY",
};

/** A name in double quotes unless it is a plain word. */
export function quoted(name: string): string {
  return /^[a-zA-Z_][a-zA-Z0-9_.]*$/.test(name) ? name : JSON.stringify(name);
}

/** Prints port numbers of the bridge by name. */
export function portNames(bridge: Bridge): (port: number) => string {
  return (port) => {
    const number = port & 0xffff;
    return RESERVED[number] ?? (bridge.port(number) === undefined ? String(number) : quoted(bridge.port(number)!.name));
  };
}
