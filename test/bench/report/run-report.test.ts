/** What `eastwest run` prints for people: every reason has its sentence, notes appear where they belong, lines keep to a width. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { packageRoot } from "../../../bench/paths.ts";
import { dropReasons, dropTable } from "../../../bench/report/drop-reasons.ts";
import { dropNames } from "../../../datapath/packet/drop.ts";
import { eastwest, withFolder } from "../cli.ts";

test("every reason a packet can end for has a sentence, the same in the report and in both schemas", () => {
  assert.deepEqual(Object.keys(dropReasons).sort(), dropNames.filter((name) => name !== "None").sort());
  for (const file of ["bench/result.schema.json", "bench/replay.schema.json"]) {
    const { $defs } = JSON.parse(readFileSync(join(packageRoot, file), "utf8"));
    const described = Object.entries<{ description: string }>($defs.dropCounts.properties);
    assert.deepEqual(Object.fromEntries(described.map(([name, { description }]) => [name, description])), dropReasons);
  }
  assert.equal(
    dropTable(["a", "b"], ["Martian", "Else"], () => ["1", "22"]),
    `           a   b\n  Martian  1  22  ${dropReasons.Martian}\n  Else     1  22\n`,
  );
});

/** Longest line that is no table's, no tcpdump line. */
const WIDTH = 100;

test("lines keep to a width, with one mode and with two; long underlay frames are said", () =>
  withFolder((folder) => {
    const file = join(folder, "long.pcap");
    const made = eastwest("generate", file, "--frames", "200", "--size", "1518", "--seed", "3");
    assert.equal(made.status, 0, made.stderr);
    for (const modes of ["legacy,dvr", "dvr"]) {
      const ran = eastwest("run", "--mode", modes, "--no-timing", "--from", `vm1=${file}`);
      assert.equal(ran.status, 0, ran.stderr);
      const text = ran.stdout.split(/^Interfaces of/m);
      const lines = [text[0], ...text.slice(1).map((part) => part.slice(part.indexOf("\n\n")))].join("").split("\n");
      const long = lines.filter((line) => line.length > WIDTH && !/GREv0/.test(line));
      assert.deepEqual(long, []);
      // Routers refuse these frames; without DVR they have to cross the underlay to be refused.
      assert.equal(/underlay frames longer than an MTU .*: legacy 200/.test(ran.stdout), modes !== "dvr");
    }
  }));

test("recorded captures: no long frames, every end explained", () => {
  const recorded = eastwest("run", "--no-timing");
  assert.doesNotMatch(recorded.stdout, /MTU/);
  for (const reason of ["Consumed", "TtlExceeded", "Unhandled"] as const) {
    assert.ok(recorded.stdout.includes(dropReasons[reason]), reason);
  }
});
