/**
 * `learn`: a rule made from the packet (OVS: learn_execute in lib/learn.c, xlate_learn_action). The packet that makes it
 * does not use it yet; packets after it keep it young.
 */
import { VLAN_PRESENT, W_PORTS, W_VLAN0 } from "../flow/flow-key.ts";
import {
  type LearnAction,
  OFPP_ALL,
  OFPP_FLOOD,
  OFPP_IN_PORT,
  OFPP_LOCAL,
  OFPP_MAX,
  type OfAction,
} from "../openflow/action.ts";
import { formatActions } from "../openflow/action-format.ts";
import { bitsMask, type FieldValue, fieldOr, orBits, type Subfield, subfieldGet, takeBits } from "../openflow/field.ts";
import { Match } from "../openflow/match.ts";
import { formatMatch } from "../openflow/match-format.ts";
import { needEthernet } from "../openflow/match-text.ts";
import { FLAG_SEND_FLOW_REM, type FlowMod } from "../openflow/rule.ts";
import { examineSubfield, writeSubfield } from "./flow-field.ts";
import type { XlateState } from "./xlate-state.ts";

/** A right-aligned value moved to where the subfield lies in its field. */
function placed(subfield: Subfield, value: FieldValue): FieldValue {
  const out = new Int32Array(4);
  for (let done = 0; done < subfield.width; done += 32) {
    const width = Math.min(32, subfield.width - done);
    orBits(out, subfield.at + done, width, takeBits(value, done, width));
  }
  return out;
}

/** mf_write_subfield: the match gets these bits of the field too. */
function matchSubfield(match: Match, subfield: Subfield, value: FieldValue): void {
  const { field } = subfield;
  const bits = bitsMask(subfield.at, subfield.width);
  const words = new Int32Array(match.value.length);
  const mask = new Int32Array(match.value.length);
  fieldOr(field, words, placed(subfield, value));
  fieldOr(field, mask, bits);
  // A match on a whole VLAN field is one on a tag being there; ICMP fields are 16 bits wide in a match.
  if (field.name === "dl_vlan" || field.name === "dl_vlan_pcp" || field.name === "vlan_pcp") {
    words[W_VLAN0] |= VLAN_PRESENT;
    mask[W_VLAN0] |= VLAN_PRESENT;
  } else if (field.name.startsWith("icmp")) {
    mask[W_PORTS] |= field.name.endsWith("type") ? 0xffff0000 | 0 : 0xffff;
  }
  for (let w = 0; w < mask.length; w++) if (mask[w] !== 0) match.setBits(w, words[w], mask[w]);
  if (field.prerequisite !== "none") needEthernet(match);
}

/** The rule that `learn` makes of the packet, as the message that adds it (learn_execute). */
export function learnedRule(learn: LearnAction, flow: Int32Array): FlowMod {
  const match = new Match();
  const actions: OfAction[] = [];
  if (learn.finIdleTimeout !== 0 || learn.finHardTimeout !== 0) {
    actions.push({ kind: "fin_timeout", idle: learn.finIdleTimeout, hard: learn.finHardTimeout });
  }
  for (const spec of learn.specs) {
    const value = spec.source === undefined ? spec.value! : subfieldGet(spec.source, flow, new Int32Array(4)).slice();
    if (spec.kind === "match") {
      matchSubfield(match, spec.destination!, value);
    } else if (spec.kind === "load") {
      const destination = spec.destination!;
      actions.push({
        kind: "set_field",
        field: destination.field,
        value: placed(destination, value),
        mask: bitsMask(destination.at, destination.width),
        load: true,
        hasVlan: false,
      });
    } else {
      const port = value[3] & 0xffff;
      const fits = value[0] === 0 && value[1] === 0 && value[2] === 0 && value[3] >>> 16 === 0;
      const known = port < OFPP_MAX || [OFPP_IN_PORT, OFPP_FLOOD, OFPP_LOCAL, OFPP_ALL].includes(port);
      if ((fits || spec.bits <= 16) && known) actions.push({ kind: "output", port, maxLength: 0 });
    }
  }
  return {
    command: "modify_strict",
    table: learn.table,
    priority: learn.priority,
    match,
    actions,
    newCookie: learn.cookie,
    modifyCookie: true,
    cookie: 0n,
    cookieMask: 0n,
    idleTimeout: learn.idleTimeout,
    hardTimeout: learn.hardTimeout,
    importance: 0,
    flags: learn.sendFlowRemoved ? FLAG_SEND_FLOW_REM : 0,
    outPort: undefined,
    outGroup: undefined,
  };
}

/** What a person sees of it: the rule, or that tracing makes none. */
function noteLearned(x: XlateState, mod: FlowMod): void {
  if (!x.sideEffects) {
    x.note("warn", "suppressing side effects, so learn action ignored");
    return;
  }
  const match = formatMatch(mod.match);
  const cookie = mod.newCookie === 0n ? "" : ` cookie=0x${mod.newCookie.toString(16)}`;
  const idle = mod.idleTimeout === 0 ? "" : ` idle=${mod.idleTimeout}`;
  const hard = mod.hardTimeout === 0 ? "" : ` hard=${mod.hardTimeout}`;
  const actions = formatActions(mod.actions);
  x.note("detail", `table=${mod.table} ${match} priority=${mod.priority}${cookie}${idle}${hard} actions=${actions}`);
}

export function executeLearn(x: XlateState, learn: LearnAction): void {
  const { flow, mask, bridge } = x;
  for (const spec of learn.specs) if (spec.source !== undefined) examineSubfield(spec.source, mask);
  const mod = learnedRule(learn, flow);
  let success = true;
  if (x.trace !== undefined) noteLearned(x, mod);
  // Nothing is done with it, not even a result written.
  if (!x.remembers) return;
  if (!x.sideEffects) {
    // Whether a packet would find room cannot be known without one: what it made before must still be there.
    if (!bridge.tables.knows(mod)) x.suppressed = true;
    success = learn.limit === 0 || bridge.tables.holds(mod);
  } else {
    const before = bridge.tables.exactly(mod.table, mod.match, mod.priority)?.actions;
    const { rule, added, changed } = bridge.tables.learn(mod, learn.limit, x.now);
    success = rule !== undefined;
    if (rule !== undefined && added) x.withhold(rule);
    else if (rule !== undefined && changed && before !== undefined) x.keepActions(rule, before);
  }
  if (learn.result !== undefined) {
    examineSubfield(learn.result, mask);
    writeSubfield(learn.result, flow, Int32Array.of(0, 0, 0, success ? 1 : 0));
    x.reportSubfield(learn.result);
  }
  if (success) {
    x.effects.repeats((now, first) => {
      if (first || bridge.tables.knows(mod)) bridge.tables.learn(mod, learn.limit, now);
    });
  } else {
    x.note("detail", "Limit exceeded, learn failed");
  }
}
