/**
 * `run --dump-flows` against what real Open vSwitch printed at the end of the recordings, letter for letter but for ages:
 * every rule of every bridge with its packets and bytes, the learned ones too, and the MAC tables of br-int.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { eastwest, recorded } from "./cli.ts";

/** Rules without ages, in any order: Open vSwitch lists them by its hash table. */
function rulesOf(text: string): string[] {
  const lines = text.split("\n").filter((line) => line.includes(" actions="));
  return lines.map((line) => line.replace(/ duration=[^,]+,/, "")).sort();
}

/** Port, VLAN and address of each entry of a MAC table. */
function macsOf(text: string): string[] {
  return [...text.matchAll(/^ +(\S+) +(\d+) +([0-9a-f:]{17})/gm)]
    .map(([, port, vlan, mac]) => `${port} ${vlan} ${mac}`)
    .sort();
}

for (const network of ["gre", "vxlan", "vlan"]) {
  for (const mode of ["legacy", "dvr"]) {
    test(`${network} ${mode}: rules count what they counted in Open vSwitch, MAC tables hold what they held`, () => {
      const bridges = ["test114", "test115", "test116"]
        .flatMap((host) => ["br-int", "br-tun"].map((bridge) => `${host}/${bridge}`))
        .filter((path) => existsSync(recorded(`${network}-${mode}.${path.replace("/", ".")}.dump`)));
      assert.equal(bridges.length, network === "vlan" ? 3 : 6);
      const asked = bridges.flatMap((path) => ["--dump-flows", path]);
      const ran = eastwest("run", "--network", network, "--mode", mode, "--no-timing", "--quiet", ...asked);
      assert.equal(ran.status, 0, ran.stderr);
      for (const path of bridges) {
        const [, ours = ""] = new RegExp(`^${mode} ${path}\n([^]*?)(?:\n\n|$(?![^]))`, "m").exec(ran.stdout) ?? [];
        const file = `${network}-${mode}.${path.replace("/", ".")}`;
        assert.deepEqual(rulesOf(ours), rulesOf(readFileSync(recorded(`${file}.dump`), "utf8")), path);
        if (path.endsWith("br-int")) {
          assert.deepEqual(macsOf(ours), macsOf(readFileSync(recorded(`${file}.fdb`), "utf8")), path);
        }
      }
    });
  }
}
