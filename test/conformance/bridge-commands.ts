/** Bridges and ports of a case as arguments of ovs-vsctl. */
import type { CaseBridge, CasePort } from "./case.ts";

/** So large that it never matters. */
export const MTU = "mtu_request=9100";

/** Arguments that set a bridge up which was just added. */
export function bridgeSettings(bridge: CaseBridge): string[] {
  const { name, fail_mode: failMode = "secure", mac = "aa:55:aa:55:00:00" } = bridge;
  const { mac_table_size: size, mac_aging_time: time, flood_vlans: vlans = [] } = bridge;
  return [
    ...["set", "bridge", name, "datapath-type=dummy", `fail-mode=${failMode}`],
    `other-config:hwaddr=${JSON.stringify(mac)}`,
    ...(size === undefined ? [] : [`other-config:mac-table-size=${size}`]),
    ...(time === undefined ? [] : [`other-config:mac-aging-time=${time}`]),
    ...(bridge.forward_bpdu ? ["other-config:forward-bpdu=true"] : []),
    ...(vlans.length === 0 ? [] : [`flood_vlans=${vlans.join(",")}`]),
  ];
}

/** Arguments of ovs-vsctl that add a port to a bridge; `capture`: the file that a port of the dummy kind sends to. */
export function portCommands(bridge: string, port: CasePort, capture: (port: string) => string): string[] {
  const type = port.type ?? "dummy";
  const options: Record<string, string | number> = { ...port.options };
  if (type === "dummy") options["tx_pcap"] = capture(port.name);
  const columns = (["tag", "trunks", "vlan_mode"] as const).filter((key) => port[key] !== undefined);
  return [
    ...["--", "add-port", bridge, port.name, ...columns.map((key) => `${key}=${JSON.stringify(port[key])}`)],
    ...["--", "set", "interface", port.name, `type=${type}`, `ofport_request=${port.ofport}`],
    ...(type === "dummy" ? [MTU] : []),
    ...Object.entries(options).map(([key, value]) => `options:${key}=${JSON.stringify(String(value))}`),
    ...(port.protected ? ["--", "set", "port", port.name, "protected=true"] : []),
  ];
}
