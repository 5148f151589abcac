/**
 * Who talks to whom: the presets of the generator. Their addresses are those of the article's three hosts (VM1 on test115
 * in network "gre" 192.168.1.0/24, VM2 on test116 in network "gre1" 192.168.2.0/24, tunnels between 10.11.1.0/24), so that a generated
 * file goes into `eastwest run` as it is. With more than one VM, number 1 of each side is the article's, the others
 * follow it by address.
 */
import { ipv4FromText, ipv6FromText, type Mac, macFromText } from "../../datapath/wire/addresses.ts";
import { InputError } from "../input-error.ts";

export const encapsulations = ["none", "vlan", "qinq", "gre", "vxlan", "geneve"] as const;
export type Encapsulation = (typeof encapsulations)[number];

/** One side of the traffic. VM i has address + i and, beyond the first, MAC base + i. */
export interface Side {
  readonly ipv4: number;
  readonly ipv6: Int32Array;
  readonly firstMac: Mac;
  readonly otherMacs: Mac;
}

export interface Scenario {
  readonly name: string;
  readonly about: string;
  readonly from: Side;
  readonly to: Side;
  /** Where frames are sent to; without it to the receiving VM itself. */
  readonly nextHop?: Mac | undefined;
  /** Source address of all frames, when it is not the VM's (a router has rewritten it). */
  readonly sender?: Mac | undefined;
  readonly ttl: number;
  readonly encapsulation: Encapsulation;
  /** Addresses that fit on one side. */
  readonly mostVms: number;
  /** Both sides are the same network: a VM does not talk to itself. */
  readonly within: boolean;
}

const network1: Side = {
  ipv4: ipv4FromText("192.168.1.11"),
  ipv6: ipv6FromText("fd00:0:0:1::11"),
  firstMac: macFromText("fa:16:3e:17:6b:a7"),
  otherMacs: macFromText("fa:16:3e:f1:00:00"),
};
const network2: Side = {
  ipv4: ipv4FromText("192.168.2.11"),
  ipv6: ipv6FromText("fd00:0:0:2::11"),
  firstMac: macFromText("fa:16:3e:2a:34:19"),
  otherMacs: macFromText("fa:16:3e:f2:00:00"),
};
const left: Side = {
  ipv4: ipv4FromText("10.0.0.1"),
  ipv6: ipv6FromText("fd00:0:0:a::1"),
  firstMac: macFromText("02:00:00:00:00:01"),
  otherMacs: macFromText("02:00:01:00:00:00"),
};
const right: Side = {
  ipv4: ipv4FromText("10.128.0.1"),
  ipv6: ipv6FromText("fd00:0:0:b::1"),
  firstMac: macFromText("02:00:00:00:00:02"),
  otherMacs: macFromText("02:00:02:00:00:00"),
};

/** The underlay that tunnels of generated frames cross: test115 to test116. */
export const tunnelEnds = {
  fromMac: macFromText("52:54:00:0a:01:73"),
  toMac: macFromText("52:54:00:0a:01:74"),
  from: ipv4FromText("10.11.1.115"),
  to: ipv4FromText("10.11.1.116"),
} as const;

const article = { ttl: 64, encapsulation: "none", mostVms: 244, within: false } as const;

export const scenarios: readonly Scenario[] = [
  {
    name: "east-west",
    about: "VM1's network to VM2's: frames as VM1 sends them, to its gateway's MAC address",
    from: network1,
    to: network2,
    nextHop: macFromText("fa:16:3e:cd:50:8d"),
    ...article,
  },
  {
    name: "east-west-reply",
    about: "VM2's network to VM1's: frames as VM2 sends them, to its gateway's MAC address",
    from: network2,
    to: network1,
    nextHop: macFromText("fa:16:3e:a3:95:c2"),
    ...article,
  },
  {
    name: "same-network",
    about: "VMs of VM1's network among themselves, switched and not routed; at least 2 VMs",
    from: network1,
    to: network1,
    ...article,
    within: true,
  },
  {
    name: "underlay",
    about:
      "what test115 sends to test116 with DVR: routed already, from test115's DVR address to VM2, by default in GRE with key 2",
    from: network1,
    to: network2,
    sender: macFromText("fa:16:3f:97:87:a1"),
    ...article,
    ttl: 63,
    encapsulation: "gre",
  },
  {
    name: "p2p",
    about: "port to port, for one bridge: 10.0.0.0/9 to 10.128.0.0/9, MAC addresses of the two ends",
    from: left,
    to: right,
    ...article,
    mostVms: 1 << 20,
  },
];

/** The scenario of that name. Throws InputError with the names there are. */
export function findScenario(name: string): Scenario {
  const found = scenarios.find((scenario) => scenario.name === name);
  if (found !== undefined) return found;
  throw new InputError(`unknown scenario "${name}", expected one of ${scenarios.map((one) => one.name).join(", ")}`);
}
