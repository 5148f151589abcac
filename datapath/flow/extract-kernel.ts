/**
 * `extract` for the frames that nearly all traffic is made of, as a kernel: TCP and UDP over IPv4 without options, whole,
 * untagged or with one VLAN tag, from a port or out of a tunnel. Everything else stays for extract.ts, which gives the same
 * keys and hashes for these, too (test/flow/kernel.test.ts).
 *
 * The twelve words that such a key has are three blocks of 16 bytes; a block is put together from the frame by picking
 * bytes, which swaps the bytes of its words by the way:
 *
 *   block 0   IN_PORT  RECIRC  ETH0    ETH1      from frame[0, 16)
 *   block 1   ETH2     TYPE    VLAN0   VLAN1     the same, the protocol and the tag
 *   block 2   NW_SRC   NW_DST  TOSTTL  PORTS     from ip[8, 24): ttl, protocol, checksum, source, destination, ports
 *   block 8   TUN_ID   TUN_SRC TUN_DST TUN_META  from the batch
 *
 * 9 ns a frame, alone; extract.ts took 37 by the stage clock.
 */
import { BURST, COLUMN, KEY_STRIDE } from "../packet/packet-batch.ts";
import {
  add,
  add32x4,
  and,
  assemble,
  const128,
  Func,
  greater,
  I32,
  type Local,
  lane32,
  less,
  lessSigned,
  load,
  load8,
  load16,
  load128,
  mul,
  mul32x4,
  notEqual,
  or,
  pick,
  select,
  setLane32,
  shl,
  shr,
  shuffle,
  splat32,
  sub,
  V128,
  xor,
} from "../wasm/assembler.ts";
import { W_ETH2, W_IN_PORT, W_NW_DST, W_NW_SRC, W_PORTS, W_TUN_ID, W_TYPE, W_VLAN0 } from "./flow-key.ts";
import { FINISH_1, FINISH_2, multiplier } from "./hash.ts";
import { SHAPE_NW, SHAPE_PORTS, SHAPE_TOSTTL, SHAPE_TUNNEL, SHAPE_VLAN0, SHAPE_VLAN1 } from "./shapes.ts";

export interface ExtractKernel {
  /** Extracts packets 0 .. count - 1 of the batch at `base`; returns a bit for each that is left to extract.ts. */
  extractIpv4(base: number, count: number, recirculated: number): number;
}

// Words as little-endian loads see them.
const TYPE_IPV4 = 0x0008;
const TYPE_VLAN = 0x0081;
const TYPE_QINQ = 0xa888;
const VERSION_AND_LENGTH = 0x45;
/** "More fragments" and the offset. */
const FRAGMENT = 0xff3f;
const PROTO_TCP = 6;
const PROTO_UDP = 17;
const IPV4_HEADER = 20;
/** A byte that becomes 0. */
const O = 0x80;

/** Shapes whose words this kernel writes all, so that it may take a place that held one. */
const OWN = SHAPE_VLAN0 | SHAPE_VLAN1 | SHAPE_NW | SHAPE_TOSTTL | SHAPE_PORTS | SHAPE_TUNNEL;

if (W_ETH2 !== 4 || W_TYPE !== 5 || W_VLAN0 !== 6 || W_NW_SRC !== 8 || W_PORTS !== 11 || W_TUN_ID !== 32) {
  throw new Error("the blocks of a key are not where this kernel writes them");
}

function swapped16(at: Local, offset: number): ReturnType<typeof or> {
  return or(shl(load8(at, offset), 8), load8(at, offset + 1));
}

function extractIpv4(): Func {
  const func = new Func("extractIpv4", 3, true);
  const [base, count, recirculated] = func.params;
  const [i, p, key, at, net, size, total, proto, has, h, tag, flags, left] = Array.from({ length: 13 }, () =>
    func.local(I32),
  );
  const [mac, ip, k0, k1, k2, tunnel, sum] = Array.from({ length: 7 }, () => func.local(V128));

  func.loop(i, 0, count, () => {
    func.set(p, add(base, shl(i, 2)));
    func.set(key, add(base, add(shl(i, Math.log2(4 * KEY_STRIDE)), COLUMN.keys)));
    func.block((done) => {
      func.block((other) => {
        func.leave(other, load8(add(base, i), COLUMN.drop));
        func.leave(other, and(load(p, COLUMN.shape), ~OWN));
        func.if(recirculated, () => {
          const metadata = or(
            or(load(p, COLUMN.recircId), load(p, COLUMN.mark)),
            or(load(p, COLUMN.priority), load(p, COLUMN.dpHash)),
          );
          func.leave(other, metadata);
        });
        func.set(at, load(p, COLUMN.start));
        func.set(net, add(at, 14));
        // From here on the frame's first 42 bytes are read; a shorter frame is caught before anything is written.
        func.set(tag, 0);
        func.set(h, load16(at, 12));
        func.if(notEqual(h, TYPE_IPV4), () => {
          func.leave(other, and(notEqual(h, TYPE_VLAN), notEqual(h, TYPE_QINQ)));
          func.leave(other, notEqual(load16(at, 16), TYPE_IPV4));
          func.set(tag, or(or(shl(swapped16(at, 12), 16), swapped16(at, 14)), 0x1000));
          func.set(net, add(at, 18));
        });
        func.set(size, sub(load(p, COLUMN.end), net));
        func.leave(other, lessSigned(size, IPV4_HEADER + 8));
        func.leave(other, notEqual(load8(net, 0), VERSION_AND_LENGTH));
        func.set(total, swapped16(net, 2));
        func.leave(other, greater(total, size));
        func.leave(other, less(total, IPV4_HEADER + 8));
        func.leave(other, and(load16(net, 6), FRAGMENT));
        func.set(proto, load8(net, 9));
        func.set(flags, 0);
        func.if(notEqual(proto, PROTO_UDP), () => {
          func.leave(other, notEqual(proto, PROTO_TCP));
          func.leave(other, less(total, IPV4_HEADER + 20));
          // The data offset: at least 20 bytes, at most what the packet has.
          func.set(flags, swapped16(net, IPV4_HEADER + 12));
          func.set(h, and(shr(flags, 10), 0x3c));
          func.leave(other, less(h, 20));
          func.leave(other, greater(h, sub(total, IPV4_HEADER)));
          func.set(flags, and(flags, 0xfff));
        });

        func.set(mac, load128(at, 0));
        func.set(ip, load128(net, 8));
        func.set(k0, setLane32(pick(mac, [O, O, O, O, O, O, O, O, 3, 2, 1, 0, 7, 6, 5, 4]), 0, load(p, COLUMN.inPort)));
        func.set(k1, pick(mac, [11, 10, 9, 8, O, O, O, O, O, O, O, O, O, O, O, O]));
        func.set(k1, setLane32(setLane32(k1, 1, or(proto, 0x08000000)), 2, tag));
        func.set(k2, pick(ip, [7, 6, 5, 4, 11, 10, 9, 8, O, O, 0, O, 15, 14, 13, 12]));
        func.set(k2, setLane32(k2, 2, or(or(shl(load8(net, 1), 24), shl(load8(net, 8), 16)), flags)));
        func.store128(key, 0, k0);
        func.store128(key, 16, k1);
        func.store128(key, 32, k2);
        func.set(
          has,
          select(tag, SHAPE_NW | SHAPE_TOSTTL | SHAPE_PORTS | SHAPE_VLAN0, SHAPE_NW | SHAPE_TOSTTL | SHAPE_PORTS),
        );
        func.set(sum, mul32x4(k2, const128([multiplier(W_NW_SRC), multiplier(W_NW_DST), 0, multiplier(W_PORTS)])));
        func.set(sum, add32x4(sum, mul32x4(k1, const128([0, multiplier(W_TYPE), multiplier(W_VLAN0), 0]))));
        func.set(sum, add32x4(sum, shuffle(sum, sum, [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7])));
        func.set(sum, add32x4(sum, shuffle(sum, sum, [4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11])));
        func.set(h, lane32(sum, 0));
        func.set(h, add(h, mul(load(p, COLUMN.inPort), multiplier(W_IN_PORT))));
        func.if(
          load(p, COLUMN.tunDst),
          () => {
            func.set(tunnel, splat32(load(p, COLUMN.tunId)));
            func.set(tunnel, setLane32(tunnel, 1, load(p, COLUMN.tunSrc)));
            func.set(tunnel, setLane32(tunnel, 2, load(p, COLUMN.tunDst)));
            func.set(tunnel, setLane32(tunnel, 3, load(p, COLUMN.tunMeta)));
            func.store128(key, 4 * W_TUN_ID, tunnel);
            func.set(has, or(has, SHAPE_TUNNEL));
            func.set(h, add(h, mul(load(p, COLUMN.tunId), multiplier(W_TUN_ID))));
          },
          () => {
            func.if(and(load(p, COLUMN.shape), SHAPE_TUNNEL), () => {
              func.store128(key, 4 * W_TUN_ID, const128([0, 0, 0, 0]));
            });
          },
        );
        func.set(h, mul(xor(h, shr(h, 16)), FINISH_1));
        func.set(h, mul(xor(h, shr(h, 13)), FINISH_2));
        func.store(p, COLUMN.hash, xor(h, shr(h, 16)));
        func.store(p, COLUMN.shape, has);
        func.store(p, COLUMN.l3, net);
        func.store(p, COLUMN.l4, add(net, IPV4_HEADER));
        func.leave(done);
      });
      func.set(left, or(left, shl(1, i)));
    });
  });
  func.return(left);
  return func;
}

if (BURST > 32) throw new Error("a bit for each packet of a burst does not fit into a word");
export const extractModule = new WebAssembly.Module(assemble([extractIpv4()]));
