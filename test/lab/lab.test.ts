/**
 * The lab shows what the article shows, on this machine, with the scenarios' own rule files: a ping crosses, and the
 * underlay carries it with the segments 1,2,2,1 when the router is on the network node and 2,1 when it is distributed
 * (claims K3, K4, K7, K13 and K17). Skipped where the lab cannot run; the recorded captures are the same story then.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { before, suite, test } from "node:test";
import { Lab, labObstacle, namespaceObstacle } from "./lab.ts";
import { MODES, type Mode, NETWORKS, type Network } from "./layout.ts";
import { run, sleep } from "./shell.ts";

const skip = labObstacle() ?? (await namespaceObstacle()) ?? false;

/** Two networks by the name that they have on the wire: GRE keys, VNIs, VLAN ids. */
const SEGMENTS: Readonly<Record<Network, readonly [string, string]>> = {
  gre: ["0x1", "0x2"],
  vxlan: ["1", "2"],
  vlan: ["101", "102"],
};

interface Wire {
  readonly segments: string[];
  readonly lines: string[];
}

/** What tcpdump prints of the underlay while `during` goes on. */
async function underlay(lab: Lab, network: Network, during: () => Promise<void>): Promise<Wire> {
  const wire = network === "vlan" ? "fab1" : "fab";
  const command = lab.inside("fabric", "tcpdump", "--immediate-mode", "-l", "-nn", "-e", "-i", wire);
  const child = spawn(command[0]!, command.slice(1), { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  await new Promise<void>((resolve) =>
    child.stderr.setEncoding("utf8").on("data", (text: string) => /listening/.test(text) && resolve()),
  );
  await during();
  await sleep(200);
  await new Promise<void>((resolve) => {
    child.once("close", () => resolve());
    child.kill("SIGINT");
  });
  const lines = said.split("\n").filter(Boolean);
  const segments: string[] = [];
  for (const [i, line] of lines.entries()) {
    // Of VXLAN, tcpdump prints the inner frame on a line of its own.
    const echo = /ICMP echo/.test(network === "vxlan" ? (lines[i + 1] ?? "") : line);
    const segment = /GREv0, key=(\w+)|vni (\d+)|vlan (\d+)/.exec(line);
    if (echo && segment) segments.push((segment[1] ?? segment[2] ?? segment[3])!);
  }
  return { segments, lines };
}

async function crosses(mode: Mode, network: Network): Promise<void> {
  const lab = new Lab(`t${process.pid}-${network}-${mode}-`);
  try {
    await lab.up({ mode, network });
    await sleep(2500);
    await lab.forget();
    let printed = "";
    const { segments, lines } = await underlay(lab, network, async () => {
      printed = await run(lab.inside("vm1", "ping", "-c", "1", "-W", "2", "192.168.2.11"), { mayFail: true });
    });
    assert.match(printed, / 1 received/, printed);
    assert.match(printed, /ttl=63/, "K7: one hop in both modes");
    const [first, second] = SEGMENTS[network];
    assert.deepEqual(segments, mode === "legacy" ? [first, second, second, first] : [second, first]);
    const arp = lines.filter((line) => /who-has 192\.168\.1\.1 /.test(line)).length;
    assert.equal(arp, mode === "legacy" ? 1 : 0, "K13: with DVR the question for the gateway does not leave the host");
  } finally {
    await lab.down();
  }
  assert.ok(!existsSync(lab.folder));
  assert.ok(!(await run(["ip", "netns", "list"])).includes(lab.space("test115")));
}

/** Labs of test runs that were killed. */
async function removeAbandoned(): Promise<void> {
  for (const name of readdirSync(tmpdir())) {
    const [, prefix, pid] = /^eastwest-lab-(t(\d+)-.*)$/.exec(name) ?? [];
    if (prefix && !existsSync(`/proc/${pid}`)) await new Lab(prefix).down();
  }
}

suite("the lab", { concurrency: 4, skip }, () => {
  before(removeAbandoned);

  for (const network of NETWORKS)
    for (const mode of MODES)
      test(`${network}, ${mode}: a ping crosses`, { timeout: 120_000 }, () => crosses(mode, network));

  test("DVR without the permanent neighbour: asked for, never answered (K17)", { timeout: 120_000 }, async () => {
    const lab = new Lab(`t${process.pid}-unknown-`);
    try {
      await lab.up({ mode: "dvr", network: "gre", permanentNeighbours: false });
      await sleep(2500);
      await lab.forget();
      const { lines, segments } = await underlay(lab, "gre", async () => {
        const printed = await run(lab.inside("vm1", "ping", "-c", "1", "-W", "2", "192.168.2.11"), { mayFail: true });
        assert.match(printed, / 0 received/);
      });
      assert.deepEqual(segments, []);
      const asked = lines.filter((line) =>
        /fa:16:3f:97:87:a1 > ff:ff:ff:ff:ff:ff.*who-has 192\.168\.2\.11 /.test(line),
      );
      assert.ok(asked.length >= 2, "to both other hosts, from the DVR host MAC address");
    } finally {
      await lab.down();
    }
  });
});
