/**
 * `eastwest replay` from outside: the result fits its schema, counts add up, and the frames that leave are those that the
 * rules and the RFCs say. What Open vSwitch itself does with the same is compared by `npm run peer-check`.
 */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { constants, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { packageRoot } from "../../../bench/paths.ts";
import type { ReplayResult } from "../../../bench/replay/result.ts";
import { compileSchema } from "../../../bench/scenarios/yaml-source.ts";
import type { Trace } from "../../../datapath/packet/trace.ts";
import { generateFile } from "../../../pcaps/generate/generate.ts";
import { readTrace } from "../../../pcaps/read-trace.ts";
import { eastwest, interrupted, program, type Ran, withFolder } from "../cli.ts";

const FRAMES = 2000;
const REWRITE = "actions=mod_dl_src:02:00:00:00:00:aa,mod_dl_dst:02:00:00:00:00:bb";
const MACS = "0200000000bb0200000000aa";

function resultOf(ran: Ran): ReplayResult {
  assert.equal(ran.status, 0, ran.stderr);
  assert.equal(ran.stderr, "");
  const value = JSON.parse(ran.stdout) as ReplayResult;
  const validate = compileSchema(join(packageRoot, "bench", "replay.schema.json"));
  assert.ok(validate(value), JSON.stringify(validate.errors));
  conserves(value);
  return value;
}

/** The sums that hold for every replay. */
function conserves(result: ReplayResult): void {
  assert.deepEqual(result.conservation, { ok: true, violations: [] });
  const { cache, drops, copies, transmitted } = result;
  assert.equal(cache.exactHits + cache.megaflowHits + cache.upcalls, cache.lookups);
  assert.equal(cache.lookups, result.passes + result.recirculations);
  const dropped = Object.values(drops).reduce((sum, count) => sum + count, 0);
  assert.equal(result.packets + copies, transmitted.packets + dropped);
  assert.equal(result.packets, result.offered.packets - result.offered.refused);
}

const frame = (trace: Trace, i: number): string =>
  Buffer.from(trace.bytes.subarray(trace.start[i], trace.start[i] + trace.length[i])).toString("hex");
const frames = (trace: Trace): string[] => Array.from({ length: trace.count }, (_, i) => frame(trace, i)).sort();

interface Files {
  readonly capture: string;
  readonly path: (name: string) => string;
  readonly rules: (text: string) => string;
}

/** A capture of 50 flows, and a place for rule files. */
async function withCapture(use: (files: Files) => void | Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const capture = join(folder, "udp.pcap");
    generateFile(capture, { frames: FRAMES, flows: 50, size: "60", seed: 1 });
    let number = 0;
    await use({
      capture,
      path: (name) => join(folder, name),
      rules: (text) => {
        const file = join(folder, `rules-${number++}.flows`);
        writeFileSync(file, `${text}\n`);
        return file;
      },
    });
  });
}

test("MAC rewrite: every frame with new addresses, rules count them, timed as often as asked", () =>
  withCapture(async ({ capture, path, rules }) => {
    const file = rules(`cookie=0x7,in_port=1,udp,${REWRITE},output:2\ncookie=0x8,priority=0,actions=drop`);
    const args = ["replay", capture, "--rules", file, "--port", "1=pcap", "--port", `2=write:${path("out.pcap")}`];
    const result = resultOf(eastwest(...args, "--repeat", "20", "--json", "-"));
    assert.equal(result.packets, FRAMES);
    assert.equal(result.bytes, FRAMES * 60);
    assert.equal(result.frameBytes, 60);
    assert.equal(result.times?.passes, 20);
    assert.equal(result.times.packets, 20 * FRAMES);
    assert.equal(result.times.cache.upcalls, 0);
    assert.ok(result.nsPerPacket !== null && result.nsPerPacket > 0);
    assert.ok(Math.abs((result.packetsPerSecond ?? 0) * result.nsPerPacket - 1e9) < 1);
    assert.ok(result.stages !== null && Object.values(result.stages).every((ns) => ns > 0));
    assert.equal(result.cache.upcalls, 1);
    assert.equal(result.cache.masks, 1);
    const counted = result.rules.map(({ cookie, packets, timedPackets }) => [cookie, packets, timedPackets]);
    assert.deepEqual(counted.sort(), [
      ["0x7", FRAMES, 20 * FRAMES],
      ["0x8", 0, 0],
    ]);
    const [before, after] = [await readTrace(capture), await readTrace(path("out.pcap"))];
    const expected = frames(before).map((hex) => MACS + hex.slice(24));
    assert.deepEqual(frames(after), expected.sort());
  }));

test("the report says how long was measured, and when others had the core", () =>
  withCapture(({ capture }) => {
    const rule = (...options: string[]): string => {
      const ran = eastwest("replay", capture, ...options);
      assert.equal(ran.status, 0, ran.stderr);
      const text = ran.stdout.replaceAll(/\n {2}(?=\S)/g, " ");
      const waited = Number(/time without the core \(others had it\) +([\d.]+) %/.exec(text)?.[1] ?? "0");
      // Of 5.0 % nobody knows on which side it was.
      if (waited !== 5) assert.equal(text.includes("warning: others had the core"), waited > 5, text);
      return /[\d.]+ s of passes unmeasured.*?;(?= samples without)/.exec(text)?.[0] ?? text;
    };
    const every = "samples of at least 10 ms";
    assert.equal(rule("--seconds", "0.2"), `0.2 s of passes unmeasured, then ${every}; for 0.2 s, as asked;`);
    assert.equal(
      rule("--repeat", "5"),
      "0.7 s of passes unmeasured, then exactly 5 passes, as asked, in samples of up to 10 ms or one pass;",
    );
    assert.match(rule(), /^0\.7 s of passes unmeasured, then samples of at least 10 ms; at least 15 samples, until /);
    // So many at once that most of them wait.
    rule("--repeat", "300", "--workers", "6");
  }));

test("--frames: exactly so many, less than the capture and more", () =>
  withCapture(({ capture, rules }) => {
    const file = rules("actions=output:2");
    for (const wanted of [1, 777, FRAMES, 3 * FRAMES + 5]) {
      const args = ["replay", capture, "--rules", file, "--frames", String(wanted), "--no-timing", "--json", "-"];
      const result = resultOf(eastwest(...args));
      assert.equal(result.packets, wanted);
      assert.equal(result.rules[0].packets, wanted);
      assert.equal(result.ports.find(({ port }) => port === "2")?.txPackets, wanted);
      assert.equal(result.times, null);
      assert.equal(result.nsPerPacket, null);
    }
  }));

// Outer headers after the two MAC addresses, lengths and checksums left out.
const tunnels = {
  gre: { bytes: 42, at: 34, header: "2000655800000007" }, // RFC 2890: key present, transparent Ethernet bridging, key 7
  vxlan: { bytes: 50, at: 42, header: "0800000000000700" }, // RFC 7348: flag I, VNI 7
} as const;

for (const [kind, { bytes, at, header }] of Object.entries(tunnels)) {
  test(`${kind}: pushed as the RFC says, and taken off again the frames are what they were`, () =>
    withCapture(async ({ capture, path, rules }) => {
      for (const [key, set] of [
        ["", "set_tunnel:7,"],
        [":7", ""],
      ]) {
        const out = path(`${kind}${key.length}.pcap`);
        const port = `2=${kind}:10.11.1.115:10.11.1.116${key}`;
        const push = ["--port", "1=pcap", "--port", port, "--port", `underlay=write:${out}`];
        const args = ["replay", capture, "--rules", rules(`actions=${set}output:2`), ...push];
        const pushed = resultOf(eastwest(...args, "--no-timing", "--json", "-"));
        assert.equal(pushed.encapsulations, FRAMES);
        const counted = pushed.ports.map((one) => [one.port, one.txPackets, one.txBytes]);
        assert.deepEqual(counted, [
          ["1", 0, 0],
          ["2", FRAMES, FRAMES * 60],
          ["underlay", FRAMES, FRAMES * (60 + bytes)],
        ]);
        const outer = await readTrace(out);
        const first = frame(outer, 0);
        assert.equal(first.slice(0, 28), "02000a0b017402000a0b01730800");
        assert.equal(first.slice(2 * 26, 2 * 34), "0a0b01730a0b0174");
        assert.equal(first.slice(2 * at, 2 * at + 16), header);

        const back = path(`${kind}${key.length}-back.pcap`);
        const pull = ["--port", "underlay=pcap", "--port", `5=${kind}:10.11.1.116:10.11.1.115${key}`];
        const file = rules(`in_port=5,tun_id=7,actions=output:6`);
        const pulled = resultOf(
          eastwest("replay", out, "--rules", file, ...pull, "--port", `6=write:${back}`, "--no-timing", "--json", "-"),
        );
        assert.equal(pulled.decapsulations, FRAMES);
        assert.deepEqual(frames(await readTrace(back)), frames(await readTrace(capture)));
      }
    }));
}

test("a burst that becomes more copies than a queue and the pool hold: none is lost, as with Open vSwitch's ports", () =>
  withCapture(async ({ capture, path, rules }) => {
    const many = rules(`in_port=1,actions=${Array.from({ length: 300 }, () => "output:2").join()}`);
    const out = path("out.pcap");
    const all = resultOf(
      eastwest(
        ...["replay", capture, "--rules", many, "--port", "1=pcap", "--port", `2=write:${out}`],
        ...["--frames", "64", "--repeat", "3", "--json", "-"],
      ),
    );
    assert.deepEqual(all.drops, {});
    assert.equal(all.transmitted.packets, 64 * 300);
    assert.equal(all.times?.passes, 3);
    const sent = await readTrace(out);
    const once = frames(await readTrace(capture).then((trace) => ({ ...trace, count: 64 }) as Trace));
    assert.deepEqual(frames(sent), once.flatMap((one) => Array.from({ length: 300 }, () => one)).sort());

    // Clones, as a flood into tunnels makes them: one copy for each remote end, all by the underlay's one queue.
    const remotes = Array.from({ length: 150 }, (_, i) => `${i + 2}=gre:10.0.0.1:10.0.1.${i + 1}`);
    const flood = rules(`in_port=1,actions=set_tunnel:7,${remotes.map((_, i) => `output:${i + 2}`).join()}`);
    const ports = ["1=pcap", ...remotes].flatMap((port) => ["--port", port]);
    const tunnels = resultOf(
      eastwest("replay", capture, "--rules", flood, ...ports, "--frames", "64", "--no-timing", "--json", "-"),
    );
    assert.deepEqual(tunnels.drops, {});
    assert.equal(tunnels.encapsulations, 64 * 150);
    assert.equal(tunnels.ports.find(({ port }) => port === "underlay")?.txPackets, 64 * 150);
  }));

test("--write: a file for every port, in a folder that is made or is there", () =>
  withCapture(async ({ capture, path, rules }) => {
    const file = rules("actions=output:2");
    for (const folder of ["new/er", "new"]) {
      resultOf(eastwest("replay", capture, "--rules", file, "--no-timing", "--write", path(folder), "--json", "-"));
      assert.deepEqual(frames(await readTrace(path(`${folder}/port-2.pcap`))), frames(await readTrace(capture)));
      assert.ok(existsSync(path(`${folder}/port-1.pcap`)));
    }
    const ran = eastwest("replay", capture, "--write", capture);
    assert.equal(ran.status, 2);
    assert.match(ran.stderr, /^eastwest: .*udp\.pcap: is a file, expected a folder\n$/);
  }));

test("without rules: NORMAL, learned by the second capture's direction", () =>
  withCapture(({ capture }) => {
    const ports = ["--port", "1=pcap", "--port", "2=null", "--port", "3=null"];
    const result = resultOf(eastwest("replay", capture, ...ports, "--no-timing", "--json", "-"));
    assert.equal(result.rulesFile, null);
    assert.equal(result.rules[0].actions, "NORMAL");
    // The destination never speaks: each frame is flooded to both other ports and the bridge's own.
    assert.deepEqual(
      result.ports.map(({ port, rxPackets, txPackets }) => [port, rxPackets, txPackets]),
      [
        ["1", FRAMES, 0],
        ["2", 0, FRAMES],
        ["3", 0, FRAMES],
        ["br0", 0, FRAMES],
      ],
    );
  }));

test("masks, and the exact-match cache off", () =>
  withCapture(({ capture, rules }) => {
    const lines = Array.from(
      { length: 8 },
      (_, i) => `priority=${100 - i},udp,tp_src=${i}/${2 ** (i + 1) - 1},actions=output:2`,
    );
    const file = rules(["in_port=1,priority=1,actions=output:2", ...lines].join("\n"));
    const args = ["replay", capture, "--rules", file, "--emc", "off", "--repeat", "3", "--json", "-"];
    const { cache, times, exactMatchEntries } = resultOf(eastwest(...args));
    assert.equal(exactMatchEntries, 0);
    assert.equal(cache.exactHits, 0);
    assert.equal(cache.megaflowHits, FRAMES - cache.upcalls);
    assert.equal(times?.cache.exactHits, 0);
    assert.ok((times.cache.lookupsPerHit ?? 0) >= 1);
    assert.ok((times.cache.lookupsPerHit ?? 0) <= cache.masks);
  }));

test("--perf: every iteration in the histograms, packets as in the passes", () =>
  withCapture(({ capture, rules }) => {
    const file = rules(`${REWRITE},output:2`);
    const args = [
      "replay",
      capture,
      "--rules",
      file,
      "--repeat",
      "30",
      "--perf",
      "--suspicious",
      "0.001",
      "--json",
      "-",
    ];
    const { perf, times, cache } = resultOf(eastwest(...args));
    assert.ok(perf?.timed);
    const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0);
    for (const [loop, packets] of [
      [perf.cold, FRAMES],
      [perf.timed, times?.packets],
    ] as const) {
      assert.equal(loop.packets, packets);
      assert.equal(loop.txPackets, packets);
      assert.equal(loop.exactHits + loop.megaflowHits + loop.upcalls, packets);
      for (const { name, walls, counts } of loop.histograms) {
        assert.equal(counts.length, walls.length + 1);
        if (name === "pkts/batch") assert.equal(sum(counts), loop.batches);
        else if (name === "ns/upcall") assert.equal(sum(counts), loop.upcalls);
        else assert.equal(sum(counts), loop.iterations);
      }
      // A nanosecond is enough to be suspicious here: all are, and the first ones come with their neighbours.
      assert.equal(loop.suspiciousCount, loop.iterations);
      assert.ok(loop.suspicious.length > 0);
      for (const { iteration, neighbours } of loop.suspicious) {
        assert.ok(neighbours.some((near) => near.iteration === iteration));
        assert.ok(neighbours.length <= 11);
      }
    }
    assert.equal(perf.cold.upcalls, cache.upcalls);
    assert.ok(perf.cold.upcallSeconds > 0);
    assert.equal(perf.cold.burstsPerIteration, 1);
  }));

test("Ctrl-C: what was done until then, valid, exit code 130", async () => {
  await withCapture(async ({ capture, path }) => {
    const json = path("result.json");
    const args = ["replay", capture, "--seconds", "60", "--quiet", "--json", json, "--write", path("out")];
    // Its folder has a file once it counts, whatever the machine takes until then.
    const begun = (): boolean => existsSync(path("out")) && readdirSync(path("out")).length > 0;
    const ran = await interrupted(args, { signal: "SIGINT", begun });
    assert.equal(ran.status, 130, ran.stderr);
    const result = JSON.parse(readFileSync(json, "utf8")) as ReplayResult;
    assert.equal(result.interrupted, true);
    assert.ok(result.packets <= FRAMES);
    conserves(result);
  });
});

test("two that write one file at once: it is whole, the other is told", () =>
  withCapture(async ({ capture, path, rules }) => {
    const out = path("out.pcap");
    const args = ["replay", capture, "--rules", rules("in_port=1,actions=output:2"), "--no-timing", "--quiet"];
    const ports = ["--port", "1=pcap", "--port", `2=write:${out}`];
    const begun = (): boolean => existsSync(`${out}.part`) && statSync(`${out}.part`).size > 1 << 20;
    let second: Ran | undefined;
    const first = await interrupted([...args, ...ports, "--frames", "1000000000"], {
      signal: "SIGINT",
      begun: () => {
        if (!begun()) return false;
        second = eastwest(...args, ...ports);
        return true;
      },
      after: 200,
    });
    assert.equal(second?.status, 0, second?.stderr);
    assert.equal(first.status, 2);
    assert.match(first.stderr, /^eastwest: cannot finish [^\n]*out\.pcap: another program has written it[^\n]*\n$/);
    assert.deepEqual(frames(await readTrace(out)), frames(await readTrace(capture)));
    assert.equal(existsSync(`${out}.part`), false);
  }));

for (const [command, ...option] of [["replay"], ["run", "--from"], ["info"]]) {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    for (const has of ["no writer", "a writer"]) {
      test(`${signal} while ${command} waits for a pipe that has ${has}: it ends at once`, () =>
        withFolder(async (folder) => {
          const fifo = join(folder, "fifo.pcap");
          execFileSync("mkfifo", [fifo]);
          const child = spawn(process.execPath, [
            program,
            command,
            ...option,
            command === "run" ? `vm1=${fifo}` : fifo,
          ]);
          let stdout = "";
          let stderr = "";
          child.stdout.on("data", (piece: Buffer) => (stdout += piece.toString()));
          child.stderr.on("data", (piece: Buffer) => (stderr += piece.toString()));
          const closed = new Promise((resolve) => child.on("close", (code, by) => resolve(code ?? by)));
          const ended = Promise.race([closed, sleep(10_000, "still there after 10 s", { ref: false })]);
          const header = Buffer.from("d4c3b2a1020004000000000000000000ffff000001000000", "hex");
          const flags = constants.O_WRONLY | constants.O_NONBLOCK;
          // A reader is there when the pipe can be opened for writing without waiting (fifo(7)).
          let writer: FileHandle | undefined;
          while (writer === undefined) {
            try {
              writer = await open(fifo, has === "a writer" ? flags : constants.O_RDONLY | constants.O_NONBLOCK);
              if (has === "a writer") await writer.write(header);
              else await sleep(1500);
            } catch {
              await sleep(20);
            }
          }
          child.kill(signal);
          const code = await ended;
          child.kill("SIGKILL");
          await writer.close();
          await closed;
          assert.equal(stdout, "");
          // On a machine where starting takes longer than the wait above, the signal ends what has not begun.
          const plain = command === "info" || (has === "no writer" && code === signal);
          assert.equal(code, plain ? signal : 130, stderr);
          if (plain) assert.equal(stderr, "");
          else assert.match(stderr, /^eastwest: interrupted[^\n]*\n$/);
        }));
    }
  }
}

test("a pipe whose writer comes late, and one that pauses: every frame is read", () =>
  withCapture(async ({ capture, path }) => {
    const bytes = readFileSync(capture);
    const fifo = path("fifo.pcap");
    execFileSync("mkfifo", [fifo]);
    const child = spawn(process.execPath, [program, "replay", fifo, "--no-timing", "--json", "-"]);
    let stdout = "";
    child.stdout.on("data", (piece: Buffer) => (stdout += piece.toString()));
    const closed = new Promise((resolve) => child.on("close", resolve));
    await sleep(700);
    const writer = await open(fifo, "w");
    await writer.writeFile(bytes.subarray(0, 30));
    await sleep(200);
    await writer.writeFile(bytes.subarray(30));
    await writer.close();
    assert.equal(await closed, 0);
    assert.equal((JSON.parse(stdout) as ReplayResult).packets, FRAMES);
    const filtered = eastwest("replay", fifo, "--filter", "udp", "--no-timing");
    assert.equal(filtered.status, 2);
    assert.match(filtered.stderr, /^eastwest: [^\n]*fifo\.pcap: is a pipe, libpcap reads files[^\n]*\n$/);
  }));

test("what is wrong is said in one line", () =>
  withCapture(({ capture, path, rules }) => {
    const bad = rules("in_port=1,actions=output:2\nin_prot=1,actions=drop");
    const wrong: readonly (readonly [readonly string[], RegExp])[] = [
      [["replay", path("none.pcap")], /none\.pcap: no such file/],
      [["replay", capture, "--rules", path("none.flows")], /none\.flows: no such file/],
      [["replay", capture, "--rules", bad], /rules-\d+\.flows:2:\d+: .*in_prot/],
      [["replay", capture, "--port", "1=pcap", "--port", "2=tap"], /no kind of port is called "tap"/],
      [["replay", capture, "--port", "2=null"], /0 ports are pcap/],
      [["replay", capture, "--port", "1=pcap", "--port", "underlay=null"], /no tunnel port/],
      [["replay", capture, "--port", "1=pcap", "--port", `2=pcap:${path("none.pcap")}`], /none\.pcap: no such file/],
      [["replay", capture, "--port", "1=pcap", "--port", `2=write:${path("no/x.pcap")}`], /cannot write/],
      [["replay", capture, "--emc", "many"], /--emc/],
      [["replay", capture, "--frames", "0"], /--frames/],
      [["replay", capture, "--json", path("no/such/x.json")], /cannot write/],
      [["replay"], /missing required argument 'capture'/],
    ];
    for (const [args, message] of wrong) {
      const ran = eastwest(...args);
      assert.equal(ran.status, 2, args.join(" "));
      assert.equal(ran.stdout, "", args.join(" "));
      assert.match(ran.stderr, /^eastwest: [^\n]+\n$/, args.join(" "));
      assert.match(ran.stderr, message);
    }
    assert.equal(existsSync(path("no")), false);
  }));
