/**
 * What a thread of OVS's userspace datapath says about itself: `ovs-appctl dpif-netdev/pmd-perf-show -nh`, since the last
 * `pmd-stats-clear`. Layout: Open vSwitch lib/dpif-netdev-perf.c pmd_perf_format_overall_stats (3.1).
 */

export interface PmdPerf {
  /** Core that the thread runs on. */
  readonly core: number;
  /** Seconds since the counters were cleared, by OVS's own clock. */
  readonly seconds: number;
  readonly iterations: number;
  /** TSC cycles that the thread spent in its loop. The rest was taken by somebody else, or by reconfiguration. */
  readonly usedCycles: number;
  /** usedCycles against the cycles that passed, 0 to 1. */
  readonly usedShare: number;
  /** Iterations that received something, 0 to 1 of the used cycles. */
  readonly busyShare: number;
  readonly rxPackets: number;
  /** Cycles of busy iterations by received packet: receiving, looking up, executing and sending. Rounded by OVS. */
  readonly cyclesPerPacket: number;
  /** Packets that went through the datapath, recirculated ones again. */
  readonly passes: number;
  readonly exactHits: number;
  readonly signatureHits: number;
  /** Hits of `simple match`, which OVS uses when a port has only rules that match nothing but port and VLAN. */
  readonly simpleHits: number;
  readonly megaflowHits: number;
  /** Subtables asked for a megaflow hit; 0 when there was none. */
  readonly lookupsPerHit: number;
  readonly upcalls: number;
  /** us an upcall took. */
  readonly upcallMicroseconds: number;
  readonly lostUpcalls: number;
  readonly txPackets: number;
}

/** The counters of every PMD thread. Throws an Error when a thread's text lacks what OVS 3.x prints. */
export function parsePmdPerf(text: string): PmdPerf[] {
  const threads: PmdPerf[] = [];
  let seconds = Number.NaN;
  for (const part of text.split(/(?=^Time: )/m)) {
    const measured = /^Measurement duration: ([\d.]+) s/m.exec(part);
    if (measured !== null) seconds = Number(measured[1]);
    const head = /^pmd thread numa_id \d+ core_id (\d+):/m.exec(part);
    if (head !== null) threads.push(parseThread(part, Number(head[1]), seconds));
  }
  return threads;
}

function parseThread(text: string, core: number, seconds: number): PmdPerf {
  const find = (name: string): string | undefined =>
    new RegExp(`^\\s*(?:- )?${name}:\\s+(.*)$`, "m").exec(text)?.[1].trim();
  const need = (name: string): string => {
    const found = find(name);
    if (found === undefined)
      throw new Error(`pmd-perf-show: no line "${name}" for core ${core}, expected that of Open vSwitch 3.x`);
    return found;
  };
  const count = (name: string): number => Number.parseInt(need(name), 10);
  const inside = (line: string, pattern: RegExp): number => Number(pattern.exec(line)?.[1] ?? 0);
  const rxPackets = count("Rx packets");
  const base = {
    core,
    seconds,
    iterations: count("Iterations"),
    usedCycles: count("Used TSC cycles"),
    usedShare: inside(need("Used TSC cycles"), /([\d.]+) % of total/) / 100,
    busyShare: inside(need("busy iterations"), /([\d.]+) % of used/) / 100,
    rxPackets,
    cyclesPerPacket: inside(need("Rx packets"), /([\d.]+) cycles\/pkt/),
    txPackets: count("Tx packets"),
  };
  // Without a packet OVS leaves the lines of the caches out.
  const given = (name: string): number => (rxPackets === 0 ? 0 : count(name));
  return {
    ...base,
    passes: given("Datapath passes"),
    exactHits: given("EMC hits"),
    signatureHits: given("SMC hits"),
    simpleHits: find("Simple Match hits") === undefined ? 0 : count("Simple Match hits"),
    megaflowHits: given("Megaflow hits"),
    lookupsPerHit: rxPackets === 0 ? 0 : inside(need("Megaflow hits"), /([\d.]+) subtbl/),
    upcalls: given("Upcalls"),
    upcallMicroseconds: rxPackets === 0 ? 0 : inside(need("Upcalls"), /([\d.]+) us\/upcall/),
    lostUpcalls: given("Lost upcalls"),
  };
}

/** TSC ticks a second, out of the cycles used, their share and the time: good to 0.1 %, what OVS's rounding leaves. */
export function tscHz({ usedCycles, usedShare, seconds }: PmdPerf): number {
  return usedCycles / usedShare / seconds;
}
