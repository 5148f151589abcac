/**
 * Frame sizes by which rates are named, and what a link carries of them. Sizes here count the frame check sequence, as RFC
 * 2544, RFC 6985 and everybody's test names do (64 is the smallest); pcaps/generate/frame-sizes.ts, which makes such frames,
 * counts without it.
 */
import { FCS_LENGTH, meanFrameSize, parseFrameSizes } from "../../pcaps/generate/frame-sizes.ts";

/** RFC 2544 section 9.1, Ethernet. */
export const RFC2544_SIZES = [64, 128, 256, 512, 1024, 1280, 1518] as const;

/** Preamble, start of frame and the gap between frames: bytes on the wire that are in no frame (IEEE 802.3). */
export const WIRE_OVERHEAD = 20;

export interface FrameProfile {
  /** As it is said in a result: "64B", "IMIX_v4_1", "genome:aaaaaaaddddg". */
  readonly name: string;
  /** What frame-sizes.ts reads to make these frames. */
  readonly generate: string;
  /** Mean size in bytes, with FCS. */
  readonly meanSize: number;
}

/**
 * "64", "64B" (with FCS), "rfc2544" (all seven), "IMIX_v4_1", "genome:LETTERS", several separated by commas. Throws an
 * InputError that names what it does not know.
 */
export function parseFrameProfiles(text: string): FrameProfile[] {
  return text.split(",").flatMap((part) => {
    const word = part.trim();
    if (word.toLowerCase() === "rfc2544") return RFC2544_SIZES.map(profileOfSize);
    const size = /^(\d+)B?$/i.exec(word);
    return size === null ? [profileOf(word, word)] : [profileOfSize(Number(size[1]))];
  });
}

function profileOfSize(size: number): FrameProfile {
  return profileOf(`${size}B`, String(size - FCS_LENGTH));
}

function profileOf(name: string, generate: string): FrameProfile {
  const sizes = parseFrameSizes(generate);
  // Names keep their spelling whatever was typed.
  return {
    name: name === generate ? sizes.name : name,
    generate,
    meanSize: meanFrameSize(sizes) + FCS_LENGTH,
  };
}

/** Bits a second in frames, FCS included: layer 2. */
export function layer2Rate(framesPerSecond: number, meanSize: number): number {
  return framesPerSecond * meanSize * 8;
}

/** Bits a second on the wire, preamble and gap included: layer 1, what a link's speed is said in. */
export function layer1Rate(framesPerSecond: number, meanSize: number): number {
  return framesPerSecond * (meanSize + WIRE_OVERHEAD) * 8;
}

/** Frames a second that fill a link of so many bits a second: the largest load for these frames. */
export function lineRate(bitsPerSecond: number, meanSize: number): number {
  return bitsPerSecond / ((meanSize + WIRE_OVERHEAD) * 8);
}
