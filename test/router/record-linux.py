#!/usr/bin/env python3
"""Records what Linux's own IP stack answers, as the outside judge of datapath/router: `python3 record-linux.py OUT.json`.

Root and iproute2 (and ethtool) are all it needs. A network namespace is the router: two veth pairs, whose far ends lie in
a second namespace without any address of their own, so that nobody but this script speaks there. For each case the
namespaces are made anew, frames are put in by raw sockets, and everything that comes out within a while is written
down, with the milliseconds since the start of the case and the neighbour table at its end.
"""
import json, os, select, socket, struct, subprocess, sys, time

R, P = f'ewr{os.getpid()}', f'ewp{os.getpid()}'
MACS = ['fa:16:3e:cd:50:8d', 'fa:16:3e:a3:95:c2']
NAMES = ['qr-c669122c-11', 'qr-43fad9d6-53']
ADDRS = [['192.168.1.1/24'], ['192.168.2.1/24']]
VM1, VM2, GW1, GW2 = '192.168.1.11', '192.168.2.11', '192.168.1.1', '192.168.2.1'
M1, M2, Q1, Q2 = 'fa:16:3e:17:6b:a7', 'fa:16:3e:2a:34:19', MACS[0], MACS[1]
BC = 'ff:ff:ff:ff:ff:ff'
LL = ['fe80::f816:3eff:fecd:508d', 'fe80::f816:3eff:fea3:95c2']
VMLL = 'fe80::f816:3eff:fe17:6ba7'
PERM = [(VM1, NAMES[0], M1), (VM2, NAMES[1], M2)]

def sh(cmd, check=True):
    r = subprocess.run(cmd, shell=True, text=True, capture_output=True)
    if check and r.returncode: sys.exit(f'{cmd}\n{r.stdout}{r.stderr}')
    return r.stdout

# --- frames -------------------------------------------------------------------------------------------------------
def mac(t): return bytes.fromhex(t.replace(':', ''))
def a4(t): return socket.inet_aton(t)
def a6(t): return socket.inet_pton(socket.AF_INET6, t)
def csum(b):
    if len(b) & 1: b += b'\0'
    s = sum(struct.unpack(f'>{len(b)//2}H', b))
    while s >> 16: s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff
def eth(dst, src, typ, body): return mac(dst) + mac(src) + struct.pack('>H', typ) + body
def arp(op, sha, spa, tha, tpa): return struct.pack('>HHBBH', 1, 0x800, 6, 4, op) + mac(sha) + a4(spa) + mac(tha) + a4(tpa)
def ip(src, dst, proto, body, ttl=64, tos=0, ident=0x1234, frag=0, opts=b'', total=None, ver=4, ihl=None, bad=0):
    h = struct.pack('>BBHHHBBH', ver << 4 | (ihl if ihl is not None else 5 + len(opts) // 4), tos,
                    total if total is not None else 20 + len(opts) + len(body), ident, frag, ttl, proto, 0) + a4(src) + a4(dst) + opts
    return h[:10] + struct.pack('>H', csum(h) ^ bad) + h[12:] + body
def fill(n): return bytes((7 * i + 3) & 255 for i in range(n))
def icmp(typ, code, rest, body, bad=0):
    m = struct.pack('>BBHI', typ, code, 0, rest) + body
    return m[:2] + struct.pack('>H', csum(m) ^ bad) + m[4:]
def echo(n=56, ident=7, seq=1, bad=0): return icmp(8, 0, ident << 16 | seq, fill(n), bad)
def udp(src, dst, sp, dp, body, zero=False, bad=0):
    u = struct.pack('>HHHH', sp, dp, 8 + len(body), 0) + body
    c = csum(a4(src) + a4(dst) + struct.pack('>HH', 17, len(u)) + u) or 0xffff
    return u[:6] + struct.pack('>H', 0 if zero else c ^ bad) + u[8:]
def tcp(src, dst, sp, dp, flags, body=b'', seq=1000, ack=0, opts=b'', bad=0):
    t = struct.pack('>HHIIHHHH', sp, dp, seq, ack, (5 + len(opts) // 4) << 12 | flags, 64240, 0, 0) + opts + body
    c = csum(a4(src) + a4(dst) + struct.pack('>HH', 6, len(t)) + t) ^ bad
    return t[:16] + struct.pack('>H', c) + t[18:]
def ip6(src, dst, nh, body, hop=255, cls=0, label=0, length=None):
    return struct.pack('>IHBB', 6 << 28 | cls << 20 | label, len(body) if length is None else length, nh, hop) + a6(src) + a6(dst) + body
def icmp6(src, dst, typ, code, rest, body):
    m = struct.pack('>BBHI', typ, code, 0, rest) + body
    c = csum(a6(src) + a6(dst) + struct.pack('>II', len(m), 58) + m)
    return m[:2] + struct.pack('>H', c) + m[4:]
def udp6(src, dst, sp, dp, body):
    u = struct.pack('>HHHH', sp, dp, 8 + len(body), 0) + body
    return u[:6] + struct.pack('>H', csum(a6(src) + a6(dst) + struct.pack('>II', len(u), 17) + u)) + u[8:]
def v6(src, dst, typ, rest, body, l2=None, hop=255, **k):
    to = l2 or Q1
    return eth(to, M1, 0x86dd, ip6(src, dst, 58, icmp6(src, dst, typ, 0, rest, body), hop, **k))
def snm(t): return socket.inet_ntop(socket.AF_INET6, b'\xff\2' + bytes(9) + b'\1\xff' + a6(t)[13:])
def group_mac(t): return '33:33:' + ':'.join(f'{b:02x}' for b in a6(t)[12:])
def sll(m, typ=1): return bytes([typ, 1]) + mac(m)

def f1(body, dst=Q1, src=M1): return (0, eth(dst, src, 0x800, body))
def f2(body, dst=Q2, src=M2): return (1, eth(dst, src, 0x800, body))
def ping(n=56, **k): return f1(ip(VM1, VM2, 1, echo(n), **k))
def pingme(n=56, to=GW1, bad=0, **k): return f1(ip(VM1, to, 1, echo(n, bad=bad), **k))
def req(dev, sha, spa, tpa, dst=BC, tha='00:00:00:00:00:00'): return (dev, eth(dst, sha, 0x806, arp(1, sha, spa, tha, tpa)))
def rep(dev, sha, spa, tha, tpa, dst): return (dev, eth(dst, sha, 0x806, arp(2, sha, spa, tha, tpa)))
def pieces(src, dst, proto, body, size, ident=0x4242, **k):
    out = []
    for off in range(0, len(body), size):
        part = body[off:off + size]
        out.append(ip(src, dst, proto, part, ident=ident, frag=off // 8 | (0x2000 if off + size < len(body) else 0), **k))
    return out

# --- cases: name, what is special, steps; a step is (device, frame) or a number of milliseconds to wait ----------------
RR = bytes([7, 11, 4]) + bytes(8) + b'\1'
TS = bytes([68, 12, 5, 0]) + bytes(8)
LSRR = bytes([131, 7, 4]) + a4(GW2) + b'\0'
COPIED = bytes([0x94, 4, 0, 0])  # router alert, copied
NS_MC = v6(VMLL, snm(LL[0]), 135, 0, a6(LL[0]) + sll(M1), l2=group_mac(snm(LL[0])))
UNRES = dict(neigh=[PERM[0]])
CASES = [
 ('arp request for an own address', dict(neigh=[]), [req(0, M1, VM1, GW1)]),
 ('arp request for the address of the other interface', dict(neigh=[]), [req(0, M1, VM1, GW2)]),
 ('arp request by unicast', dict(neigh=[]), [req(0, M1, VM1, GW1, dst=Q1)]),
 ('arp request for somebody else', dict(neigh=[]), [req(0, M1, VM1, '192.168.1.99')]),
 ('arp probe without sender', dict(neigh=[]), [req(0, M1, '0.0.0.0', GW1)]),
 ('arp request from an own address', dict(neigh=[]), [req(0, M1, GW1, GW1), req(0, M1, GW2, GW1)]),
 ('arp request from another subnet', dict(neigh=[]), [req(0, M1, '10.9.8.7', GW1)]),
 ('arp request padded to 60 bytes', dict(neigh=[]), [(0, req(0, M1, VM1, GW1)[1] + bytes(18))]),
 ('arp request for another MAC', dict(neigh=[]), [req(0, M1, VM1, GW1, dst=M2)]),
 ('gratuitous arp of an unknown host', dict(neigh=[]), [req(0, M1, VM1, VM1), rep(0, M1, VM1, M1, VM1, BC)]),
 ('arp reply nobody asked for', dict(neigh=[]), [rep(0, M1, VM1, Q1, GW1, Q1)]),
 ('request moves a learned neighbour', dict(neigh=[]), [req(0, M1, VM1, GW1), 50, req(0, M2, VM1, GW1)]),
 ('gratuitous request moves a learned neighbour', dict(neigh=[]), [req(0, M1, VM1, GW1), 50, req(0, M2, VM1, VM1)]),
 ('second reply within a second is ignored', UNRES, [ping(), 50, rep(1, M2, VM2, Q2, GW2, Q2), 50, rep(1, M1, VM2, Q2, GW2, Q2)]),
 ('second reply after a second is taken', UNRES, [ping(), 50, rep(1, M2, VM2, Q2, GW2, Q2), 1300, rep(1, M1, VM2, Q2, GW2, Q2)]),
 ('permanent neighbour is not moved by arp', {}, [req(0, M2, VM1, GW1), rep(0, M2, VM1, Q1, GW1, Q1)]),
 ('broken arp', dict(neigh=[]), [(0, eth(BC, M1, 0x806, arp(1, M1, VM1, BC, GW1)[:20])), (0, eth(BC, M1, 0x806, arp(3, M1, VM1, BC, GW1))),
   (0, eth(BC, M1, 0x806, b'\0\1\x86\xdd' + arp(1, M1, VM1, BC, GW1)[4:]))]),

 ('forward', {}, [ping(), f2(ip(VM2, VM1, 1, icmp(0, 0, 7 << 16 | 1, fill(56))))]),
 ('forward tcp and udp with tos', {}, [f1(ip(VM1, VM2, 6, tcp(VM1, VM2, 40000, 80, 2, opts=b'\2\4\5\xb4'), tos=0x10, frag=0x4000)),
   f1(ip(VM1, VM2, 17, udp(VM1, VM2, 4000, 53, fill(33)), tos=0xb8, ident=0))]),
 ('forward with many ttls', {}, [ping(8, ttl=t) for t in (2, 3, 127, 128, 255)]),
 ('forward checksums at the carry', {}, [ping(8, ident=i) for i in (0xe57d, 0xe57e, 0xe57f, 0xe580, 0xe67d, 0xe67e, 0xe67f, 0xe47e, 0xe47f)]),
 ('forward drops padding', {}, [(0, f1(ip(VM1, VM2, 17, udp(VM1, VM2, 1, 2, b'x')))[1] + bytes(17))]),
 ('forward fragments as they are', {}, [f1(x) for x in pieces(VM1, VM2, 1, echo(3000), 1432)]),
 ('forward to the sender\'s own subnet', dict(neigh=PERM + [('192.168.1.12', NAMES[0], M2)]), [f1(ip(VM1, '192.168.1.12', 1, echo()))]),
 ('ttl 1', {}, [ping(ttl=1)]),
 ('ttl 0', {}, [ping(ttl=0)]),
 ('ttl 1 from the other side', {}, [f2(ip(VM2, VM1, 17, udp(VM2, VM1, 33434, 33435, fill(12)), ttl=1))]),
 ('ttl 1 with a long packet and tos', {}, [f1(ip(VM1, VM2, 6, tcp(VM1, VM2, 1, 2, 16, fill(1000), ack=5), ttl=1, tos=t)) for t in (0, 0x10, 0xb8, 0xff)]),
 ('ttl 1 and options', {}, [ping(ttl=1, opts=b'\1\1\1\0')]),
 ('ttl 1 about an icmp error', {}, [f1(ip(VM1, VM2, 1, icmp(3, 3, 0, ip(VM2, VM1, 17, udp(VM2, VM1, 1, 2, b''))), ttl=1)),
   f1(ip(VM1, VM2, 1, icmp(0, 0, 1, b'abc'), ttl=1)), f1(ip(VM1, VM2, 1, icmp(40, 0, 1, b'abc'), ttl=1)), f1(ip(VM1, VM2, 1, icmp(13, 0, 1, bytes(12)), ttl=1))]),
 ('ttl 1 in fragments', {}, [f1(x) for x in pieces(VM1, VM2, 17, udp(VM1, VM2, 1, 2, fill(2000)), 1000, ttl=1)]),
 ('ttl 1 of the shortest icmp', {}, [f1(ip(VM1, VM2, 1, b'', ttl=1)), f1(ip(VM1, VM2, 1, b'\x08', ttl=1)), f1(ip(VM1, VM2, 17, b'', ttl=1))]),
 ('errors are limited to six and then one a second', {}, [ping(ttl=1, ident=i) for i in range(10)] + [1300] + [ping(ttl=1, ident=i) for i in range(20, 23)]),
 ('no route', {}, [f1(ip(VM1, '203.0.113.5', 1, echo()))]),
 ('no route is limited twice', {}, [f1(ip(VM1, '203.0.113.5', 17, udp(VM1, '203.0.113.5', 1, 2, b'abc'), ident=i)) for i in range(8)]),
 ('no route beats ttl', {}, [f1(ip(VM1, '203.0.113.5', 1, echo(), ttl=1))]),
 ('no route about an icmp error', {}, [f1(ip(VM1, '203.0.113.5', 1, icmp(11, 0, 0, fill(28))))]),
 ('no way back', {}, [f1(ip('203.0.113.9', VM2, 1, echo(), ttl=1)), f1(ip('203.0.113.9', VM2, 1, echo()))]),
 ('a route via a gateway', dict(routes=[dict(to='default', via='192.168.2.254', dev=NAMES[1])], neigh=PERM), [f1(ip(VM1, '203.0.113.5', 1, echo())), 100,
   rep(1, M2, '192.168.2.254', Q2, GW2, Q2)]),
 ('the longest prefix wins', dict(routes=[dict(to='10.0.0.0/8', via=VM2, dev=NAMES[1]), dict(to='10.1.0.0/16', via=VM1, dev=NAMES[0]), dict(to='10.1.2.3/32', dev=NAMES[1])],
   neigh=PERM + [('10.1.2.3', NAMES[1], M1)]), [f1(ip(VM1, d, 1, echo(8))) for d in ('10.0.0.1', '10.1.0.1', '10.1.2.3', '10.1.2.4')]),
 ('too big with df', {}, [ping(1458 - 28 + 1, frag=0x4000, tos=4), ping(1458 - 28, frag=0x4000)]),
 ('too big with df is not limited', {}, [ping(1472, frag=0x4000, ident=i) for i in range(9)]),
 ('too big without df', {}, [ping(1472)]),
 ('fragments of a fragment', {}, [f1(ip(VM1, VM2, 17, fill(1480), frag=0x2000 | 185)), f1(ip(VM1, VM2, 17, fill(1479), frag=370))]),
 ('fragments with options', {}, [ping(1460, opts=b'\1' * 4), ping(1460, opts=COPIED + b'\1\1\1\0')]),
 ('a small mtu', dict(mtu=[1458, 576]), [ping(1000), ping(1000, frag=0x4000), ping(1422)]),
 ('an odd mtu', dict(mtu=[1458, 1003]), [ping(1422)]),

 ('unknown neighbour does not answer', UNRES, [ping(ident=1), ping(ident=2), 200, ping(ident=3), 4200]),
 ('unknown neighbour fails again', UNRES, [ping(ident=1), 3500, ping(ident=2), 3500]),
 ('unknown neighbour answers', UNRES, [ping(ident=1), ping(ident=2), 300, rep(1, M2, VM2, Q2, GW2, Q2), 100, ping(ident=3)]),
 ('unknown neighbour answers at the second request', UNRES, [ping(ident=1), 1300, rep(1, M2, VM2, Q2, GW2, Q2), 100, ping(ident=3)]),
 ('unknown neighbour asks itself', UNRES, [ping(ident=1), 100, req(1, M2, VM2, GW2), 50, ping(ident=2)]),
 ('stale neighbour is probed and fails', dict(neigh=[PERM[1]]), [req(0, M1, VM1, GW1), 100, f2(ip(VM2, VM1, 1, echo(8), ident=1)), 8600, f2(ip(VM2, VM1, 1, echo(8), ident=2)), 100]),
 ('stale neighbour is probed and answers', dict(neigh=[PERM[1]]), [req(0, M1, VM1, GW1), 100, f2(ip(VM2, VM1, 1, echo(8), ident=1)), 5500, rep(0, M1, VM1, Q1, GW1, Q1), 1500, f2(ip(VM2, VM1, 1, echo(8), ident=2)), 100]),
 ('unknown neighbour announces itself', UNRES, [ping(ident=1), 100, req(1, M2, VM2, VM2), 50, ping(ident=2)]),
 ('unknown neighbour answers by broadcast', UNRES, [ping(ident=1), 100, rep(1, M2, VM2, Q2, GW2, BC), 50, ping(ident=2)]),
 ('sender is unknown too', dict(neigh=[]), [ping(ttl=1), 4300]),
 ('echo with an unknown sender', dict(neigh=[]), [pingme(), 200, rep(0, M1, VM1, Q1, GW1, Q1)]),
 ('echo to the far address with an unknown sender', dict(neigh=[]), [pingme(to=GW2), 200]),

 ('echo', {}, [pingme()]),
 ('echo to the far address', {}, [pingme(to=GW2)]),
 ('echo with df, tos and ttl', {}, [pingme(frag=0x4000, tos=0x10), pingme(tos=0xff, ttl=1), pingme(0), pingme(1), pingme(1430)]),
 ('echo with no-operations', {}, [pingme(opts=b'\1\1\1\1')]),
 ('echo with a wrong icmp checksum', {}, [pingme(bad=1)]),
 ('echo in a short message', {}, [f1(ip(VM1, GW1, 1, b'\x08\0\xf7\xff')), f1(ip(VM1, GW1, 1, icmp(8, 1, 0, b'x')))]),
 ('echo in fragments', {}, [f1(x) for x in pieces(VM1, GW1, 1, echo(3000), 1432)]),
 ('echo in fragments out of order', {}, [f1(x) for x in reversed(pieces(VM1, GW1, 1, echo(3001), 1432))]),
 ('echo in fragments with one twice', {}, [f1(x) for x in (lambda p: [p[0], p[0], p[1], p[2]])(pieces(VM1, GW1, 1, echo(3000), 1432))]),
 ('echo in fragments that overlap', {}, [f1(ip(VM1, GW1, 1, echo(2000)[:1008], frag=0x2000)), f1(ip(VM1, GW1, 1, echo(2000)[1000:], frag=125))]),
 ('echo of twelve fragments', {}, [f1(x) for x in pieces(VM1, GW1, 1, echo(16100), 1432)]),
 ('echo longer than the mtu of the way back', {}, [f1(ip(VM2, GW1, 1, echo(1472)))]),
 ('echo to a broadcast address', {}, [f1(ip(VM1, '192.168.1.255', 1, echo()), dst=BC), f1(ip(VM1, '255.255.255.255', 1, echo()), dst=BC)]),
 ('echo in a broadcast frame', {}, [f1(ip(VM1, GW1, 1, echo()), dst=BC)]),
 ('forward in a broadcast frame', {}, [f1(ip(VM1, VM2, 1, echo()), dst=BC), f1(ip(VM1, VM2, 1, echo(), ttl=1), dst=BC), f1(ip(VM1, '203.0.113.5', 1, echo()), dst=BC)]),
 ('udp to nobody', {}, [f1(ip(VM1, GW1, 17, udp(VM1, GW1, 5000, 5001, fill(20)))), f1(ip(VM1, GW2, 17, udp(VM1, GW2, 5000, 5001, fill(600)), tos=0x20))]),
 ('udp to nobody with odd checksums', {}, [f1(ip(VM1, GW1, 17, udp(VM1, GW1, 5000, 5001, b'abc', bad=1))), f1(ip(VM1, GW1, 17, udp(VM1, GW1, 5000, 5001, b'abc', zero=True)))]),
 ('udp to a broadcast address', {}, [f1(ip(VM1, '192.168.1.255', 17, udp(VM1, '192.168.1.255', 5000, 5001, b'abc')), dst=BC)]),
 ('tcp to nobody', {}, [f1(ip(VM1, GW1, 6, tcp(VM1, GW1, 40000, 80, 2, opts=b'\2\4\5\xb4'), tos=0x10)), f1(ip(VM1, GW1, 6, tcp(VM1, GW1, 40000, 80, 16, b'hello', ack=77))),
   f1(ip(VM1, GW1, 6, tcp(VM1, GW1, 40000, 80, 4))), f1(ip(VM1, GW1, 6, tcp(VM1, GW1, 40000, 80, 3, b'hello'))), f1(ip(VM1, GW1, 6, tcp(VM1, GW1, 40000, 80, 2, bad=1)))]),
 ('unknown protocol', {}, [f1(ip(VM1, GW1, 99, fill(30)))]),
 ('icmp that needs no answer', {}, [f1(ip(VM1, GW1, 1, icmp(0, 0, 1, b'abc'))), f1(ip(VM1, GW1, 1, icmp(3, 1, 0, ip(GW1, VM1, 17, udp(GW1, VM1, 1, 2, b''))))), f1(ip(VM1, GW1, 1, icmp(17, 0, 0, bytes(4))))]),

 ('bad ip headers', {}, [ping(bad=1), ping(ver=5), ping(ihl=4), ping(total=200), ping(total=10), f1(ip(VM1, VM2, 1, b'')[:19]), f1(ip(VM1, VM2, 1, b'')[:10]), f1(ip(VM1, VM2, 17, fill(8), ihl=8))]),
 ('martian sources', {}, [f1(ip(s, VM2, 1, echo())) for s in (GW1, GW2, '127.0.0.1', '224.0.0.5', '0.0.0.0', '255.255.255.255', '192.168.1.255', '240.0.0.1')]),
 ('martian sources to itself', {}, [f1(ip(s, GW1, 1, echo())) for s in (GW1, GW2, '127.0.0.1', '224.0.0.5', '0.0.0.0', '255.255.255.255', '192.168.1.255', '240.0.0.1')]),
 ('martian destinations', {}, [f1(ip(VM1, d, 1, echo())) for d in ('127.0.0.1', '0.0.0.0', '0.1.2.3', '240.0.0.1', '224.0.0.5', '239.1.1.1')]),
 ('the lowest address of the subnet', dict(neigh=PERM), [f1(ip(VM1, '192.168.1.0', 1, echo())), 50]),
 ('frames for other macs', {}, [f1(ip(VM1, VM2, 1, echo()), dst=M2), f1(ip(VM1, GW1, 1, echo()), dst=Q2), f1(ip(VM1, VM2, 1, echo(), ttl=1), dst=M2)]),
 ('frames that nobody takes', {}, [(0, eth(Q1, M1, 0x8100, b'\0\5\x08\0' + ip(VM1, GW1, 1, echo()))), (0, eth(Q1, M1, 0x88cc, fill(40))), (0, eth(Q1, M1, 46, fill(46))), (0, eth(BC, M1, 0x8035, fill(46)))]),
 ('source routes are refused', {}, [f1(ip(VM1, GW1, 1, echo(), opts=LSRR)), f1(ip(VM1, VM2, 1, echo(), opts=LSRR))]),

 ('record route', {}, [pingme(opts=RR), ping(opts=RR), pingme(to=GW2, opts=RR), ping(ttl=1, opts=RR)]),
 ('record route that is full', {}, [pingme(opts=bytes([7, 7, 8]) + a4(VM2) + b'\0'), ping(opts=bytes([7, 7, 8]) + a4(VM2) + b'\0'), ping(opts=bytes([7, 11, 8]) + a4(VM2) + bytes(5))]),
 ('options that lie', {}, [ping(opts=o) for o in (bytes([7, 0, 0, 0]), bytes([7, 40, 4, 0]), bytes([7, 2, 4, 0]), bytes([7, 7, 3]) + bytes(5), bytes([0x99, 1, 0, 0]))]),
 ('unknown and empty options', {}, [ping(opts=bytes([0x99, 4, 1, 2])), ping(opts=bytes(4)), ping(opts=b'\1\1\0\7'), ping(opts=COPIED), pingme(opts=COPIED), pingme(opts=bytes([0x99, 4, 1, 2]))]),
 ('fragments of record route', {}, [ping(1450, opts=RR)]),

 ('without forwarding', dict(forwarding=False), [ping(), ping(ttl=1), f1(ip(VM1, '203.0.113.5', 1, echo())), pingme(), req(0, M1, VM1, GW1), pingme(to=GW2)]),

 ('v6 neighbour solicitation', dict(neigh=[]), [(0, NS_MC)]),
 ('v6 neighbour solicitation by unicast', dict(neigh=[]), [(0, v6(VMLL, LL[0], 135, 0, a6(LL[0]) + sll(M1))), 100, (0, NS_MC), 100, (0, v6(VMLL, LL[0], 135, 0, a6(LL[0])))]),
 ('v6 duplicate address detection', dict(neigh=[]), [(0, v6('::', snm(LL[0]), 135, 0, a6(LL[0]), l2=group_mac(snm(LL[0])))),
   (0, v6('::', snm(LL[0]), 135, 0, a6(LL[0]) + sll(M1), l2=group_mac(snm(LL[0]))))]),
 ('v6 solicitations that are not answered', dict(neigh=[]), [(0, v6(VMLL, snm(LL[0]), 135, 0, a6(LL[0]) + sll(M1), l2=group_mac(snm(LL[0])), hop=254)),
   (0, v6(VMLL, snm(LL[1]), 135, 0, a6(LL[1]) + sll(M1), l2=group_mac(snm(LL[1])))), (0, v6(VMLL, 'ff02::1', 135, 0, a6('fe80::99') + sll(M1), l2='33:33:00:00:00:01')),
   (0, v6(VMLL, snm(LL[0]), 135, 0, a6(LL[0]) + b'\1\0' + mac(M1), l2=group_mac(snm(LL[0]))))]),
 ('v6 echo', dict(neigh=[]), [(0, NS_MC), 50, (0, v6(VMLL, LL[0], 128, 5 << 16 | 1, fill(56), hop=64)), (0, v6(VMLL, LL[0], 128, 5 << 16 | 2, fill(7), hop=1, cls=0x28, label=0x12345))]),
 ('v6 echo to all nodes', dict(neigh=[]), [(0, NS_MC), 50, (0, v6(VMLL, 'ff02::1', 128, 5 << 16 | 1, fill(56), l2='33:33:00:00:00:01', hop=1))]),
 ('v6 echo with an unknown sender', dict(neigh=[]), [(0, v6(VMLL, LL[0], 128, 5 << 16 | 1, fill(56), hop=64)), 200, (0, v6(VMLL, LL[0], 136, 0x60000000, a6(VMLL) + sll(M1, 2)))]),
 ('v6 echo with an unknown sender that never answers', dict(neigh=[]), [(0, v6(VMLL, LL[0], 128, 5 << 16 | 1, fill(56), hop=64)), 3500]),
 ('v6 udp, tcp and unknown protocols to nobody', dict(neigh=[]), [(0, NS_MC), 20, (0, v6(VMLL, LL[0], 140, 0, b'abcd', hop=64)), (0, eth(Q1, M1, 0x86dd, ip6(VMLL, LL[0], 17, udp6(VMLL, LL[0], 5, 6, b'abc')))),
   (0, eth(Q1, M1, 0x86dd, ip6(VMLL, LL[0], 99, fill(30))))]),
 ('v6 echo behind options', dict(neigh=[]), [(0, NS_MC), 20, (0, eth(Q1, M1, 0x86dd, ip6(VMLL, LL[0], 60, bytes([58, 0, 1, 4, 0, 0, 0, 0]) + icmp6(VMLL, LL[0], 128, 0, 5, fill(9)), 64)))]),
 ('v6 is not forwarded', dict(neigh=[]), [(0, v6('2001:db8::1', '2001:db8::2', 128, 1, fill(8), hop=64)), (0, v6('2001:db8::1', '2001:db8::2', 128, 1, fill(8), hop=1))]),
 ('v6 messages that need no answer', dict(neigh=[]), [(0, v6(VMLL, 'ff02::2', 133, 0, sll(M1), l2='33:33:00:00:00:02')), (0, v6(VMLL, LL[0], 129, 1, b'abc', hop=64)),
   (0, eth(Q1, M1, 0x86dd, ip6(VMLL, LL[0], 59, b'')))]),
]

# --- one case ------------------------------------------------------------------------------------------------------
def make(extra):
    sh(f'ip netns del {R}', check=False); sh(f'ip netns del {P}', check=False)
    sh(f'ip netns add {R}'); sh(f'ip netns add {P}')
    sh(f'ip netns exec {P} sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1')
    sh(f'ip netns exec {R} sysctl -qw net.ipv4.ip_forward={int(extra.get("forwarding", True))} net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 '
       'net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.default.send_redirects=0 net.ipv6.conf.default.router_solicitations=0 net.ipv6.conf.default.accept_dad=0 '
       'net.ipv6.conf.default.mldv2_unsolicited_report_interval=1')
    mtu = extra.get('mtu', [1500, 1458])
    for i in (0, 1):
        sh(f'ip link add {NAMES[i]} netns {R} type veth peer name p{i} netns {P}')
        sh(f'ip -n {P} link set p{i} arp off mtu 9000 up')
        sh(f'ip netns exec {R} ethtool -K {NAMES[i]} tx off tso off gso off gro off', check=False)
        sh(f'ip -n {R} link set {NAMES[i]} address {MACS[i]} mtu {mtu[i]} up')
        for a in ADDRS[i]: sh(f'ip -n {R} addr add {a} dev {NAMES[i]}')
    sh(f'ip -n {R} link set lo up')
    for r in extra.get('routes', []): sh(f"ip -n {R} route add {r['to']} {'via ' + r['via'] if 'via' in r else ''} dev {r['dev']}")
    for a, d, m in extra.get('neigh', PERM): sh(f'ip -n {R} neigh replace {a} lladdr {m} nud permanent dev {d}')
    time.sleep(0.4)  # interfaces' own multicast reports

def own_noise(frame):  # MLD reports that the interfaces send on their own account
    return frame[12:14] == b'\x86\xdd' and frame[20] == 0

def run(name, extra, steps):
    make(extra)
    here = os.open('/proc/self/ns/net', os.O_RDONLY); there = os.open(f'/var/run/netns/{P}', os.O_RDONLY)
    libc = __import__('ctypes').CDLL(None, use_errno=True)
    if libc.setns(there, 0): sys.exit('setns')
    socks = []
    for i in (0, 1):
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)); s.bind((f'p{i}', 3)); s.setblocking(False); socks.append(s)
    libc.setns(here, 0); os.close(here); os.close(there)
    out, start = [], time.monotonic()
    def drain(seconds):
        until = time.monotonic() + seconds
        while True:
            left = until - time.monotonic()
            ready, _, _ = select.select(socks, [], [], max(0, left))
            for s in ready:
                frame, addr = s.recvfrom(70000)
                if addr[2] != 4 and not own_noise(frame):  # 4: what this script sent
                    out.append(dict(ms=round((time.monotonic() - start) * 1000), dev=socks.index(s), frame=frame.hex()))
            if left <= 0: return
    inputs = []
    for step in steps:
        if isinstance(step, int): drain(step / 1000); continue
        dev, frame = step
        inputs.append(dict(ms=round((time.monotonic() - start) * 1000), dev=dev, frame=frame.hex()))
        try: socks[dev].send(frame)
        except OSError as e: sys.exit(f'{name}: {len(frame)} bytes: {e}')
        drain(0.004)
    drain(0.15)
    end = round((time.monotonic() - start) * 1000)
    neigh = sorted(' '.join(l.replace(' router', '').split()) for l in sh(f'ip -n {R} neigh').splitlines())
    for s in socks: s.close()
    return dict(name=name, forwarding=extra.get('forwarding', True), mtu=extra.get('mtu', [1500, 1458]), routes=extra.get('routes', []),
                neighbours=[dict(ip=a, dev=d, mac=m) for a, d, m in extra.get('neigh', PERM)], ms=end, input=inputs, output=out, neigh=neigh)

if __name__ == '__main__':
    words = sys.argv[2:]
    try: cases = [run(*c) for c in CASES if not words or any(w in c[0] for w in words)]
    finally: sh(f'ip netns del {R}', check=False); sh(f'ip netns del {P}', check=False)
    kernel = ' '.join(os.uname()[2].split('.')[:2]).replace(' ', '.')
    with open(sys.argv[1], 'w') as f:
        f.write('{"origin":"test/router/record-linux.py on Linux %s","interfaces":%s,"cases":[\n' % (kernel, json.dumps([dict(name=NAMES[i], mac=MACS[i], addresses=ADDRS[i]) for i in (0, 1)])))
        f.write(',\n'.join(json.dumps(c, separators=(',', ':')) for c in cases) + '\n]}\n')
    print(f'{len(cases)} cases')
