/**
 * A rule file in which every rule carries its own cookie, so that two switches that got it can be asked how often each rule
 * was used, whatever order and spelling they print their tables in. A cookie does nothing to packets.
 * Cookies that a rule already had are replaced; those inside `learn(...)` stay.
 */

export interface NumberedRules {
  /** The text for `ovs-ofctl add-flows`. */
  readonly text: string;
  /** By cookie ("0x1"): line in the file (from 1) and the rule as it was written. */
  readonly rules: ReadonlyMap<string, { readonly line: number; readonly rule: string }>;
}

/** Numbers the rules of a file as `ovs-ofctl add-flows` takes it: one a line, `#` comments, an optional "add" in front. */
export function numberRules(text: string): NumberedRules {
  const rules = new Map<string, { line: number; rule: string }>();
  const lines = text.split("\n").map((line, i) => {
    const rule = line.replace(/#.*$/, "").trim();
    if (rule === "") return line;
    const [, command, body] = /^(add\s+|)(.*)$/.exec(rule) ?? ["", "", rule];
    // Another command (modify, delete): it changes rules, it is none.
    if (/^(modify|delete)(_strict)?\s/.test(body)) return line;
    const cookie = `0x${(rules.size + 1).toString(16)}`;
    rules.set(cookie, { line: i + 1, rule });
    const actions = body.search(/\bactions?=/);
    const match = actions < 0 ? body : body.slice(0, actions);
    const rest = actions < 0 ? "" : body.slice(actions);
    const bare = match.replace(/(^|[\s,])cookie=[^\s,]*[\s,]*/g, "$1");
    return `${command}cookie=${cookie},${bare}${rest}`;
  });
  return { text: lines.join("\n"), rules };
}

const DUMPED = /\bcookie=(0x[0-9a-f]+),.*\bn_packets=(\d+), n_bytes=(\d+)/;

export interface RuleCount {
  readonly packets: number;
  readonly bytes: number;
}

/**
 * Packets and bytes by cookie out of `ovs-ofctl dump-flows`; rules without a number (learned ones) under their cookie as
 * well, "0x0" as a rule, added up. Throws an Error when the text holds neither a rule nor the reply's head line.
 */
export function parseRuleCounts(dump: string): Map<string, RuleCount> {
  const counts = new Map<string, RuleCount>();
  for (const line of dump.split("\n")) {
    const [, cookie, packets, bytes] = DUMPED.exec(line) ?? [];
    if (cookie === undefined) continue;
    const before = counts.get(cookie) ?? { packets: 0, bytes: 0 };
    counts.set(cookie, { packets: before.packets + Number(packets), bytes: before.bytes + Number(bytes) });
  }
  if (counts.size === 0 && !/ST_FLOW reply/.test(dump))
    throw new Error("dump-flows: not understood: no rule and no reply line");
  return counts;
}
