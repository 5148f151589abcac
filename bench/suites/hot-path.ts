/**
 * Where the nanoseconds of the fast path go: a burst is copied from a trace into slots, taken through the datapath, and its
 * transmit queue emptied. The slow path is a fixed rule, so that nothing else is measured.
 *
 *   node dist/bench/suites/hot-path.js [--flows 1000] [--work rewrite|gre|drop] [--masks 1] [--emc 8192] [--insert 100]
 *                                      [--packets 4000000] [--rounds 7] [--frame 60] [--stages]
 */
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
import { copyBytes } from "../../datapath/packet/copy.ts";
import { BURST, PacketBatch } from "../../datapath/packet/packet-batch.ts";
import { PacketPool } from "../../datapath/packet/packet-pool.ts";
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
  },
});
const flows = Number(args.flows);
const masks = Number(args.masks);
const packets = Number(args.packets);
const frameBytes = Number(args.frame);

/** Frames of `flows` UDP flows, in a shuffled order (a fixed one), back to back. */
function frames(): { view: DataView; count: number } {
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
  return { view, count };
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

const { view: trace, count } = frames();
const pool = new PacketPool(256, 1800);
const emc = {
  ...(args.emc === undefined ? {} : { entries: Number(args.emc) }),
  ...(args.insert === undefined ? {} : { insertInverse: Number(args.insert) }),
};
const datapath = new Datapath(pool, handler, { ports: 4, emc, timing: args.stages });
const batch = new PacketBatch(pool);

let cursor = 0;
function fill(): void {
  const { slot, start, end, inPort, drop, time } = batch;
  pool.allocInto(slot, BURST);
  for (let i = 0; i < BURST; i++) {
    const at = pool.home(slot[i]);
    copyBytes(trace, cursor * frameBytes, pool.view, at, frameBytes);
    start[i] = at;
    end[i] = at + frameBytes;
    inPort[i] = 0;
    drop[i] = 0;
    time[i] = 0;
    if (++cursor === count) cursor = 0;
  }
  batch.count = BURST;
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
console.log(
  `${args.work} ${flows} flows ${frameBytes} B: ${median.toFixed(1)} ns a packet (${rounds[0].toFixed(1)} to ${rounds.at(-1)?.toFixed(1)}); ` +
    `exact ${((100 * c.get("exact")) / n).toFixed(1)} %, megaflow ${((100 * c.get("megaflow")) / n).toFixed(1)} %, ` +
    `${datapath.megaflowCache.count} megaflows, ${datapath.megaflowCache.masks} masks, ` +
    `${(c.get("subtableLookups") / Math.max(1, c.get("megaflow"))).toFixed(2)} subtables a hit`,
);
if (args.stages) {
  const ns = [...c.ns].map((sum) => (sum / n).toFixed(1));
  console.log(
    `rx ${(rxNs / n).toFixed(1)}, extract ${ns[0]}, lookup ${ns[1]}, execute ${ns[2]}, tx ${(txNs / n).toFixed(1)} ns`,
  );
}
