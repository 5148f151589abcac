/** What a cluster of many nodes would carry, by the capacity model over the measured costs of each node. */
import { type CapacityCosts, capacityCosts, capacityWith } from "../../trial/capacity.ts";
import type { ModeResult, RunResult } from "../../trial/result.ts";
import { digits, tickUnit, times, withUnit } from "../amount.ts";
import { type Curve, curvePlot } from "../curve-plot.ts";
import { type Absent, type Figure, NARROW } from "../figure.ts";
import { type Child, datum } from "../markup.ts";
import { modeName, toneOf } from "../plot.ts";

const NODES = [2, 3, 4, 5, 7, 10, 15, 20, 30, 50, 70, 100] as const;
const PAIRS = [1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50] as const;
const TABLE_NODES = [2, 3, 5, 10, 50, 100] as const;

interface Modelled {
  readonly mode: ModeResult;
  readonly costs: CapacityCosts;
  readonly computeNodes: number;
}

export function capacityFigure(result: RunResult, suffix: string): Figure | Absent {
  const id = `capacity${suffix}`;
  const topic = "Throughput of a cluster with many nodes";
  const modelled = Object.values(result.modes).flatMap((mode): Modelled[] => {
    const costs = capacityCosts(mode.nodes, mode.packets, mode.capacity.nicBitsPerSecond);
    const computeNodes = mode.nodes.filter(({ role }) => role === "compute").length;
    return costs === null || computeNodes === 0 ? [] : [{ mode, costs, computeNodes }];
  });
  if (modelled.length === 0) {
    return { id, topic, sentence: "The model needs measured times, and this run took none (--no-timing)." };
  }
  const nic = withUnit(modelled[0].mode.capacity.nicBitsPerSecond, "bit/s");
  return {
    id,
    topic,
    headline: headline(modelled),
    text: [
      `A model, fed with the costs measured here (dashed): every node has one core as fast as this machine's and one full-duplex card of ${nic}; load is balanced over the compute nodes, the network nodes stay as they are; the busiest node sets the rate. Points: the cluster of this run by its own busiest node${modelled.some(measured) ? ", and as measured with every host on a thread of its own" : ""}.`,
    ],
    pictures: [
      {
        name: "nodes",
        caption: "All packets, over the number of compute nodes",
        wide: 540,
        narrow: NARROW,
        draw: curvePlot({
          title: "Cluster throughput over the number of compute nodes, model",
          description: modelled
            .map(
              ({ mode, costs }) =>
                `${modeName(mode.mode)}: ${TABLE_NODES.map((n) => `${n} nodes ${withUnit(capacityWith(costs, n).packetsPerSecond, "pps")}`).join(", ")}`,
            )
            .join("; "),
          x: { title: "compute nodes", kind: "log", tick: String, low: 2, high: 100 },
          y: { title: "delivered packets a second", kind: "log", tick: (value) => tickUnit(value, "pps") },
          curves: modelled.flatMap((one, i) => nodeCurves(one, i)),
        }),
      },
      {
        name: "pairs",
        caption: "For each pair of VMs, over concurrent pairs",
        wide: 540,
        narrow: NARROW,
        draw: curvePlot({
          title: "Throughput of each pair of VMs over concurrent pairs, model",
          description: modelled
            .map(
              ({ mode, costs }) =>
                `${modeName(mode.mode)}: ${PAIRS.filter((p) => [1, 2, 5, 10, 50].includes(p))
                  .map((p) => `${p} pairs ${withUnit(pairRate(costs, p), "pps")}`)
                  .join(", ")}`,
            )
            .join("; "),
          x: {
            title: "concurrent pairs, each on two compute nodes of its own",
            kind: "log",
            tick: String,
            low: 1,
            high: 50,
          },
          y: { title: "packets a second for each pair", kind: "log", tick: (value) => tickUnit(value, "pps") },
          curves: modelled.map(
            ({ mode, costs }, i): Curve => ({
              name: modeName(mode.mode),
              tone: toneOf(mode.mode, i),
              kind: "model",
              points: PAIRS.map((pairs) => ({ x: pairs, y: pairRate(costs, pairs) })),
            }),
          ),
        }),
      },
    ],
    notes: [
      "OpenStack's own measurements have the same shape: one pair of VMs got 4.0 Gbit/s and ten got 1.0 each with centralised routers, 5.9 and 6.5 (at twelve) with DVR (Shaker, VXLAN, other hardware).",
    ],
    tables: [
      {
        caption: "Packets a second by the model, and the node that limits it",
        head: ["compute nodes", ...modelled.flatMap(({ mode }) => [modeName(mode.mode), "limit"])],
        words: modelled.map((_, i) => 2 + 2 * i),
        rows: TABLE_NODES.map((n): Child[] => [
          String(n),
          ...modelled.flatMap(({ costs }) => {
            const { packetsPerSecond, limit } = capacityWith(costs, n);
            return [datum(packetsPerSecond, withUnit(packetsPerSecond, "pps")), limit];
          }),
        ]),
      },
      {
        caption: "Packets a second for each pair by the model",
        head: ["pairs", ...modelled.map(({ mode }) => modeName(mode.mode))],
        rows: PAIRS.filter((pairs) => [1, 2, 5, 10, 20, 50].includes(pairs)).map((pairs): Child[] => [
          String(pairs),
          ...modelled.map(({ costs }) => datum(pairRate(costs, pairs), withUnit(pairRate(costs, pairs), "pps"))),
        ]),
      },
      {
        caption: "What the model is fed with: sums over the nodes of a role, for one delivered packet",
        head: ["", ...modelled.map(({ mode }) => modeName(mode.mode))],
        rows: (["compute", "network"] as const).flatMap((role): Child[][] => [
          [
            `${role} nodes, ns`,
            ...modelled.map(({ costs }) => datum(costs[role].cpu * 1e9, digits(costs[role].cpu * 1e9))),
          ],
          [
            `${role} nodes, card, ns`,
            ...modelled.map(({ costs }) => datum(costs[role].card * 1e9, digits(costs[role].card * 1e9))),
          ],
        ]),
      },
    ],
  };
}

/** Each pair has two compute nodes of its own; all share the network nodes. */
const pairRate = (costs: CapacityCosts, pairs: number): number =>
  capacityWith(costs, 2 * pairs).packetsPerSecond / pairs;

const measured = ({ mode }: Modelled): boolean => mode.placement !== null && mode.packetsPerSecond !== null;

function nodeCurves(one: Modelled, index: number): Curve[] {
  const { mode, costs, computeNodes } = one;
  const tone = toneOf(mode.mode, index);
  const curves: Curve[] = [
    {
      name: modeName(mode.mode),
      tone,
      kind: "model",
      points: NODES.map((n) => ({ x: n, y: capacityWith(costs, n).packetsPerSecond })),
    },
  ];
  const { packetsPerSecond } = mode.capacity;
  const points = [
    ...(packetsPerSecond === null ? [] : [{ x: computeNodes, y: packetsPerSecond }]),
    ...(measured(one) ? [{ x: computeNodes, y: mode.packetsPerSecond ?? 0 }] : []),
  ].filter(({ x }) => x >= 2);
  if (points.length > 0) curves.push({ name: "", tone, kind: "marks", points });
  return curves;
}

function headline(modelled: readonly Modelled[]): string {
  const legacy = modelled.find(({ mode }) => mode.mode === "legacy");
  const dvr = modelled.find(({ mode }) => mode.mode === "dvr");
  if (legacy === undefined || dvr === undefined) {
    return modelled
      .map(
        ({ mode, costs }) =>
          `${modeName(mode.mode)} would carry ${withUnit(capacityWith(costs, 10).packetsPerSecond, "pps")} with 10 compute nodes`,
      )
      .join(", ");
  }
  const [a, b] = [capacityWith(dvr.costs, 10), capacityWith(legacy.costs, 10)];
  const more = times(a.packetsPerSecond, b.packetsPerSecond);
  const flat = capacityWith(legacy.costs, 100).packetsPerSecond === b.packetsPerSecond;
  return a.packetsPerSecond > b.packetsPerSecond
    ? `With 10 compute nodes DVR would carry ${more} as much${flat ? "; legacy stays at what its network node carries" : ""}`
    : `With 10 compute nodes legacy would carry ${times(b.packetsPerSecond, a.packetsPerSecond)} as much as DVR`;
}
