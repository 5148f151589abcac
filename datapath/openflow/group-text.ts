/**
 * Groups as text: what `ovs-ofctl add-groups` and `del-groups` take, one a line, and what `dump-groups` prints (OVS:
 * lib/ofp-group.c).
 */
import type { OpenFlowVersion } from "./action.ts";
import { OFPP_MAX, OFPP_NONE } from "./action.ts";
import { formatActions } from "./action-format.ts";
import { parseActionList } from "./action-text.ts";
import type { Field, FieldValue } from "./field.ts";
import { formatFieldValue, fullMask, isFull, parseFieldName, parseFieldValue } from "./field-text.ts";
import { type Bucket, type Group, type GroupMod, OFPG_ALL, OFPG_ANY, OFPG_MAX } from "./group.ts";
import { type PortNames, portFromText, portToText } from "./port-name.ts";
import type { TextOptions } from "./rule-text.ts";
import { type KeyValue, keyValues, Span, shown, u16, u32, unsigned } from "./syntax.ts";

const COMMANDS: Readonly<Record<string, GroupMod["command"]>> = {
  add: "add",
  modify: "modify",
  add_or_mod: "add_or_mod",
  delete: "delete",
};
const TYPES: Readonly<Record<string, Group["type"]>> = {
  all: "all",
  select: "select",
  indirect: "indirect",
  ff: "fast_failover",
  fast_failover: "fast_failover",
};

/** All groups of a text, one a line; a line may begin with add, modify, add_or_mod or delete. */
export function parseGroups(text: string, options: TextOptions = {}): GroupMod[] {
  const mods: GroupMod[] = [];
  const lines = text.split("\n");
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i].replace(/#.*$/s, "");
    if (line.trim() !== "")
      mods.push({ ...parseLine(new Span(line, 0, options.file ?? "", i + 1), undefined, options), line: i + 1 });
  }
  return mods;
}

/** One group, for `command` (add by default). */
export function parseGroup(text: string, command: GroupMod["command"] = "add", options: TextOptions = {}): GroupMod {
  return parseLine(new Span(text, 0, options.file ?? "", 1), command, options);
}

function parseLine(line: Span, given: GroupMod["command"] | undefined, options: TextOptions): GroupMod {
  let span: Span = line;
  let command = given ?? "add";
  const first = /^\s*([^,\s=]+)(?=[,\s]|$)/.exec(line.text);
  if (given === undefined && first !== null) {
    if (/^(insert|remove)_bucket/.test(first[1]))
      line.fail(`${first[1]} is not supported`, "add, modify, add_or_mod or delete");
    if (Object.hasOwn(COMMANDS, first[1])) {
      command = COMMANDS[first[1]];
      span = line.slice(first[0].length);
    }
  }
  const version = options.version ?? 1;
  const bucketAt = Array.from(span.text.matchAll(/bucket\s*[=:]/g), (found) => found.index).filter(
    (at) => at === 0 || /[,\s]/.test(span.text[at - 1]),
  );
  const head = span.slice(0, bucketAt[0] ?? span.text.length);
  let id: number | undefined;
  let type: Group["type"] | undefined;
  let selectionMethod = "";
  let selectionParam = 0n;
  const masks = new Map<Field, FieldValue>();
  for (const { key, value } of keyValues(head)) {
    switch (key.text) {
      case "group_id":
        id = parseId(value, command);
        break;
      case "type":
        if (command === "delete") key.fail("the type of a group that goes", "delete group_id=NUMBER");
        type = Object.hasOwn(TYPES, value.text) ? TYPES[value.text] : undefined;
        if (type === undefined) value.fail(`group type ${shown(value.text)}`, "all, select, indirect or ff");
        break;
      case "selection_method":
        if (value.text !== "hash" && value.text !== "dp_hash")
          value.fail(`method ${shown(value.text)}`, "hash or dp_hash");
        selectionMethod = value.text;
        break;
      case "selection_method_param":
        selectionParam = unsigned(value, 64, "selection_method_param");
        break;
      case "fields":
        parseFields(value, masks);
        break;
      default:
        key.fail(
          `${shown(key.text)} in a group`,
          "group_id, type, selection_method, selection_method_param, fields, bucket",
        );
    }
  }
  if (command === "delete") {
    if (bucketAt.length > 0) span.slice(bucketAt[0]).fail("a bucket of a group that goes", "delete group_id=NUMBER");
    id ??= OFPG_ALL;
    const group: Group = { id, type: "all", buckets: [], selectionMethod: "", selectionParam: 0n, fields: [] };
    return { command, id, group };
  }
  if (id === undefined) span.fail("there is no group_id", "group_id=NUMBER");
  if (type === undefined) span.fail("there is no type", "type=all, select, indirect or ff");
  if (selectionMethod !== "" && type !== "select")
    span.fail(`selection_method in a group of type ${type}`, "type=select");
  if (selectionMethod === "" && selectionParam !== 0n) span.fail("selection_method_param alone", "selection_method");
  let fields = [...masks].sort(([a], [b]) => a.id - b.id).map(([field, mask]) => ({ field, mask }));
  if (fields.length > 0 && selectionMethod !== "hash")
    span.fail("fields without selection_method=hash", "selection_method=hash");
  const buckets = parseBuckets(span, bucketAt, type, version, options);
  if (type === "indirect" && buckets.length !== 1) span.fail(`${buckets.length} buckets in an indirect group`, "one");
  if (version > 1 && version < 6) {
    selectionMethod = ""; // there is no place for it in those versions
    selectionParam = 0n;
    fields = [];
  }
  return { command, id, group: { id, type, buckets, selectionMethod, selectionParam, fields } };
}

function parseId(span: Span, command: GroupMod["command"]): number {
  if (span.text.toLowerCase() === "all" && command === "delete") return OFPG_ALL;
  const id = u32(span, "group_id");
  if (id > OFPG_MAX) span.fail(`group_id ${id}`, `at most ${OFPG_MAX}`);
  return id;
}

function parseFields(span: Span, into: Map<Field, FieldValue>): void {
  for (const { key, value } of keyValues(span)) {
    const field = parseFieldName(key);
    if (field.nxm === undefined) key.fail(`field ${key.text} has no OXM name`, "another field");
    if (into.has(field)) key.fail(`field ${key.text} twice`, "each field once");
    if (value.text === "") {
      into.set(field, fullMask(field));
      continue;
    }
    const mask = parseFieldValue(field, value, undefined);
    if (!isFull(field, mask.mask) || mask.value.every((word) => word === 0))
      value.fail(shown(value.text), "a mask that is not 0, written as a value of the field");
    into.set(field, mask.value);
  }
}

function parseBuckets(
  span: Span,
  starts: readonly number[],
  type: Group["type"],
  version: OpenFlowVersion,
  options: TextOptions,
): Bucket[] {
  const ids = new Set<number | undefined>();
  const drafts = starts.map((start, i) => {
    const piece = span.slice(start, starts[i + 1] ?? span.text.length);
    const body = piece.slice(/^bucket\s*[=:]/.exec(piece.text)![0].length);
    const draft = parseBucket(body, type, version, options);
    if (version >= 6 && draft.id !== undefined && ids.has(draft.id))
      body.fail(`bucket_id ${draft.id} twice`, "another");
    ids.add(draft.id);
    return draft;
  });
  const taken = new Set(version >= 6 ? drafts.map((draft) => draft.id) : []);
  let free = 0;
  return drafts.map((draft, i) => {
    let { id } = draft;
    if (version < 6)
      id = i; // only OpenFlow 1.5 sends bucket ids
    else if (id === undefined) {
      while (taken.has(free)) free++;
      id = free++;
    }
    return { ...draft, id };
  });
}

interface Draft extends Omit<Bucket, "id"> {
  readonly id: number | undefined;
}

function parseBucket(body: Span, type: Group["type"], version: OpenFlowVersion, options: TextOptions): Draft {
  let id: number | undefined;
  let weight = type === "select" ? 1 : 0;
  let watchPort = OFPP_NONE;
  let watchGroup = OFPG_ANY;
  let saysActions = false;
  let text = body.text;
  const blank = (pair: KeyValue, to: number): void => {
    const from = pair.key.at - body.at;
    text = text.slice(0, from) + " ".repeat(to - from) + text.slice(to);
  };
  for (const pair of keyValues(body)) {
    const { key, value } = pair;
    const end = value.at - body.at + value.text.length;
    switch (key.text) {
      case "weight":
        weight = u16(value, "weight");
        break;
      case "bucket_id":
        id = u32(value, "bucket_id");
        if (id > 0xffffff00) value.fail(`bucket_id ${id}`, "at most 4294967040");
        break;
      case "watch_port": {
        const port = portFromText(value.text, options.ports);
        if (port === undefined || (port >= OFPP_MAX && port !== OFPP_NONE)) {
          return value.fail(`watch_port ${shown(value.text)}`, "a port below 65280 or ANY");
        }
        watchPort = port;
        break;
      }
      case "watch_group":
        watchGroup = value.text.toUpperCase() === "ANY" ? OFPG_ANY : u32(value, "watch_group");
        break;
      case "action":
      case "actions":
        saysActions = true;
        blank(pair, value.at - body.at);
        continue;
      default:
        continue;
    }
    blank(pair, end);
  }
  if (!saysActions && /^[\s,]*$/.test(text)) body.fail("a bucket without actions", "actions, or actions=drop");
  if (type === "fast_failover" && watchPort === OFPP_NONE && watchGroup === OFPG_ANY) {
    body.fail("a bucket of a fast failover group that watches nothing", "watch_port or watch_group");
  }
  if ((type === "all" || type === "indirect") && (watchPort !== OFPP_NONE || watchGroup !== OFPG_ANY))
    body.fail(`a bucket of a group of type ${type} that watches`, "no watch_port, no watch_group");
  if (weight !== 0 && type !== "select") body.fail(`weight ${weight} in a group of type ${type}`, "type=select");
  const span = new Span(text, body.at, body.file, body.line);
  const actions = parseActionList(span, { version, ports: options.ports, known: undefined, table: 255 });
  return { id, weight, watchPort, watchGroup, actions };
}

/** One line of `dump-groups`, without the blank it begins with. `ids`: print bucket ids, as OpenFlow 1.5 does. */
export function formatGroup(group: Group, ids = false, ports: PortNames = portToText): string {
  const parts = [`group_id=${group.id}`, `type=${group.type === "fast_failover" ? "ff" : group.type}`];
  if (group.selectionMethod !== "") {
    parts.push(`selection_method=${group.selectionMethod}`);
    if (group.selectionParam !== 0n) parts.push(`selection_method_param=${group.selectionParam}`);
    if (group.fields.length > 0) parts.push(formatFields(group.fields));
  }
  for (const bucket of group.buckets) {
    const inner: string[] = [];
    if (ids) inner.push(`bucket_id:${bucket.id}`);
    if (bucket.weight !== (group.type === "select" ? 1 : 0)) inner.push(`weight:${bucket.weight}`);
    if (bucket.watchPort !== OFPP_NONE) inner.push(`watch_port:${ports(bucket.watchPort)}`);
    if (bucket.watchGroup !== OFPG_ANY) inner.push(`watch_group:${bucket.watchGroup}`);
    inner.push(`actions=${formatActions(bucket.actions, ports)}`);
    parts.push(`bucket=${inner.join(",")}`);
  }
  return parts.join(",");
}

function formatFields(fields: Group["fields"]): string {
  const texts = fields.map(({ field, mask }) => {
    return isFull(field, mask) ? field.name : `${field.name}=${formatFieldValue(field, mask, fullMask(field))}`;
  });
  return fields.length === 1 ? `fields=${texts[0]}` : `fields(${texts.join(",")})`;
}
