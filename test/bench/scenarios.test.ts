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
    refused("df_default:", "df_defualt:", "df_defualt", "df_default");
    refused("name: tapcf9fa480-7f,\n", "name: qr-c669122c-11,\n", "an interface of qrouter-");
    const route = '        routes: [{ to: "::/0", via: 192.168.1.2, dev: qr-c669122c-11 }]\n';
    refused("forwarding: true\n", `forwarding: true\n${route}`, "192.168.1.2");
  }));

test("topologies that nobody meant: where, and what was expected", () =>
  withFolder((folder) => {
    const file = join(folder, "topology.yaml");
    const cluster = (port: string, address: string): string =>
      "name: x\nhosts:\n  - name: h\n    bridges:\n      - name: br0\n        ports:\n" +
      `          - { name: p, ofport: 1 }\n          - { name: q, ofport: 2${port} }\n` +
      `vms:\n  - { name: v, port: h/p, mac: "02:00:00:00:00:01", addresses: [${address}] }\nwires: []\n`;
    const cases: readonly (readonly [string, string])[] = [
      ["", "topology.yaml:1:1: the file: nothing is not a mapping with one of name, mode"],
      ["- a\n", "topology.yaml:1:1: the file: this list is not a mapping"],
      [`${cluster("", "")}---\n${cluster("", "")}`, "topology.yaml:12:1: a second document begins here"],
      [`name: ${"[".repeat(20_000)}`, "nested too deeply"],
      [cluster(", type: patch, options: { peer: q }", ""), "topology.yaml:8:65: q is the port itself"],
      [cluster("", "10.0.0.1/99"), 'topology.yaml:10:65: "10.0.0.1/99" is not an address with a prefix length'],
      [cluster("", "10.0.0.1/24, 10.0.0.1/24"), "topology.yaml:10:78: 10.0.0.1/24 is there already"],
    ];
    for (const [text, wanted] of cases) {
      writeFileSync(file, text);
      assert.throws(
        () => loadTopology(file),
        ({ message }: Error) => message.includes(wanted) && !message.includes("\n"),
        wanted,
      );
    }
  }));

test("more hosts than there is memory for", () =>
  withFolder((folder) => {
    const file = join(folder, "topology.yaml");
    const hosts = Array.from({ length: 901 }, (_, h) => `  - { name: h${h}, bridges: [{ name: br0, ports: [] }] }\n`);
    writeFileSync(file, `name: x\nhosts:\n${hosts.join("")}wires: []\n`);
    assert.throws(() => loadTopology(file), /topology\.yaml:903:5: 901 hosts, expected at most 900$/);
  }));

test("aliases without an anchor: the file is named", () =>
  withFolder((folder) => {
    const file = join(folder, "topology.yaml");
    writeFileSync(file, "a: &a [1]\nb: *c\n");
    assert.throws(() => loadTopology(file), /topology\.yaml: not YAML: .*alias/);
  }));
