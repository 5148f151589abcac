/**
 * `npm run peer-check`: the comparison with OVS-DPDK proved on a machine that has it, by running it against things whose
 * answer is known. Not part of `npm test`: it needs root, hugepages and packages that a test machine rarely has.
 *
 *   - OVS-DPDK against itself, as "ours": the same work, and a ratio of 1 within its interval and 10 %.
 *   - the same with a rule changed on one side only: the frames differ and nothing is timed.
 *   - the same with a rule that only counts differently: the counters differ and nothing is timed.
 *   - eastwest in its own place: plain, into GRE, into VXLAN, with learning, it does the same as OVS-DPDK.
 *   - GRE and VXLAN: what leaves carries the addresses, key and inner frame that were asked for.
 *   - afterwards no process, folder or hugepage is left.
 *
 * Prints a line for each and "N passed, N failed"; exit code 1 when one failed, 2 without the packages.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isInputError, messageOf } from "../../../bench/errors.ts";
import { eastwestReplay, type OurSide } from "../../../bench/peers/ours.ts";
import { type PeerOptions, readText, runOvsPeer } from "../../../bench/peers/ovs-peer.ts";
import { ovsReport, ratioOf } from "../../../bench/peers/ovs-report.ts";
import { measureOvs, ovsOnce } from "../../../bench/peers/ovs-side.ts";
import { measuredCore, ovsDpdkNeeds, requirePackages } from "../../../bench/peers/packages.ts";
import type { Undo } from "../../../bench/peers/undo.ts";
import { withUndo } from "../../../bench/peers/with-undo.ts";
import { isTunnel, parsePorts, underlayMac } from "../../../bench/replay/port-spec.ts";
import { printable } from "../../../datapath/openflow/syntax.ts";
import { readTrace } from "../../../pcaps/read-trace.ts";

const RULES = `# by the last bit of the UDP source port
priority=10,in_port=1,udp,tp_src=0/1,actions=mod_dl_src:02:00:00:00:01:01,mod_dl_dst:02:00:00:00:01:02,output:2
priority=10,in_port=1,udp,tp_src=1/1,actions=mod_dl_src:02:00:00:00:01:01,mod_dl_dst:02:00:00:00:01:03,output:2
priority=0,actions=drop
`;
const TUNNEL_RULES = RULES.replaceAll("output:2", "set_tunnel:7,output:2");
/** What eastwest itself is put to: name, ports, rules. */
const OURS: readonly (readonly [string, readonly string[], string])[] = [
  ["addresses rewritten", ["1=pcap", "2=null"], RULES],
  ["into GRE", ["1=pcap", "2=gre:10.11.1.115:10.11.1.116"], TUNNEL_RULES],
  ["into GRE with a fixed key", ["1=pcap", "2=gre:10.11.1.115:10.11.1.116:9"], RULES],
  ["into VXLAN", ["1=pcap", "2=vxlan:10.11.1.115:10.11.1.116"], TUNNEL_RULES],
  ["NORMAL to two ports", ["1=pcap", "2=null", "3=null"], "actions=NORMAL\n"],
];
const FRAMES = 256;
const HELP = `The comparison with OVS-DPDK, proved on this machine by running it against what it must find alike and unlike.

usage: npm run peer-check

Needs root, OVS-DPDK and hugepages (it borrows and returns them); takes some minutes. No options.
Exit codes: 0 all passed, 1 one failed, 2 bad usage or no OVS-DPDK here.`;
/** Where DPDK keeps run-time files when it is not told otherwise. */
const DPDK_FOLDER = "/var/run/dpdk";

/** UDP frames of 60 bytes, one flow each, as a capture file. */
function capture(): Uint8Array {
  const out = Buffer.alloc(24 + FRAMES * 76);
  out.writeUInt32LE(0xa1b2c3d4, 0);
  out.writeUInt16LE(2, 4);
  out.writeUInt16LE(4, 6);
  out.writeUInt32LE(65535, 16);
  out.writeUInt32LE(1, 20);
  for (let i = 0; i < FRAMES; i++) {
    const at = 24 + i * 76;
    out.writeUInt32LE(i * 10, at + 4);
    out.writeUInt32LE(60, at + 8);
    out.writeUInt32LE(60, at + 12);
    const headers = "0200000000020200000000010800" + "4500002e000000004011266d0a0000010a000002" + "040007d0001a0000";
    out.write(headers, at + 16, "hex");
    out.writeUInt16BE(1024 + i, at + 16 + 34);
  }
  return out;
}

/** OVS-DPDK in our place, with `change` made to its rules. */
function ovsAsOurs(undo: Undo, change: (rules: string) => string): OurSide {
  return {
    async measure(options, seconds) {
      const rules = change(readText(options.rules));
      return await measureOvs(undo, { ...options, rules, rulesName: options.rules }, seconds, 0.5);
    },
    async once(options, _frames, folder) {
      const rules = change(readText(options.rules));
      return await ovsOnce(
        undo,
        { ...options, rules, rulesName: options.rules },
        await readTrace(options.capture),
        folder,
      );
    },
  };
}

let passed = 0;
let failed = 0;
function check(what: string, holds: boolean, seen: string): void {
  if (holds) passed++;
  else failed++;
  console.log(`${holds ? "ok  " : "FAIL"} ${what}: ${seen}`);
}

const hugepages = (): string => readFileSync("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "utf8").trim();
const left = (): string[] => readdirSync(tmpdir()).filter((name) => /^eastwest-(ovs|peer)-/.test(name));

async function checkAll(undo: Undo, folder: string): Promise<void> {
  const file = join(folder, "frames.pcap");
  const rules = join(folder, "rules.flows");
  writeFileSync(file, capture());
  writeFileSync(rules, RULES);
  const quiet = (): void => undefined;
  const options: PeerOptions = {
    ...{ capture: file, rules, ports: parsePorts(["1=pcap", "2=null"]), pairs: 6, seconds: 1, warmUp: 0.5 },
    ...{ exactMatchCache: true, core: measuredCore(undefined) },
  };
  const same = await runOvsPeer(
    undo,
    options,
    ovsAsOurs(undo, (text) => text),
    quiet,
  );
  const ratio = ratioOf(same.pairs);
  check("OVS-DPDK against itself does the same", same.differences.length === 0, same.differences[0] ?? "no difference");
  check(
    "OVS-DPDK against itself is as fast",
    ratio !== undefined && ratio.low <= 1.02 && ratio.high >= 0.98 && Math.abs(ratio.estimate - 1) < 0.1,
    ratio === undefined
      ? "no ratio"
      : `${ratio.estimate.toFixed(3)} (${ratio.low.toFixed(3)} to ${ratio.high.toFixed(3)})`,
  );
  check("all frames leave", same.sent.get("2") === FRAMES, `${same.sent.get("2")} of ${FRAMES}`);
  check("each half of them by its rule", same.rulePackets.get("0x1") === FRAMES / 2, `${same.rulePackets.get("0x1")}`);
  console.log(ovsReport(same).replace(/^/gm, "     "));

  const changed = await runOvsPeer(
    undo,
    options,
    ovsAsOurs(undo, (text) => text.replace("01:03", "01:04")),
    quiet,
  );
  check(
    "a frame with another address is seen",
    changed.pairs.length === 0 && /port 2: 256 frames, ours 256; 128 of theirs/.test(changed.differences[0] ?? ""),
    changed.differences[0] ?? "no difference",
  );
  const counted = await runOvsPeer(
    undo,
    options,
    ovsAsOurs(undo, (text) => text.replaceAll("01:03", "01:02").replace("tp_src=0/1", "tp_src=0/3")),
    quiet,
  );
  check(
    "another use of the rules is seen",
    counted.differences.some((line) => line.includes("n_packets")),
    counted.differences.at(-1) ?? "no difference",
  );

  for (const [name, ports, text] of OURS) {
    writeFileSync(rules, text);
    const ours = await runOvsPeer(undo, { ...options, ports: parsePorts(ports), pairs: 1 }, eastwestReplay, quiet);
    const [pair] = ours.pairs;
    check(`eastwest does the same: ${name}`, ours.differences.length === 0, ours.differences[0] ?? "no difference");
    check(
      `eastwest was measured: ${name}`,
      (pair?.ours?.packets ?? 0) > 0,
      `${pair?.ours?.nsPerPacket.toFixed(1)} ns, OVS-DPDK ${pair?.theirs.nsPerPacket.toFixed(1)} ns`,
    );
  }
  writeFileSync(rules, RULES);

  for (const [kind, header] of Object.entries({ gre: "2000655800000000", vxlan: "0800000000000000" })) {
    const ports = parsePorts(["1=pcap", `2=${kind}:10.11.1.115:10.11.1.116`]);
    const tunnel = await ovsOnce(
      undo,
      { ...options, ports, rules: RULES, rulesName: rules },
      await readTrace(file),
      folder,
    );
    const [trace] = tunnel.outputs.get("underlay") ?? [];
    const hex =
      trace === undefined
        ? ""
        : Buffer.from(trace.bytes.subarray(trace.start[0], trace.start[0] + trace.length[0])).toString("hex");
    const macs = [ports.find(isTunnel)!.remote, ports.find(isTunnel)!.local].map((ip) =>
      underlayMac(ip).replaceAll(":", ""),
    );
    const wanted =
      hex.startsWith(`${macs[0]}${macs[1]}0800`) &&
      hex.includes(`0a0b01730a0b0174`) &&
      hex.includes(`${header}020000000102`);
    check(
      `${kind} carries every frame`,
      trace?.count === FRAMES && wanted,
      `${trace?.count ?? 0} frames, ${hex.slice(0, 140)}`,
    );
  }
}

async function main(): Promise<number> {
  requirePackages("ovs-dpdk", ovsDpdkNeeds);
  const before = { hugepages: hugepages(), left: left(), dpdk: existsSync(DPDK_FOLDER) };
  const folder = mkdtempSync(join(tmpdir(), "eastwest-check-"));
  try {
    await withUndo((undo) => checkAll(undo, folder), console.error);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  check("hugepages are as before", hugepages() === before.hugepages, hugepages());
  const more = left().filter((name) => !before.left.includes(name));
  check("no folder is left", more.length === 0, more.join(" ") || "none");
  check(
    "nothing of DPDK is left in /var/run",
    !existsSync("/var/run/dpdk"),
    existsSync("/var/run/dpdk") ? "/var/run/dpdk" : "none",
  );
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

/** There are no options: help, or a complaint. */
function options(words: readonly string[]): number | undefined {
  if (words.length === 0) return undefined;
  const help = ["-h", "--help"].includes(words[0]);
  if (help) console.log(HELP);
  else console.error(`peer-check: unknown option ${printable(words[0])}, expected none or --help`);
  return help ? 0 : 2;
}

try {
  process.exitCode = options(process.argv.slice(2)) ?? (await main());
} catch (error) {
  if (!isInputError(error)) throw error;
  console.error(`peer-check: ${messageOf(error)}`);
  process.exitCode = 2;
}
