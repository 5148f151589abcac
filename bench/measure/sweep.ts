/** A sweep: one axis, a case for each of its points and each candidate. */
import { InputError } from "../errors.ts";
import { type FrameProfile, parseFrameProfiles } from "../search/frame-profile.ts";
import type { Job } from "./perform.ts";
import type { AxisName, AxisResult } from "./result.ts";
import type { Settings } from "./settings.ts";
import type { Candidate } from "./subjects.ts";
import { firstPackets, type Prepared } from "./traffic.ts";

/** What each axis goes over when nothing else is said. */
const DEFAULT_POINTS: Readonly<Record<AxisName, string>> = {
  sizes: "rfc2544,IMIX_v4_1",
  flows: "1,10,100,1000,10000,100000,1000000",
  churn: "0,1,100,10000",
  "first-packets": "0,0.01,0.1,1",
};

/** Frames of a trace of first packets: more than a trial can put through, so that no flow comes twice. */
const FIRST_PACKETS = 1 << 19;

/** A point that is measured when its turn has come: its frames are made then. */
export interface Point {
  /** Names it among all of the sweep, and says what it is. */
  readonly name: string;
  readonly job: () => Job;
}

export interface SweepRequest {
  readonly over: AxisName;
  /** As typed; undefined: the axis' own. */
  readonly points: string | undefined;
  readonly profile: FrameProfile;
  readonly flows: number;
  readonly kind: "ndrpdr" | "mrr";
  readonly settings: Settings;
}

/** The points, in the order in which they are measured. Throws an InputError for points that cannot be. */
export function sweepPoints(candidates: readonly Candidate[], request: SweepRequest): Point[] {
  const { over, profile, flows, settings, kind } = request;
  const text = request.points ?? DEFAULT_POINTS[over];
  const captured = candidates.find((candidate) => candidate.captured);
  if (captured !== undefined && over !== "churn") {
    throw new InputError(
      `--over ${over}: the frames of a capture are as they are, expected no capture, or --over churn`,
    );
  }
  if (over === "first-packets" && candidates.some(({ plan }) => plan.kind !== "bridge")) {
    throw new InputError("--over first-packets: measured at one bridge, expected neither --mode nor --topology");
  }
  const made = (axis: AxisResult, traffic: (of: Candidate) => Prepared, more: Partial<Settings> = {}): Point[] =>
    candidates.map((candidate) => ({
      name: `${candidate.name} ${over} ${axis.label}`,
      job: () => jobOf(candidate, kind, traffic(candidate), { ...settings, ...more }, axis),
    }));
  if (over === "sizes") {
    return parseFrameProfiles(text).flatMap((size) =>
      made({ name: over, value: size.meanSize, unit: "bytes", label: size.name }, (of) => of.traffic(size, flows)),
    );
  }
  return numbers(over, text).flatMap((value) => {
    if (over === "flows") {
      return made({ name: over, value, unit: "flows", label: `${value}` }, (of) => of.traffic(profile, value));
    }
    if (over === "churn") {
      const axis = { name: over, value, unit: "rule changes/s", label: `${value}/s` };
      return made(axis, (of) => of.traffic(profile, flows), { changesPerSecond: value });
    }
    const axis = { name: over, value, unit: "share of frames", label: `${100 * value} %` };
    return made(axis, () => firstPackets("1", profile, flows, value, FIRST_PACKETS), { fresh: value > 0 });
  });
}

function numbers(over: AxisName, text: string): number[] {
  const values = text.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  const most = over === "first-packets" ? 1 : over === "flows" ? 2e6 : 1e6;
  const least = over === "flows" ? 1 : 0;
  for (const value of values) {
    const whole = over === "first-packets" || Number.isInteger(value);
    if (!(value >= least && value <= most && whole)) {
      throw new InputError(
        `--points ${text}: expected ${over === "first-packets" ? "shares" : "whole numbers"} ` +
          `from ${least} to ${most}, as in ${DEFAULT_POINTS[over]}`,
      );
    }
  }
  return [...new Set(values)];
}

/** A case of a candidate. The name is after FD.io CSIT's: frame size, threads, what, flows, test. */
export function jobOf(
  candidate: Candidate,
  kind: Job["kind"],
  prepared: Prepared,
  settings: Settings,
  axis: AxisResult | null,
): Job {
  const { flows, profile } = prepared.frames;
  const many = flows === null ? "" : `-${flows >= 1000 && flows % 1000 === 0 ? `${flows / 1000}k` : flows}flows`;
  const changes = settings.changesPerSecond === 0 ? "" : `-${settings.changesPerSecond}cps`;
  return {
    name: `${profile}-1w-${candidate.name}${many}${changes}-${kind}`,
    kind,
    plan: candidate.plan,
    subject: {
      ...candidate.subject,
      inputs: prepared.inputs.map(({ port, file, frames }) => ({ port, file, frames: frames.length })),
    },
    prepared,
    axis,
    settings,
  };
}
