#!/usr/bin/env python3
"""Records what Wireshark reads in header fields: `python3 record-tshark.py OUT.json`, for one frame of each kind of
../golden/describe.json and some made here. Needs tshark only. A field that occurs several times is kept as a list."""
import importlib.util, json, os, struct, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
spec = importlib.util.spec_from_file_location('made', f'{HERE}/record-tcpdump.py')
T = importlib.util.module_from_spec(spec); spec.loader.exec_module(T)
F = T.F
FIELDS = '''eth.dst eth.src eth.type vlan.id vlan.priority vlan.etype ieee8021ad.id ieee8021ad.priority vlan.dei ieee8021ad.dei arp.opcode arp.src.hw_mac arp.src.proto_ipv4 arp.dst.hw_mac arp.dst.proto_ipv4
ip.version ip.hdr_len ip.len ip.id ip.dsfield ip.flags.df ip.flags.mf ip.frag_offset ip.ttl ip.proto ip.checksum ip.checksum.status ip.src ip.dst
ipv6.tclass ipv6.flow ipv6.plen ipv6.nxt ipv6.hlim ipv6.src ipv6.dst ipv6.fraghdr.offset ipv6.fraghdr.more ipv6.fraghdr.ident
icmp.type icmp.code icmp.checksum icmp.checksum.status icmp.ident icmp.seq icmp.mtu icmpv6.type icmpv6.code icmpv6.checksum.status icmpv6.nd.ns.target_address icmpv6.nd.na.target_address
tcp.srcport tcp.dstport tcp.seq_raw tcp.ack_raw tcp.hdr_len tcp.flags tcp.window_size_value tcp.checksum tcp.checksum.status
udp.srcport udp.dstport udp.length udp.checksum udp.checksum.status sctp.srcport sctp.dstport sctp.checksum sctp.checksum.status
gre.flags_and_version gre.proto gre.key gre.sequence_number vxlan.vni geneve.vni geneve.proto_type mpls.label mpls.exp mpls.bottom mpls.ttl'''.split()

def crc32c(b):
    crc = 0xffffffff
    for x in b:
        crc ^= x
        for _ in range(8): crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff
def sctp(bad=0):
    p = struct.pack('>HHII', 4000, 5000, 7, 0) + bytes([3, 0, 0, 16]) + struct.pack('>IIHH', 9, 1000, 0, 0)
    return p[:8] + struct.pack('<I', crc32c(p) ^ bad) + p[12:]
ADDED = [T.e4(F.ip(F.VM1, F.VM2, 132, sctp())), T.e4(F.ip(F.VM1, F.VM2, 132, sctp(1)))]

if __name__ == '__main__':
    frames = T.MADE + ADDED + [bytes.fromhex(x[0]) for x in json.load(open(f'{HERE}/../golden/describe.json'))['frames'][len(T.MADE):][::4]]
    with tempfile.NamedTemporaryFile(suffix='.pcap') as f:
        f.write(struct.pack('<IHHIIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for x in frames: f.write(struct.pack('<IIII', 1, 0, len(x), len(x)) + x)
        f.flush()
        on = [o for p in ('ip.check_checksum', 'tcp.check_checksum', 'udp.check_checksum', 'ip.defragment', 'ipv6.defragment') for o in ('-o', f'{p}:{"FALSE" if "defrag" in p else "TRUE"}')]
        text = subprocess.run(['tshark', '-r', f.name, *on, '-o', 'sctp.checksum:CRC-32C', '-T', 'fields', '-E', 'separator=|', '-E', 'aggregator=;', *[a for x in FIELDS for a in ('-e', x)]], capture_output=True, text=True).stdout
    rows = []
    for frame, line in zip(frames, text.split('\n')):
        values = line.split('|')
        rows.append([frame.hex(), {k: v.split(';') if ';' in v else v for k, v in zip(FIELDS, values) if v != ''}])
    version = subprocess.run(['tshark', '--version'], capture_output=True, text=True).stdout.splitlines()[0]
    with open(sys.argv[1], 'w') as f:
        f.write('{"origin":"test/wire/record-tshark.py with %s","frames":[\n' % version + ',\n'.join(json.dumps(x) for x in rows) + '\n]}\n')
    print(f'{len(rows)} frames')
