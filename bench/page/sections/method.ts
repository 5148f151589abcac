/** What was run, on what, and whether the counters add up. */
import { dropReasons } from "../../report/drop-reasons.ts";
import type { RunResult } from "../../trial/result.ts";
import { whole } from "../amount.ts";
import type { DataTable, Figure } from "../figure.ts";
import type { Named } from "../inputs.ts";
import { type Child, datum } from "../markup.ts";
import { modeName } from "../plot.ts";

export function methodFigure({ file, result }: Named<RunResult>, suffix: string): Figure {
  const modes = Object.values(result.modes);
  const broken = modes.flatMap(({ conservation }) => conservation.violations);
  const reasons = [...new Set(modes.flatMap(({ drops }) => Object.keys(drops)))].sort();
  const drops: DataTable[] =
    reasons.length === 0
      ? []
      : [
          {
            caption: "Drops and other ends, by reason",
            head: ["reason", ...modes.map(({ mode }) => modeName(mode)), "meaning"],
            words: [modes.length + 1],
            rows: reasons.map((reason): Child[] => [
              reason,
              ...modes.map((mode) => datum(mode.drops[reason] ?? 0, whole(mode.drops[reason] ?? 0))),
              (dropReasons as Readonly<Record<string, string>>)[reason] ?? "",
            ]),
          },
        ];
  return {
    id: `method${suffix}`,
    topic: "What was run",
    headline:
      broken.length === 0
        ? "Every packet is accounted for: the counters add up in every mode"
        : `Counters do not add up: ${broken[0]}`,
    text: [
      `${modes.map((mode) => mode.topology.name).join(" and ")}, ${modes
        .map(({ network }) => network)
        .filter((one, i, all) => all.indexOf(one) === i)
        .join(
          ", ",
        )} networks. ${result.environment.cpu}, ${result.environment.cores} cores, ${result.environment.platform}, Node ${result.environment.node}. Result of ${result.created}, command: eastwest ${result.command.join(" ")}; file: ${file}.`,
      ...modes.slice(0, 1).flatMap(({ times }) => (times === null ? [] : [`Times: ${times.rule}.`])),
    ],
    pictures: [],
    tables: [
      {
        caption: "Traffic",
        head: ["mode", "port", "capture", "frames in it", "put in", "which"],
        words: [1, 2, 5],
        rows: modes.flatMap((mode) =>
          mode.inputs.map((input): Child[] => [
            modeName(mode.mode),
            input.port,
            input.file,
            datum(input.frames, whole(input.frames)),
            datum(input.sent, whole(input.sent)),
            input.rule,
          ]),
        ),
      },
      ...drops,
    ],
  };
}
