#!/usr/bin/env python3
"""Records how tcpdump prints frames: `python3 record-tcpdump.py OUT.json`. The frames are those of ../golden/router-linux.json,
one of each kind of ../../pcaps/recorded, and the tunnelled, tagged and odd ones made here. Needs tcpdump only."""
import glob, importlib.util, json, os, re, struct, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
spec = importlib.util.spec_from_file_location('frames', f'{HERE}/../router/record-linux.py')
F = importlib.util.module_from_spec(spec); spec.loader.exec_module(F)

def tcpdump(frame, *flags):
    with tempfile.NamedTemporaryFile(suffix='.pcap') as f:
        f.write(struct.pack('<IHHIIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1) + struct.pack('<IIII', 1, 0, len(frame), len(frame)) + frame); f.flush()
        text = subprocess.run(['tcpdump', '-nn', '-t', '-S', *flags, '-r', f.name], capture_output=True, text=True).stdout
    # Without the hexadecimal dump of what tcpdump has no printer for.
    return '\n'.join(l.rstrip() for l in text.splitlines() if not re.match(r'\s+0x[0-9a-f]{4}:', l))

def pcap(path):
    b = open(path, 'rb').read()
    o, e = 24, '<' if b[:4] in (b'\xd4\xc3\xb2\xa1', b'\x4d\x3c\xb2\xa1') else '>'
    while o + 16 <= len(b):
        n = struct.unpack(e + 'I', b[o + 8:o + 12])[0]; yield b[o + 16:o + 16 + n]; o += 16 + n

V1, V2, M1, M2 = F.VM1, F.VM2, F.M1, F.M2
INNER = F.eth(M2, M1, 0x800, F.ip(V1, V2, 1, F.echo()))
def e4(body): return F.eth(M2, M1, 0x800, body)
def outer(proto, body, **k): return e4(F.ip('10.11.1.115', '10.11.1.116', proto, body, **k))
def gre(flags, proto, rest, body): return outer(47, struct.pack('>HH', flags, proto) + rest + body)
def vx(body, flags=8): return outer(17, struct.pack('>HHHH', 50000, 4789, 16 + len(body), 0) + bytes([flags, 0, 0, 0]) + struct.pack('>I', 77 << 8) + body)
def gnv(proto, body, flags=0): return outer(17, struct.pack('>HHHH', 50000, 6081, 16 + len(body), 0) + struct.pack('>BBHI', 0, flags, proto, 5 << 8) + body)
def unreach(code, rest=0, proto=17): return e4(F.ip(V2, V1, 1, F.icmp(3, code, rest, F.ip(V1, V2, proto, F.udp(V1, V2, 7, 53, b'abc')))))
IP4 = F.ip(V1, V2, 1, F.echo())
IP6 = F.ip6('2001:db8::1', '2001:db8::2', 58, F.icmp6('2001:db8::1', '2001:db8::2', 128, 0, 1, b'abc'))
def tag(tpid, tci, rest): return struct.pack('>HH', tpid, tci) + rest
MADE = [
  gre(0x2000, 0x6558, struct.pack('>I', 2), INNER), gre(0, 0x6558, b'', INNER), gre(0x3000, 0x6558, struct.pack('>II', 9, 5), INNER),
  gre(0x1000, 0x800, struct.pack('>I', 3), IP4), gre(0xa000, 0x6558, struct.pack('>HHI', 0, 0, 0xffffffff), INNER), gre(0, 0x86dd, b'', IP6), gre(0, 0x88b5, b'', b'abcd'),
  gre(0x2000, 0x6558, struct.pack('>I', 2), M2 and F.mac(M2) + F.mac(M1) + tag(0x8100, 5, struct.pack('>H', 0x800) + IP4)),
  vx(INNER), vx(F.eth(F.BC, M1, 0x806, F.arp(1, M1, V1, '00:00:00:00:00:00', F.GW1))), gnv(0x6558, INNER), gnv(0x6558, INNER, 0x80), gnv(0x800, IP4, 0xc0),
  F.mac(M2) + F.mac(M1) + tag(0x8100, 101, struct.pack('>H', 0x800) + IP4), F.mac(M2) + F.mac(M1) + tag(0x88a8, 0x2005, tag(0x8100, 0x7006, struct.pack('>H', 0x800) + IP4)),
  F.mac(M2) + F.mac(M1) + tag(0x8100, 0xf065, struct.pack('>H', 0x806) + F.arp(2, M1, V1, M2, V2)),
  F.eth(M2, M1, 0x8847, struct.pack('>I', 16 << 12 | 1 << 8 | 64) + IP4), F.eth(M2, M1, 0x8847, struct.pack('>II', 1000 << 12 | 3 << 9 | 64, 17 << 12 | 1 << 8 | 63) + IP6),
  F.eth(M2, M1, 8 + len(IP4), b'\xaa\xaa\3\0\0\0\x08\0' + IP4), F.eth(M2, M1, 0x88b5, F.fill(46)), F.eth(M2, M1, 0x88cc + 0x100, F.fill(20)),
  F.eth(M2, M1, 0x86dd, F.ip6('2001:db8::1', '2001:db8::2', 6, F.tcp(V1, V2, 1, 2, 2))), F.eth(M2, M1, 0x86dd, F.ip6('2001:db8:0:1::1', 'ff02::1', 17, F.udp(V1, V2, 1, 2, b'x'))),
  F.eth(M2, M1, 0x86dd, F.ip6('2001:db8::1', '2001:db8::2', 44, bytes([58, 0]) + struct.pack('>HI', 1, 9) + F.icmp6('::', '::', 128, 0, 5 << 16 | 1, F.fill(40)))),
  F.eth(M2, M1, 0x86dd, F.ip6('2001:db8::1', '2001:db8::2', 44, bytes([58, 0]) + struct.pack('>HI', 48, 9) + F.fill(40))),
  F.eth(M2, M1, 0x86dd, F.ip6('::1', '::ffff:1.2.3.4', 59, b'')), F.eth(M2, M1, 0x86dd, F.ip6('fe80::1', 'fe80::2', 60, bytes([17, 0, 1, 4, 0, 0, 0, 0]) + F.udp(V1, V2, 1, 2, b'x'))),
  F.eth(M2, M1, 0x86dd, F.ip6('fe80::1', 'fe80::2', 58, F.icmp6('fe80::1', 'fe80::2', 2, 0, 1280, IP6))), F.eth(M2, M1, 0x86dd, F.ip6('fe80::1', 'fe80::2', 58, F.icmp6('fe80::1', 'fe80::2', 3, 0, 0, IP6))),
  F.eth(M2, M1, 0x86dd, F.ip6('fe80::1', 'fe80::2', 58, F.icmp6('fe80::1', 'fe80::2', 1, 0, 0, IP6))), F.eth(M2, M1, 0x86dd, F.ip6('fe80::1', 'fe80::2', 58, F.icmp6('fe80::1', 'fe80::2', 1, 3, 0, IP6))),
  e4(F.ip(V1, V2, 6, F.tcp(V1, V2, 1, 2, 0))), e4(F.ip(V1, V2, 6, F.tcp(V1, V2, 1, 2, 0xff, b'abc', seq=4294967295, ack=7))),
  e4(F.ip(V1, V2, 6, F.tcp(V1, V2, 1, 2, 18, ack=1, opts=bytes([2, 4, 5, 0x8a, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7])))),
  e4(F.ip(V1, V2, 6, F.tcp(V1, V2, 1, 2, 16, ack=1, opts=bytes([1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 9])))), e4(F.ip(V1, V2, 6, F.tcp(V1, V2, 1, 2, 16, ack=1, opts=b'\0\0\0\0'))),
  e4(F.ip(V1, V2, 4, IP4)), e4(F.ip(V1, V2, 41, IP6)), e4(F.ip(V1, V2, 99, b'abc')), e4(F.ip(V1, V2, 17, F.udp(V1, V2, 9, 10, b'abc')[:9])),
  unreach(0), unreach(1), unreach(2, proto=99), unreach(3), unreach(4, 1458), unreach(4), unreach(9), unreach(10), unreach(13), e4(F.ip(V2, V1, 1, F.icmp(5, 1, 0xc0a80101, IP4))),
  e4(F.ip(V2, V1, 1, F.icmp(11, 1, 0, IP4))), e4(F.ip(V2, V1, 1, F.icmp(12, 0, 20 << 24, IP4))), e4(F.ip(V2, V1, 1, F.icmp(4, 0, 0, IP4))), e4(F.ip(V1, V2, 1, F.icmp(17, 0, 0, bytes(4)))),
  e4(IP4) + bytes(20), e4(F.ip(V1, V2, 17, F.udp(V1, V2, 5, 6, F.fill(40)), frag=0x2000)), e4(F.ip(V1, V2, 6, F.fill(40), frag=5)), e4(IP4)[:60], e4(F.ip(V1, V2, 1, b'', ihl=3)),
]

if __name__ == '__main__':
    frames = list(MADE)
    for case in json.load(open(f'{HERE}/../golden/router-linux.json'))['cases']:
        frames += [bytes.fromhex(x['frame']) for x in case['input'] + case['output']]
    for path in sorted(glob.glob(f'{HERE}/../../pcaps/recorded/*.pcap')): frames += list(pcap(path))
    seen, out = set(), []
    for frame in frames:
        # One of each kind: length, headers up to the protocol, ports without the ephemeral ones.
        made = len(out) < len(MADE)
        kind = (frame[12:16], frame[23:24], frame[34:36], frame[42:44], frame[54:56], frame[70:76], len(frame) // 200)
        if not made and (kind in seen or len(frame) > 700): continue
        seen.add(kind); out.append([frame.hex(), tcpdump(frame), tcpdump(frame, '-e')])
        if len(out) >= 420: break
    version = subprocess.run(['tcpdump', '--version'], capture_output=True, text=True).stdout.splitlines()[0]
    with open(sys.argv[1], 'w') as f:
        f.write('{"origin":"test/wire/record-tcpdump.py with %s","columns":["frame","tcpdump -nn -t -S","the same with -e"],"frames":[\n' % version)
        f.write(',\n'.join(json.dumps(x) for x in out) + '\n]}\n')
    print(f'{len(out)} frames')
