/**
 * The process that node-pcap.ts measures: reads a capture with the `pcap` package over and over, with or without decoding,
 * and prints one line of JSON. Its own process because the addon loads once a process, and to be cold as every other peer.
 *
 *   node node-pcap-child.js CAPTURE SECONDS read|decode
 */
import type { EventEmitter } from "node:events";

interface RawPacket {
  readonly buf: Buffer;
  readonly header: Buffer;
}
interface PcapPackage {
  createOfflineSession(path: string, options: { filter: string }): EventEmitter;
  readonly decode: { packet(raw: RawPacket): unknown };
}

/** What the process prints. */
export interface NodePcapCounts {
  readonly packets: number;
  /** From the first packet of each pass to its end, added up; opening the file is not in it. */
  readonly ns: number;
  /** Packets on which the decoder threw. */
  readonly failed: number;
}

const WARM_UP_NS = 1e9;

async function measure(path: string, seconds: number, decoding: boolean): Promise<NodePcapCounts> {
  const name = "node-pcap";
  const imported = (await import(name)) as { default: PcapPackage };
  const { createOfflineSession, decode } = imported.default;
  // The decoder prints a line for each packet of a type that it does not know.
  console.log = () => undefined;
  let packets = 0;
  let ns = 0;
  let failed = 0;
  const pass = (): Promise<void> =>
    new Promise((resolve) => {
      const session = createOfflineSession(path, { filter: "" });
      let started = 0n;
      session.on("packet", (raw: RawPacket) => {
        if (started === 0n) started = process.hrtime.bigint();
        packets++;
        if (!decoding) return;
        try {
          decode.packet(raw);
        } catch {
          failed++;
        }
      });
      session.on("complete", () => {
        if (started !== 0n) ns += Number(process.hrtime.bigint() - started);
        resolve();
      });
    });
  const until = async (wanted: number): Promise<void> => {
    packets = ns = failed = 0;
    while (ns < wanted) {
      await pass();
      if (packets === 0) break;
    }
  };
  await until(WARM_UP_NS);
  await until(seconds * 1e9);
  return { packets, ns, failed };
}

const [path, seconds, work] = process.argv.slice(2);
process.stdout.write(`${JSON.stringify(await measure(path, Number(seconds), work === "decode"))}\n`);
