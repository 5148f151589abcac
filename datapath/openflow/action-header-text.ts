/**
 * Actions with names of their own that change a header: addresses, tags, labels, TTLs.
 */
import { parseIpv4, parseMac } from "../wire/addresses.ts";
import type { OfAction } from "./action.ts";
import { type ActionContext, hasTag, limited } from "./action-argument.ts";
import { type Span, shown, u8, u16 } from "./syntax.ts";

/** Packet type of what `decap` uncovers: the switch is to find it out. */
const USE_NEXT_PROTOCOL = 0xfffe;

/** The action, or undefined: the name is none of these. */
export function parseHeaderAction(name: string, key: Span, value: Span, context: ActionContext): OfAction | undefined {
  switch (name) {
    case "mod_vlan_vid":
    case "set_vlan_vid":
      return {
        kind: "set_vlan_vid",
        vid: limited(value, 0xfff, "VLAN ID"),
        pushIfNeeded: name === "mod_vlan_vid",
        hasVlan: hasTag(context),
      };
    case "mod_vlan_pcp":
    case "set_vlan_pcp":
      return {
        kind: "set_vlan_pcp",
        pcp: limited(value, 7, "VLAN priority"),
        pushIfNeeded: name === "mod_vlan_pcp",
        hasVlan: hasTag(context),
      };
    case "strip_vlan":
    case "pop_vlan":
      return { kind: "strip_vlan", pop: name === "pop_vlan" };
    case "push_vlan": {
      const ethertype = u16(value, "ethertype");
      if (ethertype !== 0x8100 && ethertype !== 0x88a8) value.fail(`ethertype ${value.text}`, "0x8100 or 0x88a8");
      if (context.version === 1) key.fail("push_vlan in OpenFlow 1.0", "OpenFlow 1.1 or later");
      return { kind: "push_vlan", ethertype };
    }
    case "mod_dl_src":
    case "mod_dl_dst": {
      const mac = parseMac(value.text);
      if (mac === undefined || value.text.includes("-"))
        value.fail(shown(value.text), "a MAC address like 52:54:00:0a:00:02");
      const words = Int32Array.of(0, 0, mac.high >>> 16, (mac.high << 16) | mac.low);
      return { kind: name === "mod_dl_src" ? "set_eth_src" : "set_eth_dst", mac: words };
    }
    case "mod_nw_src":
    case "mod_nw_dst": {
      const address = parseIpv4(value.text);
      if (address === undefined) value.fail(shown(value.text), "an IPv4 address like 10.0.0.1");
      return { kind: name === "mod_nw_src" ? "set_ipv4_src" : "set_ipv4_dst", address };
    }
    case "mod_nw_tos": {
      const tos = u8(value, "ToS");
      if ((tos & 3) !== 0) value.fail(`ToS ${tos}`, "a multiple of 4 (the two low bits are ECN)");
      return { kind: "set_ip_dscp", tos };
    }
    case "mod_nw_ecn":
      return { kind: "set_ip_ecn", ecn: limited(value, 3, "ECN") };
    case "mod_nw_ttl":
    case "set_nw_ttl":
      return { kind: "set_ip_ttl", ttl: u8(value, "TTL") };
    case "mod_tp_src":
      return { kind: "set_l4_src_port", port: u16(value, "port") };
    case "mod_tp_dst":
      return { kind: "set_l4_dst_port", port: u16(value, "port") };
    case "dec_ttl": {
      if (value.text === "") return { kind: "dec_ttl", controllers: [0], plain: true };
      const ids = value.text.split(/[, ]+/).filter((id) => id !== "");
      if (ids.length === 0 || !ids.every((id) => /^[-+]?\d+$/.test(id))) {
        value.fail(`dec_ttl(${value.text})`, "controller ids, at least one");
      }
      return { kind: "dec_ttl", controllers: ids.map((id) => Number(id) & 0xffff) };
    }
    case "set_mpls_label":
      return { kind: "set_mpls_label", label: limited(value, 0xfffff, "MPLS label", 32) };
    case "set_mpls_tc":
      return { kind: "set_mpls_tc", tc: limited(value, 7, "MPLS traffic class") };
    case "set_mpls_ttl":
      return { kind: "set_mpls_ttl", ttl: u8(value, "MPLS TTL") };
    case "dec_mpls_ttl":
      return { kind: "dec_mpls_ttl" };
    case "push_mpls": {
      const ethertype = u16(value, "ethertype");
      if (ethertype !== 0x8847 && ethertype !== 0x8848) value.fail(`ethertype ${value.text}`, "0x8847 or 0x8848");
      return { kind: "push_mpls", ethertype };
    }
    case "pop_mpls":
      return { kind: "pop_mpls", ethertype: u16(value, "ethertype") };
    case "encap":
      if (context.version < 4) key.fail("encap before OpenFlow 1.3", "OpenFlow 1.3 or later");
      if (value.text === "ethernet") return { kind: "encap" };
      if (value.text.startsWith("nsh")) value.fail("action encap(nsh): NSH is not supported", "encap(ethernet)");
      if (value.text === "mpls" || value.text === "mpls_mc")
        value.fail(
          `action encap(${value.text}): MPLS in front of Ethernet is not supported`,
          "encap(ethernet), push_mpls",
        );
      return value.fail(`encap(${value.text})`, "encap(ethernet)");
    case "decap": {
      if (context.version < 4) key.fail("decap before OpenFlow 1.3", "OpenFlow 1.3 or later");
      if (value.text === "") return { kind: "decap", packetType: undefined };
      const found = /^packet_type\(ns=(\w+),type=(\w+)\)$/.exec(value.text);
      if (found === null)
        return value.fail(`decap(${value.text})`, "decap() or decap(packet_type(ns=NAMESPACE,type=TYPE))");
      const at = value.text.indexOf(found[2], value.text.indexOf("type=", 12));
      const namespace = limited(value.slice(15, 15 + found[1].length), 1, "namespace");
      const packetType = namespace * 0x10000 + u16(value.slice(at, at + found[2].length), "type");
      return { kind: "decap", packetType: packetType === USE_NEXT_PROTOCOL ? undefined : packetType };
    }
    default:
      return undefined;
  }
}
