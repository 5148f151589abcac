/** Which node does the work: time and frames of each, for one packet delivered anywhere. */
import type { NodeCost } from "../../trial/node-cost.ts";
import type { ModeResult, RunResult } from "../../trial/result.ts";
import { digits, GAP, share, tickNumber, whole } from "../amount.ts";
import { type Bar, barPlot } from "../bar-plot.ts";
import { type Figure, NARROW, type Picture } from "../figure.ts";
import { type Child, datum } from "../markup.ts";
import { modeName, toneOf } from "../plot.ts";

export function nodesFigure(result: RunResult, suffix: string): Figure {
  const modes = Object.values(result.modes);
  const names = [...new Set(modes.flatMap(({ nodes }) => nodes.map(({ name }) => name)))];
  const timed = modes.some(({ nodes }) => nodes.some(({ nsPerPacket }) => nsPerPacket !== null));
  const nodeOf = (mode: ModeResult, name: string): NodeCost | undefined =>
    mode.nodes.find((node) => node.name === name);
  const groups = (bar: (node: NodeCost, mode: ModeResult) => Omit<Bar, "name" | "tone">) =>
    names.map((name) => ({
      name: `${name}, ${modes.flatMap((mode) => nodeOf(mode, name)?.role ?? []).at(0)} node`,
      bars: modes.flatMap((mode, i) => {
        const node = nodeOf(mode, name);
        return node === undefined
          ? []
          : [{ name: modeName(mode.mode), tone: toneOf(mode.mode, i), ...bar(node, mode) }];
      }),
    }));
  const framesOf = ({ underlay }: NodeCost): number => underlay.rxFrames + underlay.txFrames;
  const frames = (node: NodeCost, mode: ModeResult): number => (mode.packets === 0 ? 0 : framesOf(node) / mode.packets);
  const pictures: Picture[] = [];
  if (timed) {
    pictures.push({
      name: "time",
      caption: "Processor time for one delivered packet",
      wide: 540,
      narrow: NARROW,
      draw: barPlot({
        title: "Processor time of each node for one delivered packet",
        description: names
          .flatMap((name) =>
            modes.map(
              (mode) =>
                `${name}, ${modeName(mode.mode)}: ${digits(nodeOf(mode, name)?.nsPerPacket?.median ?? null)} ns`,
            ),
          )
          .join("; "),
        axis: "nanoseconds, median and 95 % interval",
        tick: tickNumber,
        groups: groups(({ nsPerPacket }) => ({
          value: nsPerPacket?.median ?? 0,
          interval: nsPerPacket === null ? null : [nsPerPacket.low, nsPerPacket.high],
          shown: `${digits(nsPerPacket?.median ?? null)}${GAP}ns`,
        })),
      }),
    });
  }
  pictures.push({
    name: "frames",
    caption: "Frames at its card for one delivered packet",
    wide: 540,
    narrow: NARROW,
    draw: barPlot({
      title: "Frames at each node's card for one delivered packet, received and sent",
      description: names
        .flatMap((name) =>
          modes.map((mode) => {
            const node = nodeOf(mode, name);
            return `${name}, ${modeName(mode.mode)}: ${digits(node === undefined ? null : frames(node, mode))}`;
          }),
        )
        .join("; "),
      axis: "frames, received and sent",
      tick: tickNumber,
      groups: groups((node, mode) => ({
        value: frames(node, mode),
        interval: null,
        shown: digits(frames(node, mode)),
      })),
    }),
  });
  return {
    id: `nodes${suffix}`,
    topic: "Load of each node",
    headline: headline(modes),
    pictures,
    tables: [
      {
        caption: "By node: time of the warm passes, counts of the cold pass",
        head: [
          "",
          "mode",
          "role",
          "ns a packet",
          "95 % interval",
          "passes",
          "routings",
          "lookups",
          "upcalls",
          "megaflows",
          "frames received",
          "frames sent",
          "bytes received",
          "bytes sent",
        ],
        words: [1, 2],
        rows: names.flatMap((name) =>
          modes.flatMap((mode): Child[][] => {
            const node = nodeOf(mode, name);
            if (node === undefined) return [];
            const { nsPerPacket: ns, underlay } = node;
            return [
              [
                name,
                modeName(mode.mode),
                node.role,
                datum(ns?.median ?? null, digits(ns?.median ?? null)),
                ns === null ? "–" : `${digits(ns.low)} to ${digits(ns.high)}`,
                ...[
                  node.passes,
                  node.routings,
                  node.lookups,
                  node.upcalls,
                  node.megaflows,
                  underlay.rxFrames,
                  underlay.txFrames,
                  underlay.rxBytes,
                  underlay.txBytes,
                ].map((count) => datum(count, whole(count))),
              ],
            ];
          }),
        ),
      },
    ],
  };
}

function headline(modes: readonly ModeResult[]): string {
  const legacy = modes.find(({ mode }) => mode === "legacy");
  const dvr = modes.find(({ mode }) => mode === "dvr");
  if (legacy !== undefined && dvr !== undefined) {
    return `${share(legacy.networkNode.underlayShare)} of legacy's underlay frames touch the network node, ${share(dvr.networkNode.underlayShare)} of DVR's`;
  }
  const [mode] = modes;
  return `${share(mode.networkNode.underlayShare)} of the underlay frames touch the network node`;
}
