/**
 * A frame as the words of its flow, parsed as the datapath parses it.
 */
import { extract } from "../../datapath/flow/extract.ts";
import { FLOW_WORDS, KEY_WORDS } from "../../datapath/flow/flow-key.ts";
import { PacketBatch } from "../../datapath/packet/packet-batch.ts";
import { PacketPool } from "../../datapath/packet/packet-pool.ts";
import { InputError } from "../errors.ts";

/** "fa16 3e0a…" (spaces, colons and line ends do not count) to bytes. */
export function frameFromHex(text: string): Uint8Array {
  const digits = text.replaceAll(/[\s:]/g, "");
  if (!/^([0-9a-fA-F]{2})+$/.test(digits)) {
    throw new InputError(`frame ${JSON.stringify(text.slice(0, 40))}: expected an even number of hexadecimal digits`);
  }
  return Uint8Array.from(Buffer.from(digits, "hex"));
}

/** The flow of a frame, FLOW_WORDS words, in_port 0. Throws when it is too short to be an Ethernet frame. */
export function parseFrame(text: string, vlanLimit: number): Int32Array {
  const frame = frameFromHex(text);
  const pool = new PacketPool(1, frame.length);
  const batch = new PacketBatch(pool);
  batch.count = 1;
  batch.slot[0] = pool.alloc();
  batch.start[0] = pool.home(batch.slot[0]);
  batch.end[0] = batch.start[0] + frame.length;
  pool.bytes.set(frame, batch.start[0]);
  if (extract(batch, vlanLimit) > 0) {
    throw new InputError(`frame of ${frame.length} bytes: expected at least the 14 of an Ethernet header`);
  }
  const flow = new Int32Array(FLOW_WORDS);
  for (let w = 0; w < KEY_WORDS; w++) flow[w] = batch.keys[w];
  return flow;
}
