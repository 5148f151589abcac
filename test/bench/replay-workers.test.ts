/** `replay --workers N` by the command line: one worker's result. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { generateFile } from "../../pcaps/generate/generate.ts";
import { readTrace } from "../../pcaps/read-trace.ts";
import { eastwest, withFolder } from "./cli.ts";

/** Without what may differ: when and how it was asked for, and in which cache a hit was. */
function comparable(json: string): unknown {
  const own = new Set([
    "created",
    "command",
    "workers",
    "exactHits",
    "megaflowHits",
    "subtableLookups",
    "lookupsPerHit",
  ]);
  return JSON.parse(json, (key, value) => (own.has(key) ? undefined : value));
}

async function framesOf(file: string): Promise<string> {
  const { count, bytes, start, length } = await readTrace(file);
  const frames = Array.from({ length: count }, (_, i) =>
    Buffer.from(bytes.subarray(start[i], start[i] + length[i])).toString("hex"),
  );
  return `${count} frames ${createHash("sha256").update(frames.sort().join("\n")).digest("hex")}`;
}

/** Rules of each kind: what a flow does depends on its ports, some are learned and time out, some go into a tunnel. */
const RULES = `
table=0,priority=20,udp,tp_dst=0/1,actions=learn(table=1,idle_timeout=1,priority=5,NXM_OF_ETH_SRC[]=NXM_OF_ETH_DST[],output:NXM_OF_IN_PORT[]),mod_nw_ttl:9,set_tunnel:7,output:2
table=0,priority=10,udp,actions=mod_dl_dst:02:00:00:00:00:99,resubmit(,1)
table=0,priority=5,ip,nw_dst=10.128.0.0/9,actions=dec_ttl,output:3
table=1,priority=1,actions=set_tunnel:8,output:2
`;

test("rules with a tunnel, learned rules, a part of a round: counts, rules, megaflows and files as one worker's", async () => {
  await withFolder(async (folder) => {
    const capture = join(folder, "in.pcap");
    const protocols = { udp: 4, tcp: 1, icmp: 1 };
    generateFile(capture, {
      scenario: "p2p",
      frames: 6000,
      flows: 500,
      popularity: "zipf",
      protocols,
      pps: 3000,
      seed: 4,
    });
    const rules = join(folder, "rules.flows");
    writeFileSync(rules, RULES);
    const ports = ["--port", "1=pcap", "--port", "2=vxlan:10.0.1.1:10.0.1.2", "--port", "3=null"];
    const args = ["replay", capture, "--rules", rules, ...ports, "--frames", "9001", "--no-timing"];
    const seen: unknown[] = [];
    for (const workers of ["1", "2", "3"]) {
      const out = join(folder, workers);
      const { status, stdout, stderr } = eastwest(...args, "--workers", workers, "--json", "-", "--write", out);
      assert.equal(status, 0, stderr);
      const files = readdirSync(out).sort();
      const frames = [];
      for (const file of files) frames.push(file, file.includes("port-1") ? "" : await framesOf(join(out, file)));
      seen.push({ json: comparable(stdout), frames });
    }
    assert.deepEqual(seen[1], seen[0]);
    assert.deepEqual(seen[2], seen[0]);
    const dump = [...args, "--quiet", "--dump-flows", "--dump-megaflows"];
    assert.equal(eastwest(...dump, "--workers", "2").stdout, eastwest(...dump).stdout);
  });
});

test("measured with two workers: the passes are counted whole", async () => {
  await withFolder((folder) => {
    const capture = join(folder, "in.pcap");
    generateFile(capture, { scenario: "p2p", frames: 3000, flows: 100, seed: 2 });
    const { status, stdout, stderr } = eastwest("replay", capture, "--workers", "2", "--repeat", "20", "--json", "-");
    assert.equal(status, 0, stderr);
    const { times, workers, packets, conservation } = JSON.parse(stdout);
    assert.deepEqual([workers, packets, conservation.ok], [2, 3000, true]);
    assert.deepEqual([times.passes, times.packets], [20, 60_000]);
    const perf = eastwest("replay", capture, "--workers", "2", "--perf");
    assert.equal(perf.status, 2);
    assert.match(perf.stderr, /--perf --workers 2: .*expected --workers 1/);
  });
});
