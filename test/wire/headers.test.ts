/**
 * The getters of every header against Wireshark (`record-tshark.py` beside this file): each frame is walked down, through its
 * tunnels, and every field that is read must have the value that Wireshark gives the same occurrence of it. The checks of
 * lengths are tried with every shorter end.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ipv4ToText, ipv6TextAt, ipv6ToText, macTextAt, macToText } from "../../datapath/wire/addresses.ts";
import * as arp from "../../datapath/wire/arp.ts";
import { be16 } from "../../datapath/wire/bytes.ts";
import { transportChecksumIpv4, transportChecksumIpv6 } from "../../datapath/wire/checksum.ts";
import * as ethernet from "../../datapath/wire/ethernet.ts";
import * as geneve from "../../datapath/wire/geneve.ts";
import * as gre from "../../datapath/wire/gre.ts";
import * as icmp from "../../datapath/wire/icmp.ts";
import * as icmpv6 from "../../datapath/wire/icmpv6.ts";
import * as ipv4 from "../../datapath/wire/ipv4.ts";
import * as ipv6 from "../../datapath/wire/ipv6.ts";
import * as mpls from "../../datapath/wire/mpls.ts";
import * as sctp from "../../datapath/wire/sctp.ts";
import * as tcp from "../../datapath/wire/tcp.ts";
import * as udp from "../../datapath/wire/udp.ts";
import * as vlan from "../../datapath/wire/vlan.ts";
import * as vxlan from "../../datapath/wire/vxlan.ts";

type Fields = Map<string, string[]>;
interface Recording {
  readonly frames: readonly (readonly [string, Readonly<Record<string, string | readonly string[]>>])[];
}
const recording = JSON.parse(readFileSync("test/golden/headers.json", "utf8")) as Recording;

const hex = (value: number, digits: number): string => `0x${(value >>> 0).toString(16).padStart(digits, "0")}`;
/** Wireshark: 0 bad, 1 good. */
const good = (yes: boolean): string => (yes ? "1" : "0");

/** Walks a frame with the getters and writes down what they say. */
class Reader {
  readonly fields: Fields = new Map();
  readonly frame: Uint8Array;

  constructor(frame: Uint8Array) {
    this.frame = frame;
  }

  put(values: Record<string, string | number>): void {
    for (const [name, value] of Object.entries(values)) {
      const list = this.fields.get(name) ?? [];
      list.push(String(value));
      this.fields.set(name, list);
    }
  }

  ethernet(at: number, end: number): void {
    const { frame } = this;
    if (!ethernet.isEthernet(frame, at, end)) return;
    let type = ethernet.ethernetType(frame, at);
    let next = at + ethernet.ETHERNET_HEADER_LEN;
    const dst = macToText(ethernet.ethernetDstHigh(frame, at), ethernet.ethernetDstLow(frame, at));
    const src = macToText(ethernet.ethernetSrcHigh(frame, at), ethernet.ethernetSrcLow(frame, at));
    this.put({ "eth.dst": dst, "eth.src": src });
    if (type >= ethernet.ETHERTYPE_MIN) this.put({ "eth.type": hex(type, 4) });
    while (vlan.isVlanType(type) && vlan.isVlan(frame, next - 2, end)) {
      const tag = next - 2;
      const name = type === ethernet.ETHERTYPE_QINQ ? "ieee8021ad" : "vlan";
      this.put({ [`${name}.id`]: vlan.vlanVid(frame, tag), [`${name}.priority`]: vlan.vlanPcp(frame, tag) });
      this.put({ [`${name}.dei`]: vlan.vlanDei(frame, tag) });
      assert.equal(vlan.vlanTpid(frame, tag), type);
      assert.equal(vlan.vlanTci(frame, tag) >> vlan.VLAN_PCP_SHIFT, vlan.vlanPcp(frame, tag));
      type = vlan.vlanInnerType(frame, tag);
      if (name === "vlan") this.put({ "vlan.etype": hex(type, 4) });
      next += vlan.VLAN_TAG_LEN;
    }
    if (type < ethernet.ETHERTYPE_MIN && ethernet.isSnap(frame, next, end)) {
      type = ethernet.snapType(frame, next);
      next += ethernet.LLC_SNAP_LEN;
    }
    this.type(type, next, end);
  }

  type(type: number, at: number, end: number): void {
    if (type === ethernet.ETHERTYPE_IPV4) this.ipv4(at, end);
    else if (type === ethernet.ETHERTYPE_IPV6) this.ipv6(at, end);
    else if (type === ethernet.ETHERTYPE_ARP) this.arp(at, end);
    else if (type === ethernet.ETHERTYPE_TEB) this.ethernet(at, end);
    else if (type === ethernet.ETHERTYPE_MPLS) this.mpls(at, end);
  }

  arp(at: number, end: number): void {
    const { frame } = this;
    if (!arp.isArp(frame, at, end)) return;
    this.put({
      "arp.opcode": arp.arpOperation(frame, at),
      "arp.src.hw_mac": macToText(arp.arpSenderMacHigh(frame, at), arp.arpSenderMacLow(frame, at)),
      "arp.src.proto_ipv4": ipv4ToText(arp.arpSenderIp(frame, at)),
      "arp.dst.hw_mac": macToText(arp.arpTargetMacHigh(frame, at), arp.arpTargetMacLow(frame, at)),
      "arp.dst.proto_ipv4": ipv4ToText(arp.arpTargetIp(frame, at)),
    });
  }

  mpls(at: number, end: number): void {
    const { frame } = this;
    while (mpls.isMpls(frame, at, end)) {
      const entry = mpls.mplsEntry(frame, at);
      const bottom = mpls.mplsBottom(entry);
      this.put({
        "mpls.label": mpls.mplsLabel(entry),
        "mpls.exp": mpls.mplsTrafficClass(entry),
        "mpls.bottom": bottom,
      });
      this.put({ "mpls.ttl": mpls.mplsTtl(entry) });
      const again = mpls.makeMplsEntry(
        mpls.mplsLabel(entry),
        mpls.mplsTrafficClass(entry),
        bottom,
        mpls.mplsTtl(entry),
      );
      assert.equal(again, entry);
      at += mpls.MPLS_ENTRY_LEN;
      if (bottom === 1) {
        this.type(frame[at] >>> 4 === 4 ? ethernet.ETHERTYPE_IPV4 : ethernet.ETHERTYPE_IPV6, at, end);
        return;
      }
    }
  }

  ipv4(at: number, frameEnd: number): void {
    const { frame } = this;
    if (!ipv4.isIpv4(frame, at, frameEnd)) return;
    for (let end = at; end < at + ipv4.ipv4TotalLength(frame, at); end++) assert.ok(!ipv4.isIpv4(frame, at, end));
    const header = ipv4.ipv4HeaderLength(frame, at);
    const end = at + ipv4.ipv4TotalLength(frame, at);
    const fragment = ipv4.ipv4Fragment(frame, at);
    this.put({
      "ip.version": 4,
      "ip.hdr_len": header,
      "ip.len": ipv4.ipv4TotalLength(frame, at),
      "ip.id": hex(ipv4.ipv4Id(frame, at), 4),
      "ip.dsfield": hex(ipv4.ipv4Tos(frame, at), 2),
      "ip.flags.df": ipv4.ipv4DontFragment(frame, at) ? 1 : 0,
      "ip.flags.mf": fragment & ipv4.IPV4_MF ? 1 : 0,
      "ip.frag_offset": ipv4.ipv4FragmentOffset(frame, at) >> 3,
      "ip.ttl": ipv4.ipv4Ttl(frame, at),
      "ip.proto": ipv4.ipv4Protocol(frame, at),
      "ip.checksum": hex(ipv4.ipv4Checksum(frame, at), 4),
      "ip.checksum.status": good(ipv4.ipv4ChecksumIsGood(frame, at)),
      "ip.src": ipv4ToText(ipv4.ipv4Src(frame, at)),
      "ip.dst": ipv4ToText(ipv4.ipv4Dst(frame, at)),
    });
    if (ipv4.isIpv4Fragment(frame, at)) return;
    const next = at + header;
    const sum = (): boolean => transportChecksumIpv4(frame, at, next, end) === 0;
    this.payload(ipv4.ipv4Protocol(frame, at), next, end, sum);
  }

  ipv6(at: number, frameEnd: number): void {
    const { frame } = this;
    if (!ipv6.isIpv6(frame, at, frameEnd)) return;
    const end = at + ipv6.IPV6_HEADER_LEN + ipv6.ipv6PayloadLength(frame, at);
    for (let short = at; short < end; short++) assert.ok(!ipv6.isIpv6(frame, at, short));
    const src = [0, 1, 2, 3].map((word) => ipv6.ipv6Src(frame, at, word));
    const dst = [0, 1, 2, 3].map((word) => ipv6.ipv6Dst(frame, at, word));
    assert.equal(ipv6ToText(src), ipv6TextAt(frame, at + ipv6.IPV6_SRC));
    this.put({
      "ipv6.tclass": hex(ipv6.ipv6TrafficClass(frame, at), 8),
      "ipv6.flow": hex(ipv6.ipv6FlowLabel(frame, at), 6),
      "ipv6.plen": ipv6.ipv6PayloadLength(frame, at),
      "ipv6.nxt": ipv6.ipv6NextHeader(frame, at),
      "ipv6.hlim": ipv6.ipv6HopLimit(frame, at),
      "ipv6.src": ipv6ToText(src),
      "ipv6.dst": ipv6ToText(dst),
    });
    const walk = new ipv6.Ipv6Walk();
    assert.ok(walk.walk(frame, at, end));
    if (walk.fragmentAt !== 0) {
      this.put({
        "ipv6.fraghdr.offset": walk.fragment >> 3,
        "ipv6.fraghdr.more": walk.fragment & 1,
        "ipv6.fraghdr.ident": hex(ipv6.ipv6FragmentId(frame, walk.fragmentAt), 8),
      });
    }
    if (walk.isFragment) return;
    const next = walk.at;
    const sum = (): boolean => transportChecksumIpv6(frame, at, walk.protocol, next, end) === 0;
    this.payload(walk.protocol, next, end, sum);
  }

  payload(protocol: number, at: number, end: number, sum: () => boolean): void {
    const { frame } = this;
    if (protocol === ipv4.PROTOCOL_ICMP && icmp.isIcmp(frame, at, end)) {
      const type = icmp.icmpType(frame, at);
      this.put({
        "icmp.type": type,
        "icmp.code": icmp.icmpCode(frame, at),
        "icmp.checksum": hex(be16(frame, at + 2), 4),
      });
      if (type === icmp.ICMP_ECHO_REQUEST || type === icmp.ICMP_ECHO_REPLY) {
        this.put({ "icmp.ident": icmp.icmpId(frame, at), "icmp.seq": icmp.icmpSequence(frame, at) });
      } else if (type === icmp.ICMP_UNREACHABLE && frame[at + 1] === icmp.ICMP_FRAGMENTATION_NEEDED) {
        const mtu = be16(frame, at + icmp.ICMP_MTU);
        if (mtu > 0) this.put({ "icmp.mtu": mtu });
      }
    } else if (protocol === ipv6.NEXT_ICMPV6 && icmpv6.isIcmpv6(frame, at, end)) {
      this.put({ "icmpv6.type": icmpv6.icmpv6Type(frame, at), "icmpv6.code": icmpv6.icmpv6Code(frame, at) });
      this.put({ "icmpv6.checksum.status": good(sum()) });
      if (icmpv6.isNeighbourMessage(frame, at, end)) {
        const which = frame[at] === icmpv6.ND_NEIGHBOUR_SOLICITATION ? "ns" : "na";
        const target = [0, 1, 2, 3].map((word) => icmpv6.ndTarget(frame, at, word));
        this.put({ [`icmpv6.nd.${which}.target_address`]: ipv6ToText(target) });
      }
    } else if (protocol === ipv4.PROTOCOL_TCP && tcp.isTcp(frame, at, end)) {
      this.put({
        "tcp.srcport": tcp.tcpSrcPort(frame, at),
        "tcp.dstport": tcp.tcpDstPort(frame, at),
        "tcp.seq_raw": tcp.tcpSequence(frame, at) >>> 0,
        "tcp.ack_raw": tcp.tcpAcknowledgment(frame, at) >>> 0,
        "tcp.hdr_len": tcp.tcpHeaderLength(frame, at),
        "tcp.flags": hex(tcp.tcpFlags(frame, at), 4),
        "tcp.window_size_value": tcp.tcpWindow(frame, at),
        "tcp.checksum": hex(tcp.tcpChecksum(frame, at), 4),
        "tcp.checksum.status": good(sum()),
      });
    } else if (protocol === ipv4.PROTOCOL_UDP && udp.isUdp(frame, at, end)) {
      this.udp(at, end, sum);
    } else if (protocol === ipv4.PROTOCOL_SCTP && sctp.isSctp(frame, at, end)) {
      const stored = sctp.sctpChecksum(frame, at);
      const copy = frame.slice();
      sctp.putSctpChecksum(copy, at, end);
      this.put({
        "sctp.srcport": sctp.sctpSrcPort(frame, at),
        "sctp.dstport": sctp.sctpDstPort(frame, at),
        "sctp.checksum": hex(stored, 8),
        "sctp.checksum.status": good(sctp.sctpChecksum(copy, at) === stored),
      });
    } else if (protocol === ipv4.PROTOCOL_GRE && gre.isGre(frame, at, end)) {
      const flags = gre.greFlags(frame, at);
      const header = gre.greHeaderLength(flags);
      for (let short = at; short < at + header; short++) assert.ok(!gre.isGre(frame, at, short));
      this.put({ "gre.flags_and_version": hex(flags, 4), "gre.proto": hex(gre.greProtocol(frame, at), 4) });
      if (flags & gre.GRE_K) this.put({ "gre.key": hex(gre.greKey(frame, at), 8) });
      if (flags & gre.GRE_S) this.put({ "gre.sequence_number": gre.greSequence(frame, at) });
      this.type(gre.greProtocol(frame, at), at + header, end);
    } else if (protocol === ipv4.PROTOCOL_IPIP) this.ipv4(at, end);
    else if (protocol === ipv4.PROTOCOL_IPV6) this.ipv6(at, end);
  }

  udp(at: number, end: number, sum: () => boolean): void {
    const { frame } = this;
    const told = udp.udpLength(frame, at);
    this.put({
      "udp.srcport": udp.udpSrcPort(frame, at),
      "udp.dstport": udp.udpDstPort(frame, at),
      "udp.length": told,
    });
    this.put({ "udp.checksum": hex(udp.udpChecksum(frame, at), 4) });
    if (told !== end - at) return;
    // 3 is Wireshark's "not present".
    this.put({ "udp.checksum.status": udp.udpChecksum(frame, at) === 0 ? "3" : good(sum()) });
    const next = at + udp.UDP_HEADER_LEN;
    if (udp.udpDstPort(frame, at) === vxlan.VXLAN_UDP_PORT && vxlan.isVxlan(frame, next, end)) {
      this.put({ "vxlan.vni": vxlan.vxlanVni(frame, next) });
      this.ethernet(next + vxlan.VXLAN_HEADER_LEN, end);
    } else if (udp.udpDstPort(frame, at) === geneve.GENEVE_UDP_PORT && geneve.isGeneve(frame, next, end)) {
      this.put({ "geneve.vni": hex(geneve.geneveVni(frame, next), 6) });
      this.put({ "geneve.proto_type": hex(geneve.geneveProtocol(frame, next), 4) });
      this.type(geneve.geneveProtocol(frame, next), next + geneve.geneveHeaderLength(frame, next), end);
    }
  }
}

test("every field has Wireshark's value", () => {
  const compared = new Map<string, number>();
  for (const [text, theirs] of recording.frames) {
    const frame = new Uint8Array(Buffer.from(text, "hex"));
    const reader = new Reader(frame);
    reader.ethernet(0, frame.length);
    for (const [name, ours] of reader.fields) {
      const value = theirs[name];
      const list = value === undefined ? [] : typeof value === "string" ? [value] : value;
      // Wireshark goes on into packets that ICMP errors quote: there are at least as many.
      assert.deepEqual(ours, list.slice(0, ours.length), `${name} of ${text}`);
      compared.set(name, (compared.get(name) ?? 0) + ours.length);
    }
  }
  const known = new Set(recording.frames.flatMap(([, fields]) => Object.keys(fields)));
  // The checksum of an ICMP message is compared by its value; whether it is good, for all of them in test/router.
  const left = [...known].filter((name) => !compared.has(name));
  assert.deepEqual(left, ["icmp.checksum.status"]);
  assert.ok([...compared.values()].reduce((sum, count) => sum + count, 0) > 3000);
});

test("writers write what was read", () => {
  let written = 0;
  for (const [text] of recording.frames) {
    const frame = new Uint8Array(Buffer.from(text, "hex"));
    if (ethernet.ethernetType(frame, 0) === ethernet.ETHERTYPE_ARP && arp.isArp(frame, 14, frame.length)) {
      const copy = new Uint8Array(frame.length);
      ethernet.writeEthernet(
        copy,
        0,
        ethernet.ethernetDstHigh(frame, 0),
        ethernet.ethernetDstLow(frame, 0),
        ethernet.ethernetSrcHigh(frame, 0),
        ethernet.ethernetSrcLow(frame, 0),
        ethernet.ETHERTYPE_ARP,
      );
      arp.writeArp(
        copy,
        14,
        arp.arpOperation(frame, 14),
        arp.arpSenderMacHigh(frame, 14),
        arp.arpSenderMacLow(frame, 14),
        arp.arpSenderIp(frame, 14),
        arp.arpTargetMacHigh(frame, 14),
        arp.arpTargetMacLow(frame, 14),
        arp.arpTargetIp(frame, 14),
      );
      assert.deepEqual(copy.subarray(0, 42), frame.subarray(0, 42));
      assert.equal(macTextAt(copy, 6), macTextAt(frame, 6));
      written++;
    }
    if (ethernet.ethernetType(frame, 0) !== ethernet.ETHERTYPE_IPV4 || !ipv4.isIpv4(frame, 14, frame.length)) continue;
    if (ipv4.ipv4HeaderLength(frame, 14) !== 20 || !ipv4.ipv4ChecksumIsGood(frame, 14)) continue;
    const copy = new Uint8Array(64);
    ipv4.writeIpv4(
      copy,
      14,
      ipv4.ipv4Tos(frame, 14),
      ipv4.ipv4TotalLength(frame, 14),
      ipv4.ipv4Id(frame, 14),
      ipv4.ipv4Fragment(frame, 14),
      ipv4.ipv4Ttl(frame, 14),
      ipv4.ipv4Protocol(frame, 14),
      ipv4.ipv4Src(frame, 14),
      ipv4.ipv4Dst(frame, 14),
    );
    assert.deepEqual(copy.subarray(14, 34), frame.subarray(14, 34));
    written++;
    const end = 14 + ipv4.ipv4TotalLength(frame, 14);
    if (ipv4.ipv4Protocol(frame, 14) === ipv4.PROTOCOL_GRE && gre.isGre(frame, 34, end)) {
      const flags = gre.greFlags(frame, 34);
      if (flags & gre.GRE_C) continue;
      const length = gre.writeGre(
        copy,
        0,
        flags,
        gre.greProtocol(frame, 34),
        gre.greKey(frame, 34),
        gre.greSequence(frame, 34),
      );
      assert.deepEqual(copy.subarray(0, length), frame.subarray(34, 34 + length));
    }
    const next = 34 + udp.UDP_HEADER_LEN;
    if (
      ipv4.ipv4Protocol(frame, 14) === ipv4.PROTOCOL_UDP &&
      vxlan.isVxlan(frame, next, end) &&
      be16(frame, 36) === 4789
    ) {
      udp.writeUdp(copy, 0, be16(frame, 34), be16(frame, 36), udp.udpLength(frame, 34), udp.udpChecksum(frame, 34));
      vxlan.writeVxlan(copy, 8, vxlan.vxlanVni(frame, next));
      assert.deepEqual(copy.subarray(0, 16), frame.subarray(34, 50));
    }
  }
  assert.ok(written > 40, `${written}`);
});
