/**
 * The first echo request between two VMs and all that the underlay carries of it and of its reply, as tcpdump prints it:
 * four lines without DVR (each way once in each network's tunnel), two with it.
 */
import type { Topology } from "../../datapath/topology.ts";
import { describe } from "../../datapath/wire/describe.ts";

const ECHO = /(\S+) > (\S+): ICMP6?,? echo (request|reply), id (\d+), seq (\d+)/g;
/** A reply that comes later than this belongs to nobody, ns. */
const PATIENCE = 1e9;
/** Frames looked at before it is clear that the capture holds no ping. */
const FRAMES = 200_000;

export class FirstPing {
  readonly lines: string[] = [];
  readonly #addresses = new Set<string>();
  #key = "";
  #since = 0;
  #looked = 0;
  #done = false;

  constructor(topology: Topology) {
    for (const vm of topology.vms) for (const address of vm.addresses) this.#addresses.add(address.split("/")[0]);
  }

  /** Nothing more can come. */
  get done(): boolean {
    return this.#done;
  }

  /** A frame that was put on a wire at `time` (ns). */
  wire(bytes: Uint8Array, start: number, end: number, time: number): void {
    if (this.#done) return;
    if (this.#key === "" ? ++this.#looked > FRAMES : time - this.#since > PATIENCE) {
      this.#done = true;
      return;
    }
    const text = describe(bytes, start, end, isTagged(bytes, start));
    const echo = [...text.matchAll(ECHO)].at(-1);
    if (echo === undefined) return;
    const [, from, to, what, id, seq] = echo;
    if (!this.#addresses.has(from) || !this.#addresses.has(to)) return;
    const key = `${[from, to].sort().join(" ")} ${id} ${seq}`;
    if (this.#key === "" && what === "request") {
      this.#key = key;
      this.#since = time;
    }
    if (key === this.#key) this.lines.push(...text.split("\n"));
  }
}

/** With a VLAN tag the line has to show it: the tag is what says the network. */
function isTagged(bytes: Uint8Array, start: number): boolean {
  return bytes[start + 12] === 0x81 && bytes[start + 13] === 0;
}
