/** NORMAL, the whole way of a packet: to the port behind which its address was learned, and to all when it is not known. */
import { FRAMES, frames, replayTask, warmEngine } from "./fixture.ts";
import type { Suite, Task } from "./harness.ts";

const PORTS = ["1=pcap", "2=null", "3=null"];
/** Passes until an address learned meanwhile is in the caches: the revalidator looks every 500 ms of virtual time. */
const PASSES = 300;

function learned(name: string, vlan: boolean): Task {
  return { name, unit: "packet", operations: FRAMES, make: () => learnedRun(name, vlan) };
}

function learnedRun(name: string, vlan: boolean): () => void {
  const { engine, pass, trace } = warmEngine({
    ports: PORTS,
    trace: frames(vlan ? { encapsulation: "vlan" } : {}),
  });
  const reply = frames({ frames: 1, ...(vlan ? { encapsulation: "vlan" as const } : {}) });
  const from = trace.start[0];
  reply.bytes.set(trace.bytes.subarray(from + 6, from + 12), reply.start[0]);
  reply.bytes.set(trace.bytes.subarray(from, from + 6), reply.start[0] + 6);
  const port = engine.entry("2");
  // One reply a pass, so that the address does not age away while the task runs.
  const task = (): void => {
    engine.offer(port, reply, 0, engine.clock[0]);
    engine.settle();
    pass();
  };
  for (let i = 0; i < PASSES; i++) task();
  const { counters } = engine.datapath;
  const before = counters.get("transmitted");
  task();
  const sent = counters.get("transmitted") - before;
  if (sent !== FRAMES + 1) throw new Error(`${name}: ${sent} frames left, expected ${FRAMES + 1}: one for each`);
  return task;
}

export const suite: Suite = {
  name: "normal",
  tasks: [
    learned("NORMAL, whole way: to a learned address", false),
    learned("NORMAL, whole way: to a learned address, VLAN tag", true),
    replayTask("NORMAL, whole way: flooded to two ports", () => ({ ports: ["1=pcap", "2=null", "3=null"] })),
  ],
};
