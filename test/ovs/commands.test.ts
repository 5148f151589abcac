/**
 * `eastwest ovs` and `eastwest trace` as a person meets them: through the command line.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readCaseFile } from "../../bench/ovs-cases/case.ts";
import { packageRoot } from "../../bench/paths.ts";
import { judge } from "../conformance/compare.ts";

const main = join(packageRoot, "dist", "bench", "main.js");
const learnFile = join(packageRoot, "test", "golden", "ovs-cases", "learn.json.gz");
const folder = mkdtempSync(join(tmpdir(), "eastwest-ovs-"));
after(() => rmSync(folder, { recursive: true }));

function eastwest(args: string[], input = ""): { code: number | null; out: string; err: string } {
  const done = spawnSync(process.execPath, [main, ...args], { input, encoding: "utf8", cwd: folder });
  return { code: done.status, out: done.stdout, err: done.stderr };
}

const smallCase = (more: object = {}): object => ({
  name: "small",
  stateless: true,
  bridges: [
    {
      name: "br0",
      ports: [
        { name: "p1", ofport: 1 },
        { name: "p2", ofport: 2 },
      ],
      flows: ["in_port=1,actions=output:2"],
    },
  ],
  packets: [{ bridge: "br0", in_port: 1, hex: "5254000000025254000000010800".padEnd(120, "0") }],
  ...more,
});

test("ovs FILE answers a line a case, with every aspect", () => {
  const { code, out, err } = eastwest(["ovs", learnFile]);
  assert.equal(err, "");
  assert.equal(code, 0);
  const lines = out.trimEnd().split("\n");
  const cases = readCaseFile(learnFile);
  assert.equal(lines.length, cases.length);
  cases.forEach((ovsCase, c) => {
    const results = JSON.parse(lines[c]);
    ovsCase.expect!.forEach((expected, i) => {
      for (const [aspect, verdict] of Object.entries(judge(expected, results[i])))
        assert.equal(verdict, "equal", `${ovsCase.name} ${i} ${aspect}`);
    });
  });
});

test("ovs without a file answers each line of standard input, a bad one with what is wrong", () => {
  const input = [
    JSON.stringify(smallCase()),
    "{not json",
    JSON.stringify(smallCase({ packets: [{ bridge: "br0", in_port: 9, hex: "00" }] })),
    JSON.stringify(smallCase()),
  ].join("\n");
  const { code, out, err } = eastwest(["ovs"], input);
  const lines = out.trimEnd().split("\n");
  assert.equal(lines.length, 4);
  const [{ megaflow, actions, out: frames, upcall }] = JSON.parse(lines[0]);
  assert.equal(megaflow, "recirc_id=0,eth,ip,in_port=p1,nw_frag=no");
  assert.equal(actions, "p2");
  assert.deepEqual(Object.keys(frames), ["p2"]);
  assert.equal(upcall, true);
  assert.match(JSON.parse(lines[1]).error, /^line 2:1:2: not JSON/);
  assert.match(JSON.parse(lines[2]).error, /bridge br0 has no port 9/);
  assert.equal(lines[3], lines[0]);
  assert.equal(code, 2);
  assert.equal(err.trimEnd().split("\n").length, 2);
});

const wrongCases: readonly (readonly [string, unknown, RegExp])[] = [
  ["no name", { bridges: [], packets: [] }, /name is missing, expected a text/],
  [
    "a port number",
    smallCase({ bridges: [{ name: "b", ports: [{ name: "p", ofport: 70000 }] }] }),
    /bridges\[0\]\.ports\[0\]\.ofport is 70000/,
  ],
  [
    "a port type",
    smallCase({ bridges: [{ name: "b", ports: [{ name: "p", ofport: 1, type: "tap" }] }] }),
    /type is "tap", expected system/,
  ],
  [
    "hex",
    smallCase({ packets: [{ bridge: "br0", in_port: 1, hex: "123" }] }),
    /packets\[0\]\.hex is "123", expected an even number/,
  ],
  [
    "a rule",
    smallCase({ bridges: [{ name: "b", flows: ["ip,actions=output:1", "ip,actions=fly"] }] }),
    /wrong\.json:1:\d+: action "fly" is not known/,
  ],
  ["a bridge", smallCase({ packets: [{ bridge: "br9", in_port: 1, hex: "00" }] }), /bridge br9/],
];
for (const [what, content, message] of wrongCases) {
  test(`ovs refuses a file with a wrong case in one line: ${what}`, () => {
    const file = join(folder, "wrong.json");
    writeFileSync(file, JSON.stringify([content]));
    const { code, out, err } = eastwest(["ovs", file]);
    assert.equal(code, 2);
    assert.equal(out, "");
    assert.match(err, message);
    assert.equal(err.trimEnd().split("\n").length, 1, err);
  });
}

test("trace prints the article's cluster, a case, and a frame", () => {
  const flow = "in_port=27,icmp,dl_src=fa:16:3e:17:6b:a7,dl_dst=fa:16:3e:cd:50:8d";
  const article = eastwest(["trace", "test115/br-int", flow]);
  assert.equal(article.err, "");
  assert.equal(article.code, 0);
  assert.match(article.out, /^Flow: icmp,in_port="qvof76ecb29-5d",/);
  assert.match(article.out, /\nbridge\("br-tun"\)\n-{16}\n 0\. in_port="patch-int", priority 1\n/);
  assert.match(article.out, /\nMegaflow: recirc_id=0,eth,ip,/);
  assert.match(article.out, /\nDatapath actions: /);

  const file = join(folder, "small.json");
  writeFileSync(file, JSON.stringify(smallCase()));
  const frame = "5254000000025254000000010800".padEnd(120, "0");
  const traced = eastwest(["trace", "br0", "in_port=p1", frame, "--case", `${file}#small`]);
  assert.match(traced.out, /\nDatapath actions: p2\n$/);
});

test("trace says what it does not know, and what there is", () => {
  const cases: readonly (readonly [string[], RegExp])[] = [
    [["trace", "test115/br-nix", "in_port=1"], /no bridge br-nix, expected one of br-int, /],
    [["trace", "test9/br-int", "in_port=1"], /no host test9 .*expected one of test114, test115, test116/],
    [["trace", "br-int", "in_port=1"], /expected HOST\/BRIDGE/],
    [["trace", "test115/br-int", "in_port=nowhere"], /flow:1:9: .*nowhere/],
    [["trace", "test115/br-int", "in_port=27", "zz"], /frame "zz": expected an even number of hexadecimal digits/],
    [["trace", "test115/br-int", "in_port=27", "--state", "nowhere.json"], /nowhere\.json: no such file/],
  ];
  for (const [args, message] of cases) {
    const { code, out, err } = eastwest(args);
    assert.equal(code, 2, args.join(" "));
    assert.equal(out, "");
    assert.match(err, message);
    assert.equal(err.trimEnd().split("\n").length, 1, err);
  }
});
