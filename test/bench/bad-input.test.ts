/** Everything a person can get wrong at the command line: one line that says what and where, exit code 2, no stack. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { packageRoot } from "../../bench/paths.ts";
import { eastwest, program, type Ran, recorded, withFolder } from "./cli.ts";

const vm1 = recorded("gre-dvr.vm1.pcap");
const fast = ["run", "--mode", "dvr", "--no-timing"];

/** Exit code 2, nothing on standard output, one line on standard error that has all of `words`. */
function refused(ran: Ran, ...words: readonly (string | RegExp)[]): void {
  assert.equal(ran.status, 2, `exit code; standard error: ${ran.stderr}`);
  assert.equal(ran.stdout, "");
  assert.match(ran.stderr, /^eastwest: [^\n]+\n$/);
  assert.doesNotMatch(ran.stderr, /\n\s+at /);
  for (const word of words) {
    if (typeof word === "string") assert.ok(ran.stderr.includes(word), `${ran.stderr} lacks ${word}`);
    else assert.match(ran.stderr, word);
  }
}

test("no such capture", () => {
  refused(eastwest(...fast, "--from", "vm1=nowhere/at-all.pcap"), "nowhere/at-all.pcap", /no such file/i);
});

test("a folder in place of a capture", () => {
  refused(eastwest(...fast, "--from", "vm1=pcaps"), "pcaps", /directory/);
});

test("a text that never ends is no hang: it is read up to the longest that there can be", {
  skip: !existsSync("/dev/zero"),
}, () => {
  refused(eastwest("compare", "/dev/zero", "/dev/zero"), "/dev/zero: holds more than");
  refused(eastwest("run", "--no-timing", "--topology", "/dev/zero"), "/dev/zero: holds more than");
});

test("not a capture: its first bytes are shown", () =>
  withFolder((folder) => {
    const file = join(folder, "text.pcap");
    writeFileSync(file, "hello, this is no capture");
    refused(eastwest(...fast, "--from", `vm1=${file}`), file, "not a capture", "68 65 6c 6c");
  }));

test("an empty file", () =>
  withFolder((folder) => {
    const file = join(folder, "empty.pcap");
    writeFileSync(file, "");
    refused(eastwest(...fast, "--from", `vm1=${file}`), file, "is empty");
  }));

test("a capture without frames", () =>
  withFolder((folder) => {
    const file = join(folder, "header.pcap");
    writeFileSync(file, readFileSync(vm1).subarray(0, 24));
    refused(eastwest(...fast, "--from", `vm1=${file}`), file, "holds no frame");
  }));

test("an unknown port: the message says which there are", () => {
  refused(eastwest(...fast, "--from", `vm9=${vm1}`), '"vm9"', "vm1, vm2", "test114, test115, test116");
  refused(eastwest(...fast, "--from", `test115/eth9=${vm1}`), '"test115/eth9"', "eth0", "qvof76ecb29-5d");
  refused(eastwest(...fast, "--from", vm1), "PORT=FILE");
});

test("a rule that does not parse: file, line, column, what was expected", () =>
  withFolder((folder) => {
    cpSync(join(packageRoot, "bench", "scenarios", "gre-dvr"), join(folder, "mine"), { recursive: true });
    const file = join(folder, "mine", "test115.br-int.flows");
    const lines = readFileSync(file, "utf8").split("\n");
    lines.splice(2, 0, "table=0,priority=3,in_prot=30 actions=drop");
    writeFileSync(file, lines.join("\n"));
    const topology = join(folder, "mine", "topology.yaml");
    const ran = eastwest("run", "--no-timing", "--topology", topology, "--from", `vm1=${vm1}`);
    refused(ran, "test115.br-int.flows:3:", /:3:\d+: /, "in_prot");
  }));

test("actions nested deeper than Open vSwitch reads them (100 lists), and those named as what every object has", () =>
  withFolder((folder) => {
    const file = join(folder, "deep.flows");
    const replay = ["replay", vm1, "--no-timing", "--quiet", "--rules", file];
    const nested = (depth: number): void =>
      writeFileSync(file, `actions=${"clone(".repeat(depth)}output:2${")".repeat(depth)}\n`);
    nested(99);
    assert.equal(eastwest(...replay).status, 0);
    for (const depth of [100, 6000]) {
      nested(depth);
      refused(eastwest(...replay), `${file}:1:`, "actions nested too deeply; expected at most 100");
    }
    writeFileSync(file, "actions=constructor\n");
    refused(eastwest(...replay), `${file}:1:9: action "constructor" is not known`);
  }));

test("a topology that is wrong: file, line, column", () =>
  withFolder((folder) => {
    cpSync(join(packageRoot, "bench", "scenarios", "gre-dvr"), join(folder, "mine"), { recursive: true });
    const topology = join(folder, "mine", "topology.yaml");
    const text = readFileSync(topology, "utf8");
    const run = (changed: string): Ran => {
      writeFileSync(topology, changed);
      return eastwest("run", "--no-timing", "--topology", topology, "--from", `vm1=${vm1}`);
    };
    refused(run(text.replace("role: network", "role: router")), /topology\.yaml:10:11: /, "router");
    refused(eastwest("run", "--topology", join(folder, "none.yaml")), "none.yaml", "no such file");
  }));

test("a topology without recorded captures needs --from", () =>
  withFolder((folder) => {
    cpSync(join(packageRoot, "bench", "scenarios", "gre-dvr"), join(folder, "mine"), { recursive: true });
    const topology = join(folder, "mine", "topology.yaml");
    writeFileSync(topology, readFileSync(topology, "utf8").replace("mode: dvr", "mode: other"));
    refused(eastwest("run", "--no-timing", "--topology", topology), "--from");
  }));

test("options that are not as expected", () => {
  refused(eastwest("run", "--mode", "centralised"), "--mode", "legacy, dvr");
  refused(eastwest("run", "--ring-slots", "64"), "--ring-slots", "--placement hosts");
  refused(eastwest("run", "--ring-drop"), "--ring-drop", "--placement hosts");
  refused(eastwest("run", "--network", "mpls"), "--network", "gre, vxlan, vlan");
  refused(eastwest("run", "--repeat", "0"), "--repeat");
  refused(eastwest("run", "--nic", "fast"), "--nic");
  refused(eastwest("run", "--pps", "10", "--multiplier", "2"), "--pps", "--multiplier");
  refused(eastwest("run", "--dump-flows", "test115/br-none"), "test115/br-none", "test115/br-int");
  assert.equal(eastwest("run", "--no-such-option").status, 2);
  const misspelt = eastwest("rnu");
  assert.equal(misspelt.status, 2);
  assert.match(misspelt.stderr, /^eastwest: [^\n]*Did you mean run\?[^\n]*\n$/);
});

test("a file that cannot be written", () => {
  const ran = eastwest(...fast, "--json", "/nowhere/at/all.json", "--quiet");
  refused(ran, "/nowhere/at/all.json");
});

test("outputs that cannot be: said before the work, and nothing half-written is left", () =>
  withFolder((folder) => {
    refused(eastwest(...fast, "--json", ""), "expected the name of a file");
    refused(eastwest(...fast, "--json", folder), folder, "is a directory");
    refused(eastwest(...fast, "--save", "-"), "--save -");
    refused(eastwest(...fast, "--write", ""), "--write");
    const same = join(folder, "a.json");
    refused(eastwest(...fast, "--json", same, "--save", same), "is written too, expected another file");
    refused(eastwest(...fast, "--write", join(packageRoot, "README.md")), "README.md", "not a directory");
    refused(eastwest("run", "--topology", "x.yaml", "--mode", "dvr"), "--topology", "--mode");
    refused(eastwest("run", "--no-timing", "--repeat", "3"), "--repeat");
    if (existsSync("/dev/full")) {
      refused(eastwest(...fast, "--quiet", "--json", "/dev/full"), "cannot write /dev/full", "no space left");
      const full = spawnSync("sh", ["-c", `"$0" "$@" > /dev/full`, process.execPath, program, ...fast], {
        encoding: "utf8",
      });
      refused({ status: full.status, stdout: full.stdout, stderr: full.stderr }, "standard output", "no space left");
    }
    assert.deepEqual(readdirSync(folder), []);
  }));

test("a cluster that cannot work: the topology's file is named", () =>
  withFolder((folder) => {
    cpSync(join(packageRoot, "bench", "scenarios", "gre-dvr"), folder, { recursive: true });
    const topology = join(folder, "topology.yaml");
    const text = readFileSync(topology, "utf8");
    const run = (changed: string): Ran => {
      writeFileSync(topology, changed);
      return eastwest("run", "--no-timing", "--topology", topology, "--from", `vm1=${vm1}`);
    };
    refused(run(text.replace("remote_ip: 10.11.1.116", "remote_ip: 10.11.1.316")), "topology.yaml: ", "10.11.1.316");
    refused(run(text.replace("address: 10.11.1.115/24", "address: 10.11.1.315/24")), "topology.yaml", "10.11.1.315");
    refused(run(text.replaceAll("192.168.1.1/24", "192.168.1.1/33")), "topology.yaml", "192.168.1.1/33");
  }));

test("a loop that floods is found, and leaves no files", () =>
  withFolder((folder) => {
    const ports = "[{ name: e0, ofport: 2 }, { name: e1, ofport: 3 }, { name: vm, ofport: 1 }]";
    const host = (name: string): string => `  - { name: ${name}, bridges: [{ name: br0, ports: ${ports} }] }\n`;
    const topology = join(folder, "loop.yaml");
    writeFileSync(
      topology,
      `name: loop\nhosts:\n${host("a")}${host("b")}` +
        "vms: [{ name: vm1, port: a/vm, mac: fa:16:3e:17:6b:a7 }]\n" +
        "wires: [{ name: w0, members: [a/e0, b/e0] }, { name: w1, members: [a/e1, b/e1] }]\n",
    );
    const out = join(folder, "out");
    const ran = eastwest("run", "--no-timing", "--topology", topology, "--from", `vm1=${vm1}`, "--write", out);
    refused(ran, "topology loop", "without end", "loop of wires");
    assert.ok(!existsSync(join(folder, "out")));
  }));

test("a disk that is full leaves no folder and no file", { skip: process.platform === "win32" }, () =>
  withFolder((folder) => {
    // A limit on the size of files stands for the disk: 8 blocks of 1024 bytes.
    const limited = (words: string, blocks = 8): Ran => {
      const script = `trap "" XFSZ; ulimit -f ${blocks}; exec "$0" "$@" ${words}`;
      const ran = spawnSync("bash", ["-c", script, process.execPath, program], { cwd: folder, encoding: "utf8" });
      return { status: ran.status, stdout: ran.stdout, stderr: ran.stderr };
    };
    const cannot = /cannot write \S+( beyond \d+ bytes)?: file too large/;
    refused(limited("run --no-timing --quiet --write a/b"), cannot);
    writeFileSync(join(folder, "normal.flows"), "actions=output:2\n");
    refused(limited(`replay "${vm1}" --rules normal.flows --no-timing --quiet --write a/b`), cannot);
    refused(limited("generate a.pcap"), cannot);
    refused(limited("run --no-timing --quiet --save a.json"), cannot);
    const keep = `replay "${vm1}" --no-timing --quiet --out a.jsonl`;
    refused(limited(keep, 0), "cannot write a.jsonl: file too large");
    refused(limited(keep, 1), "cannot write a.jsonl: file too large");
    assert.match(readFileSync(join(folder, "a.jsonl"), "utf8"), /^\{"format":"eastwest shard"[^\n]*\n$/);
    assert.equal(limited(keep, 64).status, 0, "and it goes on from there");
    rmSync(join(folder, "a.jsonl"));
    assert.deepEqual(readdirSync(folder), ["normal.flows"]);
    const told = limited("run --no-timing --json a.json");
    assert.equal(told.status, 2);
    assert.match(told.stdout, /Counters add up/, "what was counted is printed all the same");
  }),
);

test("rules from a pipe that nobody writes to: a signal ends the program", { skip: process.platform === "win32" }, () =>
  withFolder((folder) => {
    const fifo = join(folder, "rules");
    execFileSync("mkfifo", [fifo]);
    const stopped =
      '"$0" "$@" & p=$!; (sleep 2; kill $p; sleep 8; kill -9 $p) > /dev/null 2>&1 & k=$!; wait $p; s=$?; kill $k; exit $s';
    const args = [program, "replay", vm1, "--rules", fifo, "--no-timing"];
    const waiting = spawnSync("bash", ["-c", stopped, process.execPath, ...args], { encoding: "utf8" });
    assert.equal(waiting.status, 128 + 15, waiting.stderr);
    assert.equal(waiting.stdout, "");
    const script = 'exec "$0" "$@" --rules <(sleep 0.5; echo actions=output:2)';
    const slow = spawnSync("bash", [
      "-c",
      script,
      process.execPath,
      program,
      "replay",
      vm1,
      "--no-timing",
      "--dump-flows",
    ]);
    assert.match(slow.stdout.toString(), /n_packets=[1-9]\d*, .*actions=output:2/);
  }),
);

test("a capture that does not fit the memory given", () => {
  refused(eastwest(...fast, "--memory", "4k"), "gre-dvr.vm1.pcap", /4096/);
});

test("a capture cut off in its last record is used as far as it goes, with a warning", () =>
  withFolder((folder) => {
    const file = join(folder, "cut.pcap");
    writeFileSync(file, readFileSync(vm1).subarray(0, -10));
    const ran = eastwest(...fast, "--from", `vm1=${file}`);
    assert.equal(ran.status, 0, ran.stderr);
    assert.match(ran.stderr, /^eastwest: warning: [^\n]*cut\.pcap[^\n]*\n$/);
    assert.match(ran.stderr, /257 frames/);
    assert.match(ran.stdout, /of 257 frames into vm1/);
  }));

test("results that cannot be compared", () =>
  withFolder((folder) => {
    const file = join(folder, "r.json");
    refused(eastwest("compare", file, file), file, "no such file");
    writeFileSync(file, "{");
    refused(eastwest("compare", file, file), file, "not JSON");
    writeFileSync(file, "{}");
    refused(eastwest("compare", file, file), file, "eastwest run result");
    writeFileSync(file, '{"format":"eastwest run result","version":2}');
    refused(eastwest("compare", file, file), file, "version");
    writeFileSync(file, '{"format":"eastwest run result","version":1}');
    refused(eastwest("compare", file, file), file, "missing");
  }));

test("a capture is not written over by what comes of it, nor is a file written twice", () =>
  withFolder((folder) => {
    const mine = join(folder, "port-1.pcap");
    const before = readFileSync(vm1);
    writeFileSync(mine, before);
    const link = join(folder, "link.pcap");
    symlinkSync(mine, link);
    const replay = ["replay", mine, "--no-timing"];
    refused(eastwest(...replay, "--json", link), "link.pcap", "port-1.pcap is read too");
    refused(eastwest(...replay, "--port", "1=pcap", "--port", `2=write:${mine}`), mine, "is read too");
    refused(eastwest(...replay, "--write", folder), mine, "is read too");
    const twice = [`2=write:${folder}/a.pcap`, `3=write:${folder}/./a.pcap`];
    refused(eastwest(...replay, "--port", "1=pcap", "--port", twice[0], "--port", twice[1]), "a.pcap is written too");
    refused(eastwest(...fast, "--from", `vm1=${mine}`, "--json", mine), mine, "is read too");
    mkdirSync(join(folder, "dvr"));
    const delivered = join(folder, "dvr", "vm1.pcap");
    writeFileSync(delivered, before);
    refused(eastwest(...fast, "--from", `vm1=${delivered}`, "--write", folder), delivered, "is read too");
    assert.deepEqual(readFileSync(mine), before);
    assert.deepEqual(readFileSync(delivered), before);
    assert.deepEqual(readdirSync(folder).sort(), ["dvr", "link.pcap", "port-1.pcap"]);
  }));

test("peer: what it writes is none of what it reads, and can be written, before anything runs", () =>
  withFolder((folder) => {
    const [capture, rules] = ["mine.pcap", "mine.flows"].map((name) => join(folder, name));
    cpSync(vm1, capture);
    writeFileSync(rules, "in_port=1,actions=output:2\n");
    for (const peer of [
      ["ovs-dpdk", capture, "--rules", rules],
      ["testpmd", capture],
      ["node-pcap", capture],
    ]) {
      refused(eastwest("peer", ...peer, "--json", capture), `cannot write ${capture}: ${capture} is read too`);
      refused(eastwest("peer", ...peer, "--json", join(folder, "no", "x.json")), "x.json: no such file or directory");
    }
    refused(eastwest("peer", "ovs-dpdk", capture, "--rules", rules, "--json", rules), `${rules} is read too`);
    assert.deepEqual(readFileSync(capture), readFileSync(vm1));
  }));

test("a folder or cut-off gzip data in place of a text: said with its name", () =>
  withFolder((folder) => {
    const cut = join(folder, "cut.gz");
    const cases = readFileSync(join(packageRoot, "test", "golden", "ovs-cases", "normal.json.gz"));
    writeFileSync(cut, cases.subarray(0, cases.length >> 1));
    refused(eastwest("ovs", cut), cut, "gzip data is damaged or cut off");
    refused(eastwest("ovs", folder), `cannot read ${folder}: is a directory`);
    const one = (port: object, hex: string): string => {
      const file = join(folder, "one.json");
      const bridges = [{ name: "br0", ports: [{ name: "p1", ofport: 1 }, port] }];
      writeFileSync(file, JSON.stringify([{ name: "a", bridges, packets: [{ bridge: "br0", in_port: 1, hex }] }]));
      return file;
    };
    const tunnel = { name: "v", ofport: 2, type: "vxlan", options: { remote_ip: "192.0.2.1", colour: "red" } };
    const option = one(tunnel, "00");
    refused(
      eastwest("ovs", option),
      `${option}:1:${readFileSync(option, "utf8").indexOf('{"remote_ip"') + 1}: port v: option colour "red", expected one of the options remote_ip,`,
    );
    const long = one({ name: "p2", ofport: 2 }, "00".repeat(65_554));
    refused(eastwest("ovs", long), "expected a frame of at most 65553 bytes, not 65554");
    refused(eastwest("trend", folder), `cannot read ${folder}: is a directory`);
    refused(eastwest("trace", "a/b", "", "--state", folder), `cannot read ${folder}: is a directory`);
    refused(eastwest("run", "--topology", folder), folder, "directory");
  }));

test("a saved state that was changed by hand: the value, where it stands, what was expected", () =>
  withFolder((folder) => {
    const file = join(folder, "state.json");
    assert.equal(eastwest(...fast, "--quiet", "--save", file).status, 0);
    const good = readFileSync(file, "utf8");
    // biome-ignore lint/suspicious/noExplicitAny: JSON that is made wrong on purpose
    const trace = (change: (host: any) => void): Ran => {
      const state = JSON.parse(good);
      change(state.modes.dvr.hosts[1]);
      writeFileSync(file, JSON.stringify(state));
      return eastwest("trace", "test115/br-int", "in_port=27", "--state", file);
    };
    assert.equal(trace(() => undefined).status, 0);
    const at = "modes.dvr.hosts[1].bridges";
    refused(
      trace((host) => (host.bridges = "x")),
      file,
      `${at} is "x", expected a list`,
    );
    refused(
      trace((host) => (host.bridges[1].ports = {})),
      file,
      `${at}[1].ports is {}, expected a list`,
    );
    refused(
      trace((host) => (host.bridges[0].macs[0].mac = null)),
      file,
      `${at}[0].macs[0].mac is null, expected a text`,
    );
    refused(
      trace((host) => (host.bridges[0].macs[0].mac = "zz")),
      file,
      '"zz"',
    );
    refused(
      trace((host) => (host.bridges[0].rules[0].priority = 1e30)),
      file,
      "priority is 1e+30, expected an integer",
    );
    refused(
      trace((host) => (host.bridges[0].rules[0].actions = "fly")),
      file,
      "rules of br-int",
      "fly",
    );
  }));

test("a rule may name only groups that there are, as in Open vSwitch (OFPBAC_BAD_OUT_GROUP)", () =>
  withFolder((folder) => {
    const rules = join(folder, "a.flows");
    const groups = join(folder, "a.groups");
    const replay = ["replay", vm1, "--no-timing", "--quiet", "--rules", rules];
    writeFileSync(rules, "actions=drop\nip,actions=group:7\n");
    refused(eastwest(...replay), `${rules}:2:18: there is no group 7`);
    writeFileSync(groups, "group_id=7,type=all,bucket=output:2,bucket=actions=group:9\n");
    assert.equal(eastwest(...replay, "--groups", groups).status, 0);
    writeFileSync(groups, "group_id=7,type=all,bucket=output:2\n\ngroup_id=7,type=all,bucket=output:2\n");
    refused(eastwest(...replay, "--groups", groups), `${groups}:3: group 7 exists already`);
    writeFileSync(groups, "group_id=8,type=all,bucket=output:2\n");
    writeFileSync(rules, "actions=clone(group:7)\n");
    refused(eastwest(...replay, "--groups", groups), `${rules}:1:`, "there is no group 7");
  }));

test("options of replay that do not go together", () => {
  const replay = ["replay", vm1];
  refused(eastwest(...replay, "--rules", "pcaps"), "cannot read pcaps", "directory");
  refused(eastwest(...replay, "--repeat", "3", "--seconds", "1"), "--repeat", "--seconds");
  refused(eastwest(...replay, "--repeat", "3", "--no-timing"), "--repeat", "--no-timing");
  refused(eastwest(...replay, "--suspicious", "5"), "--suspicious 5", "expected --perf");
});
