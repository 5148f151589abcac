/** `replay --workers N` by the command line: one worker's result. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { packageRoot } from "../../bench/paths.ts";
import type { ReplayResult } from "../../bench/replay/result.ts";
import { compileSchema } from "../../bench/scenarios/yaml-source.ts";
import { generateFile } from "../../pcaps/generate/generate.ts";
import { readTrace } from "../../pcaps/read-trace.ts";
import { eastwest, withFolder } from "./cli.ts";

/** Without what may differ: when and how it was asked for, what else the machine did, and in which cache a hit was. */
function comparable(json: string): unknown {
  const own = new Set([
    "created",
    "command",
    "conditions",
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
    const { times, workers, packets, conservation, bytesAllocatedPerPacket } = JSON.parse(stdout);
    assert.deepEqual([workers, packets, conservation.ok], [2, 3000, true]);
    assert.deepEqual([times.passes, times.packets], [20, 60_000]);
    // test/workers/allocation.test.ts has the exact measure; here that the figure is there, and no number
    // a burst, which would be 16 bytes for 32 packets. What is done once a pass may not be compiled yet.
    assert.ok(bytesAllocatedPerPacket !== null && bytesAllocatedPerPacket < 0.1, `${bytesAllocatedPerPacket} bytes`);
  });
});

test("--perf with several workers: each has its iterations, and together they are the passes", async () => {
  await withFolder((folder) => {
    const capture = join(folder, "in.pcap");
    generateFile(capture, { scenario: "p2p", frames: 6000, flows: 300, popularity: "zipf", pps: 3000, seed: 3 });
    const rules = join(folder, "rules.flows");
    writeFileSync(rules, RULES);
    const ports = ["--port", "1=pcap", "--port", "2=vxlan:10.0.1.1:10.0.1.2", "--port", "3=null"];
    const args = ["replay", capture, "--rules", rules, ...ports, "--repeat", "16", "--perf", "--suspicious", "0.001"];
    const validate = compileSchema(join(packageRoot, "bench", "replay.schema.json"));
    const upcalls: number[] = [];
    for (const workers of [1, 2, 3]) {
      const file = join(folder, `${workers}.json`);
      const { status, stdout, stderr } = eastwest(...args, "--workers", String(workers), "--json", file);
      assert.equal(status, 0, stderr);
      const result = JSON.parse(readFileSync(file, "utf8")) as ReplayResult;
      assert.ok(validate(result), JSON.stringify(validate.errors));
      const { perf, times, cache, packets } = result;
      assert.ok(perf?.timed && times);
      upcalls.push(perf.cold.upcalls);
      for (const [loop, expected, of] of [
        [perf.cold, packets, cache],
        [perf.timed, times.packets, times.cache],
      ] as const) {
        const wanted = [workers, expected, of.lookups, of.exactHits, of.megaflowHits, of.upcalls, of.subtableLookups];
        const { exactHits, megaflowHits, subtableLookups } = loop;
        const seen = [loop.workers, loop.packets, loop.passes, exactHits, megaflowHits, loop.upcalls, subtableLookups];
        assert.deepEqual(seen, wanted);
        for (const { name, counts } of loop.histograms) {
          const sum = counts.reduce((a, b) => a + b, 0);
          const events = { "pkts/batch": loop.batches, "ns/upcall": loop.upcalls }[name] ?? loop.iterations;
          assert.equal(sum, events, name);
        }
        assert.ok(loop.busySeconds > 0 && loop.busySeconds <= loop.seconds * workers);
      }
      if (workers === 1) {
        assert.equal(perf.workers, undefined);
        continue;
      }
      assert.equal(perf.workers?.length, workers);
      // Every worker has a share of what is done ahead, and a block of its own in print.
      for (const [worker, { timed }] of (perf.workers ?? []).entries()) {
        assert.ok(timed !== null && timed.packets > 0 && timed.suspicious.length > 0);
        assert.match(stdout, new RegExp(`^worker ${worker}:$`, "m"));
      }
      assert.match(stdout, /^all workers:$/m);
    }
    assert.deepEqual(upcalls, [upcalls[0], upcalls[0], upcalls[0]]);
  });
});
