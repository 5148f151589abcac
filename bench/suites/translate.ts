/** The slow path: what one upcall's translation costs, from simple rules to the article's bridges. */
import { KEY_WORDS } from "../../datapath/flow/flow-key.ts";
import { Host } from "../../datapath/host.ts";
import { BURST, KEY_STRIDE } from "../../datapath/packet/packet-batch.ts";
import { PacketPool } from "../../datapath/packet/packet-pool.ts";
import type { UpcallHandler } from "../../datapath/upcall.ts";
import { macWords } from "../../datapath/wire/addresses.ts";
import { scenarioFile } from "../paths.ts";
import { maskedRules } from "../peers/bars.ts";
import { loadTopology } from "../scenarios/loader.ts";
import { extractedBatch, frames, warmEngine } from "./fixture.ts";
import type { Suite, Task } from "./harness.ts";

const UPCALLS = BURST;

interface Asked {
  readonly handler: UpcallHandler;
  /** A burst of keys. */
  readonly keys: Int32Array;
}

const task = (name: string, ask: () => Asked): Task => ({
  name: `translate: ${name}`,
  unit: "upcall",
  operations: UPCALLS,
  make: () => {
    const { handler, keys } = ask();
    return () => {
      for (let i = 0; i < UPCALLS; i++) handler.translate(keys, i * KEY_STRIDE, 0, false);
    };
  },
});

const ofRules = (name: string, rules: string | undefined, ports?: readonly string[]): Task =>
  task(name, () => {
    const given = { ...(rules === undefined ? {} : { rules }), ...(ports === undefined ? {} : { ports }) };
    const { engine, trace } = warmEngine(given);
    return { handler: engine.switch, keys: extractedBatch(engine, trace).keys };
  });

/** A frame of VM1 for VM2's network, as it comes into br-int of VM1's host. */
function ofArticle(mode: "legacy" | "dvr"): Asked {
  const topology = loadTopology(scenarioFile("gre", mode));
  const vm = topology.vms[0];
  const [hostName, portName] = vm.port.split("/");
  const config = topology.hosts.find((host) => host.name === hostName);
  if (config === undefined) throw new Error(`no host ${hostName}`);
  const host = new Host(config, new PacketPool(64), {});
  const trace = frames();
  const { engine } = warmEngine({ trace, rules: "actions=output:2" });
  const [high, low] = macWords(vm.mac);
  for (let i = 0; i < BURST; i++) {
    const view = new DataView(trace.bytes.buffer, trace.bytes.byteOffset + trace.start[i]);
    view.setInt32(6, high);
    view.setUint16(10, low & 0xffff);
  }
  const { keys } = extractedBatch(engine, trace);
  for (let i = 0; i < BURST; i++) keys[i * KEY_STRIDE] = host.port(portName, "translate");
  const { lookups, mask } = host.switch.translate(keys, 0, 0, false);
  if (lookups < 2 || mask.length !== KEY_WORDS) throw new Error(`${mode}: ${lookups} table lookups, expected several`);
  return { handler: host.switch, keys };
}

export const suite: Suite = {
  name: "translate",
  tasks: [
    ofRules("one rule", "actions=output:2"),
    ofRules("32 rules of 32 masks", maskedRules(32, "output:2")),
    ofRules("1,000 rules of one mask", manyRules(1000)),
    ofRules("NORMAL", undefined),
    ofRules("into GRE", "actions=set_tunnel:7,output:2", ["1=pcap", "2=gre:10.11.1.115:10.11.1.116"]),
    task("br-int and br-tun of the article, legacy", () => ofArticle("legacy")),
    task("br-int and br-tun of the article, dvr", () => ofArticle("dvr")),
  ],
};

function manyRules(count: number): string {
  const lines = Array.from({ length: count }, (_, i) => `priority=2,udp,tp_src=${i + 1},actions=output:2`);
  return [...lines, "priority=1,actions=output:2"].join("\n");
}
