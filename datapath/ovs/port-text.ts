/**
 * Names of OpenFlow ports in output: the port's own if it has one, in quotes where it would not be read back as a name
 * (OVS: ofputil_format_port, namemap_format); reserved ports in capitals.
 */
import type { Bridge } from "../translate/bridge.ts";

/** Prints port numbers of the bridge by name. */
export function portNames(bridge: Bridge): (port: number) => string {
  return bridge.actionNames;
}
