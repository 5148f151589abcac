import assert from "node:assert/strict";
import { test } from "node:test";
import {
  KEY_WORDS,
  W_ETH0,
  W_ETH1,
  W_ETH2,
  W_IN_PORT,
  W_TUN_DST,
  W_TUN_ID,
  W_TUN_SRC,
  W_TYPE,
} from "../../datapath/flow/flow-key.ts";
import type { BridgeConfig, PortConfig } from "../../datapath/topology.ts";
import { OvsSwitch } from "../../datapath/translate/switch.ts";
import { ipv4FromText, macWords } from "../../datapath/wire/addresses.ts";

const S = 1e9;

function bridge(name: string, ports: PortConfig[], flows: string, more: Partial<BridgeConfig> = {}): BridgeConfig {
  return { name, failMode: "secure", ports, flows, flowsFile: `${name}.flows`, ...more };
}
const dummy = (name: string, ofport: number): PortConfig => ({ name, ofport, type: "dummy" });

function key(inPort: number, from: string, to: string): Int32Array {
  const words = new Int32Array(KEY_WORDS);
  const [sourceHigh, sourceLow] = macWords(from);
  const [targetHigh, targetLow] = macWords(to);
  words[W_IN_PORT] = inPort;
  words[W_ETH0] = targetHigh;
  words[W_ETH1] = (targetLow << 16) | (sourceHigh >>> 16);
  words[W_ETH2] = (sourceHigh << 16) | sourceLow;
  words[W_TYPE] = 0x1234 << 16;
  return words;
}
const A = "52:54:00:00:00:0a";
const B = "52:54:00:00:00:0b";

test("ports are numbered across bridges, patch ports have no number, tunnels of a kind share one", () => {
  const host = new OvsSwitch([
    bridge(
      "br-int",
      [dummy("p1", 1), { name: "patch-tun", ofport: 2, type: "patch", options: { peer: "patch-int" } }],
      "",
    ),
    bridge(
      "br-tun",
      [
        { name: "patch-int", ofport: 1, type: "patch", options: { peer: "patch-tun" } },
        { name: "gre-1", ofport: 2, type: "gre", options: { remote_ip: "10.0.0.1" } },
        { name: "gre-2", ofport: 3, type: "gre", options: { remote_ip: "10.0.0.2" } },
        { name: "vxlan-1", ofport: 4, type: "vxlan", options: { remote_ip: "10.0.0.1" } },
        { name: "vxlan-2", ofport: 5, type: "vxlan", options: { remote_ip: "10.0.0.1", dst_port: "8472" } },
      ],
      "",
    ),
  ]);
  assert.deepEqual(host.portNames(), ["br-int", "p1", "br-tun", "gre_sys", "vxlan_sys_4789", "vxlan_sys_8472"]);
  assert.equal(host.portNumber("patch-tun"), undefined);
  assert.equal(host.portCount, 6);
});

test("configurations that cannot be are refused by name", () => {
  const make =
    (...bridges: BridgeConfig[]): (() => OvsSwitch) =>
    () =>
      new OvsSwitch(bridges);
  assert.throws(
    make(bridge("b", [dummy("p", 1), dummy("q", 1)], "")),
    /bridge b: ports p and q both have the number 1/,
  );
  assert.throws(make(bridge("b", [dummy("p", 1)], ""), bridge("c", [dummy("p", 1)], "")), /port p is there twice/);
  assert.throws(
    make(bridge("b", [{ name: "x", ofport: 1, type: "patch" }], "")),
    /port x: a patch port needs the option peer/,
  );
  const tunnel = (options: Record<string, string>): PortConfig[] => [{ name: "t", ofport: 1, type: "gre", options }];
  assert.throws(
    make(bridge("b", tunnel({}), "")),
    /port t: option remote_ip is missing, expected an IPv4 address or "flow"/,
  );
  assert.throws(
    make(bridge("b", tunnel({ remote_ip: "10.0.0.1", key: "all" }), "")),
    /option key "all", expected a number or "flow"/,
  );
  assert.throws(
    make(bridge("b", tunnel({ remote_ip: "10.0.0.1", ttl: "300" }), "")),
    /option ttl "300", expected a number up to 255/,
  );
  assert.throws(make(bridge("b", [], "", { address: "10.0.0.1/33" })), /needs a prefix length from 0 to 32/);
  assert.throws(make(bridge("b", [], "in_port=1,actions=fly")), /b\.flows:1:/);
});

test("a bridge without a controller and without rules is a learning switch only when standalone", () => {
  const secure = new OvsSwitch([bridge("b", [dummy("p1", 1), dummy("p2", 2)], "")]);
  assert.deepEqual(secure.translate(key(1, A, B), 0, 0, true).actions, []);
  const standalone = new OvsSwitch([bridge("b", [dummy("p1", 1), dummy("p2", 2)], "", { failMode: "standalone" })]);
  const { actions } = standalone.translate(key(1, A, B), 0, 0, true);
  assert.deepEqual(actions, [
    { kind: "output", port: 0 },
    { kind: "output", port: 2 },
  ]);
});

test("news raises the epoch, what is known does not, and age takes it back", () => {
  const host = new OvsSwitch([bridge("b", [dummy("p1", 1), dummy("p2", 2)], "actions=NORMAL")]);
  const cold = host.epoch;
  host.translate(key(1, A, B), 0, 0, false);
  assert.equal(host.epoch, cold, "no side effects");
  host.translate(key(1, A, B), 0, 0, true);
  const learned = host.epoch;
  assert.notEqual(learned, cold);
  const { effects, actions } = host.translate(key(2, B, A), 0, 1 * S, true);
  assert.deepEqual(actions, [{ kind: "output", port: 1 }]);
  const both = host.epoch;
  assert.notEqual(both, learned);
  effects.refresh(200 * S);
  assert.equal(host.epoch, both, "seen again where it was");
  host.expire(310 * S);
  assert.notEqual(host.epoch, both);
  assert.deepEqual(
    [...host.bridge("b")!.macs.entries()].map((entry) => entry.port),
    [2],
    "A is older than 300 s, B is not",
  );
});

test("hits count for every rule on the way, and keep a learned rule young", () => {
  const flows = [
    "table=0,priority=1,actions=learn(table=1,hard_timeout=10,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[]),resubmit(,1)",
    "table=1,priority=0,actions=output:2",
  ].join("\n");
  const host = new OvsSwitch([bridge("b", [dummy("p1", 1), dummy("p2", 2)], flows)]);
  const { effects } = host.translate(key(1, A, B), 0, 0, true);
  effects.credit(3, 180, 5 * S);
  const learned = host.rules("b").find((rule) => rule.hardTimeout === 10)!;
  assert.deepEqual(
    host
      .rules("b")
      .filter((rule) => rule !== learned)
      .map((rule) => [rule.table, rule.packets, rule.bytes]),
    [
      [0, 3, 180],
      [1, 3, 180],
    ],
  );
  effects.refresh(8 * S);
  host.expire(15 * S);
  assert.ok(learned.live, "refreshed at 8 s");
  host.expire(19 * S);
  assert.ok(!learned.live);
});

test("a tunnel packet comes in by the port whose options say most", () => {
  const gre = (name: string, ofport: number, options: Record<string, string>): PortConfig => ({
    name,
    ofport,
    type: "gre",
    options,
  });
  const host = new OvsSwitch([
    bridge(
      "b",
      [
        gre("any", 1, { remote_ip: "flow", key: "flow" }),
        gre("from-1", 2, { remote_ip: "10.0.0.1", key: "flow" }),
        gre("from-1-key-5", 3, { remote_ip: "10.0.0.1", key: "5" }),
        gre("from-1-to-9", 4, { remote_ip: "10.0.0.1", local_ip: "10.0.0.9", key: "flow" }),
      ],
      "",
    ),
  ]);
  const from = (source: string, target: string, id: number): string | undefined => {
    const words = key(host.portNumber("gre_sys")!, A, B);
    words[W_TUN_SRC] = ipv4FromText(source);
    words[W_TUN_DST] = ipv4FromText(target);
    words[W_TUN_ID] = id;
    return host.inputPort(words, 0)?.name;
  };
  assert.equal(from("10.0.0.1", "10.0.0.8", 5), "from-1-key-5");
  assert.equal(from("10.0.0.1", "10.0.0.8", 6), "from-1");
  assert.equal(from("10.0.0.1", "10.0.0.9", 6), "from-1-to-9");
  assert.equal(from("10.0.0.2", "10.0.0.9", 6), "any");
  assert.equal(host.inputPort(key(host.portNumber("gre_sys")!, A, B), 0), undefined, "not from a tunnel");
});

test("endless resubmits end in an error and a dropped packet", () => {
  const host = new OvsSwitch([bridge("b", [dummy("p1", 1)], "actions=resubmit(,0)")]);
  const { error, actions } = host.translate(key(1, A, B), 0, 0, true);
  assert.equal(error, "Recursion too deep");
  assert.deepEqual(actions, []);
});

/** Two resubmits a table, `levels` deep, `body` in the last one; the first rule ends with `tail`. */
function doubling(levels: number, body: string, tail = ""): OvsSwitch {
  const flows = Array.from(
    { length: levels },
    (_, t) => `table=${t},actions=resubmit(,${t + 1}),resubmit(,${t + 1})${t === 0 ? tail : ""}`,
  );
  flows.push(`table=${levels},actions=${body}`);
  return new OvsSwitch([bridge("b", [dummy("p1", 1), dummy("p2", 2), dummy("p3", 3)], flows.join("\n"))]);
}

test("64 kB of actions stop resubmits, and more than 1,000 outputs are slow (counts of Open vSwitch 3.1)", () => {
  const outputs = (levels: number, each: number): readonly [number, number] => {
    const host = doubling(levels, Array(each).fill("output:2").join(","));
    const { error, actions, slow } = host.translate(key(1, A, B), 0, 0, true);
    assert.equal(error, undefined);
    return [actions.length, slow.length];
  };
  assert.deepEqual(outputs(0, 1000), [1000, 0]);
  assert.deepEqual(outputs(0, 1001), [1001, 1]);
  assert.deepEqual(outputs(10, 4), [4096, 1]);
  assert.deepEqual(outputs(10, 9), [8199, 1]);
  assert.deepEqual(outputs(11, 4), [8192, 1]);
  assert.deepEqual(outputs(11, 5), [8195, 1]);
});

test("after 64 kB of actions nothing more is done (counts of Open vSwitch 3.1)", () => {
  const outputs = (each: number): number =>
    doubling(11, Array(each).fill("output:2").join(","), ",output:3").translate(key(1, A, B), 0, 0, true).actions
      .length;
  assert.equal(outputs(3), 6145);
  assert.equal(outputs(4), 8193);
  assert.equal(outputs(5), 8195);
});

test("64 kB on the stack are an error, each value with its length and one byte more (counts of Open vSwitch 3.1)", () => {
  const dropped = (field: string, pushes: number): boolean =>
    doubling(11, Array(pushes).fill(`push:${field}`).join(","), ",output:3").translate(key(1, A, B), 0, 0, true).actions
      .length === 0;
  assert.deepEqual(
    [1, 2].map((n) => dropped("NXM_NX_XXREG0[]", n)),
    [false, true],
  );
  assert.deepEqual(
    [15, 16].map((n) => dropped("NXM_NX_REG0[0..7]", n)),
    [false, false],
  );
  assert.deepEqual(
    [10, 11].map((n) => dropped("NXM_NX_REG0[0..8]", n)),
    [false, true],
  );
});
