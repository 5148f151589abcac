/**
 * The router against the recorded cluster: what came to the qrouter of the network node over the wire goes in, and what
 * Linux's qrouter sent there must come out, per interface in order and byte for byte (but for what Linux draws at random,
 * see masked.ts): ARP, pings, TCP, UDP, fragments, time exceeded, echo replies, Neighbour Discovery.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ipv4FromText, macWords } from "../../datapath/wire/addresses.ts";
import { be16, be32 } from "../../datapath/wire/bytes.ts";
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_VLAN, ethernetType } from "../../datapath/wire/ethernet.ts";
import { greKey, isGre } from "../../datapath/wire/gre.ts";
import { ipv4Dst, ipv4Src, isIpv4, PROTOCOL_GRE, PROTOCOL_UDP } from "../../datapath/wire/ipv4.ts";
import { isVxlan, VXLAN_UDP_PORT, vxlanVni } from "../../datapath/wire/vxlan.ts";
import { readTrace } from "../../pcaps/read-trace.ts";
import { Harness, type Sent } from "./harness.ts";
import { masked } from "./masked.ts";

const MAC1 = "fa:16:3e:cd:50:8d";
const MAC2 = "fa:16:3e:a3:95:c2";
const OWN = [ipv4FromText("192.168.1.1"), ipv4FromText("192.168.2.1")];
const NODE = ipv4FromText("10.11.1.114");

function router(mtu: number, neighbours: { ip: string; mac: string; dev: string }[] = []): Harness {
  const interfaces = [
    { name: "qr-c669122c-11", mac: MAC1, addresses: ["192.168.1.1/24"], mtu },
    { name: "qr-43fad9d6-53", mac: MAC2, addresses: ["192.168.2.1/24"], mtu },
  ];
  return new Harness({ name: "qrouter", interfaces, neighbours, forwarding: true });
}

function isFromRouter(frame: Uint8Array): boolean {
  const high = be32(frame, 6);
  const low = be16(frame, 10);
  return [MAC1, MAC2].some((mac) => macWords(mac)[0] === high && macWords(mac)[1] === low);
}

/** Segment (0 or 1) and inner frame of a frame on the underlay; `toNode`: to (true) or from (false) the network node. */
function inner(frame: Uint8Array): { segment: number; toNode: boolean; frame: Uint8Array } | undefined {
  if (ethernetType(frame, 0) === ETHERTYPE_VLAN) {
    const bytes = Uint8Array.from([...frame.subarray(0, 12), ...frame.subarray(16)]);
    return { segment: (be16(frame, 14) & 0xfff) - 101, toNode: !isFromRouter(frame), frame: bytes };
  }
  if (ethernetType(frame, 0) !== ETHERTYPE_IPV4 || !isIpv4(frame, 14, frame.length)) return undefined;
  const toNode = ipv4Dst(frame, 14) === NODE;
  if (!toNode && ipv4Src(frame, 14) !== NODE) return undefined;
  const end = 14 + be16(frame, 16);
  if (frame[23] === PROTOCOL_GRE && isGre(frame, 34, end)) {
    return { segment: greKey(frame, 34) - 1, toNode, frame: frame.slice(42, end) };
  }
  if (frame[23] === PROTOCOL_UDP && be16(frame, 36) === VXLAN_UDP_PORT && isVxlan(frame, 42, end)) {
    return { segment: vxlanVni(frame, 42) - 1, toNode, frame: frame.slice(50, end) };
  }
  return undefined;
}

for (const [network, mtu] of [
  ["gre", 1458],
  ["vxlan", 1450],
  ["vlan", 1500],
] as const) {
  test(`recorded ${network}, legacy: the router of the network node`, async () => {
    const trace = await readTrace(`pcaps/recorded/${network}-legacy.underlay.pcap`);
    const harness = router(mtu);
    const expected: Sent[] = [];
    let now = 0;
    let inputs = 0;
    for (let i = 0; i < trace.count; i++) {
      const start = trace.start[i];
      const found = inner(trace.bytes.slice(start, start + trace.length[i]));
      if (found === undefined || isOnItsOwnAccount(found.frame)) continue;
      const ms = trace.time[i] / 1e6;
      const sent = { ms, dev: found.segment, frame: Buffer.from(found.frame).toString("hex") };
      if (found.toNode) {
        harness.wait(now, ms);
        harness.input(sent.dev, sent.frame, ms);
        now = ms;
        inputs++;
      } else expected.push(sent);
    }
    assert.ok(inputs > 200 && expected.length > 200, `${inputs} frames in, ${expected.length} out`);
    for (const dev of [0, 1]) {
      const of = (all: readonly Sent[]): string[] => all.filter((s) => s.dev === dev).map((s) => masked(s.frame, OWN));
      assert.deepEqual(of(harness.out), of(expected));
    }
    assert.deepEqual(harness.namespace.neighbours().slice(0, 2), [
      "192.168.1.11 dev qr-c669122c-11 lladdr fa:16:3e:17:6b:a7 STALE",
      "192.168.2.11 dev qr-43fad9d6-53 lladdr fa:16:3e:2a:34:19 REACHABLE",
    ]);
  });
}

/** MLD reports and router solicitations: interfaces send them when they come up, whatever comes in. */
function isOnItsOwnAccount(frame: Uint8Array): boolean {
  return ethernetType(frame, 0) === ETHERTYPE_IPV6 && (frame[20] === 0 || frame[54] === 133);
}

test("recorded gre, dvr: what VM1's own router copy sends to it", async () => {
  const trace = await readTrace("pcaps/recorded/gre-dvr.vm1.pcap");
  const harness = router(1458, [
    { ip: "192.168.1.11", dev: "qr-c669122c-11", mac: "fa:16:3e:17:6b:a7" },
    { ip: "192.168.2.11", dev: "qr-43fad9d6-53", mac: "fa:16:3e:2a:34:19" },
  ]);
  const expected: string[] = [];
  const seen = new Set<string>();
  let forwarded = 0;
  for (let i = 0; i < trace.count; i++) {
    const start = trace.start[i];
    const bytes = trace.bytes.slice(start, start + trace.length[i]);
    if (isOnItsOwnAccount(bytes)) continue;
    const frame = Buffer.from(bytes).toString("hex");
    if (!isFromRouter(bytes)) {
      harness.input(0, frame, trace.time[i] / 1e6);
      if (ethernetType(bytes, 0) === ETHERTYPE_IPV4 && (be32(bytes, 30) & -256) === (OWN[1] & -256) && bytes[22] > 1)
        forwarded++;
      continue;
    }
    // Forwarded packets come by the tunnel from VM2's host; only what this copy made itself is its answer.
    if (ethernetType(bytes, 0) === ETHERTYPE_IPV4 && !OWN.includes(be32(bytes, 26))) continue;
    const plain = masked(frame, OWN);
    // The neighbour advertisement comes three times: the copies on the two other hosts answer as well.
    if (ethernetType(bytes, 0) === ETHERTYPE_IPV6 && bytes[54] === 136 && seen.has(plain)) continue;
    seen.add(plain);
    expected.push(plain);
  }
  assert.ok(expected.length >= 4, `${expected.length} frames`);
  const toVm = harness.out.filter((sent) => sent.dev === 0).map((sent) => masked(sent.frame, OWN));
  assert.deepEqual(toVm, expected);
  assert.ok(forwarded > 100);
  assert.equal(harness.out.filter((sent) => sent.dev === 1).length, forwarded);
  assert.equal(harness.namespace.counters.forwarded, forwarded);
});

test("K17: without permanent neighbours the copy asks three times and says host unreachable", async () => {
  const trace = await readTrace("pcaps/recorded/gre-dvr-unknown-neighbour.vm1.pcap");
  const harness = router(1458);
  const expected: Sent[] = [];
  let now = 0;
  let last = 0;
  for (let i = 0; i < trace.count; i++) {
    const start = trace.start[i];
    const bytes = trace.bytes.slice(start, start + trace.length[i]);
    if (isOnItsOwnAccount(bytes)) continue;
    const ms = trace.time[i] / 1e6;
    const frame = Buffer.from(bytes).toString("hex");
    last = ms;
    if (isFromRouter(bytes)) {
      expected.push({ ms, dev: 0, frame });
      continue;
    }
    harness.wait(now, ms);
    harness.input(0, frame, ms);
    now = ms;
  }
  harness.wait(now, last + 100);
  const toVm = harness.out.filter((sent) => sent.dev === 0);
  assert.deepEqual(
    toVm.map((sent) => masked(sent.frame, OWN)),
    expected.map((sent) => masked(sent.frame, OWN)),
  );
  for (const [i, sent] of toVm.entries()) {
    assert.ok(Math.abs(sent.ms - expected[i].ms) < 150, `${sent.ms} ms, recorded ${expected[i].ms} ms`);
  }
  const requests = harness.out.filter((sent) => sent.dev === 1);
  assert.equal(requests.length, 3);
  assert.match(harness.namespace.neighbours().join("\n"), /192\.168\.2\.11 dev qr-43fad9d6-53 FAILED/);
});
