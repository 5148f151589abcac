/**
 * The executor against its slow twin (run.ts): any frame, any list of datapath actions that Open vSwitch could come to for
 * it, the same bytes at the same ports. The product's side is a whole datapath, with the WebAssembly kernels that it uses
 * (extraction, addresses, tunnel headers, queues), alone and in bursts.
 */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import fc from "fast-check";
import { KEY_WORDS, W_ETH0, W_ETH1, W_ETH2, W_IN_PORT, W_RECIRC, W_TYPE } from "../../../datapath/flow/flow-key.ts";
import { TestBench } from "../../datapath/bench.ts";
import { property } from "../property.ts";
import { bytesOf, OUTPUTS, rareSteps, stepsOf } from "./arbitrary.ts";
import { parse, u16 } from "./frame.ts";
import { frameOf, plainFrame, rareFrameOf } from "./frames.ts";
import { Passes } from "./odp.ts";
import { legal, perform, type Setting, type Step } from "./run.ts";
import { transportSum } from "./sums.ts";

/** More packets than one: the executor does each action for a chain of them. */
const BURST = 3;
/** RFC 7348 section 5 recommends the dynamic ports; Open vSwitch takes 32768 to 61000. */
const PORT_MIN = 32768;
const PORT_MAX = 61000;
const MASK = new Map([W_IN_PORT, W_ETH0, W_ETH1, W_ETH2, W_TYPE, W_RECIRC].map((word) => [word, -1]));
const hex = (bytes: readonly number[]): string => bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");

/**
 * What leaves, "port:bytes", by port and then in order. A datapath takes passes one after the other for a whole burst, so
 * what comes round again leaves after what does not.
 */
function twin(frame: readonly number[], steps: readonly Step[], tags: number, port: number): string[] {
  const out: { readonly place: number; readonly text: string }[] = [];
  const output: Setting["output"] = (to, bytes, pass) =>
    out.push({ place: 100 * to + pass, text: `${to}:${hex(bytes)}` });
  perform(parse(frame, tags), steps, { tags, port, output });
  return out.sort((a, b) => a.place - b.place).map(({ text }) => text);
}

function product(frames: readonly (readonly number[])[], steps: readonly Step[], tags: number): string[] {
  const passes = new Passes(OUTPUTS + 1);
  const first = passes.actions(steps);
  const bench = new TestBench(
    (key) => {
      assert.equal(key.length, KEY_WORDS);
      const again = passes.byId.get(key[W_RECIRC]!) ?? passes.byPort.get(key[W_IN_PORT]!);
      return { actions: again ?? first, mask: MASK };
    },
    { emc: { entries: 64 }, vlanLimit: tags, ports: 64 },
  );
  for (const { port, type } of passes.tunnels) bench.datapath.setTunnel(port, type);
  const out = bench.send(frames.map((frame) => Uint8Array.from(frame)));
  bench.conserves();
  return out;
}

/** Source ports of outer UDP headers that a sent frame might show. */
function portsIn(sent: readonly string[]): number[] {
  const found = new Set<number>();
  for (const text of sent) {
    const bytes = Array.from(Buffer.from(text.slice(text.indexOf(":") + 1), "hex"));
    for (let at = 20; at + 8 <= bytes.length; at++) {
      const port = u16(bytes, at);
      if ([4789, 6081].includes(u16(bytes, at + 2)) && port >= PORT_MIN && port <= PORT_MAX) found.add(port);
    }
    // Cut off within the UDP header: the port is among the last bytes, or only its first half is.
    for (let at = Math.max(20, bytes.length - 7); at < bytes.length; at++) {
      const port = bytes[at]! * 256 + (bytes[at + 1] ?? 0);
      if (port >= PORT_MIN && port <= PORT_MAX) found.add(port);
    }
  }
  return found.size === 0 ? [PORT_MIN] : [...found];
}

interface Trial {
  readonly frame: number[];
  readonly steps: Step[];
}

const seen = new Map<string, number>();
function count(steps: readonly Step[]): void {
  for (const step of steps) {
    const name = step.do === "set" ? `set ${step.header}` : step.do;
    seen.set(name, (seen.get(name) ?? 0) + 1);
    if ("steps" in step) count(step.steps);
    if ("next" in step) count(step.next);
    if ("yes" in step) count([...step.yes, ...step.no]);
  }
}

const agree =
  (tags: number) =>
  ({ frame, steps: any }: Trial): void => {
    const steps = legal(parse(frame, tags), any, { tags, port: PORT_MIN, output: () => undefined });
    count(steps);
    const alone = product([frame], steps, tags);
    // The source port of outer UDP headers is the sender's to choose; all else follows.
    const answers = portsIn(alone).map((port) => twin(frame, steps, tags, port));
    const text = (): string => `frame ${hex(frame)}\nsteps ${JSON.stringify(steps)}`;
    const same = answers.find((answer) => answer.join() === alone.join());
    if (same === undefined) assert.deepEqual(alone, answers[0], text());
    const many = product(Array(BURST).fill(frame), steps, tags);
    const wanted = alone.flatMap((one) => Array<string>(BURST).fill(one));
    assert.deepEqual(many.sort(), wanted.sort(), `in a burst\n${text()}`);
  };

/** Each action has been there, and each header set. */
function everything(t: TestContext): void {
  t.diagnostic([...seen].map(([name, times]) => `${name} ${times}`).join(", "));
  const sets = ["eth", "ipv4", "ipv6", "tcp", "udp", "sctp", "icmp", "icmpv6", "arp", "nd", "mpls"];
  const actions = ["output", "push_vlan", "pop_vlan", "push_mpls", "pop_mpls", "push_eth", "pop_eth", "push_tunnel"];
  actions.push("pop_tunnel", "recirc", "clone", "trunc", "longer", "sample", "userspace", "drop");
  const missing = [...sets.map((header) => `set ${header}`), ...actions].filter((name) => !seen.has(name));
  assert.deepEqual(missing, []);
  seen.clear();
}

for (const tags of [1, 2]) {
  property(
    `execute and its slow twin send the same, vlan-limit ${tags}`,
    fc.record({ frame: frameOf(tags), steps: stepsOf(2) }),
    500,
    agree(tags),
    everything,
  );
}

/** Each of what is seldom above has been there often. */
function rareOnes(t: TestContext): void {
  t.diagnostic([...seen].map(([name, times]) => `${name} ${times}`).join(", "));
  const names = ["set tcp", "set sctp", "set icmp", "set icmpv6", "set nd", "set arp", "set mpls", "pop_mpls"];
  const seldom = names.filter((name) => (seen.get(name) ?? 0) < 20);
  assert.deepEqual(seldom, []);
  seen.clear();
}

property(
  "execute and its slow twin send the same of TCP, SCTP, ICMP, ND, ARP and labels",
  fc.record({ frame: rareFrameOf(1), steps: rareSteps() }),
  500,
  agree(1),
  rareOnes,
);

/** Sums about 0, where a carry is lost most easily and where UDP has no sum: random ports would meet them once in 10,000. */
property(
  "ports set so that the checksum comes out near 0",
  fc.record({
    proto: fc.constantFrom(6 as const, 17 as const),
    addresses: bytesOf(8),
    ports: bytesOf(4),
    rest: fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 9 }),
    from0: fc.integer({ min: -4, max: 4 }),
  }),
  300,
  ({ proto, addresses, ports, rest, from0 }) => {
    // With this destination port the sum would be 0.
    const without = parse(plainFrame(proto, addresses, [ports[0]!, ports[1]!, 0, 0], rest), 1);
    const port = (transportSum(without, proto === 17 ? 6 : 16, true) + from0 + 0xffff) % 0xffff;
    const fields = [{ field: "dst", value: [port >> 8, port & 255], mask: [255, 255] }];
    const header = proto === 17 ? "udp" : "tcp";
    const steps: Step[] = [
      { do: "set", header, fields },
      { do: "output", port: 1 },
    ];
    agree(1)({ frame: plainFrame(proto, addresses, ports, rest), steps });
  },
);
