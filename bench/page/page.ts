/** The page: one HTML document without scripts, fonts or anything else from elsewhere. Pure: results in, text out. */
import type { RunResult } from "../trial/result.ts";
import { digits, share, whole, withUnit } from "./amount.ts";
import { type Absent, absentMarkup, type Figure, figureMarkup } from "./figure.ts";
import type { Named, ReportInputs } from "./inputs.ts";
import { type Child, datum, el, join, type Markup, raw } from "./markup.ts";
import { modeName } from "./plot.ts";
import { cachesFigure } from "./sections/caches.ts";
import { capacityFigure } from "./sections/capacity.ts";
import { gateFigures } from "./sections/gate.ts";
import { latencyFigure } from "./sections/latency.ts";
import { reconfFigure, soakFigure } from "./sections/loss.ts";
import { machinesFigure } from "./sections/machines.ts";
import { methodFigure } from "./sections/method.ts";
import { nodesFigure } from "./sections/nodes.ts";
import { pathFigure } from "./sections/path.ts";
import { perfFigures } from "./sections/perf.ts";
import { ratesFigure } from "./sections/rates.ts";
import { stagesFigure } from "./sections/stages.ts";
import { suiteFigures } from "./sections/suites.ts";
import { sweepFigures } from "./sections/sweep.ts";
import { throughputFigure, workFigure } from "./sections/throughput.ts";
import { trendFigures } from "./sections/trend.ts";
import { drawingStyle, pageStyle } from "./style.ts";

/** Nothing may be loaded, nothing may run. */
const POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

export interface Report {
  readonly sections: readonly (Figure | Absent)[];
  readonly inputs: ReportInputs;
}

const isFigure = (section: Figure | Absent): section is Figure => "headline" in section;

/** Works out what there is to show. */
export function report(inputs: ReportInputs): Report {
  const { runs, replays, measures, gates, suites, histories } = inputs;
  const machines = machinesFigure(inputs);
  const shown = runs.filter(({ result }) => Object.keys(result.modes).length > 0);
  const sections = [
    ...shown.flatMap((run, i) => runSections(run, shown.length > 1 ? `-${i + 1}` : "")),
    ratesFigure(measures),
    latencyFigure(measures),
    soakFigure(measures),
    reconfFigure(measures),
    ...sweepFigures(measures, shown),
    stagesFigure(replays),
    ...perfFigures(replays),
    ...suiteFigures(suites),
    ...gateFigures(gates),
    ...trendFigures(histories),
    ...shown.map((run, i) => methodFigure(run, shown.length > 1 ? `-${i + 1}` : "")),
    ...(machines === null ? [] : [machines]),
  ];
  return { inputs, sections: [...sections.filter(isFigure), ...sections.filter((section) => !isFigure(section))] };
}

function runSections({ result, file }: Named<RunResult>, suffix: string): (Figure | Absent)[] {
  const sections = [
    pathFigure(result, suffix),
    workFigure(result, suffix),
    nodesFigure(result, suffix),
    capacityFigure(result, suffix),
    throughputFigure(result, suffix),
    cachesFigure(result, suffix),
  ];
  return suffix === "" ? sections : sections.map((section) => ({ ...section, topic: `${section.topic}, ${file}` }));
}

/** The HTML document. */
export function page({ sections, inputs }: Report): string {
  const title = titleOf(inputs);
  const figures = sections.filter(isFigure);
  const missing = sections.filter((section): section is Absent => !isFigure(section));
  const document = el(
    "html",
    { lang: "en" },
    el(
      "head",
      {},
      el("meta", { charset: "utf-8" }),
      el("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
      el("meta", { "http-equiv": "Content-Security-Policy", content: POLICY }),
      el("meta", { name: "color-scheme", content: "light dark" }),
      el("title", {}, `${title} – eastwest`),
      el("link", { rel: "icon", href: "data:," }),
      el("style", {}, raw(pageStyle)),
    ),
    el(
      "body",
      {},
      el("a", { class: "skip", href: "#content" }, "Skip to the content"),
      el(
        "header",
        {},
        el("p", { class: "brand" }, "eastwest report"),
        el("h1", {}, title),
        ...lead(inputs).map((text) => el("p", { class: "lead" }, text)),
        keyNumbers(inputs.runs[0]?.result),
        el(
          "nav",
          { "aria-label": "Sections" },
          el("ul", {}, ...figures.map(({ id, topic }) => el("li", {}, el("a", { href: `#${id}` }, topic)))),
        ),
      ),
      el(
        "main",
        { id: "content", tabindex: -1 },
        ...figures.map(figureMarkup),
        missing.length > 0 &&
          el(
            "section",
            { id: "missing", "aria-labelledby": "missing-h" },
            el("h2", { id: "missing-h" }, el("span", { class: "headline" }, "Not in this report")),
            ...missing.map(absentMarkup),
          ),
      ),
      el("footer", {}, ...sources(inputs)),
    ),
  );
  return `<!DOCTYPE html>\n${document.markup}\n`;
}

/** Each drawing as a file of its own, by name without ending. */
export function drawings({ sections }: Report): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const { id, pictures } of sections.filter(isFigure)) {
    for (const { name, draw, wide } of pictures) {
      const { markup } = draw(wide, `${id}-${name}`);
      const styled = markup.replace(/^(<svg[^>]*>)/, `$1<style>${drawingStyle}</style>`);
      files.set(`${id}-${name}`, `<?xml version="1.0" encoding="UTF-8"?>\n${styled}\n`);
    }
  }
  return files;
}

function titleOf({ runs, measures, gates, replays, suites }: ReportInputs): string {
  const modes = runs.flatMap(({ result }) => Object.values(result.modes));
  const legacy = modes.find(({ mode }) => mode === "legacy");
  const dvr = modes.find(({ mode }) => mode === "dvr");
  if (legacy !== undefined && dvr !== undefined) {
    return `East-west traffic over ${dvr.network.toUpperCase()}: router on the network node, and distributed`;
  }
  if (modes.length > 0) return modes.map((mode) => `${mode.topology.name}, ${modeName(mode.mode)}`).join("; ");
  return (
    [
      measures.length > 0 ? "Measured rates" : "",
      replays.length > 0 ? "Replays" : "",
      suites.length > 0 ? "Suites" : "",
      gates.length > 0 ? "Gate" : "",
    ]
      .filter((part) => part !== "")
      .join(", ") || "History"
  );
}

function lead({ runs, warnings }: ReportInputs): string[] {
  const lines: string[] = [];
  if (runs.some(({ result }) => result.interrupted)) lines.push("Interrupted: what follows is as far as it went.");
  const [first] = runs;
  if (first !== undefined) {
    const { cpu, cores, node } = first.result.environment;
    const packets = Object.values(first.result.modes).map(
      (mode) => `${whole(mode.packets)} packets ${modeName(mode.mode)}`,
    );
    if (packets.length > 0)
      lines.push(`${cpu}, ${cores} cores, Node ${node}. Counted over ${packets.join(", ")}, each from cold caches.`);
  }
  return [...lines, ...warnings];
}

/** The few numbers that say most, mode by mode. */
function keyNumbers(result: RunResult | undefined): Markup | null {
  const modes = result === undefined ? [] : Object.values(result.modes);
  if (modes.length === 0) return null;
  const entry = (name: string, value: (mode: (typeof modes)[number]) => Child): Markup =>
    el(
      "div",
      {},
      el("dt", {}, name),
      el(
        "dd",
        {},
        ...modes.map((mode) =>
          el(
            "span",
            { class: "pair" },
            el(
              "span",
              { class: `who ${mode.mode === "legacy" || mode.mode === "dvr" ? mode.mode : ""}` },
              modeName(mode.mode),
            ),
            el("span", { class: "figure" }, value(mode)),
          ),
        ),
      ),
    );
  return el(
    "dl",
    { class: "key" },
    entry("underlay frames for one delivered packet", ({ perPacket }) =>
      datum(perPacket.underlayFrames, digits(perPacket.underlayFrames)),
    ),
    entry("of these, touching the network node", ({ networkNode }) =>
      datum(networkNode.underlayShare, share(networkNode.underlayShare)),
    ),
    entry("passes through a datapath", ({ perPacket }) => datum(perPacket.passes, digits(perPacket.passes))),
    modes.some(({ times }) => times !== null) &&
      entry("with 10 compute nodes, by the model", ({ capacity }) => {
        const pps = capacity.scale.find(({ computeNodes }) => computeNodes === 10)?.packetsPerSecond ?? null;
        return datum(pps, withUnit(pps, "pps"));
      }),
  );
}

function sources({ runs, replays, measures, gates, suites, histories }: ReportInputs): Markup[] {
  const files = [...runs, ...replays, ...measures, ...gates, ...suites, ...histories].map(({ file }) => file);
  return [
    el("p", {}, join(["Made from ", files.join(", "), "."])),
    el(
      "p",
      {},
      "Every number stands in a table with the picture that it belongs to. This page needs no network and runs no script.",
    ),
  ];
}
