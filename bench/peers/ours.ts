/**
 * Our side of a comparison: `eastwest replay` as a process of its own, on the measured core, so that it is measured as
 * anybody would run it and every run starts cold, with its own compilation and memory layout.
 *
 * Of its JSON these keys are read: packets, packetsPerSecond, nsPerPacket, hits { exact, megaflow, upcalls } (packets),
 * lookupsPerHit, masks, and rules [ { cookie, packets } ]; and of `--write DIR` the files port-NUMBER.pcap: what left
 * through that port.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Trace } from "../../datapath/packet/trace.ts";
import { packageRoot } from "../paths.ts";
import { formatPort, isTunnel, type PortSpec } from "../replay/port-spec.ts";
import { run, schedule } from "./child.ts";
import { readOutput } from "./plain-capture.ts";
import type { OnePass, TimedRun } from "./same-work.ts";

export interface OurOptions {
  readonly capture: string;
  /** A file with numbered rules (numbered-rules.ts). */
  readonly rules: string;
  readonly ports: readonly PortSpec[];
  readonly core: number;
  readonly exactMatchCache: boolean;
}

/** What a comparison needs of our side: `eastwestReplay`, or something else in tests. */
export interface OurSide {
  /** Replays the capture over and over, for `seconds` once warm. */
  measure(options: OurOptions, seconds: number): Promise<TimedRun>;
  /** The capture's `frames` once, from a cold start; files go to `folder`. */
  once(options: OurOptions, frames: number, folder: string): Promise<OnePass>;
}

export const eastwestReplay: OurSide = {
  async measure(options, seconds) {
    let pid = 0;
    let last = { ran: 0, waited: 0 };
    // The kernel forgets a process's figures when it ends: the last sample before that counts.
    const sampling = setInterval(() => {
      const now = schedule(pid);
      if (now.ran > last.ran) last = now;
    }, 100);
    try {
      const text = await run("setpriv", [...replay(options), "--seconds", String(seconds)], {
        timeout: (seconds + 60) * 1000,
        started: (child) => {
          pid = child.pid!;
        },
      });
      return { ...parseReplay(text), waitedShare: last.ran === 0 ? 0 : last.waited / (last.ran + last.waited) };
    } finally {
      clearInterval(sampling);
    }
  },

  async once(options, frames, folder) {
    const text = await run("setpriv", [...replay(options), "--frames", String(frames), "--write", folder], {
      timeout: 120_000,
    });
    const outputs = new Map<string, Trace[]>();
    for (const port of options.ports) {
      if (port.kind === "pcap") continue;
      const key = isTunnel(port) ? "underlay" : String(port.ofport);
      const file = join(folder, `port-${port.ofport}.pcap`);
      const traces = outputs.get(key) ?? [];
      if (existsSync(file)) traces.push(...(await readOutput(file)));
      outputs.set(key, traces);
    }
    return { outputs, rules: parseReplay(text).rules };
  },
};

function replay({ capture, rules, ports, core, exactMatchCache }: OurOptions): string[] {
  const program = join(packageRoot, "dist", "bench", "main.js");
  const settings = ports.flatMap((port) => ["--port", formatPort(port)]);
  if (!exactMatchCache) settings.push("--emc", "off");
  const command = [process.execPath, program, "replay", capture, "--rules", rules];
  return ["--pdeathsig", "KILL", "taskset", "-c", String(core), ...command, ...settings, "--quiet", "--json", "-"];
}

/** Reads what `eastwest replay --json -` prints. Throws an Error that names the key that is not as expected. */
export function parseReplay(text: string): TimedRun {
  const wrong = (what: string): Error => new Error(`eastwest replay --json: ${what}`);
  let json: Record<string, unknown>;
  try {
    json = JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw wrong(`no JSON: ${(error as Error).message}`);
  }
  const number = (from: Record<string, unknown>, key: string): number => {
    const value = from[key];
    if (typeof value !== "number" || !Number.isFinite(value))
      throw wrong(`${key} is ${String(value)}, expected a number`);
    return value;
  };
  const hits = (json["hits"] ?? {}) as Record<string, unknown>;
  const rules = new Map<string, number>();
  if (!Array.isArray(json["rules"])) throw wrong("rules is no list");
  for (const rule of json["rules"] as Record<string, unknown>[]) {
    const cookie = String(rule["cookie"]);
    rules.set(cookie, (rules.get(cookie) ?? 0) + number(rule, "packets"));
  }
  const packets = number(json, "packets");
  const nsPerPacket = number(json, "nsPerPacket");
  return {
    packets,
    seconds: (packets * nsPerPacket) / 1e9,
    nsPerPacket,
    hits: { exact: number(hits, "exact"), megaflow: number(hits, "megaflow"), upcalls: number(hits, "upcalls") },
    lookupsPerHit: number(json, "lookupsPerHit"),
    masks: number(json, "masks"),
    waitedShare: 0,
    rules,
  };
}
