/**
 * Rule texts that Open vSwitch has been asked about: one question each by hand, then mixtures drawn from a seed.
 * record-rule-text.ts asks; rule-text.test.ts compares what our reader makes of them.
 */
import { ACTIONS } from "./rule-action-texts.ts";
import { BAD_MATCHES, MATCHES } from "./rule-match-texts.ts";

/** Ports of the bridge that the texts speak of, besides LOCAL. */
export const PORTS: Readonly<Record<string, number>> = { p1: 1, p2: 2, p3: 3, "eth-4": 4 };

/** Matches that make most prerequisites true, one after the other. */
const UNDER: readonly string[] = [
  "",
  "ip",
  "tcp",
  "udp",
  "sctp",
  "icmp",
  "ipv6",
  "icmp6",
  "arp",
  "mpls",
  "dl_vlan=5",
  "tcp,dl_vlan=5",
];
const COMMON: readonly string[] = ["ip", "tcp,dl_vlan=5", "ipv6", "arp", "mpls"];
const ND: readonly string[] = ["icmp6,icmp_type=135,icmp_code=0", "icmp6,icmp_type=136,icmp_code=0"];

/** Those actions that depend on the match. */
const DEPENDENT =
  /set_field|load|move|push|pop|mod_|dec_|set_|fin_|strip|learn|bundle|multipath|output:tun|check_pkt|encap|decap|note|clone\(mod/;

export interface Question {
  readonly text: string;
  /** OpenFlow versions by wire number. */
  readonly versions: readonly number[];
  /** Also record how dump-flows prints it. */
  readonly dump?: boolean;
}

const EVERY = [1, 2, 3, 4, 5, 6];

/** mulberry32. */
function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** All questions, always the same ones. */
export function questions(mixtures = 600, seed = 20): Question[] {
  const out: Question[] = [];
  for (const match of MATCHES) out.push({ text: `${match} actions=output:1`, versions: EVERY, dump: true });
  for (const match of BAD_MATCHES) out.push({ text: `${match} actions=output:1`, versions: [1, 4] });
  for (const actions of ACTIONS) out.push({ text: `actions=${actions}`, versions: EVERY, dump: true });
  for (const actions of ACTIONS) {
    if (!DEPENDENT.test(actions)) continue;
    const nd = /nd_|icmpv6/.test(actions);
    for (const match of nd ? [...COMMON, ...ND] : COMMON) {
      out.push({ text: `${match} actions=${actions}`, versions: [1, 4] });
    }
  }
  out.push({ text: "priority=5", versions: [1] }, { text: "ip action=1", versions: [1] });
  out.push({ text: "ip,actions=1", versions: [1, 4] }, { text: "table=5,ip,actions=goto_table:6", versions: [1, 4] });
  out.push({ text: "table=5,ip,actions=goto_table:5", versions: [1, 4] });
  const random = generator(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  for (let i = 0; i < mixtures; i++) {
    const match = [pick(UNDER), pick(MATCHES), random() < 0.4 ? pick(MATCHES) : ""].filter((m) => m !== "").join(",");
    const actions = Array.from({ length: 1 + Math.floor(random() * 3) }, () => pick(ACTIONS)).filter((a) => a !== "");
    out.push({ text: `${match} actions=${actions.join(",")}`, versions: [pick(EVERY)] });
  }
  return out;
}
