/**
 * Compares megaflows, datapath actions and frames by meaning, not by spelling. Actions become, for each output, what has
 * been done to the packet by then.
 */
import { ALIASES, cut, DATAPATH_FIELDS, inside, megaflow, type Relation, relation, splitOutside } from "./megaflow.ts";

/** The set() and push_vlan() actions that give a packet of `flow` what it has anyway. */
function unchanged(flow: string): Set<string> {
  const fields = new Map<string, string>();
  for (const token of splitOutside(flow)) {
    const [name, value] = cut(token, "=");
    fields.set(ALIASES[name] ?? name, value);
  }
  const same = new Set<string>();
  for (const [header, names] of Object.entries(DATAPATH_FIELDS))
    for (const [name, field] of Object.entries(names))
      if (fields.has(field) && field !== "nw_tos") same.add(`${header}.${name}=${fields.get(field)}`);
  const tos = Number(fields.get("nw_tos")) | Number(fields.get("nw_ecn") ?? 0);
  if (fields.has("nw_tos")) for (const name of ["ipv4.tos", "ipv6.tclass"]) same.add(`${name}=0x${tos.toString(16)}`);
  for (const [n, end] of ["", "1"].entries())
    same.add(`tag ${n}: push_vlan(vid=${fields.get(`dl_vlan${end}`)},pcp=${fields.get(`dl_vlan_pcp${end}`)})`);
  return same;
}

/**
 * What datapath actions do to a packet of `flow`: a sorted list with a line for each output: the port, the tags and
 * headers pushed and popped in order, the fields set. So neither the order of a flood, which in Open vSwitch is that
 * of a hash table, nor what is taken off and put back between two outputs matters, nor the numbers of recirculations.
 * What goes to the controller is left out.
 */
export function actions(text: string, flow = ""): string[] {
  const out: string[] = [];
  outputsInto(text, [], unchanged(flow), out);
  return out.sort();
}

const IS_FIELD = /^\w+\./;
const TOS = /^(ipv4\.tos|ipv6\.tclass)=([^/]+)(?:\/(.+))?$/;

/**
 * A set of some bits of the ToS as one of all bits, from what the field was: a tunnel that inherits the ToS matches on it, so
 * that whether a flood's other outputs write the whole byte depends on whether they come before it.
 */
function wholeTos(field: string, known: readonly string[]): string {
  const [, name, value, mask] = TOS.exec(field) ?? [];
  if (name === undefined) return field;
  const before = known.find((one) => one.startsWith(`${name}=`))?.split("=")[1];
  if (mask !== undefined && before === undefined) return field;
  const whole = mask === undefined ? Number(value) : (Number(before) & ~Number(mask)) | (Number(value) & Number(mask));
  return `${name}=0x${whole.toString(16)}`;
}

function outputsInto(text: string, before: readonly string[], same: ReadonlySet<string>, out: string[]): void {
  let changes = [...before];
  for (const action of splitOutside(text)) {
    const [kind, spaced] = inside(action);
    const body = spaced.replace(/\s/g, "");
    const lastPush = changes.findLastIndex((change) => change.startsWith("push_vlan"));
    const lastPop = changes.lastIndexOf("pop_vlan()");
    const popped = changes.filter((change) => change === "pop_vlan()").length;
    if (kind === "clone") outputsInto(body, changes, same, out);
    else if (kind === "check_pkt_len") {
      const [size, ...branches] = splitOutside(body);
      for (const branch of branches) {
        const [which, text] = inside(branch); // gt or le
        outputsInto(text, [...changes, `${which}(${size})`], same, out);
      }
    } else if (kind === "set") {
      const [header, text] = inside(body);
      const fields = splitOutside(text).map((field) => wholeTos(`${header}.${field}`, [...changes, ...same]));
      const names = header === "tunnel" ? ["tunnel."] : fields.map((field) => `${field.split("=")[0]}=`);
      changes = changes.filter((change) => !names.some((name) => change.startsWith(name)));
      changes.push(...fields.filter((field) => !same.has(field)));
    } else if (kind === "pop_vlan" && lastPush >= 0) changes.splice(lastPush, 1);
    else if (
      kind === "push_vlan" &&
      lastPush < 0 &&
      same.has(`tag ${popped - 1}: ${action.replace(/tpid=0x[0-9a-f]*,/, "")}`)
    )
      changes.splice(lastPop, 1); // The tag that was popped last is back.
    else if (/^(push_vlan|pop_vlan|tnl_push|push_mpls|pop_mpls)$/.test(kind)) changes.push(`${kind}(${body})`);
    else if (kind !== "userspace" && kind !== "drop") {
      const headers = changes.filter((change) => !IS_FIELD.test(change));
      const fields = changes.filter((change) => IS_FIELD.test(change)).sort();
      out.push([kind === "recirc" ? kind : action, ...headers, ...fields].join(" "));
    }
  }
}

/** Ethernet, IPv4 without options, UDP to a port of VXLAN or Geneve: the standard ones, and those that the families use. */
const OUTER_UDP = /^(.{24}080045.{16}11.{20})....(12b5|17c1|2118|17c2)(....)(....)/;

/**
 * A frame in hex without the UDP source port of an outer VXLAN or Geneve header: it is a hash of the inner packet, Open
 * vSwitch's own. A checksum covers it, so of a checksum it counts whether there is one and whether it is right.
 */
export function frame(hex: string): string {
  const outer = OUTER_UDP.exec(hex);
  if (!outer) return hex;
  const [all, head, port, length, sum] = outer as unknown as [string, string, string, string, string];
  const kept = sum === "0000" ? sum : udpSumIsRight(hex) ? "good" : "bad!";
  return `${head}----${port}${length}${kept}${hex.slice(all.length)}`;
}

/** RFC 768, over the pseudo header, UDP header and payload; frame without tags, IPv4 header of 20 bytes. */
function udpSumIsRight(hex: string): boolean {
  const bytes = Buffer.from(hex, "hex");
  const udp = 34;
  const end = udp + bytes.readUInt16BE(udp + 4);
  if (end > bytes.length) return false;
  let sum = 17 + (end - udp);
  for (let at = 26; at < udp; at += 2) sum += bytes.readUInt16BE(at);
  for (let at = udp; at < end; at += 2) sum += at + 1 < end ? bytes.readUInt16BE(at) : bytes[at]! << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum === 0xffff;
}

export type Frames = Readonly<Record<string, readonly string[]>>;

/** Frames by port in a form that compares: a port without frames is not there, order does not matter. */
export function frames(out: Frames): string {
  const ports = Object.keys(out).filter((port) => out[port]!.length > 0);
  return ports
    .sort()
    .map((port) => `${port}: ${out[port]!.map(frame).sort().join(" ")}`)
    .join("\n");
}

/** What is known of one packet: a result of the oracle, or of the product. */
export interface Result {
  /** The flow as parsed, in OpenFlow syntax. */
  readonly flow?: string;
  readonly megaflow?: string;
  readonly actions?: string;
  /** The same translation with set(tunnel()) in place of tnl_push(). */
  readonly actions_set_tunnel?: string;
  readonly slow?: readonly string[];
  readonly installed?: readonly { readonly match: string; readonly actions: string }[];
  readonly out?: Frames;
  readonly upcall?: boolean;
  readonly hex?: string;
  readonly trace_error?: string;
}

export type Aspect = "out" | "actions" | "megaflow" | "upcall";
export const ASPECTS: readonly Aspect[] = ["out", "actions", "megaflow", "upcall"];
export type Verdict = Relation | "missing";

/** The verdict on each aspect that Open vSwitch's result has. */
export function judge(expected: Result, actual: Result): Partial<Record<Aspect, Verdict>> {
  const verdicts: Partial<Record<Aspect, Verdict>> = {};
  const installed = expected.installed ?? [];
  for (const aspect of ASPECTS)
    if (expected[aspect] !== undefined && actual[aspect] === undefined) verdicts[aspect] = "missing";
  if (expected.out && actual.out) verdicts.out = frames(expected.out) === frames(actual.out) ? "equal" : "different";
  if (expected.actions !== undefined && actual.actions !== undefined) {
    const right = [expected.actions, expected.actions_set_tunnel, ...installed.map((one) => one.actions)];
    const got = actions(actual.actions, expected.flow).join("\n");
    const equal = right.some((text) => text && actions(text, expected.flow).join("\n") === got);
    verdicts.actions = equal ? "equal" : "different";
  }
  if (expected.megaflow !== undefined && actual.megaflow !== undefined) {
    // The datapath's own megaflow also matches on the VLAN ID, which translation may leave open.
    const got = megaflow(actual.megaflow);
    const relations = [expected.megaflow, ...installed.map((one) => one.match)].map((text) =>
      relation(megaflow(text), got),
    );
    verdicts.megaflow = relations.includes("equal") ? "equal" : relations[0]!;
  }
  if (expected.upcall !== undefined && actual.upcall !== undefined)
    verdicts.upcall = expected.upcall === actual.upcall ? "equal" : "different";
  return verdicts;
}
