import assert from "node:assert/strict";
import { test } from "node:test";
import { lockMachine } from "../../../bench/peers/machine-lock.ts";
import { Undo } from "../../../bench/peers/undo.ts";

test("the second waits until the first has gone, and says so once", {
  skip: process.platform !== "linux",
}, async () => {
  const name = `\0eastwest-test-${process.pid}`;
  const [first, second] = [new Undo(), new Undo()];
  await lockMachine(first, () => assert.fail("nobody holds it"), name);
  let waited = 0;
  let got = false;
  const wanting = lockMachine(second, () => waited++, name).then(() => {
    got = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 600));
  assert.equal(waited, 1);
  assert.equal(got, false);
  assert.deepEqual(await first.run(), []);
  await wanting;
  assert.equal(waited, 1);
  await second.run();
});
