/**
 * A YAML file that remembers where everything stands, so that what is wrong in it is reported as file:line:column. Used for
 * topologies; the checks themselves are JSON schemas (ajv) and a few sentences of code.
 */

import { readFileSync } from "node:fs";
import { Ajv2020, type ErrorObject } from "ajv/dist/2020.js";
import { type Document, isMap, isPair, LineCounter, type Node, parseDocument } from "yaml";
import { InputError } from "../errors.ts";
import { readText } from "../input-file.ts";
import { shown } from "../paths.ts";

export type Path = readonly (string | number)[];

export class YamlSource {
  readonly file: string;
  readonly value: unknown;
  readonly #document: Document;
  readonly #lines = new LineCounter();

  /** Reads and parses `file`; throws an InputError with line and column when it is not YAML. */
  constructor(file: string) {
    this.file = file;
    const document = parseDocument(readText(file), { lineCounter: this.#lines, prettyErrors: false });
    this.#document = document;
    const [error] = document.errors;
    if (error !== undefined) {
      const { line, col } = this.#lines.linePos(error.pos[0]);
      throw new InputError(`${shown(file)}:${line}:${col}: ${wrong(error)}`);
    }
    try {
      this.value = document.toJS({ maxAliasCount: 1000 });
    } catch (problem) {
      // Aliases without an anchor, or far too many of them: the library finds them here and does not say where.
      throw new InputError(`${shown(file)}: not YAML: ${(problem as Error).message}`);
    }
  }

  /** An error at the value under `path`, or at its key when `atKey` names one below it. */
  error(path: Path, message: string, atKey?: string): InputError {
    const { line, col } = this.#lines.linePos(this.#offset(path, atKey));
    return new InputError(`${shown(this.file)}:${line}:${col}: ${message}`);
  }

  /** Checks the value against a compiled schema; throws its first error, the one furthest down the file's structure. */
  check(validate: SchemaCheck): void {
    if (validate(this.value)) return;
    const errors = validate.errors ?? [];
    const worst = errors.reduce((a, b) =>
      b.instancePath.split("/").length > a.instancePath.split("/").length ? b : a,
    );
    const path = pathOf(worst.instancePath, this.value);
    const where = path.length === 0 ? "the file" : path.map((step) => String(step)).join(".");
    throw this.error(path, `${where}: ${sentence(worst)}`, extraKey(worst));
  }

  #offset(path: Path, atKey: string | undefined): number {
    const node = path.length === 0 ? this.#document.contents : (this.#document.getIn(path, true) as Node | undefined);
    if (atKey !== undefined && isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && String(item.key) === atKey);
      const key = pair?.key as Node | undefined;
      if (key?.range) return key.range[0];
    }
    if (node && typeof node === "object" && node.range) return node.range[0];
    return path.length === 0 ? 0 : this.#offset(path.slice(0, -1), undefined);
  }
}

/** What the library says, where it does not speak to people who write YAML. */
function wrong({ code, message }: { readonly code: string; readonly message: string }): string {
  if (code === "MULTIPLE_DOCS") return "a second document begins here, expected one";
  if (message.startsWith("Maximum call stack")) return "nested too deeply";
  return `not YAML: ${message.split("\n", 1)[0]}`;
}

export interface SchemaCheck {
  (value: unknown): boolean;
  errors?: ErrorObject[] | null | undefined;
}

const compiled = new Map<string, SchemaCheck>();

/** The JSON schema in `file`, compiled once. */
export function compileSchema(file: string): SchemaCheck {
  let check = compiled.get(file);
  if (check === undefined) {
    const ajv = new Ajv2020({ allErrors: true, verbose: true, strict: true, allowUnionTypes: true });
    check = ajv.compile(JSON.parse(readFileSync(file, "utf8"))) as SchemaCheck;
    compiled.set(file, check);
  }
  return check;
}

/** What one schema error says, for people. */
export function sentence(error: ErrorObject): string {
  const { params } = error;
  const described = (error.parentSchema as { description?: string } | undefined)?.description;
  switch (error.keyword) {
    case "additionalProperties":
      return `unknown key "${params["additionalProperty"]}", expected ${keysOf(error)}`;
    case "required":
      return `key "${params["missingProperty"]}" is missing`;
    case "enum":
      return `${quoted(error.data)} is not one of ${(params["allowedValues"] as unknown[]).join(", ")}`;
    case "type":
      return `${quoted(error.data)} is not ${params["type"] === "object" ? `a mapping with ${keysOf(error)}` : a(params["type"])}`;
    case "pattern":
      return `${quoted(error.data)} is not ${described ?? `of the form ${params["pattern"]}`}`;
    default:
      return `${quoted(error.data)} ${error.message ?? "is wrong"}`;
  }
}

function keysOf(error: ErrorObject): string {
  const properties = (error.parentSchema as { properties?: object } | undefined)?.properties;
  return properties === undefined ? "none" : `one of ${Object.keys(properties).join(", ")}`;
}

function a(type: unknown): string {
  const name = Array.isArray(type) ? type.join(" or ") : String(type);
  return /^[aeiou]/.test(name) ? `an ${name}` : `a ${name}`;
}

function quoted(value: unknown): string {
  if (value === null) return "nothing";
  if (typeof value === "object") return Array.isArray(value) ? "this list" : "this mapping";
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 100 ? `${text.slice(0, 100)}...` : text;
}

function extraKey(error: ErrorObject): string | undefined {
  return error.keyword === "additionalProperties" ? String(error.params["additionalProperty"]) : undefined;
}

/** A JSON pointer as steps; those into lists are numbers. */
function pathOf(pointer: string, value: unknown): (string | number)[] {
  const path: (string | number)[] = [];
  let at = value;
  for (const part of pointer.split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    const step = Array.isArray(at) ? Number(key) : key;
    path.push(step);
    at = (at as Record<string | number, unknown> | undefined)?.[step];
  }
  return path;
}
