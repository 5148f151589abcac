/** Frames to keys, by kind of frame: the first work on every packet. */
import { extract } from "../../datapath/flow/extract.ts";
import type { GenerateOptions } from "../../pcaps/generate/plan.ts";
import { burstTask, extractedBatch, frames, warmEngine } from "./fixture.ts";
import type { Suite } from "./harness.ts";

const KINDS: Readonly<Record<string, GenerateOptions>> = {
  "IPv4 UDP": {},
  "IPv4 TCP": { protocols: { tcp: 1 } },
  "IPv4 ICMP": { protocols: { icmp: 1 } },
  "IPv6 UDP": { ipv6: 1, size: "78" },
  "IPv6 TCP": { ipv6: 1, size: "78", protocols: { tcp: 1 } },
  "one VLAN tag": { encapsulation: "vlan" },
  "two VLAN tags": { encapsulation: "qinq" },
  "GRE (outer)": { encapsulation: "gre" },
  "VXLAN (outer)": { encapsulation: "vxlan" },
  "a mix": { protocols: { udp: 1, tcp: 1, icmp: 1 }, ipv6: 0.5, size: "78" },
};

export const suite: Suite = {
  name: "extract",
  tasks: Object.entries(KINDS).map(([kind, options]) =>
    burstTask(`extract: ${kind}`, () => {
      const trace = frames(options);
      const { engine } = warmEngine({ trace, rules: "actions=output:2" });
      const batch = extractedBatch(engine, trace);
      return () => extract(batch, 1);
    }),
  ),
};
