/** The forwarding path: nothing is allocated for a packet, full queues and empty pools are counted, fuzz does not break it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { BURST, PacketBatch } from "../../datapath/packet/packet-batch.ts";
import { PacketPool } from "../../datapath/packet/packet-pool.ts";
import { Namespace } from "../../datapath/router/namespace.ts";
import type { NamespaceConfig } from "../../datapath/topology.ts";

const CONFIG: NamespaceConfig = {
  name: "qrouter",
  forwarding: true,
  interfaces: [
    { name: "qr-c669122c-11", mac: "fa:16:3e:cd:50:8d", addresses: ["192.168.1.1/24"], mtu: 1458 },
    { name: "qr-43fad9d6-53", mac: "fa:16:3e:a3:95:c2", addresses: ["192.168.2.1/24"], mtu: 1458 },
  ],
  neighbours: [
    { ip: "192.168.1.11", dev: "qr-c669122c-11", mac: "fa:16:3e:17:6b:a7" },
    { ip: "192.168.2.11", dev: "qr-43fad9d6-53", mac: "fa:16:3e:2a:34:19" },
  ],
};
// A ping from VM1 to VM2, as recorded in pcaps/recorded (56 bytes of data cut to 8, lengths and checksums by tshark).
const PING =
  "fa163ecd508dfa163e176ba7080045000054936b400040012" + // recorded header, TTL 64
  "2d7c0a8010bc0a8020b08001aae19ec00015bd6026b0000000099500d0000000000" +
  "101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637";

function fill(batch: PacketBatch, frame: Uint8Array, count: number): void {
  const { pool } = batch;
  for (let i = 0; i < count; i++) {
    const slot = pool.alloc();
    const at = pool.home(slot);
    pool.bytes.set(frame, at);
    batch.slot[i] = slot;
    batch.start[i] = at;
    batch.end[i] = at + frame.length;
    batch.time[i] = 0;
  }
  batch.count = count;
}

/** Empties an interface's queue; allocates nothing. */
function drain(namespace: Namespace, pool: PacketPool): number {
  let packets = 0;
  for (let dev = 0; dev < namespace.tx.length; dev++) {
    const queue = namespace.tx[dev];
    while (queue.shiftOne()) {
      pool.free(queue.lastSlot);
      packets++;
    }
  }
  return packets;
}

/** Restores the frames of the last burst, which lie where they lay: the pool gives out the same slots again. */
function again(batch: PacketBatch, pool: PacketPool, frame: Int32Array): void {
  for (let i = 0; i < BURST; i++) {
    const slot = pool.alloc();
    const at = pool.home(slot);
    // The words that forwarding changes: MAC addresses, TTL and checksum.
    for (let w = 0; w < frame.length; w++) pool.view.setInt32(at + 4 * w, frame[w]);
    batch.slot[i] = slot;
    batch.start[i] = at;
    batch.end[i] = at + 98;
  }
  batch.count = BURST;
}

// Also when this file is run by itself, without --expose-gc: with room for the objects of a stretch, and a way to clear it.
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

let planted: unknown;

/** Least growth of the heap in bytes over five stretches of `bursts` bursts: compilation in the background adds to some. */
function measure(bursts: number, plant: boolean): number {
  const pool = new PacketPool(64);
  const batch = new PacketBatch(pool);
  const namespace = new Namespace(CONFIG, pool);
  const bytes = new Uint8Array(Buffer.from(PING, "hex"));
  fill(batch, bytes, BURST);
  namespace.process(batch, 0, 0);
  drain(namespace, pool);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const words = new Int32Array(16);
  for (let w = 0; w < 16; w++) words[w] = view.getInt32(4 * w);
  const run = (n: number): number => {
    let packets = 0;
    for (let b = 0; b < n; b++) {
      again(batch, pool, words);
      namespace.process(batch, 0, b * 1000);
      const sent = drain(namespace, pool);
      packets += sent;
      if (plant) for (let i = 0; i < sent; i++) planted = { b, i };
    }
    return packets;
  };
  run(6000); // warm up
  let least = Infinity;
  for (let stretch = 0; stretch < 5; stretch++) {
    collect();
    const before = process.memoryUsage().heapUsed;
    const packets = run(bursts);
    const grown = process.memoryUsage().heapUsed - before;
    assert.equal(packets, bursts * BURST);
    if (grown < least) least = grown;
  }
  return least;
}

test("forwarding allocates nothing per packet, and the check can fail", () => {
  // 9,600 packets: the smallest object for each would be 150 kB or more, too little for the collector to step in.
  const clean = measure(300, false);
  assert.ok(clean < 32 * 1024, `the heap grew by ${clean} bytes`);
  const dirty = measure(300, true);
  assert.ok(dirty > 150 * 1024, `with a planted object it grew by ${dirty} bytes only`);
  assert.ok(planted !== undefined);
});

test("a full transmit queue is counted and loses no slot", () => {
  const pool = new PacketPool(64);
  const batch = new PacketBatch(pool);
  const namespace = new Namespace(CONFIG, pool, { queueLength: 4 });
  fill(batch, new Uint8Array(Buffer.from(PING, "hex")), 10);
  namespace.process(batch, 0, 0);
  assert.equal(namespace.tx[1].count, 4);
  assert.deepEqual(namespace.counters.toJSON(), {
    received: 10,
    generated: 0,
    sent: 4,
    forwarded: 10,
    drops: { QueueFull: 6 },
  });
  assert.equal(pool.available, 60);
});

test("an empty pool is counted where a frame had to be made", () => {
  const pool = new PacketPool(1);
  const batch = new PacketBatch(pool);
  const namespace = new Namespace({ ...CONFIG, neighbours: [] }, pool);
  fill(batch, new Uint8Array(Buffer.from(PING, "hex")), 1);
  namespace.process(batch, 0, 0); // wants to ask for VM2
  assert.equal(namespace.held, 1);
  assert.equal(namespace.counters.generated, 1);
  assert.deepEqual(namespace.counters.toJSON().drops, { NoBuffer: 1 });
});

test("without probing a learned neighbour stays usable, however old, and nobody is asked", () => {
  const pool = new PacketPool(8);
  const batch = new PacketBatch(pool);
  const namespace = new Namespace({ ...CONFIG, neighbours: [] }, pool);
  const request = "fffffffffffffa163e2a341908060001080006040001fa163e2a3419c0a8020b000000000000c0a80201";
  fill(batch, new Uint8Array(Buffer.from(request, "hex")), 1);
  namespace.process(batch, 1, 0);
  assert.equal(drain(namespace, pool), 1);
  for (const seconds of [1, 60, 3600]) {
    fill(batch, new Uint8Array(Buffer.from(PING, "hex")), 1);
    namespace.process(batch, 0, seconds * 1e9);
    namespace.tick(seconds * 1e9 + 50e9);
    assert.equal(namespace.tx[0].count, 0);
    assert.equal(drain(namespace, pool), 1, `after ${seconds} s`);
  }
  assert.deepEqual(namespace.neighbours(), ["192.168.2.11 dev qr-43fad9d6-53 lladdr fa:16:3e:2a:34:19 STALE"]);
});

test("a neighbour keeps the 101 youngest packets", () => {
  const pool = new PacketPool(256);
  const batch = new PacketBatch(pool);
  const namespace = new Namespace({ ...CONFIG, neighbours: [] }, pool);
  const frame = new Uint8Array(Buffer.from(PING, "hex"));
  for (let i = 0; i < 5; i++) {
    fill(batch, frame, 24);
    namespace.process(batch, 0, i);
  }
  assert.equal(namespace.held, 101);
  assert.deepEqual(namespace.counters.toJSON().drops, { NoNeighbour: 19 });
  assert.equal(namespace.tx[1].count, 1, "one request");
});

test("mutated frames: no exception, nothing lost, nothing written outside the slots given", () => {
  const pool = new PacketPool(512);
  const batch = new PacketBatch(pool);
  const namespace = new Namespace(CONFIG, pool);
  // Every other slot is a guard that nobody may write to.
  const slots = Array.from({ length: pool.slots }, () => pool.alloc());
  for (const slot of slots) {
    pool.bytes.fill(0xa5, slot * pool.stride, (slot + 1) * pool.stride);
    if (slot % 2 === 1) pool.free(slot);
  }
  const seed = Number(process.env.EASTWEST_SEED ?? 20240607);
  let state = seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const frames = [
    PING,
    "fffffffffffffa163e176ba708060001080006040001fa163e176ba7c0a8010b000000000000c0a80101",
    "fa163ecd508dfa163e176ba78600".replace("8600", "86dd") +
      "60000000004" +
      "03a40fe80000000000000f8163efffe176ba7fe80000000000000f8163efffecd508d8000000000000000".padEnd(160, "0"),
    "fa163ecd508dfa163e176ba7080046000058123420b240014606c0a8010bc0a80101940400000800ec27000700010a0b0c0d".padEnd(
      204,
      "5a",
    ),
  ].map((hex) => new Uint8Array(Buffer.from(hex, "hex")));
  const rounds = 40_000;
  for (let round = 0; round < rounds; round++) {
    const source = frames[random(frames.length)];
    const slot = pool.alloc();
    const at = pool.home(slot);
    pool.bytes.set(source, at);
    for (let edits = random(4); edits > 0; edits--) {
      pool.bytes[at + random(source.length)] = [0, 1, 255, random(256)][random(4)];
    }
    const length = random(8) === 0 ? random(source.length + 1) : source.length;
    // The header checksum is made right in most rounds, so that what lies behind it is reached.
    if (length >= 34 && random(4) > 0) {
      let sum = 0;
      const header = (pool.bytes[at + 14] & 15) * 4;
      pool.view.setUint16(at + 24, 0);
      for (let i = 0; i < header; i += 2) sum += pool.view.getUint16(at + 14 + i);
      sum = (sum & 0xffff) + (sum >>> 16);
      pool.view.setUint16(at + 24, ~(sum + (sum >>> 16)));
    }
    batch.slot[0] = slot;
    batch.start[0] = at;
    batch.end[0] = at + length;
    batch.time[0] = round * 1e6;
    batch.count = 1;
    namespace.process(batch, random(2), round * 1e6);
    drain(namespace, pool);
    const { counters, held } = namespace;
    if (counters.received + counters.generated !== counters.sent + counters.dropped + held) {
      assert.fail(`counters do not conserve in round ${round} of seed ${seed}`);
    }
    assert.equal(pool.available + held, pool.slots / 2, `a slot is lost in round ${round} of seed ${seed}`);
  }
  for (let slot = 0; slot < pool.slots; slot += 2) {
    const guard = pool.bytes.subarray(slot * pool.stride, (slot + 1) * pool.stride);
    assert.ok(
      guard.every((byte) => byte === 0xa5),
      `guard ${slot} was written to (seed ${seed})`,
    );
  }
  assert.equal(namespace.counters.received, rounds);
  const { drops } = namespace.counters.toJSON() as { drops: Record<string, number> };
  for (const reason of ["BadIpHeader", "Consumed", "Unhandled", "OtherHost", "NoRoute", "TtlExceeded"]) {
    assert.ok(drops[reason] > 0, `${reason} was never reached (seed ${seed})`);
  }
});

test("configurations that are wrong say what and where", () => {
  const pool = new PacketPool(4);
  const make = (change: Partial<NamespaceConfig>): (() => Namespace) => {
    return () => new Namespace({ ...CONFIG, ...change }, pool);
  };
  const link = CONFIG.interfaces[0];
  assert.throws(
    make({ interfaces: [{ ...link, mac: "fa:16" }] }),
    /namespace qrouter, interface qr-c669122c-11: "fa:16"/,
  );
  assert.throws(make({ interfaces: [{ ...link, mac: "01:00:5e:00:00:01" }] }), /group address/);
  assert.throws(make({ interfaces: [{ ...link, addresses: ["192.168.1.1/33"] }] }), /"192\.168\.1\.1\/33"/);
  assert.throws(make({ interfaces: [{ ...link, mtu: 20 }] }), /MTU 20, expected 68 to 65535/);
  assert.throws(make({ routes: [{ to: "default", dev: "eth9" }] }), /route to default: no interface "eth9"/);
  assert.throws(make({ routes: [{ to: "10.0.0.1/8", dev: "qr-c669122c-11" }] }), /route to 10\.0\.0\.1\/8: .*bits set/);
  assert.throws(
    make({ routes: [{ to: "10.0.0.0/8", via: "x", dev: "qr-c669122c-11" }] }),
    /"x" is not an IPv4 address/,
  );
  assert.throws(
    make({ neighbours: [{ ip: "1.2.3.4", mac: "x", dev: "qr-c669122c-11" }] }),
    /neighbour 1\.2\.3\.4: "x"/,
  );
  assert.throws(make({ neighbours: [{ ip: "1.2.3.4", mac: "x", dev: "eth9" }] }), /neighbour 1\.2\.3\.4: no interface/);
});
