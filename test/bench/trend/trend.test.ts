/** The history file (torn lines, wrong files), series by metric and machine, and the command on both. */
import assert from "node:assert/strict";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { workTree } from "../../../bench/git.ts";
import { packageRoot } from "../../../bench/paths.ts";
import { appendHistory, HISTORY_FORMAT, type HistoryEntry, readHistory } from "../../../bench/trend/history.ts";
import { type Series, trendOf } from "../../../bench/trend/trend.ts";
import { eastwest, withFolder } from "../cli.ts";
import { Random } from "../statistics/random.ts";

const commit = (i: number): string => i.toString(16).padStart(40, "0");

function entry(i: number, ns: number, machine = "A"): HistoryEntry {
  return {
    format: HISTORY_FORMAT,
    version: 1,
    commit: commit(i),
    created: new Date(Date.UTC(2026, 0, 1 + i)).toISOString(),
    machine,
    metrics: [
      { name: "dvr/ns", unit: "ns", value: ns, direction: "lower-is-better" },
      { name: "dvr/Mpps", unit: "Mpps", value: 1000 / ns, direction: "higher-is-better" },
    ],
  };
}

/** 30 results of 3000 ns, 8 % slower from the 20th on; another machine is twice as fast and never changes. */
function history(): HistoryEntry[] {
  const random = new Random(12);
  return Array.from({ length: 30 }, (_, i) => [
    entry(i, 3000 * (i < 20 ? 1 : 1.08) * (1 + 0.008 * random.gaussian())),
    entry(i, 1500 * (1 + 0.008 * random.gaussian()), "B"),
  ]).flat();
}

test("series by metric and machine; a change names its commits and its direction", () => {
  const series = trendOf(history());
  assert.deepEqual(
    series.map(({ metric, machine, changes }) => [metric, machine, changes.map(({ kind }) => kind)]),
    [
      ["dvr/ns", "A", ["regression"]],
      ["dvr/Mpps", "A", ["regression"]],
      ["dvr/ns", "B", []],
      ["dvr/Mpps", "B", []],
    ],
  );
  const [change] = series[0].changes;
  assert.deepEqual([change.commit, change.after, change.results], [commit(20), commit(19), 10]);
  assert.ok(Math.abs(change.ratio - 0.08) < 0.01 && series[1].changes[0].ratio < -0.06);
  // Seen from the last ten results alone there is no change.
  assert.ok(
    trendOf(history(), 10).every(
      ({ changes, results, leftOut }) => changes.length === 0 && results === 10 && leftOut === 20,
    ),
  );
});

test("results of one commit belong together", () => {
  const repeated = history()
    .filter(({ machine }) => machine === "A")
    .map((of, i) => ({ ...of, commit: commit(Math.floor(i / 7)) }));
  const [{ changes }] = trendOf(repeated);
  // The jump is in the middle of commit 2's results: it can only be put at one of its ends.
  assert.ok(changes.every((change) => change.commit !== change.after));
  assert.ok(changes.some((change) => [commit(2), commit(3)].includes(change.commit)));
});

test("a torn last line is left out and said; the next one begins a new line", async () => {
  await withFolder((folder) => {
    const file = join(folder, "history.jsonl");
    appendHistory(file, [entry(1, 10), entry(2, 11)]);
    assert.deepEqual(readHistory(file), { entries: [entry(1, 10), entry(2, 11)], warnings: [] });
    const whole = readFileSync(file, "utf8");
    for (const cut of [1, 20, 200]) {
      writeFileSync(file, whole.slice(0, -1 - cut));
      const torn = readHistory(file);
      assert.equal(torn.entries.length, 1);
      assert.match(torn.warnings.join(), /history\.jsonl:2: cut off or not JSON, left out$/);
      appendHistory(file, [entry(3, 12)]);
      assert.deepEqual(readHistory(file).entries, [entry(1, 10), entry(3, 12)]);
    }
    // All there but the line end: nothing was lost, and nothing may be glued to it.
    writeFileSync(file, whole.slice(0, -1));
    appendHistory(file, [entry(3, 12)]);
    assert.equal(readHistory(file).entries.length, 3);
  });
});

test("files that are no history are refused by line", async () => {
  await withFolder((folder) => {
    const file = join(folder, "h.jsonl");
    const refused = (text: string): string => {
      writeFileSync(file, text);
      try {
        readHistory(file);
      } catch (error) {
        return (error as Error).message;
      }
      return "accepted";
    };
    assert.match(refused("hello\nworld\n"), /no line of it is JSON/);
    assert.match(
      refused('{"format":"eastwest run result"}\n'),
      /h\.jsonl:1: format is "eastwest run result", expected "eastwest history"/,
    );
    assert.match(refused("17\n"), /:1: format is undefined/);
    assert.match(refused("null\n"), /:1: format is undefined/);
    assert.match(
      refused(`${JSON.stringify({ ...entry(1, 1), version: 7 })}\n`),
      /:1: version is 7, this program reads 1/,
    );
    assert.match(refused(`\n${JSON.stringify({ ...entry(1, 1), commit: 5 })}\n`), /:2: commit is missing/);
    assert.match(
      refused(`${JSON.stringify({ ...entry(1, 1), metrics: [{}] })}\n`),
      /metrics\.0: expected name, unit, value and direction/,
    );
    assert.throws(() => readHistory(join(folder, "none")), /none: no such file/);
    assert.throws(() => appendHistory(folder, [entry(1, 1)]), /cannot append to .*EISDIR/);
  });
});

test("the command prints levels and changes, as text and JSON", async () => {
  await withFolder((folder) => {
    const file = join(folder, "history.jsonl");
    appendHistory(file, history());
    appendFileSync(file, '{"format":"eastw');
    const { status, stdout, stderr } = eastwest("trend", file);
    assert.equal(status, 0);
    assert.match(stderr, /history\.jsonl:61: cut off or not JSON, left out/);
    assert.match(
      stdout,
      /^dvr\/ns: 3,2\d\d ns ±\d\.\d % over 30 results on A\n {2}regression {2}\+\d\.\d % .* at 000000000000 /m,
    );
    assert.match(stdout, /dvr\/ns: 1,\d+ ns .* on B\n {2}no change/);
    const changed = eastwest("trend", file, "--changed", "--metric", "Mpps");
    assert.match(changed.stdout, /^dvr\/Mpps: .* on A\n {2}regression .*\n\n1 series without a change\n$/);
    const json = JSON.parse(eastwest("trend", file, "--json").stdout) as Series[];
    assert.equal(json[0].changes[0].commit, commit(20));
  });
});

test("adding results of run; what is wrong is one line and exit code 2", async () => {
  await withFolder((folder) => {
    const result = join(folder, "result.json");
    const file = join(folder, "history.jsonl");
    assert.equal(eastwest("run", "--mode", "dvr", "--seconds", "0.2", "--quiet", "--json", result).status, 0);
    for (const name of ["v1", "HEAD"]) {
      const { status, stdout, stderr } = eastwest("trend", file, "--add", result, "--commit", name);
      assert.equal(status, 0, stderr);
      assert.match(stdout, /^dvr\/ns per delivered packet: [\d,.]+ ns/);
    }
    assert.deepEqual(
      readHistory(file).entries.map((of) => [of.commit, of.metrics.length]),
      [
        ["v1", 1],
        [workTree(packageRoot)?.commit ?? "HEAD", 1],
      ],
    );
    for (const [args, message] of [
      [["trend", join(folder, "none")], /none: no such file or directory/],
      [["trend", file, "--commit", "x"], /no --add/],
      [
        ["trend", file, "--add", result, "--add", join(folder, "gone.json"), "--commit", "v3"],
        /gone\.json: no such file/,
      ],
    ] as const) {
      const { status, stderr } = eastwest(...args);
      assert.deepEqual([status, stderr.trimEnd().split("\n").length], [2, 1], stderr);
      assert.match(stderr, message);
    }
    // Nothing was half appended.
    assert.equal(readHistory(file).entries.length, 2);
  });
});
