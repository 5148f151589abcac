/** Texts that people hand over: what does not fit is refused before V8 ends the program. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { getHeapStatistics } from "node:v8";
import { checkRoom } from "../../bench/input-file.ts";

test("rules that do not fit into the heap are refused in one line, with the way out", () => {
  checkRoom("few.flows", "priority=1 actions=drop\n".repeat(20_000));
  const lines = Math.ceil(getHeapStatistics().heap_size_limit / 7000) + 1;
  assert.throws(
    () => checkRoom("many.flows", "\n".repeat(lines)),
    new RegExp(`^InputError: many.flows: ${lines} rules need about .* NODE_OPTIONS=--max-old-space-size=\\d+$`),
  );
});
