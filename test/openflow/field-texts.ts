/**
 * Questions about the language for a real switch: every field in every place where one may stand, with and without its
 * prerequisite. record-field-text.ts asks; held.test.ts compares.
 */

/** Matches that give a field its prerequisite. */
const PREREQUISITES: Readonly<Record<string, string>> = {
  none: "",
  vlan: "vlan_tci=0x1000/0x1000,",
  arp: "arp,",
  ip: "ip,",
  ip6: "ipv6,",
  mpls: "mpls,",
  tcp: "tcp,",
  udp: "udp,",
  sctp: "sctp,",
  icmp: "icmp,",
  icmp6: "icmp6,",
  ns: "icmp6,icmp_type=135,icmp_code=0,",
  na: "icmp6,icmp_type=136,icmp_code=0,",
};

/** Field, prerequisite, a value, a mask. */
const FIELDS: readonly (readonly [string, string, string, string])[] = [
  ["conj_id", "none", "7", "0xf"],
  ["tun_id", "none", "0x12345678901", "0xff"],
  ["tunnel_id", "none", "5", "0xff"],
  ["tun_src", "none", "1.2.3.4", "255.0.255.0"],
  ["tun_dst", "none", "1.2.3.4", "8"],
  ["tun_ipv6_src", "none", "fe80::1", "16"],
  ["tun_ipv6_dst", "none", "::1", "ffff::ff"],
  ["tun_gbp_id", "none", "5", "0xf"],
  ["tun_gbp_flags", "none", "5", "0xf"],
  ["tun_erspan_ver", "none", "1", "1"],
  ["tun_erspan_idx", "none", "5", "0xf"],
  ["tun_erspan_dir", "none", "1", "1"],
  ["tun_erspan_hwid", "none", "5", "0xf"],
  ["tun_gtpu_flags", "none", "5", "0xf"],
  ["tun_gtpu_msgtype", "none", "5", "0xf"],
  ["tun_flags", "none", "oam", "oam"],
  ["tun_flags", "none", "1", "1"],
  ["tun_flags", "none", "+oam", ""],
  ["in_port", "none", "1", "0xf"],
  ["in_port_oxm", "none", "1", "0xf"],
  ["skb_priority", "none", "5", "1"],
  ["pkt_mark", "none", "5", "0xf"],
  ["actset_output", "none", "2", "1"],
  ["packet_type", "none", "(1,0x800)", "1"],
  ["metadata", "none", "5", "0xf"],
  ["reg0", "none", "5", "0xf"],
  ["reg15", "none", "0xffffffff", "0xff00"],
  ["xreg0", "none", "5", "0xff"],
  ["xreg7", "none", "0x123456789a", "0xff00000000"],
  ["xxreg0", "none", "5", "0xff"],
  ["xxreg3", "none", "0x123456789abcdef0123456789abcdef", "0xff00000000000000000000000000ff"],
  ["eth_src", "none", "00:11:22:33:44:55", "ff:ff:00:00:00:00"],
  ["dl_src", "none", "00:11:22:33:44:55", "01:00:00:00:00:00"],
  ["eth_dst", "none", "00:11:22:33:44:55", "ff:ff:ff:ff:ff:fe"],
  ["dl_dst", "none", "ff:ff:ff:ff:ff:ff", "fe:ff:ff:ff:ff:ff"],
  ["eth_type", "none", "0x1234", "0xff00"],
  ["dl_type", "none", "0x800", "0xff00"],
  ["vlan_tci", "none", "0x1005", "0x1007"],
  ["dl_vlan", "none", "5", "0xf"],
  ["vlan_vid", "none", "0x1005", "0x1007"],
  ["vlan_vid", "none", "5", "7"],
  ["dl_vlan_pcp", "none", "3", "1"],
  ["vlan_pcp", "vlan", "3", "1"],
  ["mpls_label", "mpls", "77", "0xf"],
  ["mpls_tc", "mpls", "3", "1"],
  ["mpls_bos", "mpls", "1", "1"],
  ["mpls_ttl", "mpls", "9", "0xf"],
  ["ip_src", "ip", "1.2.3.4", "255.255.0.255"],
  ["nw_src", "ip", "1.2.3.4", "24"],
  ["nw_dst", "ip", "1.2.3.4", "0.0.0.255"],
  ["ip_dst", "ip", "1.2.3.4", "255.255.255.254"],
  ["ipv6_src", "ip6", "fe80::1", "10"],
  ["ipv6_dst", "ip6", "fe80::1", "ffff::ffff"],
  ["ipv6_label", "ip6", "0x12345", "0xff"],
  ["nw_proto", "ip", "6", "0xf"],
  ["ip_proto", "ip6", "58", "0xf"],
  ["nw_ttl", "ip", "64", "0xf"],
  ["ip_frag", "ip", "first", "yes"],
  ["nw_frag", "ip6", "no", "3"],
  ["nw_frag", "ip", "1", "1"],
  ["nw_tos", "ip", "32", "0xfc"],
  ["ip_dscp", "ip", "8", "7"],
  ["nw_ecn", "ip6", "1", "1"],
  ["ip_ecn", "ip", "3", "1"],
  ["arp_op", "arp", "1", "0xf"],
  ["arp_spa", "arp", "1.2.3.4", "24"],
  ["arp_tpa", "arp", "1.2.3.4", "255.0.0.255"],
  ["arp_sha", "arp", "00:11:22:33:44:55", "ff:00:00:00:00:00"],
  ["arp_tha", "arp", "00:11:22:33:44:55", "ff:00:00:00:00:ff"],
  ["tcp_src", "tcp", "80", "0xfff0"],
  ["tp_src", "tcp", "80", "0xfff0"],
  ["tp_dst", "udp", "80", "0xfff0"],
  ["tp_src", "sctp", "80", "0xff"],
  ["tcp_dst", "tcp", "80", "0xfff0"],
  ["tcp_flags", "tcp", "+syn-ack", "x"],
  ["tcp_flags", "tcp", "0x12", "0x3f"],
  ["udp_src", "udp", "80", "0xfff0"],
  ["udp_dst", "udp", "80", "0xfff0"],
  ["sctp_src", "sctp", "80", "0xfff0"],
  ["sctp_dst", "sctp", "80", "0xfff0"],
  ["icmp_type", "icmp", "8", "0xf"],
  ["icmp_code", "icmp", "0", "0xf"],
  ["icmp_type", "icmp6", "128", "0xf"],
  ["icmpv6_type", "icmp6", "128", "0xf"],
  ["icmpv6_code", "icmp6", "0", "0xf"],
  ["nd_target", "ns", "fe80::1", "64"],
  ["nd_sll", "ns", "00:11:22:33:44:55", "ff:00:00:00:00:00"],
  ["nd_tll", "na", "00:11:22:33:44:55", "ff:00:00:00:00:00"],
];

/** Each field in each place. */
export function fieldQuestions(): string[] {
  const out = new Set<string>();
  for (const [field, kind, value, mask] of FIELDS) {
    const before = PREREQUISITES[kind]!;
    const match = (text: string): unknown => out.add(`${before}${text},actions=drop`);
    const action = (text: string): unknown => out.add(`${before}actions=${text}`);
    for (const text of [value, `${value}/${mask}`]) {
      match(`${field}=${text}`);
      out.add(`${field}=${text},actions=drop`);
      action(`set_field:${text}->${field}`);
      out.add(`actions=set_field:${text}->${field}`);
    }
    match(field);
    for (const odd of ["*", "", `${value}/0`, "99999999999999999999", "0x1ffff", "-1", `${value}x`])
      match(`${field}=${odd}`);
    for (const bits of ["[]=1", "[0]=1", "[1..2]=3"]) match(field + bits);
    for (const bits of ["[]", "[0]", "[0..2]", ""]) {
      action(`load:1->${field}${bits}`);
      action(`push:${field}${bits}`);
      action(`pop:${field}${bits}`);
    }
    action(`move:${field}[0..0]->reg0[5..5]`);
    action(`move:reg0[3..3]->${field}[0..0]`);
    action(`move:${field}[]->xxreg1[0..31]`);
    action(`output:${field}[0..0]`);
    action(`output:${field}[]`);
    const specs = [field, `${field}=${value}`, `${field}[]=${field}[]`, `${field}[0]=reg0[0]`, `load:1->${field}[0]`];
    for (const spec of [...specs, `load:${field}[0]->reg1[0]`, `output:${field}[0]`, `output:${field}`])
      action(`learn(table=1,${spec})`);
    action(`multipath(eth_src,50,modulo_n,1,0,${field}[0..1])`);
    action(`check_pkt_larger(100)->${field}[0]`);
    action(`bundle_load(eth_src,0,hrw,ofport,${field}[0..15],members:1,2)`);
    action(`write_actions(set_field:${value}->${field})`);
  }
  return [...out];
}
