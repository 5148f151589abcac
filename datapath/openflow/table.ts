/**
 * The flow tables of a bridge, and what flow mods do to them (OVS: ofproto/ofproto.c, add_flow, modify_flows, delete_flows).
 * Time is virtual, in nanoseconds, and only ever given from outside.
 */

import type { OfAction } from "./action.ts";
import { sameActions } from "./action-equal.ts";
import { Classifier, DEFAULT_PREFIX_FIELDS } from "./classifier.ts";
import { type Group, type GroupMod, OFPG_ALL } from "./group.ts";
import type { Match } from "./match.ts";
import { FLAG_CHECK_OVERLAP, FLAG_RESET_COUNTS, type FlowMod, Rule } from "./rule.ts";
import type { Conjunction, Entry } from "./subtable.ts";

const NONE: readonly Rule[] = [];

/** Tables 0 to 253 are OpenFlow's; 254 is internal to Open vSwitch and 255 means "all" or "the current one". */
export const TABLES = 255;

/** A flow mod that cannot be done; the message says which. */
export class FlowModError extends Error {}

/** What `learn` did: `rule` undefined when the limit forbade it. */
export interface Learned {
  readonly rule: Rule | undefined;
  readonly added: boolean;
  /** A translation may now be another. */
  readonly changed: boolean;
}

export class FlowTables {
  /** Raised by every change that can change a translation. */
  epoch = 0;
  private readonly tables: (Classifier<Rule> | undefined)[] = new Array(TABLES).fill(undefined);
  private readonly entries = new Map<Rule, Entry<Rule>>();
  private readonly groups = new Map<number, Group>();
  /** How many rules learn with delete_learned into a table under a cookie ("table/cookie"): their rules go with the last. */
  private readonly learners = new Map<string, number>();
  private readonly prefixes: Readonly<Record<string, readonly string[]>>;
  /** Rules with a timeout, so that expire need not look at all. */
  private readonly mortal = new Set<Rule>();

  /** `prefixes`: fields with a prefix trie by table number, as Open vSwitch's Flow_Table has them; default nw_dst, nw_src. */
  constructor(prefixes: Readonly<Record<string, readonly string[]>> = {}) {
    this.prefixes = prefixes;
    for (const table of Object.keys(prefixes)) {
      const number = Number(table);
      if (!Number.isInteger(number) || number < 0 || number >= TABLES) {
        throw new Error(`prefixes of table ${JSON.stringify(table)}: expected a number from 0 to ${TABLES - 1}`);
      }
      this.table(number); // complains of bad names at once
    }
  }

  private table(number: number): Classifier<Rule> {
    let table = this.tables[number];
    if (table === undefined) {
      table = new Classifier<Rule>(this.prefixes[number] ?? DEFAULT_PREFIX_FIELDS);
      this.tables[number] = table;
    }
    return table;
  }

  /** Rules in all tables. */
  get size(): number {
    return this.entries.size;
  }

  /**
   * The rule of `table` for `flow` (FLOW_WORDS words; conj_id is used during the call); adds to `wildcards` what was looked
   * at. A rule that `hidden` names is passed over as one that is not yet visible in OVS: its mask counts, it does not.
   */
  lookup(table: number, flow: Int32Array, wildcards?: Int32Array, hidden?: (rule: Rule) => boolean): Rule | undefined {
    return this.tables[table]?.lookup(flow, wildcards, hidden)?.owner;
  }

  /** The rule of `table` with exactly that match and priority. */
  exactly(table: number, match: Match, priority: number): Rule | undefined {
    return this.tables[table]?.exactly(match, priority)?.owner;
  }

  /** Does what the message says. Returns the rules added, changed or removed. */
  apply(mod: FlowMod, now: number): readonly Rule[] {
    switch (mod.command) {
      case "add":
        return [this.add(mod, now)];
      case "modify":
      case "modify_strict":
        return this.modify(mod, now);
      default:
        return this.delete(mod);
    }
  }

  private add(mod: FlowMod, now: number): Rule {
    const number = mod.table === 255 ? 0 : mod.table;
    const table = this.table(number);
    const old = table.exactly(mod.match, mod.priority)?.owner;
    if (old === undefined && (mod.flags & FLAG_CHECK_OVERLAP) !== 0) this.checkOverlap(table, mod);
    const rule = new Rule(mod, number, now);
    if (old !== undefined) {
      if ((mod.flags & FLAG_RESET_COUNTS) === 0) {
        rule.packets = old.packets;
        rule.bytes = old.bytes;
        rule.used = Math.max(rule.used, old.used);
      }
      if (!mod.modifyCookie) rule.cookie = old.cookie;
      // The new one takes the old one's place in its subtable before that is emptied, so the subtable keeps its place.
      this.replace(old, rule);
    } else {
      this.insert(rule);
    }
    return rule;
  }

  private checkOverlap(table: Classifier<Rule>, mod: FlowMod): void {
    for (const entry of table.matching(undefined)) {
      if (entry.priority === mod.priority && entry.match.overlaps(mod.match)) {
        throw new FlowModError("the rule overlaps another of the same priority (check_overlap)");
      }
    }
  }

  private modify(mod: FlowMod, now: number): readonly Rule[] {
    const rules = this.select(mod);
    for (const rule of rules) {
      if (!sameActions(rule.actions, mod.actions)) {
        const before = rule.actions;
        rule.actions = mod.actions;
        this.startLearning(mod.actions);
        this.stopLearning(before);
        this.entries.get(rule)!.conjunctions = conjunctionsOf(mod.actions);
        this.epoch++;
      }
      if (mod.modifyCookie) rule.cookie = mod.newCookie;
      this.table(rule.table).renew(this.entries.get(rule)!);
      if ((mod.flags & FLAG_RESET_COUNTS) !== 0) {
        rule.packets = 0;
        rule.bytes = 0;
      }
      rule.modified = now;
    }
    if (rules.length > 0 || mod.cookieMask !== 0n || mod.mayAdd === false) return rules;
    return [this.add({ ...mod, command: "add" }, now)];
  }

  private delete(mod: FlowMod): readonly Rule[] {
    const rules = this.select(mod);
    this.removeAll(rules);
    return rules;
  }

  /** The rules that a modify or delete is about. */
  private select(mod: FlowMod): Rule[] {
    const strict = mod.command === "modify_strict" || mod.command === "delete_strict";
    const selected: Rule[] = [];
    const first = mod.table === 255 ? 0 : mod.table;
    const last = mod.table === 255 ? TABLES - 1 : mod.table;
    for (let number = first; number <= last; number++) {
      const table = this.tables[number];
      if (table === undefined) continue;
      if (strict) {
        const entry = table.exactly(mod.match, mod.priority);
        if (entry !== undefined && wanted(entry.owner, mod)) selected.push(entry.owner);
      } else {
        for (const entry of table.matching(mod.match)) if (wanted(entry.owner, mod)) selected.push(entry.owner);
      }
    }
    return selected;
  }

  /** Puts a rule in that is in no table yet (a removed one may come back). */
  insert(rule: Rule): void {
    this.entries.set(
      rule,
      this.table(rule.table).insert(rule.match, rule.priority, rule, conjunctionsOf(rule.actions)),
    );
    if (rule.idleTimeout !== 0 || rule.hardTimeout !== 0) this.mortal.add(rule);
    rule.live = true;
    this.startLearning(rule.actions);
    this.epoch++;
  }

  remove(rule: Rule): void {
    const entry = this.entries.get(rule);
    if (entry === undefined) return;
    this.table(rule.table).remove(entry);
    this.forget(rule);
  }

  private removeAll(rules: readonly Rule[]): void {
    for (const number of new Set(rules.map((rule) => rule.table))) {
      const own = rules.filter((rule) => rule.table === number && this.entries.has(rule));
      this.table(number).removeAll(own.map((rule) => this.entries.get(rule)!));
      for (const rule of own) this.forget(rule);
    }
  }

  private replace(old: Rule, rule: Rule): void {
    const entry = this.entries.get(old)!;
    this.insert(rule);
    this.table(old.table).remove(entry);
    this.forget(old);
  }

  private forget(rule: Rule): void {
    this.entries.delete(rule);
    this.mortal.delete(rule);
    rule.live = false;
    this.stopLearning(rule.actions);
    this.epoch++;
  }

  private startLearning(actions: readonly OfAction[]): void {
    for (const key of learnerKeys(actions)) this.learners.set(key, (this.learners.get(key) ?? 0) + 1);
  }

  /** With the last rule that learns there, what was learned goes (ofproto.c: learned_cookies_dec). */
  private stopLearning(actions: readonly OfAction[]): void {
    for (const key of learnerKeys(actions)) {
      const left = (this.learners.get(key) ?? 1) - 1;
      if (left > 0) {
        this.learners.set(key, left);
        continue;
      }
      this.learners.delete(key);
      const [table, cookie] = key.split("/");
      for (const entry of [...(this.tables[Number(table)]?.matching(undefined) ?? [])]) {
        if (entry.owner.cookie === BigInt(cookie)) this.remove(entry.owner);
      }
    }
  }

  /** `learn` with this would change nothing but the age of a rule. */
  knows(mod: FlowMod): boolean {
    const rule = this.exactly(mod.table, mod.match, mod.priority);
    return rule !== undefined && rule.cookie === mod.newCookie && sameActions(rule.actions, mod.actions);
  }

  /**
   * The learn action's flow mod (a strict modify that adds, ofproto_flow_mod_learn): the same rule again stays as it is and
   * young. `limit`: at most so many rules with its cookie in its table, 0 = any number.
   */
  learn(mod: FlowMod, limit: number, now: number): Learned {
    const table = this.table(mod.table);
    // Also a rule that would only change counts against the limit; the same rule again does not.
    if (limit !== 0 && !this.holds(mod)) {
      let count = 0;
      for (const entry of table.matching(undefined)) if (entry.owner.cookie === mod.newCookie) count++;
      if (count >= limit) return { rule: undefined, added: false, changed: false };
    }
    const old = table.exactly(mod.match, mod.priority)?.owner;
    if (old !== undefined) {
      const before = this.epoch;
      this.modify(mod, now);
      return { rule: old, added: false, changed: this.epoch !== before };
    }
    return { rule: this.add({ ...mod, command: "add" }, now), added: true, changed: true };
  }

  /** The rule that `mod` would make is there, with all that is its own (ofproto_flow_mod_init_for_learn). */
  holds(mod: FlowMod): boolean {
    const old = this.exactly(mod.table, mod.match, mod.priority);
    return (
      old !== undefined &&
      old.idleTimeout === mod.idleTimeout &&
      old.hardTimeout === mod.hardTimeout &&
      old.importance === mod.importance &&
      old.flags === mod.flags &&
      (!mod.modifyCookie || old.cookie === mod.newCookie) &&
      sameActions(old.actions, mod.actions)
    );
  }

  /** fin_timeout: a rule's timeouts become no longer than these (seconds, 0 = leave). */
  reduceTimeouts(rule: Rule, idle: number, hard: number): void {
    if (idle !== 0 && (rule.idleTimeout === 0 || idle < rule.idleTimeout)) rule.idleTimeout = idle;
    if (hard !== 0 && (rule.hardTimeout === 0 || hard < rule.hardTimeout)) rule.hardTimeout = hard;
    if (rule.live && (rule.idleTimeout !== 0 || rule.hardTimeout !== 0)) this.mortal.add(rule);
  }

  /** Removes the rules whose time has come at `now` (ns) and returns them. */
  expire(now: number): readonly Rule[] {
    if (this.mortal.size === 0) return NONE;
    const gone: Rule[] = [];
    for (const rule of this.mortal) {
      const hard = rule.hardTimeout !== 0 && now > rule.modified + rule.hardTimeout * 1e9;
      if (hard || (rule.idleTimeout !== 0 && now > rule.used + rule.idleTimeout * 1e9)) gone.push(rule);
    }
    for (const rule of gone) this.remove(rule);
    return gone;
  }

  /** All rules by table, in Open vSwitch's order of iteration within each; only those within `criteria` if given. */
  rules(criteria?: Match, table = 255): readonly Rule[] {
    const found: Rule[] = [];
    for (let number = 0; number < TABLES; number++) {
      const classifier = this.tables[number];
      if (classifier === undefined || (table !== 255 && table !== number)) continue;
      for (const entry of classifier.matching(criteria)) found.push(entry.owner);
    }
    return found;
  }

  group(id: number): Group | undefined {
    return this.groups.get(id);
  }

  allGroups(): readonly Group[] {
    return [...this.groups.values()];
  }

  /** Adds, changes or deletes a group; rules that use a deleted group go with it, as OpenFlow says. */
  applyGroup(mod: GroupMod): void {
    const known = this.groups.has(mod.id);
    switch (mod.command) {
      case "add":
        if (known) throw new FlowModError(`group ${mod.id} exists already`);
        this.groups.set(mod.id, mod.group);
        break;
      case "modify":
        if (!known) throw new FlowModError(`there is no group ${mod.id}`);
        this.groups.set(mod.id, mod.group);
        break;
      case "add_or_mod":
        this.groups.set(mod.id, mod.group);
        break;
      default:
        for (const id of mod.id === OFPG_ALL ? [...this.groups.keys()] : [mod.id]) {
          if (!this.groups.delete(id)) continue;
          for (const rule of [...this.entries.keys()]) if (usesGroup(rule.actions, id)) this.remove(rule);
        }
    }
    this.epoch++;
  }
}

function wanted(rule: Rule, mod: FlowMod): boolean {
  if (((rule.cookie ^ mod.cookie) & mod.cookieMask) !== 0n) return false;
  if (mod.command === "modify" || mod.command === "modify_strict") return true;
  if (mod.outPort !== undefined && !outputsTo(rule.actions, mod.outPort)) return false;
  return mod.outGroup === undefined || usesGroup(rule.actions, mod.outGroup);
}

/** ofpacts_output_to_port: outputs named in the rule itself, also in nested lists. */
function outputsTo(actions: readonly OfAction[], port: number): boolean {
  return actions.some(
    (action) =>
      ((action.kind === "output" || action.kind === "enqueue") && action.port === port) ||
      (action.kind === "controller" && port === 0xfffd) ||
      ((action.kind === "clone" || action.kind === "write_actions") && outputsTo(action.actions, port)),
  );
}

function usesGroup(actions: readonly OfAction[], group: number): boolean {
  return actions.some(
    (action) =>
      (action.kind === "group" && action.group === group) ||
      ((action.kind === "clone" || action.kind === "write_actions") && usesGroup(action.actions, group)),
  );
}

/** Where the learn actions with delete_learned put their rules, as "table/cookie". */
function learnerKeys(actions: readonly OfAction[]): string[] {
  return actions.flatMap((action) => {
    if (action.kind === "learn") return action.deleteLearned ? [`${action.table}/${action.cookie}`] : [];
    return action.kind === "clone" || action.kind === "write_actions" ? learnerKeys(action.actions) : [];
  });
}

function conjunctionsOf(actions: readonly OfAction[]): readonly Conjunction[] | undefined {
  const found = actions.filter((action) => action.kind === "conjunction");
  return found.length === 0 ? undefined : found;
}
