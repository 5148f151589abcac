/**
 * Actions, each in front of an output: the whole way of a packet from trace to port. What an action costs is the difference to
 * `output`, and copies to two ports that of the second output.
 */
import { frames, replayTask } from "./fixture.ts";
import type { Suite } from "./harness.ts";

const ACTIONS: Readonly<Record<string, string>> = {
  output: "",
  "set Ethernet addresses": "mod_dl_src:02:00:00:00:01:01,mod_dl_dst:02:00:00:00:01:02,",
  "set IPv4 addresses": "mod_nw_src:10.0.0.1,mod_nw_dst:10.0.0.2,",
  "set UDP ports": "mod_tp_src:1,mod_tp_dst:2,",
  "decrement TTL": "dec_ttl,",
  "set DSCP": "mod_nw_tos:32,",
  "push a VLAN tag": "push_vlan:0x8100,mod_vlan_vid:7,",
  "push an MPLS label": "push_mpls:0x8847,",
  "output to two ports": "output:3,",
};

const ports = ["1=pcap", "2=null", "3=null"];

export const suite: Suite = {
  name: "execute",
  tasks: [
    ...Object.entries(ACTIONS).map(([name, action]) =>
      replayTask(`execute: ${name}`, () => ({ rules: `udp,actions=${action}output:2`, ports })),
    ),
    replayTask("execute: pop a VLAN tag", () => ({
      rules: "actions=strip_vlan,output:2",
      trace: frames({ encapsulation: "vlan" }),
      ports,
    })),
  ],
};
