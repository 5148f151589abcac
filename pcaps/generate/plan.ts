/**
 * What is to be generated, complete and checked: every value has been refused here if it does not fit the others, so that
 * the generator itself never fails.
 */
import { InputError } from "../input-error.ts";
import { type FrameSizes, meanFrameSize, parseFrameSizes } from "./frame-sizes.ts";
import type { PopularityKind } from "./popularity.ts";
import { type Encapsulation, findScenario, type Scenario } from "./scenario.ts";

export const protocols = ["udp", "tcp", "icmp"] as const;
export type Protocol = (typeof protocols)[number];

export interface GenerateOptions {
  readonly scenario?: string | undefined;
  /** 32 bits. */
  readonly seed?: number | undefined;
  readonly frames?: number | undefined;
  readonly flows?: number | undefined;
  /** Sending VMs, and as many receiving ones. */
  readonly vms?: number | undefined;
  readonly popularity?: PopularityKind | undefined;
  /** Exponent of zipf. */
  readonly alpha?: number | undefined;
  /** As parseFrameSizes takes it. */
  readonly size?: string | undefined;
  /** Weights by protocol; a flow has one. */
  readonly protocols?: Readonly<Partial<Record<Protocol, number>>> | undefined;
  /** Share of flows over IPv6, 0..1. */
  readonly ipv6?: number | undefined;
  readonly encapsulation?: Encapsulation | undefined;
  /** GRE key, VXLAN or Geneve network identifier. */
  readonly key?: number | undefined;
  readonly vlan?: number | undefined;
  /** Outer tag of QinQ. */
  readonly serviceVlan?: number | undefined;
  /** Frames a second. */
  readonly pps?: number | undefined;
  /** Gaps between frames: all equal, or exponentially distributed. */
  readonly gaps?: "constant" | "poisson" | undefined;
  /** Time of the first frame, ns since 1970. */
  readonly startNs?: bigint | undefined;
}

export interface Plan {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly frames: number;
  readonly flows: number;
  readonly vms: number;
  readonly popularity: PopularityKind;
  readonly alpha: number;
  readonly sizes: FrameSizes;
  readonly protocols: readonly (readonly [Protocol, number])[];
  readonly ipv6: number;
  readonly encapsulation: Encapsulation;
  readonly key: number;
  readonly vlan: number;
  readonly serviceVlan: number;
  readonly pps: number;
  readonly gaps: "constant" | "poisson";
  readonly startNs: bigint;
}

/** Sender ports 1024..65535 in each of 1000 receiver ports. */
export const SENDER_PORTS = 64512;
export const RECEIVER_PORTS = 1000;
const ECHO_IDS = 65536;
const MOST_FLOWS = 1 << 24;
/** 2015-06-01T00:00:00Z. */
const DEFAULT_START = 1_433_116_800_000_000_000n;

/** Bytes of headers that a frame of this kind has at least, without tags and tunnels. */
export function headerBytes(protocol: Protocol, ipv6: boolean): number {
  return 14 + (ipv6 ? 40 : 20) + (protocol === "tcp" ? 20 : 8);
}

/** Fills in what is not given and checks all of it. Throws InputError with the value and what was expected. */
export function makePlan(options: GenerateOptions = {}): Plan {
  const scenario = findScenario(options.scenario ?? "east-west");
  const vms = whole("VMs", options.vms ?? (scenario.within ? 2 : 1), scenario.within ? 2 : 1, scenario.mostVms);
  const flows = whole("flows", options.flows ?? 1000, 1, MOST_FLOWS);
  const popularity = options.popularity ?? "uniform";
  const alpha = options.alpha ?? 1;
  if (!(alpha > 0 && alpha <= 10))
    throw new InputError(`zipf exponent ${alpha}: expected a number above 0, at most 10`);
  const ipv6 = options.ipv6 ?? 0;
  if (!(ipv6 >= 0 && ipv6 <= 1)) throw new InputError(`share of IPv6 ${ipv6}: expected a number from 0 to 1`);
  const weights = protocols
    .map((name) => [name, options.protocols?.[name] ?? 0] as const)
    .filter(([, weight]) => weight > 0);
  const mixed = weights.length === 0 ? [["udp", 1] as const] : weights;
  const pairs = scenario.within ? vms * (vms - 1) : vms * vms;
  const each = mixed.some(([name]) => name === "icmp") ? ECHO_IDS : SENDER_PORTS * RECEIVER_PORTS;
  if (flows > pairs * each) {
    throw new InputError(
      `${flows} flows: ${vms} VMs have only ${pairs * each} different ones, ${each} a pair; give more VMs`,
    );
  }
  const sizes = parseFrameSizes(options.size ?? "60");
  if (!sizes.mixture) {
    for (const [name] of mixed) {
      for (const six of [false, true]) {
        if (six ? ipv6 === 0 : ipv6 === 1) continue;
        if (sizes.sequence[0] < headerBytes(name, six)) {
          throw new InputError(
            `frame size ${sizes.name}: a ${name} frame over IPv${six ? 6 : 4} has ${headerBytes(name, six)} bytes of headers, expected at least that`,
          );
        }
      }
    }
  }
  const encapsulation = options.encapsulation ?? scenario.encapsulation;
  const bits = encapsulation === "gre" ? 32 : 24;
  const startNs = options.startNs ?? DEFAULT_START;
  const pps = options.pps ?? 1e6;
  if (!(pps > 0 && pps <= 1e9))
    throw new InputError(`${pps} frames a second: expected a number above 0, at most 1000000000`);
  const frames = whole("frames", options.frames ?? 10_000, 1, 2 ** 40);
  if (startNs < 0n || Number(startNs / 1_000_000_000n) + frames / pps > 2 ** 32) {
    throw new InputError(`times from ${startNs} ns on for ${frames / pps} s: captures hold 1970 to 2106`);
  }
  return {
    scenario,
    seed: options.seed ?? 1,
    frames,
    flows,
    vms,
    popularity,
    alpha,
    sizes,
    protocols: mixed,
    ipv6,
    encapsulation,
    key: whole(encapsulation === "gre" ? "GRE key" : "network identifier", options.key ?? 2, 0, 2 ** bits - 1),
    vlan: whole("VLAN", options.vlan ?? 2, 0, 4095),
    serviceVlan: whole("service VLAN", options.serviceVlan ?? 100, 0, 4095),
    pps,
    gaps: options.gaps ?? "constant",
    startNs,
  };
}

/** Mean bytes of the frames before tags and tunnels, without FCS. */
export function planMeanSize(plan: Plan): number {
  return meanFrameSize(plan.sizes);
}

function whole(what: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new InputError(`${what} ${value}: expected a whole number from ${least} to ${most}`);
}
