/**
 * Where the nanoseconds of the fast path go: a burst is copied from a trace into slots, taken through the datapath, and its
 * transmit queue emptied. The slow path is a fixed rule, so that nothing else is measured.
 *
 *   node dist/bench/suites/hot-path.js [--flows 1000] [--work rewrite|gre|drop] [--masks 1] [--emc 8192] [--insert 100]
 *                                      [--packets 4000000] [--rounds 7] [--frame 60] [--wide] [--stages] [--json]
 *   node dist/bench/suites/hot-path.js --curve flows|megaflows|masks [the above]
 *
 * --wide gives each flow a megaflow of its own. --curve measures a row of sizes, each in a process of its own: flows of one
 * megaflow, flows with one each, masks of 1,000 flows without an exact-match cache.
 */
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import type { OdpAction } from "../../datapath/action/odp-action.ts";
import { Datapath } from "../../datapath/datapath.ts";
import {
  KEY_WORDS,
  W_ETH0,
  W_ETH1,
  W_ETH2,
  W_IN_PORT,
  W_NW_SRC,
  W_PORTS,
  W_TYPE,
  W_VLAN0,
} from "../../datapath/flow/flow-key.ts";
import { BURST, PacketBatch } from "../../datapath/packet/packet-batch.ts";
import { PacketPool } from "../../datapath/packet/packet-pool.ts";
import { Receiver } from "../../datapath/packet/receiver.ts";
import type { Trace } from "../../datapath/packet/trace.ts";
import type { Translation, UpcallHandler } from "../../datapath/upcall.ts";

const { values: args } = parseArgs({
  options: {
    flows: { type: "string", default: "1000" },
    work: { type: "string", default: "rewrite" },
    masks: { type: "string", default: "1" },
    emc: { type: "string" },
    insert: { type: "string" },
    packets: { type: "string", default: "4000000" },
    rounds: { type: "string", default: "7" },
    frame: { type: "string", default: "60" },
    stages: { type: "boolean", default: false },
    wide: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    curve: { type: "string" },
  },
});
if (args.curve !== undefined) {
  curve(args.curve);
  process.exit();
}
const flows = Number(args.flows);
const masks = Number(args.masks);
const packets = Number(args.packets);
const frameBytes = Number(args.frame);

function curve(name: string): void {
  const rows = new Map([
    ["flows", [10, 100, 1000, 10_000, 100_000, 1_000_000].map((n) => ["--flows", String(n)])],
    ["megaflows", [10, 100, 1000, 10_000, 100_000].map((n) => ["--wide", "--flows", String(n)])],
    ["masks", [1, 2, 4, 8, 16, 32, 64, 128].map((n) => ["--emc", "0", "--masks", String(n)])],
  ]).get(name);
  if (rows === undefined) {
    console.error(`--curve: ${name}, expected flows, megaflows or masks`);
    process.exit(2);
  }
  console.log("                                    ns a packet  exact  megaflow  subtables a hit");
  const given = process.argv.slice(2).filter((word, n, all) => word !== "--curve" && all[n - 1] !== "--curve");
  for (const row of rows) {
    const { stdout } = spawnSync(process.execPath, [process.argv[1], ...given, ...row, "--json"], { encoding: "utf8" });
    const { ns, exact, megaflow, subtables } = JSON.parse(stdout) as Record<string, number>;
    const share = (part: number): string => `${(100 * part).toFixed(1)} %`;
    console.log(
      `${row.join(" ").padEnd(36)}${ns.toFixed(1).padStart(11)}${share(exact).padStart(9)}${share(megaflow).padStart(10)}${subtables.toFixed(2).padStart(11)}`,
    );
  }
}

/** Frames of `flows` UDP flows, in a shuffled order (a fixed one), back to back. */
function frames(): Trace {
  const count = Math.max(flows, 4096);
  const bytes = new Uint8Array(count * frameBytes);
  const view = new DataView(bytes.buffer);
  let seed = 12345;
  for (let n = 0; n < count; n++) {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    const flow = flows <= 4096 ? (seed >>> 8) % flows : n;
    const at = n * frameBytes;
    view.setInt32(at, 0x02000000);
    view.setInt32(at + 4, 0x00010200);
    view.setInt32(at + 8, 0x00000002);
    view.setUint16(at + 12, 0x0800);
    view.setInt32(at + 14, (0x4500 << 16) | (frameBytes - 14));
    view.setInt32(at + 22, (64 << 24) | (17 << 16));
    view.setInt32(at + 26, 0x0a000000 | (flow & 0xffff));
    view.setInt32(at + 30, 0x0a800000 | (flow >>> 4));
    view.setUint16(at + 34, 1024 + (flow % 60000));
    view.setUint16(at + 36, 53);
    view.setUint16(at + 38, frameBytes - 34);
    let sum = 0;
    for (let w = 0; w < 20; w += 2) sum += view.getUint16(at + 14 + w);
    sum = (sum & 0xffff) + (sum >>> 16);
    view.setUint16(at + 24, ~(sum + (sum >>> 16)) & 0xffff);
  }
  const start = Int32Array.from({ length: count }, (_, n) => n * frameBytes);
  const length = new Int32Array(count).fill(frameBytes);
  const time = new Float64Array(count);
  return { name: "made up", count, bytes, start, length, wireLength: length, time, epochNs: 0n, warnings: [] };
}

const header = new Uint8Array(42);
new DataView(header.buffer).setUint16(12, 0x0800);
header.set(
  [0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 47, 0, 0, 10, 11, 1, 115, 10, 11, 1, 116, 0x20, 0, 0x65, 0x58, 0, 0, 0, 2],
  14,
);

const rewrite: OdpAction = {
  kind: "set",
  header: "eth",
  words: [
    [W_ETH0, 0x0a0b0c0d, -1],
    [W_ETH1, 0x0e0f0102, -1],
    [W_ETH2, 0x03040506, -1],
  ],
};
const push: OdpAction = {
  kind: "tnl_push",
  tunnelPort: 3,
  outPort: 1,
  header: { type: "gre", bytes: header, ipAt: 14, checksum: false },
};
const output: OdpAction = { kind: "output", port: 1 };
const actions: readonly OdpAction[] =
  args.work === "gre" ? [rewrite, push, output] : args.work === "drop" ? [] : [rewrite, output];

const handler: UpcallHandler = {
  epoch: 1,
  translate(keys: Int32Array, at: number): Translation {
    const mask = new Int32Array(KEY_WORDS);
    mask[W_IN_PORT] = -1;
    mask[W_TYPE] = -0x10000 | 0x300;
    mask[W_VLAN0] = 0x1fff;
    mask[W_ETH0] = mask[W_ETH1] = mask[W_ETH2] = -1;
    // Flows spread over `masks` masks: a flow's low source bits choose which bits of the destination port its mask adds.
    if (masks > 1) {
      mask[W_NW_SRC] = masks - 1;
      mask[W_PORTS] = (keys[at + W_NW_SRC] & (masks - 1)) + 1;
    }
    if (args.wide) mask.fill(-1, W_NW_SRC, W_NW_SRC + 4);
    return { mask, actions, slow: [], error: undefined, effects: { credit() {}, refresh() {} }, lookups: 1 };
  },
};

const trace = frames();
const { count } = trace;
const pool = new PacketPool(256, 1800);
const emc = {
  ...(args.emc === undefined ? {} : { entries: Number(args.emc) }),
  ...(args.insert === undefined ? {} : { insertInverse: Number(args.insert) }),
};
const datapath = new Datapath(pool, handler, { ports: 4, emc, timing: args.stages });
const batch = new PacketBatch(pool);
const clock = new Float64Array(1);

const receiver = new Receiver(trace, pool);
const all = Int32Array.from({ length: count }, (_, n) => n);
let cursor = 0;
function fill(): void {
  if (cursor + BURST > count) cursor = 0;
  receiver.fill(batch, all, cursor, BURST, 0, clock);
  cursor += BURST;
}
function drain(): void {
  datapath.tx[1].discard(pool);
}
let rxNs = 0;
let txNs = 0;
function run(total: number): number {
  const t0 = performance.now();
  for (let done = 0; done < total; done += BURST) {
    if (args.stages) {
      const a = performance.now();
      fill();
      const b = performance.now();
      datapath.process(batch);
      const c = performance.now();
      drain();
      rxNs += (b - a) * 1e6;
      txNs += (performance.now() - c) * 1e6;
    } else {
      fill();
      datapath.process(batch);
      drain();
    }
  }
  return ((performance.now() - t0) * 1e6) / total;
}

run(Math.max(1_000_000, 3 * count));
datapath.counters.clear();
rxNs = txNs = 0;
const rounds = Array.from({ length: Number(args.rounds) }, () => run(packets)).sort((a, b) => a - b);
const median = rounds[rounds.length >> 1];
const n = packets * rounds.length;
const c = datapath.counters;
const subtables = c.get("subtableLookups") / Math.max(1, c.get("megaflow"));
if (args.json) {
  console.log(JSON.stringify({ ns: median, exact: c.get("exact") / n, megaflow: c.get("megaflow") / n, subtables }));
  process.exit();
}
console.log(
  `${args.work} ${flows} flows ${frameBytes} B: ${median.toFixed(1)} ns a packet (${rounds[0].toFixed(1)} to ${rounds.at(-1)?.toFixed(1)}); ` +
    `exact ${((100 * c.get("exact")) / n).toFixed(1)} %, megaflow ${((100 * c.get("megaflow")) / n).toFixed(1)} %, ` +
    `${datapath.megaflowCache.count} megaflows, ${datapath.megaflowCache.masks} masks, ` +
    `${subtables.toFixed(2)} subtables a hit`,
);
if (args.stages) {
  const ns = [...c.ns].map((sum) => (sum / n).toFixed(1));
  console.log(
    `rx ${(rxNs / n).toFixed(1)}, extract ${ns[0]}, lookup ${ns[1]}, execute ${ns[2]}, tx ${(txNs / n).toFixed(1)} ns`,
  );
}
