/**
 * Where a case was read from, to say of each mistake in it where it stands: file, line and column. Looked up only when there
 * is a mistake.
 */
import { openFlowVersion } from "../../datapath/openflow/action.ts";
import { parseGroups } from "../../datapath/openflow/group-text.ts";
import { parseFlows } from "../../datapath/openflow/rule-text.ts";
import { FlowSyntaxError } from "../../datapath/openflow/syntax.ts";
import type { PortConfig } from "../../datapath/topology.ts";
import { tunnelConfig } from "../../datapath/translate/tunnel-config.ts";
import { ipv4FromText, macWords } from "../../datapath/wire/addresses.ts";
import { InputError, isInputError } from "../errors.ts";
import { pathOf, positionOf } from "./json-position.ts";

type Json = Record<string, unknown>;

export class CaseSource {
  private readonly file: string;
  private readonly text: string;
  /** Path of the case in the text: [3], or [] when it is all of it. */
  private readonly prefix: readonly number[];

  constructor(file: string, text: string, prefix: readonly number[]) {
    this.file = file;
    this.text = text;
    this.prefix = prefix;
  }

  /** "cases.json:12:7" of what stands at `path`, or of a place in the string there. */
  place(path: string, column = 0): string {
    const at = positionOf(this.text, [...this.prefix, ...pathOf(path)]);
    return `${this.file}:${at.line}:${at.column + column}`;
  }

  /** `error` with the place of `path`; a mistake in a rule's text is placed within the string. */
  at(path: string, error: Error): InputError {
    if (error instanceof FlowSyntaxError) {
      return new InputError(`${this.place(path, error.column)}: ${error.message.replace(/^.*?\d+:\d+: /, "")}`);
    }
    return new InputError(`${this.place(path)}: ${error.message}`);
  }

  /** What made building `value`, a case, fail: the first part that is wrong for itself, else the whole. */
  explain(value: unknown, error: Error): Error {
    if (!isInputError(error)) return error;
    const bridges = (value as { bridges: Json[] }).bridges;
    for (const [b, bridge] of bridges.entries()) {
      const found = this.firstFault(bridge, `bridges[${b}]`);
      if (found !== undefined) return found;
    }
    return this.at("bridges", error);
  }

  private firstFault(bridge: Json, path: string): Error | undefined {
    const configs = (bridge.ports ?? []) as PortConfig[];
    const numbers = new Map(configs.map((port) => [port.name, port.ofport]));
    const ports = (name: string): number | undefined => numbers.get(name);
    let version = openFlowVersion("OpenFlow10");
    const known = new Set<number>();
    const steps: [string, () => unknown][] = [
      [`${path}.openflow`, () => (version = openFlowVersion((bridge.openflow ?? "OpenFlow10") as string))],
      [`${path}.mac`, () => bridge.mac !== undefined && macWords(bridge.mac as string)],
      [`${path}.ip`, () => bridge.ip !== undefined && ipv4FromText((bridge.ip as string).split("/")[0])],
      ...Object.entries((bridge.neighbours ?? {}) as Record<string, string>).map(
        ([address, mac]): [string, () => unknown] => [
          `${path}.neighbours`,
          () => [ipv4FromText(address), macWords(mac)],
        ],
      ),
      ...configs.map((port, i): [string, () => unknown] => [
        `${path}.ports[${i}]${port.options === undefined ? "" : ".options"}`,
        () => tunnelConfig(port),
      ]),
      ...((bridge.groups ?? []) as string[]).map((group, i): [string, () => unknown] => [
        `${path}.groups[${i}]`,
        () => {
          for (const { id } of parseGroups(group, { version: openFlowVersion("OpenFlow15"), ports })) known.add(id);
        },
      ]),
      ...((bridge.flows ?? []) as string[]).map((flow, i): [string, () => unknown] => [
        `${path}.flows[${i}]`,
        () => parseFlows(flow, { version, ports, groups: (id) => known.has(id) }),
      ]),
    ];
    for (const [where, step] of steps) {
      try {
        step();
      } catch (error) {
        return this.at(where, error as Error);
      }
    }
    return undefined;
  }
}
