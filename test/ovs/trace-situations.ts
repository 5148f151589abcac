/**
 * Situations whose ofproto/trace is recorded (record-traces.ts) and compared letter by letter (traces.test.ts). One question
 * each, as far as that can be.
 */
import type { Situation } from "./situation.ts";
import { bridgesTogether, normal } from "./situations-bridges.ts";
import { datapathFlows } from "./situations-datapath.ts";
import { edges } from "./situations-edges.ts";
import { framed } from "./situations-frames.ts";
import { headers } from "./situations-headers.ts";
import { pipeline } from "./situations-pipeline.ts";
import { tunnels } from "./situations-tunnels.ts";

export const situations: readonly Situation[] = [
  ...pipeline,
  ...headers,
  ...normal,
  ...bridgesTogether,
  ...framed,
  ...edges,
  ...datapathFlows,
  ...tunnels,
];
