/**
 * What a datapath counts. Float64Array elements: exact up to 2^53, one writer, no allocation on the path. Every packet ends
 * in exactly one place, so these hold after every burst (tests assert them):
 *
 *   received + copies = transmitted + drops            exact + megaflow + upcall = lookups
 */
import { DROP_COUNT, dropNames } from "./packet/drop.ts";

/** Names of the elements of `Counters.total`, in order. */
export const counterNames = [
  "received",
  "receivedBytes",
  "copies",
  "transmitted",
  "transmittedBytes",
  "lookups",
  "exact",
  "megaflow",
  "upcall",
  "subtableLookups",
  "slow",
  "recirculations",
  "pops",
  "pushes",
  "userspace",
  "revalidations",
  "tableLookups",
] as const;
export type CounterName = (typeof counterNames)[number];

export const C_RECEIVED = 0;
export const C_RECEIVED_BYTES = 1;
/** Packets made: by outputs before the last one, by clone. */
export const C_COPIES = 2;
export const C_TRANSMITTED = 3;
export const C_TRANSMITTED_BYTES = 4;
/** Passes of packets through the caches: received and recirculated ones. */
export const C_LOOKUPS = 5;
export const C_EXACT = 6;
export const C_MEGAFLOW = 7;
export const C_UPCALL = 8;
/** Subtables tried. */
export const C_SUBTABLE_LOOKUPS = 9;
/** Upcalls whose translation was not installed. */
export const C_SLOW = 10;
export const C_RECIRCULATIONS = 11;
export const C_POPS = 12;
export const C_PUSHES = 13;
/** Packets for a controller. */
export const C_USERSPACE = 14;
/** Megaflows translated again because the slow path had changed. */
export const C_REVALIDATIONS = 15;
/** OpenFlow table lookups that upcalls made. */
export const C_TABLE_LOOKUPS = 16;

/** One plain object of all counters, for reports; integers. */
export interface CountersSnapshot extends Readonly<Record<CounterName, number>> {
  readonly drops: Readonly<Record<string, number>>;
  readonly rxPackets: readonly number[];
  readonly rxBytes: readonly number[];
  readonly txPackets: readonly number[];
  readonly txBytes: readonly number[];
  /** ns; all 0 unless the datapath was made with `timing`. */
  readonly extractNs: number;
  readonly lookupNs: number;
  readonly executeNs: number;
}

export class Counters {
  readonly total = new Float64Array(counterNames.length);
  /** By Drop code. */
  readonly drops = new Float64Array(DROP_COUNT);
  /** By datapath port. */
  readonly rxPackets: Float64Array;
  readonly rxBytes: Float64Array;
  readonly txPackets: Float64Array;
  readonly txBytes: Float64Array;
  /** ns spent in [0] extract, [1] lookup and grouping, [2] execute (without the passes that it starts). */
  readonly ns = new Float64Array(3);

  constructor(ports: number) {
    this.rxPackets = new Float64Array(ports);
    this.rxBytes = new Float64Array(ports);
    this.txPackets = new Float64Array(ports);
    this.txBytes = new Float64Array(ports);
  }

  /** All that is counted, as columns of integers; not the times. */
  get columns(): readonly Float64Array[] {
    return [this.total, this.drops, this.rxPackets, this.rxBytes, this.txPackets, this.txBytes];
  }

  get(name: CounterName): number {
    return this.total[counterNames.indexOf(name)];
  }

  get dropped(): number {
    return this.drops.reduce((sum, n) => sum + n, 0);
  }

  clear(): void {
    for (const column of [...this.columns, this.ns]) column.fill(0);
  }

  snapshot(): CountersSnapshot {
    const totals = Object.fromEntries(counterNames.map((name, n) => [name, this.total[n]])) as Record<
      CounterName,
      number
    >;
    return {
      ...totals,
      drops: Object.fromEntries(dropNames.flatMap((name, n) => (this.drops[n] > 0 ? [[name, this.drops[n]]] : []))),
      rxPackets: [...this.rxPackets],
      rxBytes: [...this.rxBytes],
      txPackets: [...this.txPackets],
      txBytes: [...this.txBytes],
      extractNs: this.ns[0],
      lookupNs: this.ns[1],
      executeNs: this.ns[2],
    };
  }
}
