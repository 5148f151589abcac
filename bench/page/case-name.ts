/** How a case of `measure` is called where people read: the router's place, or the bridge and its rules; and its frames. */
import type { MeasureCase } from "../measure/result.ts";
import { whole } from "./amount.ts";
import { modeName, type Tone, toneOf } from "./plot.ts";

/** "DVR, GRE"; "One bridge, macrewrite". */
export function subjectName({ subject }: MeasureCase): string {
  const { kind, mode, network, rules } = subject;
  if (mode !== null) return `${modeName(mode)}${network === null ? "" : `, ${network.toUpperCase()}`}`;
  return kind === "cluster" ? `Cluster of ${rules}` : `One bridge, ${rules}`;
}

/** "64 B frames, 1,000 flows". */
export function framesName({ frames: { profile, flows } }: MeasureCase): string {
  const size = /^\d+B$/.test(profile) ? `${profile.slice(0, -1)} B` : profile;
  return `${size} frames${flows === null ? "" : `, ${whole(flows)} ${flows === 1 ? "flow" : "flows"}`}`;
}

/** What tells the cases apart: their subjects, with frames and the kind of test where these differ. */
export function caseNames(cases: readonly MeasureCase[]): ReadonlyMap<MeasureCase, string> {
  const long = cases.map((one) => `${subjectName(one)}: ${framesName(one)}`);
  const short = cases.map(subjectName);
  const apart = (names: readonly string[]): boolean => new Set(names).size === names.length;
  const candidates = [
    short,
    long,
    ...[short, long].map((names) => cases.map((one, i) => `${names[i]}, ${testOf(one)}`)),
  ];
  const names = candidates.find(apart) ?? candidates[3];
  // Two results of the same command: by their place.
  return new Map(cases.map((one, i) => [one, apart(names) ? names[i] : `${i + 1}: ${names[i]}`]));
}

/** "ndrpdr", with which the name of a case ends. */
const testOf = ({ name }: MeasureCase): string => name.slice(name.lastIndexOf("-") + 1);

export const caseTone = ({ subject: { mode } }: MeasureCase): Tone => (mode === null ? "third" : toneOf(mode));
