/** Inputs that once made something go wrong, kept as tests: what the fuzzers found, and what people did. */

/** Texts, with the parser of text.test.ts that they went to. */
export const TEXTS: readonly { readonly parser: string; readonly text: string }[] = [];

/** Frames in hexadecimal, with the list of actions (a seed of frames.test.ts) that they met. */
export const FRAMES: readonly { readonly hex: string; readonly actions: string }[] = [];
