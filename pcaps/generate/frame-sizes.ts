/**
 * How long frames are: one size, a mixture with weights, or an IMIX by name.
 *
 * Two ways of counting are in use. Captures, and everything here, count without the frame check sequence (FCS): the
 * smallest frame has 60 bytes. Benchmarks and their names count with it: 64, 570, 1518. So a plain number (or a mixture
 * of numbers) is without FCS, a named mixture and a genome with it, and 4 bytes are taken off. Sizes are those of the frame
 * as its VM sends it, before tags and tunnels.
 *
 * A mixture is a sequence that repeats, so that its shares and its mean are exact after every round; its parts are spread
 * over the round as evenly as they go. A genome (RFC 6985, section 4) is such a sequence itself, in its own order.
 */
import { InputError } from "../input-error.ts";

export const FCS_LENGTH = 4;
const LONGEST = 65000;
const MOST_IN_A_ROUND = 1 << 16;

/** Sizes with FCS by genome letter: RFC 6985, section 4; z is the MTU, 1500 here. */
const GENOME: Readonly<Record<string, number>> = {
  a: 64,
  b: 128,
  c: 256,
  d: 512,
  e: 1024,
  f: 1280,
  g: 1518,
  h: 2112,
  i: 9000,
  j: 16000,
  z: 1518,
};

/** Mixtures by name: [size with FCS, weight]. */
const NAMED: Readonly<Record<string, readonly (readonly [number, number])[]>> = {
  // FD.io CSIT, methodology: mean 353.83 bytes
  IMIX_v4_1: [
    [64, 28],
    [570, 16],
    [1518, 4],
  ],
};

export interface FrameSizes {
  /** As it was asked for. */
  readonly name: string;
  /** Sizes without FCS, in the order of frames; repeats. */
  readonly sequence: Int32Array;
  /** A mixture: its shortest frames grow when their headers need it. */
  readonly mixture: boolean;
}

/**
 * "60", "60:7,566:4,1514:1" (size:weight, without FCS), "IMIX_v4_1" or "genome:aaaaaaaddddg" (with FCS). Throws InputError.
 */
export function parseFrameSizes(text: string): FrameSizes {
  const named = Object.keys(NAMED).find((name) => name.toLowerCase() === text.toLowerCase());
  if (named !== undefined) {
    const parts = NAMED[named].map(([size, weight]) => [size - FCS_LENGTH, weight] as const);
    return { name: named, sequence: spread(parts), mixture: true };
  }
  if (text.startsWith("genome:")) {
    const letters = [...text.slice("genome:".length)];
    const wrong = letters.find((letter) => GENOME[letter] === undefined);
    if (letters.length === 0 || letters.length > MOST_IN_A_ROUND || wrong !== undefined) {
      const what = wrong === undefined ? `${letters.length} letters` : `"${wrong}"`;
      throw new InputError(
        `frame sizes "${text}": ${what}, expected letters a-j and z of RFC 6985, as in genome:aaaaaaaddddg`,
      );
    }
    return { name: text, sequence: Int32Array.from(letters, (letter) => GENOME[letter] - FCS_LENGTH), mixture: true };
  }
  const parts = text.split(",").map((part) => {
    const fields = /^(\d+)(?::(\d+))?$/.exec(part.trim());
    const size = Number(fields?.[1]);
    const weight = Number(fields?.[2] ?? 1);
    if (fields === null || size < 42 || size > LONGEST || weight < 1) {
      const names = Object.keys(NAMED).join(", ");
      throw new InputError(
        `frame sizes "${text}": "${part}" is no size, expected bytes without FCS from 42 to ${LONGEST} as in 60, ` +
          `a mixture as in 60:7,566:4,1514:1, one of ${names}, or genome:LETTERS`,
      );
    }
    return [size, weight] as const;
  });
  return { name: text, sequence: spread(parts), mixture: parts.length > 1 };
}

/** Mean without FCS. */
export function meanFrameSize(sizes: FrameSizes): number {
  return sizes.sequence.reduce((sum, size) => sum + size, 0) / sizes.sequence.length;
}

/** One round of a mixture: at each place the part that is furthest behind its share (smooth weighted round robin). */
function spread(parts: readonly (readonly [size: number, weight: number])[]): Int32Array {
  const total = parts.reduce((sum, [, weight]) => sum + weight, 0);
  if (total > MOST_IN_A_ROUND)
    throw new InputError(`frame sizes: weights add up to ${total}, expected at most ${MOST_IN_A_ROUND}`);
  const credit = parts.map(() => 0);
  return Int32Array.from({ length: total }, () => {
    let best = 0;
    for (let i = 0; i < parts.length; i++) {
      credit[i] += parts[i][1];
      if (credit[i] > credit[best]) best = i;
    }
    credit[best] -= total;
    return parts[best][0];
  });
}
