/**
 * The classifier against its slow twin, a linear scan over rules in order of priority, on access lists like ClassBench's
 * with ranges expanded: the same rule for each of many packets, with 1,000 and with 10,000 rules (EASTWEST_LOOKUPS=1000000
 * for a million; the scan is slow). And the contract of the
 * mask: no packet that agrees with another in the bits of its mask gets another rule.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FLOW_WORDS, W_NW_DST, W_NW_SRC, W_PORTS, W_TYPE } from "../../datapath/flow/flow-key.ts";
import { Classifier } from "../../datapath/openflow/classifier.ts";
import { Match } from "../../datapath/openflow/match.ts";
import { Random } from "../conformance/random.ts";
import { AclTable } from "./acl.ts";

const WORDS = [W_NW_SRC, W_NW_DST, W_PORTS, W_TYPE];
const IP = 0x0800 << 16;
const LOOKUPS = Number(process.env["EASTWEST_LOOKUPS"] ?? 20_000);

function build(acl: AclTable): Classifier<number> {
  const classifier = new Classifier<number>();
  for (const [index, { priority, value, mask }] of acl.rules.entries()) {
    const match = new Match();
    match.setBits(W_TYPE, IP, 0xffff0000 | 0);
    for (let i = 0; i < 4; i++) match.setBits(WORDS[i], value[i], mask[i]);
    classifier.insert(match, priority, index);
  }
  return classifier;
}

/** Index of the first rule that matches, scanning all by falling priority; of equal priority the first added. */
class LinearScan {
  readonly #columns: Int32Array;

  constructor(acl: AclTable) {
    // Priorities fall with the index, so the order of the list is the order of the scan.
    this.#columns = Int32Array.from(acl.rules.flatMap(({ value, mask }) => [...value, ...mask]));
  }

  find(packet: Int32Array): number {
    const columns = this.#columns;
    const [src, dst, ports, protocol] = packet;
    for (let at = 0; at < columns.length; at += 8) {
      if (((src ^ columns[at]) & columns[at + 4]) !== 0) continue;
      if (((dst ^ columns[at + 1]) & columns[at + 5]) !== 0) continue;
      if (((ports ^ columns[at + 2]) & columns[at + 6]) !== 0) continue;
      if (((protocol ^ columns[at + 3]) & columns[at + 7]) !== 0) continue;
      return at / 8;
    }
    return -1;
  }
}

const flowOf = (packet: Int32Array, flow: Int32Array): void => {
  for (let i = 0; i < 3; i++) flow[WORDS[i]] = packet[i];
  flow[W_TYPE] = IP | packet[3];
};

for (const [count, lookups] of [
  [1_000, LOOKUPS],
  [10_000, LOOKUPS],
] as const) {
  test(`${count} rules: ${lookups} lookups equal a linear scan`, (t) => {
    const acl = new AclTable(count, `acl ${count}`);
    const classifier = build(acl);
    const scan = new LinearScan(acl);
    const flow = new Int32Array(FLOW_WORDS);
    const wildcards = new Int32Array(FLOW_WORDS);
    const packet = new Int32Array(4);
    let matched = 0;
    let us = 0;
    for (let n = 0; n < lookups; n += 1000) {
      // A thousand at a time, so that reading the clock does not count.
      const packets = Array.from({ length: 1000 }, () => {
        acl.packet(packet);
        return packet.slice();
      });
      const found: (number | undefined)[] = new Array(1000).fill(undefined);
      const begin = process.cpuUsage();
      for (let i = 0; i < 1000; i++) {
        flowOf(packets[i], flow);
        found[i] = classifier.lookup(flow, wildcards)?.owner;
      }
      const { user, system } = process.cpuUsage(begin);
      us += user + system;
      for (let i = 0; i < 1000; i++) {
        const expected = scan.find(packets[i]);
        // Rules of equal priority: which one wins is Open vSwitch's order of subtables, so priorities are compared.
        const got = found[i];
        assert.equal(
          got === undefined ? undefined : acl.rules[got].priority,
          expected < 0 ? undefined : acl.rules[expected].priority,
        );
        if (expected >= 0) matched++;
      }
    }
    assert.ok(matched > lookups / 2, `${matched} of ${lookups} matched`);
    t.diagnostic(
      `${count} rules (${acl.rules.length} with ranges expanded): ${(us / lookups).toFixed(1)} us of processor time a lookup`,
    );
  });
}

test("a mask holds every bit that the answer depends on (seed 1)", () => {
  const acl = new AclTable(1_000, "acl masks");
  const classifier = build(acl);
  const random = new Random("masks 1");
  const packet = new Int32Array(4);
  const flow = new Int32Array(FLOW_WORDS);
  let wider = 0;
  for (let n = 0; n < 5_000; n++) {
    acl.packet(packet);
    flowOf(packet, flow);
    const mask = new Int32Array(FLOW_WORDS);
    const rule = classifier.lookup(flow, mask)?.owner;
    const other = flow.slice();
    for (const word of WORDS) other[word] ^= random.word() & ~mask[word] & (word === W_TYPE ? 0xff : -1);
    if (other.some((bits, w) => bits !== flow[w])) wider++;
    assert.equal(classifier.lookup(other, new Int32Array(FLOW_WORDS))?.owner, rule);
  }
  assert.ok(wider > 2_500, `${wider} packets had free bits`);
});
