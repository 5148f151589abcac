/**
 * Reading a capture through libpcap, by way of the package node-pcap: a second opinion on our own reader, and the way to
 * BPF filters ("tcp port 80"). The only file that knows the package. It is an optional dependency with a native addon:
 * loaded when it is first asked for, once in a process, and not in worker threads (the addon is not context-aware).
 *
 * What is different from our reader: libpcap takes no gzip; it gives microseconds, so finer times are cut; a pcapng file with several
 * link types is refused; and the package does not tell the end of a file from a damaged record. So our reader
 * walks the records first: its errors and its word about a file that is cut off count here too.
 */
import { statSync } from "node:fs";
import { isMainThread } from "node:worker_threads";
import type { Trace } from "../datapath/packet/trace.ts";
import { recoverEthernet, SLL_SURPLUS, SLL2_SURPLUS } from "./cooked.ts";
import { InputError } from "./input-error.ts";
import { LinkType } from "./link-type.ts";
import { MAX_CAPTURED } from "./pcap-format.ts";
import { type ReadOptions, TraceWindows } from "./read-trace.ts";
import { TraceBuilder } from "./trace-builder.ts";

/** As much of the package as is used. */
interface NodePcap {
  readonly lib_version: string;
  PcapSession: new (
    live: false,
    path: string,
    filter: string,
    bufferSize: number,
    snapLength: number,
    outFile: null,
  ) => Session;
}

interface Session {
  readonly link_type: string;
  readonly buf: Uint8Array;
  readonly header: Uint8Array;
  readonly session: { dispatch(buf: Uint8Array, header: Uint8Array): number };
  on(event: "packet", listener: () => void): void;
  once(event: "complete", listener: () => void): void;
  close(): void;
}

export interface LibpcapOptions extends ReadOptions {
  /** A filter expression as in pcap-filter(7). */
  readonly filter?: string | undefined;
}

const PACKAGE: string = "node-pcap";
const WINDOW = 64 << 20;

async function load(): Promise<NodePcap | string> {
  if (!isMainThread) return "its addon loads in the main thread only";
  try {
    const loaded = (await import(PACKAGE)) as { default?: NodePcap } & NodePcap;
    return loaded.default ?? loaded;
  } catch (error) {
    return (error as Error).message.split("\n")[0];
  }
}

/** libpcap's own version text, or undefined where the package is not installed or does not load. */
export async function libpcapVersion(): Promise<string | undefined> {
  const loaded = await load();
  return typeof loaded === "string" ? undefined : loaded.lib_version;
}

/**
 * Reads a capture through libpcap. The same frames as `readTrace` gives, times cut to microseconds. Throws InputError:
 * package missing, filter that does not compile, and all that `readTrace` refuses.
 */
export async function readTraceWithLibpcap(path: string, options: LibpcapOptions = {}): Promise<Trace> {
  const pcap = await load();
  if (typeof pcap === "string") {
    throw new InputError(
      `cannot read ${path} through libpcap: the optional package node-pcap does not load (${pcap}): ` +
        "install libpcap's headers and a C++ compiler, then run npm install; or read without --reader libpcap",
    );
  }
  const { warnings, frames } = await walk(path, options);
  const builder = new TraceBuilder(path, options.memory);
  let session: Session;
  try {
    session = new pcap.PcapSession(false, path, options.filter ?? "", 0, MAX_CAPTURED, null);
  } catch (error) {
    const filter = options.filter ? ` with filter "${options.filter}"` : "";
    throw new InputError(`cannot read ${path} through libpcap${filter}: ${(error as Error).message}`);
  }
  const linkType = session.link_type;
  const cooked =
    linkType === "LINKTYPE_LINUX_SLL" ? LinkType.LinuxSll : linkType.endsWith(" 276") ? LinkType.LinuxSll2 : 0;
  const second = cooked === LinkType.LinuxSll2;
  const surplus = cooked === 0 ? 0 : second ? SLL2_SURPLUS : SLL_SURPLUS;
  const { buf, header } = session;
  const frame = new Uint8Array(buf.buffer, buf.byteOffset, buf.byteLength);
  // The addon writes the header's four words in the byte order of the machine.
  const words = new Int32Array(4);
  const wordBytes = new Uint8Array(words.buffer);
  let leftOut = 0;
  let failed: unknown;
  const drained = new Promise<void>((resolve) => session.once("complete", resolve));
  session.on("packet", () => {
    if (failed !== undefined) return; // an exception in this callback would end the process
    try {
      wordBytes.set(header);
      const captured = Math.min(words[2] >>> 0, MAX_CAPTURED);
      const wire = words[3] >>> 0;
      if (cooked !== 0 && !recoverEthernet(frame, 0, captured, wire, second)) leftOut++;
      else builder.add(frame, surplus, captured, words[0] >>> 0, words[1] * 1000, wire - surplus);
    } catch (error) {
      failed = error;
    }
  });
  await drained;
  session.close();
  // close() only breaks the loop; the next dispatch notices and frees libpcap's handle and its file.
  session.session.dispatch(buf, header);
  if (failed !== undefined) throw failed;
  // libpcap stops at a second link type or byte order, and the package does not say that it did.
  if (options.filter === undefined && builder.count < frames) {
    throw new InputError(
      `${path}: libpcap gives ${builder.count} of its ${frames} frames (it takes one link type and one byte order in a file): ` +
        "read without --reader libpcap",
    );
  }
  if (leftOut > 0) warnings.push(`${leftOut} cooked packets left out: their device has no Ethernet addresses`);
  if (builder.count === 0) {
    throw new InputError(`${path}: no frame passes the filter "${options.filter ?? ""}"`);
  }
  return builder.build(warnings);
}

/** Errors and warnings of our own reader for the file: what libpcap would not say through the package. */
async function walk(path: string, { progress }: ReadOptions): Promise<{ warnings: string[]; frames: number }> {
  if (path === "-")
    throw new InputError("libpcap reads files, not standard input: give a file, or read without --reader libpcap");
  if (isPipe(path)) {
    // It would be read twice: here and by libpcap.
    throw new InputError(
      `${path}: is a pipe, libpcap reads files: give a file, or read without --reader libpcap and --filter`,
    );
  }
  const windows = await TraceWindows.open(path, { memory: WINDOW, progress });
  if (windows.description.gzip) {
    windows.close();
    throw new InputError(`${path}: libpcap does not read gzip: unpack it first, or read without --reader libpcap`);
  }
  for await (const window of windows) void window;
  const warnings = windows.warnings.filter((warning) => warning.startsWith("cut off"));
  const finer = windows.description.interfaces.some(({ resolution }) => !/^10\^-[0-6] s$/.test(resolution));
  if (finer) warnings.push("libpcap gives microseconds through node-pcap: finer times are cut");
  return { warnings, frames: windows.frames };
}

function isPipe(path: string): boolean {
  try {
    return statSync(path).isFIFO();
  } catch {
    return false; // whoever opens it says what is wrong
  }
}
