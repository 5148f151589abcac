/** `eastwest info FILE`: what a capture holds. */
import { type Command, InvalidArgumentError } from "commander";
import { type CaptureInfo, captureInfo } from "../../pcaps/inspect/capture-info.ts";
import { byteSize, count } from "./options.ts";

interface InfoFlags {
  readonly json?: boolean;
  readonly top: number;
  readonly memory?: number;
  readonly reader: "own" | "libpcap";
  readonly filter?: string;
}

/** Adds `eastwest info` to the program. */
export function register(program: Command): void {
  program
    .command("info")
    .description("say what a capture holds: frames, sizes, times, tags, tunnels, flows, oddities")
    .argument("<file>", "pcap or pcapng, plain or gzip, of any size; - for standard input")
    .option("--json", `as JSON (schema eastwest.info/1)`)
    .option(
      "--top <n>",
      "entries of each list of the largest: flows, addresses, and in text types, tags, tunnels",
      count,
      10,
    )
    .option("--memory <size>", "most memory for one window of the file, as in 512M", byteSize)
    .option("--reader <which>", "own, or libpcap through node-pcap", reader, "own")
    .option("--filter <expression>", "only frames that pass, as in pcap-filter(7); read through libpcap")
    .addHelpText(
      "after",
      `
Sizes and bytes are those on the wire without the 4 bytes of FCS. A flow is one direction: protocol, addresses, ports; of
ICMP echo the identifier; of fragments no ports. Flows inside tunnels are counted beside those of the outer headers.
A capture that is cut off is read as far as it goes, with a warning.

Examples:
  $ eastwest info mine.pcap
  $ eastwest info --json --top 100 mine.pcapng.gz
  $ eastwest info --filter "udp port 4789" underlay.pcap
  $ tcpdump -i eth0 -c 1000 -w - | eastwest info -`,
    )
    .action(async (file: string, flags: InfoFlags) => {
      const info = await captureInfo(file, {
        top: flags.top,
        memory: flags.memory,
        libpcap: flags.reader === "libpcap",
        filter: flags.filter,
      });
      for (const warning of info.warnings) process.stderr.write(`eastwest: ${info.file.path}: ${warning}\n`);
      process.stdout.write(flags.json ? `${JSON.stringify(info, undefined, 2)}\n` : infoText(info));
    });
}

function reader(text: string): "own" | "libpcap" {
  if (text === "own" || text === "libpcap") return text;
  throw new InvalidArgumentError("Expected own or libpcap.");
}

/** The report as text, at most 100 columns as a rule. */
export function infoText(info: CaptureInfo): string {
  const { file, time, sizes, flows, odd } = info;
  const lines: string[] = [];
  const say = (label: string, value: string): number => lines.push(`${label.padEnd(14)}${value}`);
  say("file", file.path);
  say("format", `${file.format}${file.gzip ? ", gzip" : ""}, ${grouped(file.bytes)} bytes`);
  const most = Math.max(info.topFlows.length, 10);
  for (const one of file.interfaces.slice(0, most)) {
    const name = one.name === "" ? "" : `${one.name}: `;
    say(
      "interface",
      `${name}link type ${one.linkType} (${one.linkTypeName}), snapshot length ${one.snapshot}, ticks of ${one.resolution}`,
    );
  }
  if (file.interfaces.length > most) say("", `and ${grouped(file.interfaces.length - most)} interfaces more`);
  say("frames", `${grouped(info.frames)}${info.snapped > 0 ? `, ${grouped(info.snapped)} of them snapped` : ""}`);
  const captured = info.capturedBytes === info.bytes ? "" : `, ${grouped(info.capturedBytes)} captured`;
  say("bytes", `${grouped(info.bytes)}${captured}`);
  say("time", `${time.first} to ${time.last}, ${time.spanNs / 1e9} s`);
  if (time.framesPerSecond !== null && time.bitsPerSecond !== null) {
    say("rate", `${scaled(time.framesPerSecond)} frames/s, ${scaled(time.bitsPerSecond)} bit/s of frames without FCS`);
  }
  say(
    "frame bytes",
    `min ${sizes.min}, mean ${sizes.mean.toFixed(2)}, max ${sizes.max}; half up to ${sizes.p50}, 90 % up to ${sizes.p90}, 99 % up to ${sizes.p99}`,
  );
  say(
    "flows",
    `${grouped(flows.outer)} by outer headers, ${grouped(flows.inner)} inside tunnels${flows.uncounted > 0 ? `; ${grouped(flows.uncounted)} frames of more flows not counted` : ""}`,
  );
  say("fragments", `${grouped(info.fragments.ipv4)} IPv4, ${grouped(info.fragments.ipv6)} IPv6`);

  const table = (title: string, rows: readonly (readonly string[])[]): void => {
    if (rows.length === 0) return;
    lines.push("", title, ...columns(rows));
  };
  const shares = (frames: number, bytes: number): string[] => [
    grouped(frames),
    percent(frames / info.frames),
    grouped(bytes),
    percent(info.bytes === 0 ? 0 : bytes / info.bytes),
  ];
  const counted = ["frames", "", "bytes", ""];
  /** A list that a hostile capture can make as long as itself: the largest of it. */
  const largest = <T>(title: string, head: readonly string[], list: readonly T[], row: (one: T) => readonly string[]) =>
    table(list.length > most ? `${title}, the largest ${most} of ${grouped(list.length)}` : title, [
      head,
      ...list.slice(0, most).map(row),
    ]);
  table("Frame sizes", [
    ["bytes", "frames", ""],
    ...sizes.distribution.map(({ from, to, frames }) => [
      to === null ? `${from} and more` : from === to ? `${from}` : `${from} to ${to}`,
      grouped(frames),
      percent(frames / info.frames),
    ]),
  ]);
  largest("Ethertypes, behind tags", ["type", "", ...counted], info.ethertypes, (one) => [
    one.type === 0 ? "" : `0x${one.type.toString(16).padStart(4, "0")}`,
    one.name,
    ...shares(one.frames, one.bytes),
  ]);
  largest("Protocols, innermost", ["protocol", "over", ...counted], info.protocols, (one) => [
    one.name,
    one.over ?? "",
    ...shares(one.frames, one.bytes),
  ]);
  if (info.tags.length > 0) {
    largest("VLAN tags, outermost frame", ["VLAN", ...counted], info.tags, (one) => [
      one.vlan,
      ...shares(one.frames, one.bytes),
    ]);
  }
  if (info.tunnels.length > 0) {
    largest("Tunnels", ["kind", "key", "from", "to", ...counted], info.tunnels, (one) => [
      one.kind,
      one.key === null ? "none" : String(one.key),
      one.from,
      one.to,
      ...shares(one.frames, one.bytes),
    ]);
  }
  table("Largest flows, by innermost headers", [
    ["protocol", "from", "to", ...counted],
    ...info.topFlows.map((one) => [one.protocol, one.from, one.to, ...shares(one.frames, one.bytes)]),
  ]);
  table("Largest addresses, sent and received", [
    ["address", "frames", "bytes"],
    ...info.topAddresses.map((one) => [one.address, grouped(one.frames), grouped(one.bytes)]),
  ]);
  const oddities = ODDITIES.filter(([key]) => odd[key] > 0).map(([key, text]) => [grouped(odd[key]), text]);
  table("Oddities", oddities.length > 0 ? oddities : [["none"]]);
  table(
    "Warnings",
    info.warnings.map((warning) => [warning]),
  );
  return `${lines.join("\n")}\n`;
}

const ODDITIES: readonly (readonly [keyof CaptureInfo["odd"], string])[] = [
  ["short", "frames shorter than an Ethernet header"],
  ["badIpv4", "IPv4 headers cut off, of a wrong version, or with lengths that do not fit"],
  ["badIpv6", "IPv6 headers cut off, of a wrong version, or with lengths that do not fit"],
  ["badTransport", "TCP, UDP or ICMP headers cut off or with lengths that do not fit"],
  ["badTunnel", "tunnel headers that lie, or with nothing behind them"],
  ["badIpv4Checksum", "wrong IPv4 header checksums"],
  ["badTransportChecksum", "wrong TCP, UDP or ICMP checksums"],
  ["offloadedChecksum", "TCP or UDP checksums left to the sender's network card (usual in captures at a VM)"],
  ["unchecked", "checksums not checked: frame snapped, or a fragment"],
];

/** Rows with equal columns: numbers to the right, words to the left. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  const numeric: boolean[] = [];
  for (const [r, row] of rows.entries()) {
    for (const [c, cell] of row.entries()) {
      widths[c] = Math.max(widths[c] ?? 0, cell.length);
      if (r > 0 || rows.length === 1)
        numeric[c] = (numeric[c] ?? true) && (cell === "" || /^[\d,]+( %)?$|^[\d.]+ %$/.test(cell));
    }
  }
  return rows.map((row) =>
    `  ${row.map((cell, c) => (numeric[c] ? cell.padStart(widths[c]) : cell.padEnd(widths[c]))).join("  ")}`.trimEnd(),
  );
}

function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** "1.25 M": three or four digits and a power of 1000. */
function scaled(value: number): string {
  const power = Math.max(Math.min(Math.floor(Math.log10(Math.max(value, 1)) / 3), 4), 0);
  return `${(value / 1000 ** power).toPrecision(4)} ${["", "k", "M", "G", "T"][power]}`.trimEnd();
}
