import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { packageRoot } from "../../../bench/paths.ts";
import { Undo } from "../../../bench/peers/undo.ts";
import { withUndo } from "../../../bench/peers/with-undo.ts";

test("last in, first out, once, each even when another fails", async () => {
  const undo = new Undo();
  const seen: string[] = [];
  undo.add("first", () => void seen.push("first"));
  undo.add("second", () => {
    throw new Error("stuck");
  });
  undo.add("third", async () => void seen.push("third"));
  assert.deepEqual(await undo.run(), ["second: stuck"]);
  assert.deepEqual(await undo.run(), ["second: stuck"]);
  assert.deepEqual(seen, ["third", "first"]);
});

test("what comes after the end is taken back at once", async () => {
  const undo = new Undo();
  await undo.run();
  let late = false;
  undo.add("late", () => {
    late = true;
  });
  await Promise.resolve();
  assert.equal(late, true);
});

test("work that fails is undone and its error goes on", async () => {
  let back = false;
  const work = withUndo(
    async (undo) => {
      undo.add("step", () => {
        back = true;
      });
      throw new Error("broken");
    },
    () => assert.fail("nothing to warn of"),
  );
  await assert.rejects(work, /broken/);
  assert.equal(back, true);
});

for (const [signal, code] of Object.entries({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 })) {
  test(`${signal} undoes and ends with ${code}`, () => {
    const undo = pathToFileURL(join(packageRoot, "dist", "bench", "peers", "with-undo.js"));
    const program = `
      const { withUndo } = await import(${JSON.stringify(undo.href)});
      await withUndo(async (undo) => {
        undo.add("step", () => process.stdout.write("undone"));
        setTimeout(() => process.kill(process.pid, "${signal}"), 10);
        await new Promise((resolve) => setTimeout(resolve, 20_000));
      }, console.error, () => process.stdout.write(", half of it done"));
      process.stdout.write("went on");`;
    const done = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
      encoding: "utf8",
      timeout: 15_000,
    });
    assert.equal(done.stdout, "undone, half of it done");
    assert.equal(done.status, code);
  });
}
