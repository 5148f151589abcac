/**
 * The caches never change an answer: the same packets through the same bridges give the same frames at the same ports with
 * every packet an upcall (the slow twin), with megaflows only, and with the exact-match cache in front; also when rules are
 * removed and added between packets and MAC addresses move. Cases come from the generator of the conformance runs, seeded;
 * a failure names family, seed and index.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readCase } from "../../bench/ovs-cases/case.ts";
import { FAMILIES, generate } from "../conformance/families.ts";
import { Random } from "../conformance/random.ts";
import { Side } from "./side.ts";

const SEED = Number(process.env["EASTWEST_SEED"] ?? 1);
const CASES = Number(process.env["EASTWEST_CASES"] ?? 12);
/** Rounds through the packets of a case: the first fills the caches, the others hit them. */
const ROUNDS = 3;

for (const family of FAMILIES) {
  test(`caches on and off agree: ${family}, seed ${SEED}, ${CASES} cases`, () => {
    let packets = 0;
    let hits = 0;
    for (let index = 0; index < CASES; index++) {
      const generated = generate(family, SEED, index);
      const one = readCase(generated.one, generated.one.name);
      const random = new Random(`${family} ${SEED} ${index} caches`);
      let sides: Side[];
      try {
        sides = [
          new Side(one.bridges, one.vlanLimit, { megaflow: false }),
          new Side(one.bridges, one.vlanLimit, { emc: { entries: 0 } }),
          new Side(one.bridges, one.vlanLimit, { emc: { insertInverse: 1 } }),
        ];
      } catch (error) {
        // What the switch refuses by name, Open vSwitch's own run has to judge.
        if (error instanceof Error && error.name === "FlowSyntaxError") continue;
        throw error;
      }
      const flows = one.bridges.map((bridge) => bridge.flows.split("\n").filter((line) => line.trim() !== ""));
      for (let round = 0; round < ROUNDS; round++) {
        for (const [p, event] of one.packets.entries()) {
          if (!("hex" in event) || event.hex === undefined) continue;
          const frame = new Uint8Array(Buffer.from(event.hex, "hex"));
          const [slow, megaflows, all] = sides.map((side) => side.send(event.bridge, event.in_port, frame));
          const where = `${family}-${SEED}-${index}, round ${round}, packet ${p}`;
          assert.deepEqual(megaflows, slow, `megaflows: ${where}`);
          assert.deepEqual(all, slow, `exact-match cache: ${where}`);
          packets++;
          // Now and then a rule goes or comes back: nothing stale may be left.
          if (!random.chance(25)) continue;
          const b = random.below(flows.length);
          if (flows[b].length === 0) continue;
          const rule = random.pick(flows[b]);
          const match = matchOf(rule);
          try {
            for (const side of sides) {
              const { name, openflow } = one.bridges[b];
              if (match !== undefined && (round + p) % 2 === 0) side.switch.delFlows(name, match, { openflow });
              else side.switch.addFlows(name, rule, { openflow });
            }
          } catch (error) {
            // A text that del-flows does not take: refused by the first side, so all still have the same rules.
            if (!(error instanceof Error) || error.name !== "FlowSyntaxError") throw error;
          }
        }
      }
      for (const side of sides) assert.ok(side.conserves(), `${family}-${SEED}-${index}: counters`);
      hits += sides[1].datapath.counters.get("megaflow");
    }
    assert.ok(packets > 0, `${packets} packets`);
    // A cache that never hits would agree with anything.
    assert.ok(hits > packets / 10, `${hits} hits for ${packets} packets`);
  });
}

/** The match of a rule's text, as del-flows takes it; undefined where it has none to speak of. */
function matchOf(rule: string): string | undefined {
  const at = rule.search(/,?\s*actions=/);
  const parts = rule
    .slice(0, at)
    .split(/[\s,]+(?![^(]*\))/)
    .filter(
      (part) =>
        part !== "" &&
        !/^(priority|cookie|idle_timeout|hard_timeout|importance|send_flow_rem|check_overlap)\b/.test(part),
    );
  return parts.length === 0 ? undefined : parts.join(",");
}
