/**
 * The other side of a comparison: one private OVS-DPDK for every run, as every run of ours is a process of its own.
 *
 * What is measured: the wall clock of OVS's PMD thread, by its own account (`pmd-perf-show` between `pmd-stats-clear` and
 * the end of the run). In it: net_pcap handing out a copy of each frame from memory (`infinite_rx`), extraction, lookup,
 * actions, net_null freeing the frame, and the poll of the output port's receive queue once a burst, which gives nothing
 * (1 % or less). Packets always wait, so no iteration is idle and polling hides no time: busy cycles are all cycles.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Trace } from "../../datapath/packet/trace.ts";
import { sleep } from "./child.ts";
import { OvsDpdk } from "./ovs-dpdk.ts";
import type { SwitchOptions } from "./ovs-setup.ts";
import { plainCapture, readOutput } from "./plain-capture.ts";
import { type PmdPerf, tscHz } from "./pmd-perf.ts";
import type { OnePass, TimedRun } from "./same-work.ts";
import type { Undo } from "./undo.ts";

export interface OvsRun extends TimedRun {
  /** TSC cycles of the PMD thread by packet. */
  readonly cyclesPerPacket: number;
  readonly tscHz: number;
  readonly perf: PmdPerf;
}

export type OvsOptions = Omit<SwitchOptions, "endless" | "record">;

/** Starts a switch, lets it warm up, counts for `seconds`, stops it. */
export async function measureOvs(undo: Undo, options: OvsOptions, seconds: number, warmUp: number): Promise<OvsRun> {
  const ovs = await OvsDpdk.start(undo, { ...options, endless: true, record: false });
  try {
    await sleep(warmUp * 1000);
    await ovs.clear();
    const before = ovs.schedule();
    await sleep(seconds * 1000);
    const perf = await ovs.perf();
    const after = ovs.schedule();
    const rules = await ovs.ruleCounts();
    const megaflows = await ovs.megaflows();
    if (perf.rxPackets === 0) throw new Error("OVS-DPDK received no packet: is the capture readable for libpcap?");
    const ran = after.ran - before.ran;
    const waited = after.waited - before.waited;
    return {
      packets: perf.rxPackets,
      seconds: perf.seconds,
      nsPerPacket: (perf.seconds * 1e9) / perf.rxPackets,
      cyclesPerPacket: perf.usedCycles / perf.rxPackets,
      tscHz: tscHz(perf),
      hits: {
        exact: perf.exactHits,
        megaflow: perf.megaflowHits + perf.signatureHits + perf.simpleHits,
        upcalls: perf.upcalls + perf.lostUpcalls,
      },
      lookupsPerHit: perf.lookupsPerHit,
      masks: countMasks(megaflows),
      waitedShare: ran + waited === 0 ? 0 : waited / (ran + waited),
      rules: new Map([...rules].map(([cookie, { packets }]) => [cookie, packets])),
      perf,
    };
  } finally {
    await ovs.stop();
  }
}

/** Runts in front of the frames: they last for the milliseconds in which a new port receives but is not known yet. */
const LEAD_IN = 200_000;

/** The frames once, from a cold start, with what leaves recorded. Throws when frames get lost before the rules. */
export async function ovsOnce(undo: Undo, options: OvsOptions, trace: Trace, folder: string): Promise<OnePass> {
  for (let runts = LEAD_IN; ; runts *= 8) {
    const capture = join(folder, "once.pcap");
    writeFileSync(capture, plainCapture(trace, runts));
    const ovs = await OvsDpdk.start(undo, { ...options, capture, endless: false, record: true });
    try {
      let perf = await ovs.perf();
      for (let tries = 0; perf.rxPackets < runts + trace.count; tries++) {
        if (tries > 1000) throw new Error(`OVS-DPDK received ${perf.rxPackets} of ${runts + trace.count} frames`);
        await sleep(20);
        perf = await ovs.perf();
      }
      if (perf.lostUpcalls > 0 && runts < LEAD_IN * 64) continue;
      if (perf.lostUpcalls > 0) throw new Error(`OVS-DPDK lost ${perf.lostUpcalls} upcalls in one pass of the capture`);
      const rules = await ovs.ruleCounts();
      const outputs = new Map<string, Trace[]>();
      for (const [port, file] of ovs.outputs) outputs.set(port, await readOutput(file));
      return { outputs, rules: new Map([...rules].map(([cookie, { packets }]) => [cookie, packets])) };
    } finally {
      await ovs.stop();
    }
  }
}

/**
 * Distinct masks of datapath flows as `dpctl/dump-flows -m` prints them. A field without "/mask" is exact; which fields are
 * there belongs to the mask.
 */
export function countMasks(megaflows: readonly string[]): number {
  const masks = new Set<string>();
  for (const flow of megaflows) {
    const match = flow.replace(/^ufid:[^,]*,/, "").replace(/, packets:.*$/, "");
    masks.add(
      match.replace(
        /([a-z_0-9]+)(?:=|\()([^(),=/]*)(\/[^(),]*)?(?=[,)])/g,
        (_, field, _value, mask) => `${field}${mask ?? "="}`,
      ),
    );
  }
  return masks.size;
}
