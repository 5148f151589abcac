/**
 * One host: its bridges (an OvsSwitch), the datapath in front of them, and its network namespaces (qrouter, DHCP), which
 * hang on ports of br-int. A host knows which of its ports lead to a namespace; where the others lead (a VM, a wire) is the
 * fabric's business, which moves packets between hosts.
 *
 *   rx[port] -> datapath.process -> datapath.tx[port] -> namespace or fabric
 *                                        namespace.tx[interface] -> rx[port]
 */
import { Datapath, type DatapathOptions } from "./datapath.ts";
import type { PacketBatch } from "./packet/packet-batch.ts";
import type { PacketPool } from "./packet/packet-pool.ts";
import { PacketQueue } from "./packet/packet-queue.ts";
import { Namespace } from "./router/namespace.ts";
import type { HostConfig } from "./topology.ts";
import { OvsSwitch } from "./translate/switch.ts";

/** Packets that wait at one port of a host; more are counted as drops at that port. */
const RX_CAPACITY = 1024;

export interface HostOptions extends DatapathOptions {
  readonly vlanLimit?: number | undefined;
}

/** A namespace interface behind a port. */
export interface Attachment {
  readonly namespace: number;
  readonly interfaceIndex: number;
}

export class Host {
  readonly config: HostConfig;
  readonly name: string;
  readonly switch: OvsSwitch;
  readonly datapath: Datapath;
  readonly namespaces: readonly Namespace[];
  /** Packets waiting to come in, by datapath port. */
  readonly rx: readonly PacketQueue[];
  /** Namespace interface by datapath port, undefined elsewhere. */
  readonly attachments: readonly (Attachment | undefined)[];
  /** Datapath port of each interface: ports[namespace][interface]. */
  readonly namespacePorts: readonly Int32Array[];
  /** Time spent in this host since the last reset, in ns; only kept when timing is on. [0] datapath, [1] namespaces. */
  readonly ns = new Float64Array(2);
  /** Packets that found the queue of a port full, by datapath port. */
  readonly rxOverflow: Float64Array;

  constructor(config: HostConfig, pool: PacketPool, options: HostOptions) {
    this.config = config;
    this.name = config.name;
    this.switch = new OvsSwitch(config.bridges, { vlanLimit: options.vlanLimit });
    const ports = this.switch.portCount;
    this.datapath = new Datapath(pool, this.switch, { ...options, ports });
    for (const [port, name] of this.switch.portNames().entries()) {
      if (name.startsWith("gre_sys")) this.datapath.setTunnel(port, "gre");
      else if (name.startsWith("vxlan_sys")) this.datapath.setTunnel(port, "vxlan");
      else if (name.startsWith("genev_sys")) this.datapath.setTunnel(port, "geneve");
    }
    this.namespaces = config.namespaces.map((namespace) => new Namespace(namespace, pool, options));
    this.rx = Array.from({ length: ports }, () => new PacketQueue(RX_CAPACITY));
    this.rxOverflow = new Float64Array(ports);
    const attachments: (Attachment | undefined)[] = new Array(ports).fill(undefined);
    this.namespacePorts = config.namespaces.map((namespace, n) =>
      Int32Array.from(namespace.interfaces, (link, i) => {
        const port = this.port(link.name, `namespace ${namespace.name}`);
        attachments[port] = { namespace: n, interfaceIndex: i };
        return port;
      }),
    );
    this.attachments = attachments;
  }

  /** The datapath port called `name`; `wantedBy` says who asks, for the message. */
  port(name: string, wantedBy: string): number {
    const port = this.switch.portNumber(name);
    if (port === undefined) {
      throw new Error(
        `${wantedBy}: host ${this.name} has no port "${name}", it has ${this.switch.portNames().join(", ")}`,
      );
    }
    return port;
  }

  /** Queues a packet of virtual time `time[0]` at a port; the slot is the host's from here on, also when the queue is full and it is dropped. */
  receive(port: number, slot: number, start: number, end: number, time: Float64Array, pool: PacketPool): boolean {
    if (this.rx[port].push(slot, start, end, time, 0)) return true;
    this.rxOverflow[port]++;
    pool.free(slot);
    return false;
  }

  /** Takes a burst waiting at `port` through the datapath, with `batch` as scratch; returns how many packets came in. */
  process(port: number, batch: PacketBatch): number {
    const count = this.rx[port].shiftInto(batch, port);
    if (count > 0) this.datapath.process(batch);
    return count;
  }
}
