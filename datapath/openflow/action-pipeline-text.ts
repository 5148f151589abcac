/**
 * Actions and instructions about the rules themselves, and about the way through the tables.
 */

import type { OfAction } from "./action.ts";
import { type ActionContext, hexBytes } from "./action-argument.ts";
import { parseLearn } from "./learn-text.ts";
import { decimal, integerPrefix, keyValues, type Span, shown, u16, unsigned, wordsOf } from "./syntax.ts";

/** The action, or undefined: the name is none of these. */
export function parsePipelineAction(
  name: string,
  key: Span,
  value: Span,
  context: ActionContext,
): OfAction | undefined {
  const { ports } = context;
  switch (name) {
    case "fin_timeout": {
      let idle = 0;
      let hard = 0;
      for (const pair of keyValues(value)) {
        if (pair.key.text === "idle_timeout") idle = u16(pair.value, "idle_timeout");
        else if (pair.key.text === "hard_timeout") hard = u16(pair.value, "hard_timeout");
        else pair.key.fail(`${shown(pair.key.text)} in fin_timeout`, "idle_timeout or hard_timeout");
      }
      return { kind: "fin_timeout", idle, hard };
    }
    case "learn":
      return parseLearn(value, { ports, known: context.known });
    case "conjunction": {
      const found = /^\s*(\+?\w+)\s*,\s*(\d+)\s*\/\s*(\d+)\s*$/.exec(value.text);
      const id = found === null ? undefined : integerPrefix(found[1]);
      if (id === undefined || id.length !== found![1].length || id.value > 0xffffffffn) {
        return value.fail(`conjunction(${value.text})`, "conjunction(ID,K/N)");
      }
      const clause = Number(found![2]);
      const clauses = Number(found![3]);
      if (clauses < 2 || clauses > 64 || clause < 1 || clause > clauses) {
        value.fail(`clause ${clause} of ${clauses}`, "2 to 64 clauses, counted from 1");
      }
      return { kind: "conjunction", id: Number(id.value), clause: clause - 1, clauses };
    }
    case "note":
      return { kind: "note", bytes: hexBytes(value) };
    case "exit":
      return { kind: "exit" };
    case "clear_actions":
      return { kind: "clear_actions" };
    case "write_metadata": {
      const slash = value.text.indexOf("/");
      const bits = wordsOf(unsigned(slash < 0 ? value : value.slice(0, slash), 64, "metadata"));
      const mask = slash < 0 ? wordsOf(0xffffffffffffffffn) : wordsOf(unsigned(value.slice(slash + 1), 64, "mask"));
      return { kind: "write_metadata", valueHigh: bits[2], valueLow: bits[3], maskHigh: mask[2], maskLow: mask[3] };
    }
    case "goto_table": {
      const table = decimal(value, 8, "table");
      if (context.table !== 255 && table <= context.table) {
        value.fail(`goto_table:${table} from table ${context.table}`, "a later table");
      }
      if (table === 255 || (table === 0 && context.known !== undefined)) {
        value.fail(`goto_table:${table}`, "a table from 1 to 254");
      }
      return { kind: "goto_table", table };
    }
    case "apply_actions":
      return key.fail("apply_actions", "the actions themselves: to be applied is what they are for by default");
    default:
      return undefined;
  }
}
