/**
 * A real Open vSwitch beside us (ovs-daemons.ts), asked what it makes of a case.
 *
 * A case runs as a person would run it with ovs-vsctl, ovs-ofctl and ovs-appctl; bridges stay from one case to the next
 * when both have the same ones, because making them is most of the time that a case takes.
 */
import { join } from "node:path";
import { sleep } from "../lab/shell.ts";
import { bridgeSettings, MTU, portCommands } from "./bridge-commands.ts";
import { type Case, type CaseEvent, hasTunnels, LOCAL } from "./case.ts";
import type { Result } from "./compare.ts";
import { OvsDaemons } from "./ovs-daemons.ts";
import { SentFrames } from "./sent-frames.ts";
import { Gone } from "./unixctl.ts";

/** Its mask shows in any megaflow until it has left. */
const LAST_RULE = "priority=1,dl_src=00:00:00:00:00:01,actions=drop";

type Fields = { -readonly [name in keyof Result]: Result[name] };

/** The text of a flow as ofproto/trace prints it, changed to what it accepts. */
export function traceSyntax(flow: string): string {
  const kind = flow.split(",")[0]!;
  let text = flow;
  if (/^(udp|sctp)6?$/.test(kind)) text = text.replaceAll("tp_", `${kind.replace("6", "")}_`);
  else if (kind === "icmp6") {
    const unset = text.includes("icmp_type=136") ? "nd_sll" : "nd_tll";
    text = text.replaceAll("icmp_", "icmpv6_").replace(new RegExp(`,${unset}=[^,]*`), "");
  } else if (kind === "ip" || kind === "ipv6") text = text.replace(/,tp_.*/, "");
  const unset = /^(in_port=|vlan_tci1=0x0000|tun_(flags|gbp|erspan)|tun_(ipv6_)?(src|dst)=(::|0\.0\.0\.0)$|gtpu_)/;
  return text
    .split(",")
    .filter((field) => !unset.test(field))
    .join(",");
}

/** What decides whether the bridges of one case serve another: everything but rules and groups. */
function shapeOf(one: Case): string {
  const bridges = one.bridges.map(({ flows: _, groups: __, openflow: ___, ...rest }) => rest);
  return JSON.stringify([one.vlan_limit ?? 1, bridges]);
}

export class Oracle {
  private readonly ovs: OvsDaemons;
  private shape = "";
  private current: Case | undefined;
  private captures = new Map<string, SentFrames>();
  private routes: string[] = [];
  private portNames = new Map<string, string>();

  private constructor(ovs: OvsDaemons) {
    this.ovs = ovs;
  }

  /** Starts the daemons. Throws where Open vSwitch is not installed. */
  static async start(): Promise<Oracle> {
    const ovs = await OvsDaemons.start();
    // A bridge without rules, only to ask how the switch parses a frame.
    await ovs.vsctl("add-br", "parse", "--", ...bridgeSettings({ name: "parse" }));
    return new Oracle(ovs);
  }

  /** Everything of this switch: database, sockets, logs, captures. */
  get folder(): string {
    return this.ovs.folder;
  }

  close(): void {
    this.ovs.close();
  }

  /** What the daemon reports of itself. */
  version(): Promise<string> {
    return this.ovs.version();
  }

  /** Why the switch has ended. */
  lastWords(): string {
    return this.ovs.lastWords();
  }

  // -- building and removing a case -----------------------------------------------------------------------------

  /** The result of each event of a case, in order. Throws what Open vSwitch refuses. `fresh`: with bridges of its own. */
  async run(one: Case, fresh = false): Promise<Result[]> {
    const shape = shapeOf(one);
    if (fresh || shape !== this.shape) await this.setUp(one, shape);
    this.current = one;
    try {
      await this.replaceRules(one);
      const results: Result[] = [];
      for (const event of one.packets) results.push(await this.step(event));
      if (one.stateless) await this.replayThroughCache(results);
      return results;
    } finally {
      await this.empty(one).catch((error: unknown) => {
        if (!(error instanceof Gone)) throw error; // What went wrong first says why.
      });
    }
  }

  /**
   * What `ofproto/trace BRIDGE --names …` answers to each of `questions` (bridge and its arguments) after the events of the
   * case; a refusal is the answer "error: …".
   */
  async traceTexts(one: Case, questions: readonly (readonly string[])[]): Promise<string[]> {
    const shape = shapeOf(one);
    await this.setUp(one, shape);
    this.current = one;
    try {
      await this.replaceRules(one);
      for (const event of one.packets) await this.step(event);
      const answers: string[] = [];
      for (const [bridge, ...rest] of questions) {
        try {
          answers.push(await this.ovs.control.call("ofproto/trace", bridge!, "--names", ...rest));
        } catch (error) {
          answers.push(`error: ${(error as Error).message}`);
        }
      }
      return answers;
    } finally {
      await this.empty(one);
      this.shape = "";
    }
  }

  private async setUp(one: Case, shape: string): Promise<void> {
    await this.tearDown();
    const limit = `other_config:vlan-limit=${one.vlan_limit ?? 1}`;
    const commands = ["set", "Open_vSwitch", ".", limit];
    for (const bridge of one.bridges) {
      const { name } = bridge;
      commands.push("--", "add-br", name, "--", ...bridgeSettings(bridge));
      commands.push("--", "set", "interface", name, MTU, `options:tx_pcap=${this.captureFile(name)}`);
      for (const [table, fields] of Object.entries(bridge.prefixes ?? {})) {
        commands.push("--", `--id=@t${table}`, "create", "Flow_Table", `prefixes=${fields.join(",") || "none"}`);
        commands.push("--", "set", "bridge", name, `flow_tables:${table}=@t${table}`);
      }
      for (const port of bridge.ports ?? [])
        commands.push(...portCommands(name, port, (name) => this.captureFile(name)));
    }
    await this.ovs.vsctl(...commands);
    for (const { name, ip, neighbours } of one.bridges) {
      if (ip) {
        await this.ovs.control.call("netdev-dummy/ip4addr", name, ip);
        await this.ovs.control.call("ovs/route/add", ip, name);
        this.routes.push(ip);
      }
      for (const [address, mac] of Object.entries(neighbours ?? {}))
        await this.ovs.control.call("tnl/arp/set", name, address, mac);
    }
    const shown = await this.ovs.control.call("dpif/show");
    let bridge = "";
    for (const line of shown.split("\n")) {
      const head = /^ {2}(\S+):$/.exec(line);
      const port = /^ {4}(\S+) (\d+)\//.exec(line);
      if (head) bridge = head[1]!;
      else if (port) this.portNames.set(`${bridge} ${port[2]}`, port[1]!);
    }
    for (const { name, ports } of one.bridges)
      for (const { ofport, config = [] } of ports ?? [])
        for (const flag of config) await this.modifyPort(name, ofport, flag);
    this.shape = shape;
  }

  private async modifyPort(bridge: string, port: number, flag: string): Promise<void> {
    const name = port === LOCAL ? "LOCAL" : String(port);
    await this.ovs.shell.run(["ovs-ofctl", "mod-port", `unix:${this.ovs.folder}/${bridge}.mgmt`, name, flag]);
  }

  private captureFile(port: string): string {
    const path = join(this.ovs.folder, `${port}.pcap`);
    this.captures.set(port, new SentFrames(path));
    return path;
  }

  /**
   * Gives the bridges the rules of a case in place of what they have. New rules come when the old ones have left the classifier:
   * before that one with a mask of theirs would join their subtable, at its place among those of equal priority.
   */
  private async replaceRules({ bridges }: Case): Promise<void> {
    for (const { name } of bridges)
      await this.ovs.ofctl("OpenFlow10", "add-flows", name, ["delete", LAST_RULE, "delete"]);
    await this.left(bridges.at(-1)!.name);
    for (const { name, fail_mode: failMode, openflow = "OpenFlow10", flows = [], groups = [] } of bridges) {
      // Groups do not exist in OpenFlow 1.0.
      if (groups.length > 0) await this.ovs.ofctl("OpenFlow15", "add-groups", name, groups);
      const standard = failMode === "standalone" ? ["add priority=0,actions=NORMAL"] : [];
      if (standard.length + flows.length > 0)
        await this.ovs.ofctl(openflow, "add-flows", name, [...standard, ...flows]);
    }
  }

  /** Until the rules that an event deleted have left the classifier, and their masks with them. */
  private async settled(): Promise<void> {
    await this.ovs.ofctl("OpenFlow10", "add-flows", "parse", [LAST_RULE, "delete"]);
    await this.left("parse");
  }

  /**
   * Until LAST_RULE, deleted from a bridge that has no rules now, is gone. Rules leave when all threads have passed a quiescent
   * state (RCU), in the order in which they were deleted on all bridges, so those before it are gone, too.
   */
  private async left(bridge: string): Promise<void> {
    const seen = async (): Promise<boolean> =>
      /^Megaflow: .*dl_src/m.test(await this.ovs.control.call("ofproto/trace", bridge, "in_port=LOCAL"));
    while (await seen()) await sleep(1);
  }

  /** Takes away what the next case's rules do not replace, so that its bridges are as new. */
  private async empty(one: Case): Promise<void> {
    for (const { name, groups } of one.bridges) {
      if (groups?.length) {
        // Rules first: Open vSwitch 3.1 does not survive that a group goes which one rule names in two places.
        await this.ovs.ofctl("OpenFlow10", "del-flows", name, "");
        await this.ovs.ofctl("OpenFlow15", "del-groups", name, "");
      }
      await this.ovs.control.call("fdb/flush", name);
    }
    // Neighbours may have aged, ports are changed.
    if (one.packets.some((event) => event.warp !== undefined || event.mod_port !== undefined)) this.shape = "";
  }

  private async tearDown(): Promise<void> {
    for (const route of this.routes) await this.ovs.control.call("ovs/route/del", route);
    await this.ovs.control.call("tnl/arp/flush");
    const bridges = (await this.ovs.vsctl("list-br")).split("\n").filter((name) => name && name !== "parse");
    if (bridges.length > 0)
      await this.ovs.vsctl(...bridges.flatMap((name, i) => [...(i > 0 ? ["--"] : []), "del-br", name]));
    for (const capture of this.captures.values()) capture.remove();
    this.captures = new Map();
    this.portNames = new Map();
    this.routes = [];
    this.shape = "";
  }

  // -- running packets ------------------------------------------------------------------------------------------

  private async step(event: CaseEvent): Promise<Result> {
    const result = await this.happen(event);
    if (event.hex === undefined && event.flow === undefined) await this.settled();
    return result;
  }

  private async happen(event: CaseEvent): Promise<Result> {
    const { bridge = "", in_port: inPort, openflow = "OpenFlow10" } = event;
    if (event.warp !== undefined) {
      const stride = Math.max(500, Math.floor(event.warp / 30));
      await this.ovs.control.call("time/warp", String(event.warp), String(stride));
      return {};
    }
    if (event.add_flows) {
      await this.ovs.ofctl(openflow, "add-flows", bridge, event.add_flows);
      return {};
    }
    if (event.del_flows !== undefined) {
      await this.ovs.ofctl(openflow, "del-flows", bridge, event.del_flows);
      return {};
    }
    if (event.mod_port !== undefined) {
      await this.modifyPort(bridge, event.mod_port, event.flag!);
      return {};
    }
    const port = this.portNames.get(`${bridge} ${inPort}`);
    if (port === undefined) throw new Error(`${bridge}: no port ${inPort}`);
    const tracedOnly = event.trace_only === true || !this.captures.has(port);
    let hex = event.hex;
    let flow = event.flow ?? "";
    if (!hex && !tracedOnly && !/\b(tun_|metadata|x*reg\d)/.test(flow)) hex = await this.compose(flow);
    const result: Fields = {};
    if (hex) {
      result.flow = await this.parsed(inPort!, hex);
      flow = traceSyntax(result.flow);
    }
    // With the frame itself a trace would learn, as the packet does.
    if (hex && this.current!.stateless) Object.assign(result, await this.trace(bridge, `in_port=${inPort}`, hex));
    else Object.assign(result, await this.trace(bridge, `in_port=${inPort},${flow}`));
    if (hex && !tracedOnly) {
      Object.assign(result, await this.inject(port, hex));
      // ofproto/trace takes no flow with two tags; what was installed says the same.
      const only = result.installed?.length === 1 ? result.installed[0] : undefined;
      if (result.trace_error !== undefined && only !== undefined) {
        result.megaflow = only.match;
        result.actions = only.actions;
      }
      if (!event.hex) result.hex = hex;
    }
    return result;
  }

  /** How the switch reads a frame: its flow in OpenFlow syntax. */
  async parsed(inPort: number, hex: string): Promise<string> {
    const text = await this.ovs.control.call("ofproto/trace", "parse", "in_port=LOCAL", hex);
    return /^Flow: (.*)/.exec(text)![1]!.replace("in_port=LOCAL", `in_port=${inPort}`);
  }

  private async trace(bridge: string, ...flow: string[]): Promise<Fields> {
    let result: Fields;
    try {
      result = await this.traceText(bridge, ...flow);
    } catch (error) {
      return { trace_error: (error as Error).message.split("\n")[0]! };
    }
    if (hasTunnels(this.current!)) {
      // The same with set(tunnel()) in place of tnl_push(), as the kernel datapath has it.
      await this.ovs.control.call("dpif/set-dp-features", bridge, "tnl_push_pop", "false");
      try {
        result.actions_set_tunnel = (await this.traceText(bridge, ...flow)).actions!;
      } finally {
        await this.ovs.control.call("dpif/set-dp-features", bridge, "tnl_push_pop", "true");
      }
    }
    return result;
  }

  private async traceText(bridge: string, ...flow: string[]): Promise<Fields> {
    const text = await this.ovs.control.call("ofproto/trace", bridge, "--names", ...flow);
    const matched = /^Megaflow: (.*)/m.exec(text);
    const done = /^Datapath actions: (.*)/m.exec(text);
    if (!matched || !done) throw new Error(`ofproto/trace: ${text.split("\n")[0]}`);
    const result: Fields = {
      megaflow: matched[1]!.replace("in_port=LOCAL", `in_port=${bridge}`).replaceAll('"', ""),
      actions: done[1]!,
    };
    const slow = /^This flow is handled by the userspace slow path because it:\n((?:.*\n?)*)/m.exec(text);
    if (slow) result.slow = [...slow[1]!.matchAll(/- (.*?)\.?$/gm)].map((match) => match[1]!);
    return result;
  }

  private async purge(): Promise<void> {
    do await this.ovs.control.call("revalidator/purge");
    while ((await this.ovs.control.call("dpctl/dump-flows")) !== ""); // A revalidator can put a flow back meanwhile.
  }

  private async inject(port: string, hex: string): Promise<Fields> {
    await this.purge();
    for (const capture of this.captures.values()) capture.take(); // A trace with a frame in hand executes tnl_pop.
    await this.receive(port, hex);
    const installed: { match: string; actions: string }[] = [];
    for (const line of (await this.ovs.control.call("dpctl/dump-flows", "--names")).split("\n").sort()) {
      const flow = /^(?:ufid:\S+ )?(.*?), packets:.*?, actions:(.*?)(?:, dp-extra-info.*)?$/.exec(line);
      if (flow) installed.push({ match: flow[1]!, actions: flow[2]! });
    }
    const out: Record<string, string[]> = {};
    for (const [name, capture] of this.captures) {
      const frames = capture.take();
      if (frames.length > 0) out[name] = frames;
    }
    return { installed, out };
  }

  private async lookups(): Promise<readonly [number, number]> {
    const counts = /hit:(\d+) missed:(\d+)/.exec(await this.ovs.control.call("dpif/show"))!;
    return [Number(counts[1]), Number(counts[2])];
  }

  /** Lets a frame come in; tells whether it needed an upcall. */
  private async receive(port: string, hex: string): Promise<boolean> {
    const [hit, missed] = await this.lookups();
    await this.ovs.control.call("netdev-dummy/receive", port, hex);
    for (;;) {
      const now = await this.lookups();
      if (now[0] !== hit || now[1] !== missed) return now[1] > missed;
    }
  }

  /** A frame made after a flow in OpenFlow syntax. */
  private async compose(flow: string): Promise<string> {
    const dump = await this.ovs.shell.run(["ovs-ofctl", "compose-packet", flow]);
    return dump
      .split("\n")
      .map((line) => line.slice(10, 58).replace(/[ -]/g, ""))
      .join("");
  }

  /** Sends the same frames again, the flow cache now kept from one to the next. */
  private async replayThroughCache(results: Fields[]): Promise<void> {
    await this.purge();
    for (const [i, event] of this.current!.packets.entries()) {
      const result = results[i]!;
      if (!result.out) continue;
      const port = this.portNames.get(`${event.bridge} ${event.in_port}`)!;
      result.upcall = await this.receive(port, event.hex ?? result.hex!);
    }
  }
}
