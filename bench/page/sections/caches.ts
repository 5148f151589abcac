/** How soon the caches spare packets the slow path. */
import type { CachePoint } from "../../trial/cache-series.ts";
import type { ModeResult, RunResult } from "../../trial/result.ts";
import { share, tickShare, whole } from "../amount.ts";
import { curvePlot } from "../curve-plot.ts";
import { type Absent, type Figure, NARROW, WIDE } from "../figure.ts";
import { type Child, datum } from "../markup.ts";
import { modeName, toneOf } from "../plot.ts";

export function cachesFigure(result: RunResult, suffix: string): Figure | Absent {
  const id = `caches${suffix}`;
  const topic = "Cache hits over time";
  const modes = Object.values(result.modes);
  const series = modes.flatMap((mode) => {
    const points = mode.cacheSeries ?? [];
    return points.length > 1 ? [{ mode, points }] : [];
  });
  if (series.length === 0) {
    const threads = modes.some(({ cacheSeries }) => cacheSeries === null);
    return {
      id,
      topic,
      sentence: threads
        ? "Several threads shared the counting pass, so nobody saw the caches of all fill: run with one worker for this picture."
        : "This result is of an older program and holds no course of the caches.",
    };
  }
  return {
    id,
    topic,
    headline: headline(modes),
    text: [
      "Share of lookups so far that a cache answered, exact-match and megaflow together, from cold caches on. The others made an upcall to the slow path.",
    ],
    pictures: [
      {
        name: "curve",
        wide: WIDE,
        narrow: NARROW,
        draw: curvePlot({
          title: "Share of lookups that a cache answered, over the frames that went in",
          description: series
            .map(
              ({ mode, points }) =>
                `${modeName(mode.mode)}: ${share(hitShare(points[0]))} after ${whole(points[0].frames)} frame, ${share(hitShare(points[points.length - 1]))} after ${whole(points[points.length - 1].frames)}`,
            )
            .join("; "),
          x: { title: "frames that went in", kind: "log", tick: whole },
          y: { title: "lookups answered by a cache, of all so far", kind: "linear", tick: tickShare, high: 1 },
          curves: series.map(({ mode, points }, i) => ({
            name: modeName(mode.mode),
            tone: toneOf(mode.mode, i),
            kind: "line" as const,
            points: points.map((point) => ({ x: point.frames, y: hitShare(point) })),
          })),
        }),
      },
    ],
    tables: [
      {
        caption: "Caches of all hosts at the end of the cold pass",
        head: ["", ...modes.flatMap(({ mode }) => [modeName(mode), "of lookups"])],
        rows: [
          row("lookups", modes, ({ cache }) => cache.lookups),
          row("exact-match hits", modes, ({ cache }) => cache.exactHits),
          row("megaflow hits", modes, ({ cache }) => cache.megaflowHits),
          row("upcalls", modes, ({ cache }) => cache.upcalls),
          row("megaflows", modes, ({ cache }) => cache.megaflows, false),
          row("masks", modes, ({ cache }) => cache.masks, false),
        ],
      },
      ...series.map(({ mode, points }) => ({
        caption: `${modeName(mode.mode)}: counts so far`,
        head: ["frames", "lookups", "exact-match hits", "megaflow hits", "upcalls", "hits of lookups"],
        rows: points
          .filter((_, i) => i === 0 || i === points.length - 1 || i % Math.ceil(points.length / 9) === 0)
          .map((point): Child[] => [
            whole(point.frames),
            ...[point.lookups, point.exactHits, point.megaflowHits, point.upcalls].map((count) =>
              datum(count, whole(count)),
            ),
            share(hitShare(point)),
          ]),
      })),
    ],
  };
}

const hitShare = ({ lookups, exactHits, megaflowHits }: Omit<CachePoint, "frames">): number =>
  lookups === 0 ? 0 : (exactHits + megaflowHits) / lookups;

function row(name: string, modes: readonly ModeResult[], count: (mode: ModeResult) => number, part = true): Child[] {
  return [
    name,
    ...modes.flatMap((mode) => [
      datum(count(mode), whole(count(mode))),
      part ? share(mode.cache.lookups === 0 ? null : count(mode) / mode.cache.lookups) : "",
    ]),
  ];
}

function headline(modes: readonly ModeResult[]): string {
  const parts = modes.map(
    (mode, i) =>
      `${share(hitShare(mode.cache))}${i === 0 ? " of lookups" : ""} with ${mode.mode === "dvr" ? "DVR" : mode.mode}`,
  );
  return `From cold on, caches answered ${parts.join(" and ")}`;
}
