/** A packet's way through a cluster: the hosts as they are built, the way as it was translated, every hop numbered. */
import type { ClusterLayout } from "../path/cluster-layout.ts";
import type { Hop, PacketPath, WireHop } from "../path/hop.ts";
import { type Draw, svg } from "./figure.ts";
import { el, type Markup } from "./markup.ts";
import { type Box, type PathLayout, pathLayout, placeOf, visitHeight } from "./path-layout.ts";
import { line, type Tone, text, textWidth } from "./plot.ts";

type Point = readonly [number, number];

export interface PathPicture {
  readonly title: string;
  readonly description: string;
  readonly cluster: ClusterLayout;
  readonly path: PacketPath;
  readonly tone: Tone;
}

const CORNER = 6;
const STEP = 8.5;

/** Draws the picture. */
export function pathPicture(picture: PathPicture): Draw {
  return (width, id) => {
    const { cluster, path, tone } = picture;
    const layout = pathLayout(cluster, path, width);
    const way = wayOf(layout, path.hops);
    return svg(
      id,
      { width, height: layout.height },
      picture,
      ...layout.columns.flatMap(({ host, x, width: columnWidth }) => [
        el("rect", { x: x + 0.5, y: 0.5, width: columnWidth - 1, height: layout.bottom, rx: 4, class: "host" }),
        text(x + 10, 20, host.name, { class: "host-name" }),
        text(x + 10, 36, width < 500 ? host.role : `${host.role} node`, { class: "role" }),
      ]),
      ...[...layout.wires].flatMap(([name, y]) => wireMarkup(layout, name, y, width)),
      ...layout.joints.map((joint) => jointMarkup(layout, joint)),
      ...[...layout.boxes.values()].map(boxMarkup),
      ...way.pipes.map((points) => el("path", { d: rounded(points), class: `pipe ${tone}` })),
      el("path", { d: rounded(way.points), class: `way ${tone}` }),
      ...[...layout.boxes.values()].map(boxName),
      ...path.hops.flatMap((hop, i) => stepMarkup(hop, i, way.steps[i], tone)),
    );
  };
}

function boxMarkup({ x, y, width, height, kind, visits }: Box): Markup {
  return el("rect", { x, y, width, height, rx: kind === "vm" ? 8 : 3, class: visits > 0 ? "box" : "box unused" });
}

/** Over the way, which it interrupts where it must. */
function boxName({ x, y, width, name, kind, visits }: Box): Markup {
  const most = Math.max(3, Math.floor((width - 4) / 6.6));
  const short = kind === "namespace" ? name.replace(/^(q?[a-z]+)-[0-9a-f-]{30,}$/, "$1") : name;
  const shown = short.length > most ? `${short.slice(0, most - 1)}…` : short;
  const middle = kind !== "bridge";
  return text(middle ? x + width / 2 : x + 7, y + 15, shown, {
    class: visits > 0 ? "box-name" : "box-name unused-name",
    "text-anchor": middle ? "middle" : null,
  });
}

function wireMarkup(layout: PathLayout, name: string, y: number, width: number): Markup[] {
  const xs = layout.joints.filter(([, wire]) => wire === name).map(([box]) => middleOf(layout.boxes.get(box) as Box));
  if (xs.length === 0) return [];
  const left = Math.min(...xs);
  const right = Math.max(...xs);
  // Where there is room: behind the line, in front of it, or under its beginning.
  const room = textWidth(name, 11) + 10;
  const [x, down, anchor] =
    width - right > room ? [right + 8, 4, null] : left > room ? [left - 8, 4, "end"] : [left, 16, null];
  return [
    line(left, y, right, y, { class: "wire" }),
    text(x, y + down, name, { class: "wire-name role", "text-anchor": anchor }),
  ];
}

const middleOf = ({ x, width }: Box): number => x + width / 2;

/** Where two boxes, or a box and a wire, are joined when no packet says otherwise: in the middle of what lies over both. */
function overlap(a: Box, b: Box | undefined): Point {
  if (b === undefined) return [a.x + 10, a.x + a.width - 10];
  // A VM or router stands over its bridge: its own width counts.
  const low = Math.max(a.x, b.x) + 8;
  const high = Math.min(a.x + a.width, b.x + b.width) - 8;
  return low <= high ? [low, high] : [middleOf(b), middleOf(b)];
}

function jointMarkup(layout: PathLayout, [from, to]: readonly [string, string]): Markup {
  const a = layout.boxes.get(from) as Box;
  const b = layout.boxes.get(to);
  const [low, high] = overlap(a, b);
  const x = (low + high) / 2;
  if (b === undefined) return line(x, a.y + a.height, x, layout.wires.get(to) ?? 0, { class: "stub" });
  const [upper, lower] = a.y < b.y ? [a, b] : [b, a];
  return line(x, upper.y + upper.height, x, lower.y, { class: "stub" });
}

interface Way {
  readonly points: readonly Point[];
  /** The parts that a tunnel header is on. */
  readonly pipes: readonly (readonly Point[])[];
  /** Where each hop's number stands. */
  readonly steps: readonly Point[];
}

/** The way as a line: between two hops it goes straight up or down, in a hop straight to where it leaves. */
function wayOf(layout: PathLayout, hops: readonly Hop[]): Way {
  const seen = new Map<string, number>();
  const heights = hops.map((hop) => {
    const key = placeOf(hop);
    const visit = seen.get(key) ?? 0;
    seen.set(key, visit + 1);
    const box = layout.boxes.get(key);
    return box === undefined ? (layout.wires.get(key) ?? layout.bottom) : visitHeight(box, visit);
  });
  const lanes = lanesOf(layout, hops);
  const points: Point[] = [];
  const pipes: Point[][] = [];
  let pipe: Point[] | null = null;
  for (const [i, x] of lanes.entries()) {
    const hop = hops[i];
    if (hop.kind === "bridge" && hop.tunnel?.change === "encapsulate") pipes.push((pipe = []));
    if (hop.kind === "bridge" && hop.tunnel?.change === "decapsulate") pipe = null;
    const ends: Point[] = [
      [x, heights[i]],
      [x, heights[i + 1]],
    ];
    points.push(...ends);
    pipe?.push(...ends);
  }
  const steps = hops.map((_, i): Point => {
    const before = lanes.at(i === 0 ? 0 : i - 1) ?? 0;
    const after = lanes.at(i === hops.length - 1 ? i - 1 : i) ?? before;
    return [(before + after) / 2, heights[i]];
  });
  return { points, pipes, steps };
}

/**
 * For each step from a hop to the next, where it crosses from one to the other. Below the bridges of VMs a host has lanes
 * that go straight down, side by side where the packet comes and goes.
 */
function lanesOf(layout: PathLayout, hops: readonly Hop[]): number[] {
  const between = hops.slice(1).map((hop, i) => [placeOf(hops[i]), placeOf(hop)].sort().join(" "));
  const taken = new Map<string, number>();
  return hops.slice(1).map((hop, i) => {
    const a = layout.boxes.get(placeOf(hops[i]));
    const b = layout.boxes.get(placeOf(hop));
    const here = (a ?? b) as Box;
    const below = (a?.kind ?? "bridge") === "bridge" && (b?.kind ?? "bridge") === "bridge";
    const [low, high] = below
      ? laneRange(layout, here.key.split("/")[0])
      : overlap(here, a === undefined ? undefined : b);
    const n = taken.get(between[i]) ?? 0;
    taken.set(between[i], n + 1);
    const all = between.filter((one) => one === between[i]).length;
    return low + ((high - low) * (n + 1)) / (all + 1);
  });
}

/** What lies over all bridges of a host that the packet is in. */
function laneRange(layout: PathLayout, host: string): Point {
  const used = [...layout.boxes.values()].filter(
    ({ key, kind, visits }) => kind === "bridge" && visits > 0 && key.startsWith(`${host}/`),
  );
  const low = Math.max(...used.map(({ x }) => x)) + 6;
  const high = Math.min(...used.map(({ x, width }) => x + width)) - 6;
  return low <= high ? [low, high] : [middleOf(used[0]), middleOf(used[0])];
}

/** A path of straight lines with rounded corners. */
function rounded(points: readonly Point[]): string {
  const way = points.filter(([x, y], i) => i === 0 || x !== points[i - 1][0] || y !== points[i - 1][1]);
  const at = ([x, y]: Point): string => `${x.toFixed(1)} ${y.toFixed(1)}`;
  let d = `M${at(way[0])}`;
  for (let i = 1; i < way.length - 1; i++) {
    const before = toward(way[i], way[i - 1]);
    const after = toward(way[i], way[i + 1]);
    d += `L${at(before)}Q${at(way[i])} ${at(after)}`;
  }
  return `${d}L${at(way[way.length - 1])}`;
}

/** The point a corner's radius, or half the way, from `from` towards `to`. */
function toward(from: Point, to: Point): Point {
  const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
  const part = Math.min(CORNER, length / 2) / length;
  return [from[0] + (to[0] - from[0]) * part, from[1] + (to[1] - from[1]) * part];
}

function stepMarkup(hop: Hop, i: number, [x, y]: Point, tone: Tone): Markup[] {
  const parts = [
    el("circle", { cx: x, cy: y, r: STEP, class: `step ${tone}` }),
    text(x, y + 4, i + 1, { class: "step-number", "text-anchor": "middle" }),
  ];
  if (hop.kind === "wire") {
    parts.push(
      text(x, y + 22, carriedBy(hop), { class: "wire-name", "text-anchor": "middle" }),
      text(x, y + 35, `${hop.bytes} bytes`, { class: "wire-name role", "text-anchor": "middle" }),
    );
  }
  return parts;
}

/** What is around the packet on a wire: "GRE key 0x1", "VXLAN vni 1", "VLAN 101", "untagged". */
export function carriedBy({ frame }: WireHop): string {
  const gre = /GREv0, key=(0x[0-9a-f]+)/.exec(frame);
  if (gre !== null) return `GRE key ${gre[1]}`;
  const vni = /(VXLAN|Geneve)\b[^\n]*?vni (\w+)/.exec(frame);
  if (vni !== null) return `${vni[1]} vni ${vni[2]}`;
  const vlan = /vlan (\d+)/.exec(frame);
  return vlan === null ? "untagged" : `VLAN ${vlan[1]}`;
}
