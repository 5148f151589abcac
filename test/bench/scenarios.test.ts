/** Topology files: the six that come with the package, what is left out in one, and what is wrong in one and where. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { modes, networks, scenarioFile } from "../../bench/paths.ts";
import { loadTopology } from "../../bench/scenarios/loader.ts";
import { withFolder } from "./cli.ts";

const article = readFileSync(scenarioFile("gre", "dvr"), "utf8").replaceAll(
  /flows: (test)/g,
  `flows: ${dirname(scenarioFile("gre", "dvr"))}/$1`,
);

/** A route whose gateway is on none of the router's networks. */
const LOST_GATEWAY = '        routes: [{ to: "10.0.0.0/8", via: 192.168.7.1, dev: qr-c669122c-11 }]';

test("every network and mode has its cluster: three hosts, two VMs, MTU by the network's overhead", () => {
  // 1500 less 20 + 22 (GRE with key and inner Ethernet), less 20 + 30 (UDP and VXLAN), less nothing (VLAN).
  const mtus = { gre: 1458, vxlan: 1450, vlan: 1500 };
  for (const network of networks) {
    for (const mode of modes) {
      const topology = loadTopology(scenarioFile(network, mode));
      assert.deepEqual([topology.network, topology.mode], [network, mode]);
      assert.deepEqual(
        topology.hosts.map(({ name, role }) => `${name} ${role}`),
        ["test114 network", "test115 compute", "test116 compute"],
      );
      assert.deepEqual(
        topology.vms.map(({ name, port }) => `${name} ${port}`),
        ["vm1 test115/qvof76ecb29-5d", "vm2 test116/qvo2bbd30d4-86"],
      );
      const links = topology.hosts.flatMap(({ namespaces }) => namespaces.flatMap(({ interfaces }) => interfaces));
      assert.deepEqual(new Set(links.map(({ mtu }) => mtu)), new Set([mtus[network]]));
      const routers = topology.hosts.filter(({ namespaces }) => namespaces.some(({ forwarding }) => forwarding));
      assert.equal(routers.length, mode === "dvr" ? 3 : 1);
    }
  }
});

test("what a file leaves out has Open vSwitch's defaults", () =>
  withFolder((folder) => {
    const file = join(folder, "small.yaml");
    writeFileSync(
      file,
      "name: small\nhosts:\n  - name: a\n    bridges:\n      - { name: br0, ports: [{ name: p1, ofport: 1 }] }\n" +
        "      - { name: br1, fail_mode: secure, ports: [] }\nwires: []\n",
    );
    const { mode, network, hosts, vms } = loadTopology(file);
    assert.deepEqual([mode, network, vms], ["other", "none", []]);
    const [standalone, secure] = hosts[0].bridges;
    assert.deepEqual([standalone.failMode, standalone.flows.trim()], ["standalone", "priority=0 actions=NORMAL"]);
    assert.equal(standalone.ports[0].type, "system");
    assert.deepEqual([secure.failMode, secure.flows], ["secure", ""]);
  }));

test("what is wrong is named with line and column", () =>
  withFolder((folder) => {
    const file = join(folder, "wrong.yaml");
    const refused = (from: string | RegExp, to: string, ...words: readonly string[]): void => {
      const text = article.replace(from, to);
      assert.notEqual(text, article, `nothing changed by ${from}`);
      writeFileSync(file, text);
      let message = "";
      try {
        loadTopology(file);
      } catch (error) {
        message = (error as Error).message;
      }
      // The place is that of the changed text, so that it is found at once.
      const [, line = "", column = ""] = /:(\d+):(\d+): /.exec(message) ?? [];
      assert.ok(message.startsWith(`${file}:`) && line !== "" && column !== "", `${to}: "${message}"`);
      for (const word of words) assert.ok(message.includes(word), `${message} lacks ${word}`);
      const shown = text.split("\n")[Number(line) - 1].slice(Number(column) - 1);
      assert.ok(shown.length > 0, message);
      assert.doesNotMatch(message, /\n/);
    };
    refused("role: compute", "rolle: compute", '"rolle"', "role");
    refused("ofport: 27", "ofport: 0", "ofport", ">= 1");
    refused("ofport: 27", "ofport: many", '"many"', "integer");
    refused("ofport: 27", "ofport: 28", "28", "qvof76ecb29-5d");
    refused(/mac: fa:16:3e:17:6b:a7/g, "mac: fa:16:3e:17:6b", "MAC address");
    refused("192.168.1.1/24", "192.168.1.1", "prefix length");
    refused("peer: patch-tun", "peer: patch-tum", "patch");
    refused("{ peer: patch-tun }", "{ }", "peer");
    refused("test114/eth0, test115/eth0", "test114/eth9, test115/eth0", "eth9");
    refused("test114/eth0, test115/eth0", "test119/eth0, test115/eth0", "test119", "test114");
    refused("test114/eth0, test115/eth0", "test114/eth1, test115/eth0", "underlay", "taken");
    refused("port: test115/qvof76ecb29-5d", "port: test115/qr-c669122c-11", "qrouter", "taken");
    refused("test115.br-int.flows", "nowhere.flows", "no such rule file", "nowhere.flows");
    refused(/mac: fa:16:3e:2a:34:19/g, "mac: 01:16:3e:2a:34:19", "group address", "01:16:3e:2a:34:19");
    refused(/remote_ip: 10.11.1.114/g, "remote_ip: 10.11.1.116", "gre-0a0b0174", "gre-0a0b0172", "key");
    refused(
      "        # Written by the agent",
      `${LOST_GATEWAY}\n        # Written by the agent`,
      "192.168.7.1",
      "qr-c669122c-11",
      "192.168.1.1/24",
    );
    refused("name: vm2", "name: vm1", "vm1 already");
    refused("name: test116", "name: test115", "test115 already");
    refused("dev: qr-c669122c-11", "dev: qr-none", "qr-none", "qr-c669122c-11");
    refused("mode: dvr", "mode: centralised", '"centralised"', "legacy, dvr, other");
    refused(/\nwires:[\s\S]*/, "\n", "wires");
    refused("hosts:", "hosts: ]", "not YAML");
    refused("hosts:", "hosts: &a *a", "YAML");
  }));
