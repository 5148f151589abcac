/** The two pictures: a packet's way with the router on the network node, and with it on every compute node. */
import type { BridgeHop, Hop, PacketPath, RuleMet } from "../../path/hop.ts";
import type { ModeResult, RunResult } from "../../trial/result.ts";
import { digits, GAP, whole } from "../amount.ts";
import type { Absent, DataTable, Figure } from "../figure.ts";
import { type Child, datum, el, join } from "../markup.ts";
import { carriedBy, pathPicture } from "../path-picture.ts";
import { modeName, toneOf } from "../plot.ts";

export function pathFigure(result: RunResult, suffix: string): Figure | Absent {
  const id = `path${suffix}`;
  const topic = "A packet's way";
  const modes = Object.values(result.modes).filter(({ cluster, path }) => cluster !== undefined && path !== undefined);
  const shown = modes.filter(({ path }) => (path?.packets.length ?? 0) > 0);
  if (shown.length === 0) {
    const sentence =
      modes.length === 0
        ? "This result is of an older program: it does not say which way packets went."
        : "The captures hold no ping between two VMs within their first 20,000 frames, so there is no way to show.";
    return { id, topic, sentence };
  }
  return {
    id,
    topic,
    headline: headline(shown),
    text: [
      "The first echo request of the captures, followed through the bridges, namespaces and wires of the topology. Its numbers are those of the table below: every bridge with the rules that it met there, as the slow path translated them. The wide band is the stretch in a tunnel. Later packets of the flow take the same way by the caches.",
    ],
    pictures: shown.map((mode) => {
      const [request] = mode.path?.packets ?? [];
      return {
        name: mode.mode,
        caption: `${modeName(mode.mode)}: ${inWords(request)}`,
        wide: 540,
        narrow: 343,
        draw: pathPicture({
          title: `${modeName(mode.mode)}: way of an echo request from ${request.from} to ${request.to}`,
          description: request.hops.map((hop, i) => `${i + 1}: ${placeText(hop)}`).join("; "),
          cluster: mode.cluster ?? { hosts: [], vms: [], wires: [] },
          path: request,
          tone: toneOf(mode.mode),
        }),
      };
    }),
    notes: [
      "Pass: one way of a packet through a host's datapath; bridges joined by patch ports are one pass. Its cost is the host's mean time a pass in the warm passes, its namespaces included, and the same for all passes in a host.",
    ],
    tables: hopTables(shown, "request"),
    more: { summary: "The way of the reply", tables: hopTables(shown, "reply") },
  };
}

function hopTables(modes: readonly ModeResult[], which: PacketPath["packet"]): DataTable[] {
  return modes.flatMap((mode) => {
    const path = mode.path?.packets.find(({ packet }) => packet === which);
    return path === undefined ? [] : [hopTable(mode, path)];
  });
}

const routedBy = (path: PacketPath): string[] => path.hops.flatMap((hop) => (hop.kind === "namespace" ? hop.host : []));
const wiresOf = (path: PacketPath): number => path.hops.filter(({ kind }) => kind === "wire").length;
const passesOf = (path: PacketPath): number =>
  Math.max(0, ...path.hops.map((hop) => (hop.kind === "bridge" ? hop.pass : 0)));

const times = (count: number): string => (count === 1 ? "once" : count === 2 ? "twice" : `${count} times`);

function inWords(path: PacketPath): string {
  const routers = routedBy(path);
  const where = routers.length === 0 ? "bridged" : `routed on ${routers.join(" and ")}`;
  const wires = wiresOf(path);
  return `${where}, ${wires === 0 ? "never on the wire" : `${times(wires)} on the wire`}, ${passesOf(path)} passes`;
}

function headline(modes: readonly ModeResult[]): string {
  const legacy = modes.find(({ mode }) => mode === "legacy")?.path?.packets[0];
  const dvr = modes.find(({ mode }) => mode === "dvr")?.path?.packets[0];
  if (legacy !== undefined && dvr !== undefined) {
    return (
      `${wiresOf(legacy) === 1 ? "One frame" : `${wiresOf(legacy)} frames`} on the underlay and ${passesOf(legacy)} passes with the router on ` +
      `${routedBy(legacy).join(", ") || "no node"}, ${wiresOf(dvr)} and ${passesOf(dvr)} with DVR`
    );
  }
  const [{ path }] = modes;
  return path === undefined ? "" : `From ${path.packets[0].from} to ${path.packets[0].to}: ${inWords(path.packets[0])}`;
}

function placeText(hop: Hop): string {
  switch (hop.kind) {
    case "vm":
      return `${hop.vm} on ${hop.host}`;
    case "bridge":
      return `${hop.bridge} of ${hop.host}, ${hop.inPort} to ${hop.outPort}`;
    case "namespace":
      return `router on ${hop.host}, TTL ${hop.ttlIn} to ${hop.ttlOut}`;
    default:
      return `wire ${hop.wire} from ${hop.from} to ${hop.to}, ${carriedBy(hop)}`;
  }
}

function hopTable(mode: ModeResult, path: PacketPath): DataTable {
  let pass = 0;
  return {
    caption: `${modeName(mode.mode)}, echo ${path.packet} from ${path.from} to ${path.to}: ${whole(path.tableLookups)} table lookups when nothing is cached`,
    head: ["#", "where", "rules met, or what happened", "cost"],
    words: [1, 2],
    rows: path.hops.map((hop, i) => {
      const first = hop.kind === "bridge" && hop.pass !== pass;
      if (hop.kind === "bridge") pass = hop.pass;
      return [i + 1, where(hop), what(hop), cost(mode, hop, first)];
    }),
  };
}

function where(hop: Hop): Child {
  switch (hop.kind) {
    case "vm":
      return join([el("strong", {}, hop.vm), el("br", {}), hop.host]);
    case "bridge":
      return join([el("strong", {}, hop.bridge), el("br", {}), hop.host]);
    case "namespace":
      return join([el("strong", {}, "router"), el("br", {}), hop.host]);
    default:
      return join([el("strong", {}, hop.wire), el("br", {}), "wire"]);
  }
}

function what(hop: Hop): Child {
  switch (hop.kind) {
    case "vm":
      return wrap(el("code", { class: "rule" }, hop.frame));
    case "namespace":
      return wrap(
        line(`${hop.inPort} → ${hop.outPort}, TTL ${hop.ttlIn} → ${hop.ttlOut}`),
        el("code", { class: "rule" }, hop.frame),
      );
    case "wire":
      return wrap(line(`${hop.from} → ${hop.to}`), el("code", { class: "rule" }, hop.frame));
    default:
      return wrap(line(`${hop.inPort} → ${hop.outPort}`), ...hop.rules.map(ruleMarkup), tunnelMarkup(hop));
  }
}

const wrap = (...children: readonly Child[]): Child => el("span", { class: "wrap" }, ...children);
const line = (text: string): Child => el("span", { class: "rule" }, text);

function ruleMarkup({ table, match, priority, actions, notes }: RuleMet): Child {
  const rule =
    match === null
      ? `table=${table} no match: drop`
      : `table=${table}, priority=${priority}${match === "" ? "" : `,${match}`} actions=${actions}`;
  const said = notes.filter((note) => !note.startsWith("tunneling") && !note.startsWith("output to"));
  return join([el("code", { class: "rule" }, rule), ...said.map((note) => line(`– ${note}`))]);
}

function tunnelMarkup({ tunnel }: BridgeHop): Child {
  if (tunnel === null) return null;
  return line(tunnel.change === "encapsulate" ? `Header put on: ${tunnel.text}` : `Header taken off: ${tunnel.text}`);
}

function cost(mode: ModeResult, hop: Hop, firstOfPass: boolean): Child {
  if (hop.kind === "wire") return join([datum(hop.bytes, whole(hop.bytes)), ` bytes`]);
  if (hop.kind !== "bridge") return "";
  const lookups = `${hop.rules.length} ${hop.rules.length === 1 ? "lookup" : "lookups"}`;
  if (!firstOfPass) return lookups;
  const ns = mode.path?.nsPerPass[hop.host] ?? null;
  return join([
    `pass ${hop.pass}${ns === null ? "" : ": "}`,
    ns === null ? null : datum(ns, `${digits(ns)}${GAP}ns`),
    el("br", {}),
    lookups,
  ]);
}
