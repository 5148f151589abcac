import assert from "node:assert/strict";
import { test } from "node:test";
import { MAC_AGEING_SECONDS, MacTable } from "../../datapath/translate/mac-table.ts";

const S = 1e9;

test("learns, moves and says which of it is news", () => {
  const table = new MacTable();
  assert.equal(table.lookup(1, 0x50540000, 1), -1);
  assert.equal(table.learn(1, 0x50540000, 1, 7, 0), true);
  assert.equal(table.learn(1, 0x50540000, 1, 7, S), false);
  assert.equal(table.lookup(1, 0x50540000, 1), 7);
  assert.equal(table.lookup(2, 0x50540000, 1), -1, "VLANs are apart");
  assert.equal(table.learn(1, 0x50540000, 1, 8, 2 * S), true);
  assert.equal(table.lookup(1, 0x50540000, 1), 8);
  assert.equal(table.size, 1);
});

test("never learns a group address", () => {
  const table = new MacTable();
  assert.equal(table.learn(0, 0x01005e00, 1, 1, 0), false);
  assert.equal(table.learn(0, -1, 0xffff, 1, 0), false);
  assert.equal(table.size, 0);
});

test("addresses with the highest bit set are told apart from others", () => {
  const table = new MacTable();
  table.learn(0, 0xfa163e00 | 0, 1, 1, 0);
  table.learn(0, 0x7a163e00, 1, 2, 0);
  assert.equal(table.lookup(0, 0xfa163e00 | 0, 1), 1);
  assert.equal(table.lookup(0, 0x7a163e00, 1), 2);
});

test("entries go after 300 s without a packet", () => {
  const table = new MacTable();
  table.learn(0, 2, 1, 1, 0);
  table.learn(0, 2, 2, 1, 100 * S);
  table.learn(0, 2, 1, 1, 200 * S);
  assert.equal(table.expire((100 + MAC_AGEING_SECONDS) * S - 1), 0);
  assert.equal(table.expire((100 + MAC_AGEING_SECONDS) * S), 1);
  assert.equal(table.lookup(0, 2, 2), -1);
  assert.equal(table.lookup(0, 2, 1), 1);
});

test("a full table takes from the port that has most, its oldest first", () => {
  const table = new MacTable(4);
  table.learn(0, 2, 1, 1, 1 * S);
  table.learn(0, 2, 2, 2, 2 * S);
  table.learn(0, 2, 3, 2, 3 * S);
  table.learn(0, 2, 4, 2, 4 * S);
  table.learn(0, 2, 2, 2, 5 * S);
  table.learn(0, 2, 5, 3, 6 * S);
  assert.equal(table.size, 4);
  assert.deepEqual(
    [...table.entries()].map((entry) => [entry.low, entry.port]),
    [
      [1, 1],
      [4, 2],
      [2, 2],
      [5, 3],
    ],
  );
});
