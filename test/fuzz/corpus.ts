/** Inputs that once made something go wrong, kept as tests: what the fuzzers found, and what people did. */

/** Texts, with the parser of text.test.ts that they went to. */
export const TEXTS: readonly { readonly parser: string; readonly text: string }[] = [
  // Control characters in a message: a carriage return hid its beginning on a terminal.
  { parser: "rules", text: "actions=bundle_load(eth_src,0,hrw,ofport,reg0[0..15],mem\rbers:1,2)" },
  { parser: "files of rules", text: "actions=bundle(eth_src,0,h(eth_src,0,hrw,ofport,\x1b[2J;embers:)" },
];

/** Frames in hexadecimal, with the list of actions (a seed of frames.test.ts) that they met. */
export const FRAMES: readonly { readonly hex: string; readonly actions: string }[] = [
  // A timestamp option of 8 bytes, at the end of the frame, was printed as one of 10.
  {
    hex: "fa163ecd508dfa163e176ba7080045000034fb5140004006bb0bc0a8010bc0a8020bc8081451f8f0ae699456077780100040bef80000010108080c032f632c51ab",
    actions: "[]",
  },
];
