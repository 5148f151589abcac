/**
 * The slow twin of datapath/action/execute.ts: a list of datapath actions done to one packet at a time, on plain bytes, as
 * the RFCs and ovs-actions(7) say, and for copies and truncation as Open vSwitch's odp_execute_actions() does it.
 *
 * Left out are the lists that no translation comes to (may(), maySet()): a header set that the packet has not, or that a later
 * fragment does not hold, or IP of protocol 0 (the rule could not match it); a transport header behind an outer one of ours
 * (another pass would be needed to know it); tags, labels pushed or popped, tunnels and recirculation without an Ethernet
 * header; taking Ethernet off behind a tag or of what is neither IP, ARP nor MPLS; a recirculation or pop_eth while a cut is
 * pending; and the value of an outer UDP source port, which is the sender's to choose.
 */
import { copyOf, isTag, type Packet, parse, u16 } from "./frame.ts";
import { type FieldSet, type Header, maySet, setFields, setType } from "./set.ts";
import { type Outer, popOuter, pushOuter, type TunnelType } from "./tunnel.ts";

export type Step =
  | { readonly do: "output"; readonly port: number }
  | { readonly do: "set"; readonly header: Header; readonly fields: readonly FieldSet[] }
  | { readonly do: "push_vlan"; readonly tpid: number; readonly tci: number }
  | { readonly do: "push_mpls"; readonly type: number; readonly entry: readonly number[] }
  | { readonly do: "pop_mpls"; readonly type: number }
  | { readonly do: "push_eth"; readonly dst: readonly number[]; readonly src: readonly number[] }
  | { readonly do: "push_tunnel"; readonly outer: Outer }
  | { readonly do: "pop_tunnel"; readonly type: TunnelType; readonly next: readonly Step[] }
  | { readonly do: "recirc"; readonly hash: boolean; readonly next: readonly Step[] }
  | { readonly do: "clone"; readonly steps: readonly Step[] }
  | { readonly do: "trunc"; readonly most: number }
  | { readonly do: "longer"; readonly size: number; readonly yes: readonly Step[]; readonly no: readonly Step[] }
  | { readonly do: "sample"; readonly always: boolean; readonly steps: readonly Step[] }
  | { readonly do: "pop_vlan" | "pop_eth" | "userspace" | "drop" };

export interface Setting {
  /** VLAN tags that are looked behind, 1 or 2. */
  readonly tags: number;
  /** Source port of outer UDP headers. */
  readonly port: number;
  /** Called with each frame that leaves, and the number of the pass that it leaves in. */
  readonly output: (port: number, bytes: readonly number[], pass: number) => void;
}

/** Whether Open vSwitch could come to this action for the packet as it is. */
function may(packet: Packet, step: Step): boolean {
  const { bytes, bare, truncating } = packet;
  switch (step.do) {
    case "set":
      return maySet(packet, step.header);
    case "pop_vlan":
      return !bare && bytes.length >= 18 && isTag(u16(bytes, 12));
    case "push_vlan":
      return !bare;
    case "push_mpls":
      return !bare && (packet.mpls || packet.ip !== 0 || packet.arp);
    case "pop_mpls":
      return !bare && maySet(packet, "mpls");
    case "pop_eth":
      return !bare && !truncating && packet.net === 14 && (packet.ip !== 0 || packet.arp || packet.mpls);
    case "push_eth":
      return bare;
    case "push_tunnel":
      return !bare;
    case "pop_tunnel":
      return !bare && !truncating;
    case "recirc":
      return !bare && !truncating;
    case "userspace":
      // Open vSwitch parses the packet anew here, so that more tags than it looks behind hide what was known before.
      return !truncating && !bare && !packet.retagged;
    case "longer":
    case "sample":
    case "trunc":
      return !truncating;
    default:
      return true;
  }
}

/** Bytes that one list may push in all: no more than there is room before a frame. */
const ROOM = 180;
const PUSHED: Readonly<Record<string, number>> = { push_vlan: 4, push_mpls: 4, push_eth: 14, push_tunnel: 50 };

/** Of the steps those that Open vSwitch could come to for this packet, in lists within lists too. */
export function legal(packet: Packet, steps: readonly Step[], setting: Setting, room = { left: ROOM }): Step[] {
  const out: Step[] = [];
  const nested = (list: readonly Step[], from: Packet = packet): Step[] => legal(copyOf(from), list, setting, room);
  const silent = { ...setting, output: () => undefined };
  for (const step of steps) {
    const pushed = PUSHED[step.do] ?? 0;
    if (!may(packet, step) || pushed > room.left) continue;
    room.left -= pushed;
    if (step.do === "clone" || step.do === "sample") out.push({ ...step, steps: nested(step.steps) });
    else if (step.do === "longer") out.push({ ...step, yes: nested(step.yes), no: nested(step.no) });
    else if (step.do === "recirc") out.push({ ...step, next: nested(step.next, parse(packet.bytes, setting.tags)) });
    else if (step.do === "pop_tunnel") {
      const inner = popOuter(packet, step.type);
      const next = inner === undefined || inner.length < 14 ? [] : nested(step.next, parse(inner, setting.tags));
      out.push({ ...step, next });
    } else out.push(step);
    if (step.do === "drop") break;
    perform(packet, [step], silent);
    packet.retagged ||= /^(push|pop)_(vlan|mpls)$/.test(step.do);
  }
  return out;
}

/** Does the steps to the packet. */
export function perform(packet: Packet, steps: readonly Step[], setting: Setting, pass = 0): void {
  for (const step of steps) {
    if (step.do === "drop") return;
    one(packet, step, setting, pass);
  }
}

function one(packet: Packet, step: Step, setting: Setting, pass: number): void {
  const { bytes, net } = packet;
  const shift = (by: number): void => {
    packet.net += by;
    if (packet.l4 >= 0) packet.l4 += by;
  };
  switch (step.do) {
    case "output":
      setting.output(step.port, bytes.slice(0, bytes.length - packet.cut), pass);
      Object.assign(packet, { cut: 0, truncating: false });
      return;
    case "set":
      setFields(packet, step.header, step.fields);
      return;
    case "push_vlan":
      bytes.splice(12, 0, step.tpid >> 8, step.tpid & 255, step.tci >> 8, step.tci & 255);
      shift(4);
      return;
    case "pop_vlan":
      bytes.splice(12, 4);
      shift(-4);
      return;
    case "push_mpls":
      setType(packet, step.type);
      bytes.splice(net, 0, ...step.entry);
      // What lies below a label is not seen any more.
      Object.assign(packet, { mpls: true, ip: 0, arp: false });
      return;
    case "pop_mpls":
      setType(packet, step.type);
      bytes.splice(net, 4);
      packet.mpls = (step.type === 0x8847 || step.type === 0x8848) && bytes.length - net >= 4;
      return;
    case "pop_eth":
      packet.type = u16(bytes, net - 2);
      bytes.splice(0, net);
      shift(-net);
      packet.bare = true;
      return;
    case "push_eth":
      bytes.unshift(...step.dst, ...step.src, packet.type >> 8, packet.type & 255);
      shift(14);
      packet.bare = false;
      return;
    case "push_tunnel":
      bytes.length -= packet.cut;
      Object.assign(packet, { cut: 0, truncating: false });
      pushOuter(packet, step.outer, setting.port);
      return;
    case "pop_tunnel": {
      const inner = popOuter(packet, step.type);
      if (inner !== undefined && inner.length >= 14) perform(parse(inner, setting.tags), step.next, setting, pass + 1);
      return;
    }
    case "recirc":
      perform(parse(bytes, setting.tags), step.next, setting, pass + 1);
      return;
    case "clone":
      perform(copyOf(packet), step.steps, setting, pass);
      Object.assign(packet, { cut: 0, truncating: false });
      return;
    case "sample":
      if (step.always) perform(copyOf(packet), step.steps, setting, pass);
      return;
    case "longer":
      perform(copyOf(packet), bytes.length > step.size ? step.yes : step.no, setting, pass);
      return;
    case "trunc":
      packet.cut = Math.max(0, bytes.length - Math.max(step.most, 14));
      packet.truncating = true;
      return;
    default:
      return;
  }
}
