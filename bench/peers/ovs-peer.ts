/**
 * OVS-DPDK and us, in turn on one core: the same capture, the same rules, first once through each to see that both do the
 * same, then pairs of timed runs, every run a process of its own. Pairs swap who goes first (ABBA), so that neither side
 * always finds the core warm from the other.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readTrace } from "../../pcaps/read-trace.ts";
import { InputError, messageOf } from "../errors.ts";
import type { PortSpec } from "../replay/port-spec.ts";
import { temporaryFolder } from "./child.ts";
import { reserveHugepages } from "./hugepages.ts";
import { numberRules } from "./numbered-rules.ts";
import type { OurSide } from "./ours.ts";
import { LONGEST_FRAME, MOST_FRAMES, OvsDpdk } from "./ovs-dpdk.ts";
import { MEMORY_MB } from "./ovs-setup.ts";
import { measureOvs, type OvsRun, ovsOnce } from "./ovs-side.ts";
import { plainCapture } from "./plain-capture.ts";
import { differences, frameCount, largestShareDifference, type TimedRun } from "./same-work.ts";
import type { Undo } from "./undo.ts";

export interface PeerOptions {
  readonly capture: string;
  readonly rules: string;
  readonly ports: readonly PortSpec[];
  readonly pairs: number;
  /** Seconds of each timed run. */
  readonly seconds: number;
  /** Seconds that OVS forwards before its clock starts, so that caches are as full as they get. */
  readonly warmUp: number;
  readonly exactMatchCache: boolean;
  readonly core: number;
}

export interface Pair {
  readonly first: "ovs-dpdk" | "eastwest";
  readonly theirs: OvsRun;
  /** Undefined when only the peer was asked for. */
  readonly ours: TimedRun | undefined;
}

export interface PeerRun {
  readonly options: PeerOptions;
  /** "Open vSwitch 3.1.0, DPDK 22.11.11". */
  readonly version: string;
  readonly frames: number;
  /** Bytes of all frames. */
  readonly bytes: number;
  /** By cookie: the rule as it stands in the file. */
  readonly rules: ReadonlyMap<string, { readonly line: number; readonly rule: string }>;
  /** Frames that left in one pass, and packets by rule; of OVS, and of us when both did the same. */
  readonly sent: ReadonlyMap<string, number>;
  readonly rulePackets: ReadonlyMap<string, number>;
  /** What one pass did differently, or the timed runs; empty when both did the same, or there is only one side. */
  readonly differences: readonly string[];
  readonly pairs: readonly Pair[];
}

/** Shares of packets by rule may differ by this much in timed runs: each stops in the middle of a pass, and counts late. */
const SHARE_TOLERANCE = 0.02;

/**
 * Runs the comparison; with `ours` undefined only the peer's half. Stops after the first pass when the two did not do the
 * same: `differences` says what, `pairs` is empty. `kept` is given what there is after each pair. Throws InputError for a capture or rules that do not fit.
 */
export async function runOvsPeer(
  undo: Undo,
  options: PeerOptions,
  ours: OurSide | undefined,
  progress: (line: string) => void,
  kept: (run: PeerRun) => void = () => undefined,
): Promise<PeerRun> {
  const trace = await readTrace(options.capture);
  let bytes = 0;
  let longest = 0;
  for (let i = 0; i < trace.count; i++) {
    bytes += trace.length[i];
    if (trace.length[i] > longest) longest = trace.length[i];
  }
  if (trace.count > MOST_FRAMES) {
    throw new InputError(
      `${options.capture}: ${trace.count} frames, OVS-DPDK keeps at most ${MOST_FRAMES} in packet buffers`,
    );
  }
  if (longest > LONGEST_FRAME) {
    throw new InputError(
      `${options.capture}: a frame of ${longest} bytes, OVS-DPDK with net_pcap takes at most ${LONGEST_FRAME}`,
    );
  }
  const { text, rules } = numberRules(readText(options.rules));
  if (rules.size === 0) throw new InputError(`${options.rules}: no rule in it`);

  const folder = temporaryFolder(undo, "eastwest-peer-");
  const capture = join(folder, "capture.pcap");
  const rulesFile = join(folder, "rules.flows");
  writeFileSync(capture, plainCapture(trace));
  writeFileSync(rulesFile, text);
  reserveHugepages(undo, (MEMORY_MB + 64) * 2 ** 20);
  const { ports, core, exactMatchCache, pairs: wanted, seconds, warmUp } = options;
  const theirOptions = { capture, rules: text, rulesName: options.rules, ports, core, exactMatchCache };
  const ourOptions = { capture, rules: rulesFile, ports, core, exactMatchCache };

  progress("one pass through OVS-DPDK");
  const theirPass = await ovsOnce(undo, theirOptions, trace, folder);
  const found: string[] = [];
  if (ours !== undefined) {
    progress("one pass through eastwest");
    const ourPass = await ours.once(ourOptions, trace.count, folder);
    const vxlan = ports.some((port) => port.kind === "vxlan");
    const name = (cookie: string): string => ruleName(options.rules, rules, cookie);
    found.push(...differences(theirPass, ourPass, vxlan, name));
  }
  const pairs: Pair[] = [];
  const version = await OvsDpdk.version();
  const now = (): PeerRun => ({
    options,
    version,
    frames: trace.count,
    bytes,
    rules,
    sent: new Map([...theirPass.outputs].map(([port, traces]) => [port, frameCount(traces)])),
    rulePackets: theirPass.rules,
    differences: [...found],
    pairs: [...pairs],
  });
  for (let i = 0; i < wanted && found.length === 0; i++) {
    const first = i % 2 === 0 ? "ovs-dpdk" : "eastwest";
    const before = first === "eastwest" ? await ours?.measure(ourOptions, seconds) : undefined;
    const theirs = await measureOvs(undo, theirOptions, seconds, warmUp);
    const our = before ?? (await ours?.measure(ourOptions, seconds));
    pairs.push({ first, theirs, ours: our });
    kept(now());
    const said = our === undefined ? "" : `, eastwest ${our.nsPerPacket.toFixed(1)} ns`;
    progress(`${i + 1} of ${wanted}: OVS-DPDK ${theirs.nsPerPacket.toFixed(1)} ns${said}`);
    if (our === undefined) continue;
    const { difference, cookie } = largestShareDifference(theirs.rules, our.rules);
    if (difference > SHARE_TOLERANCE) {
      const percent = (100 * difference).toFixed(1);
      found.push(
        `timed pair ${i + 1}: ${ruleName(options.rules, rules, cookie)}: shares of packets differ by ${percent} %`,
      );
    }
  }
  return now();
}

function ruleName(file: string, rules: PeerRun["rules"], cookie: string): string {
  const found = rules.get(cookie);
  return found === undefined ? `rules without a line in ${file}` : `${file}:${found.line}`;
}

/** A text file. Throws InputError in one line. */
export function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new InputError(messageOf(error as Error));
  }
}
