/** Tunnels, the whole way: a header pushed in front of a frame, or taken off, which means a second lookup. */
import { frames, replayTask } from "./fixture.ts";
import type { Suite } from "./harness.ts";

const REWRITE = "mod_dl_src:02:00:00:00:01:01,mod_dl_dst:02:00:00:00:01:02";
const KINDS = ["gre", "vxlan"] as const;

export const suite: Suite = {
  name: "tunnel",
  tasks: [
    ...KINDS.map((kind) =>
      replayTask(`tunnel: ${kind} push`, () => ({
        rules: "actions=set_tunnel:7,output:2",
        ports: ["1=pcap", `2=${kind}:10.11.1.115:10.11.1.116`],
      })),
    ),
    ...KINDS.map((kind) =>
      replayTask(`tunnel: MAC rewrite and ${kind} push`, () => ({
        rules: `actions=${REWRITE},set_tunnel:7,output:2`,
        ports: ["1=pcap", `2=${kind}:10.11.1.115:10.11.1.116`],
      })),
    ),
    ...KINDS.map((kind) =>
      replayTask(`tunnel: ${kind} pop`, () => ({
        trace: tunnelled(kind),
        rules: "in_port=2,actions=output:1",
        ports: ["1=null", `2=${kind}:10.11.1.115:10.11.1.114`, "underlay=pcap"],
        port: "underlay",
      })),
    ),
  ],
};

/** Frames that the underlay's own address takes, whatever addresses the generator gives them. */
function tunnelled(kind: "gre" | "vxlan"): ReturnType<typeof frames> {
  const trace = frames({ encapsulation: kind });
  const to = [0x02, 0x00, 10, 11, 1, 115];
  const ends = [10, 11, 1, 114, 10, 11, 1, 115];
  for (let i = 0; i < trace.count; i++) {
    const at = trace.start[i];
    trace.bytes.set(to, at);
    trace.bytes.set(ends, at + 26);
    trace.bytes.set([0, 0], at + 24);
    let sum = 0;
    for (let w = at + 14; w < at + 34; w += 2) sum += (trace.bytes[w] << 8) | trace.bytes[w + 1];
    sum = (sum & 0xffff) + (sum >>> 16);
    sum = ~(sum + (sum >>> 16)) & 0xffff;
    trace.bytes.set([sum >>> 8, sum & 0xff], at + 24);
  }
  return trace;
}
