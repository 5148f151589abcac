/**
 * Where everything of a cluster stands in its picture: a column a host, the sender's first and the receiver's last; in it
 * from top to bottom VMs and router namespaces, the bridges they are plugged into, those between, those with the card; under
 * all columns a line for each wire.
 */
import type { ClusterLayout, HostLayout } from "../path/cluster-layout.ts";
import type { Hop, PacketPath } from "../path/hop.ts";

export interface Box {
  /** "HOST/NAME", unique. */
  readonly key: string;
  readonly name: string;
  readonly kind: "vm" | "namespace" | "bridge";
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** How often the packet is in it. */
  readonly visits: number;
}

export interface Column {
  readonly host: HostLayout;
  readonly x: number;
  readonly width: number;
}

export interface PathLayout {
  readonly columns: readonly Column[];
  readonly boxes: ReadonlyMap<string, Box>;
  /** Height of a wire's line, by name. */
  readonly wires: ReadonlyMap<string, number>;
  /** Pairs of boxes, or a box and a wire, that are joined. */
  readonly joints: readonly (readonly [string, string])[];
  /** Where the columns end. */
  readonly bottom: number;
  readonly height: number;
  /** Hosts that the packet does not touch and that are no network nodes: not drawn. */
  readonly omitted: number;
}

const TOP = 46;
const END_HEIGHT = 40;
const ROW_GAP = 20;
const VISIT = 17;
const WIRE_GAP = 48;

/** Height at which a packet goes through a box, on its n-th visit (from 0). */
export function visitHeight(box: Box, visit: number): number {
  return box.kind === "bridge" ? box.y + 28 + VISIT * visit : box.y + 29;
}

export function placeOf(hop: Hop): string {
  switch (hop.kind) {
    case "vm":
      return `${hop.host}/${hop.vm}`;
    case "bridge":
      return `${hop.host}/${hop.bridge}`;
    case "namespace":
      return `${hop.host}/${hop.namespace}`;
    default:
      return hop.wire;
  }
}

/** Lays the cluster out for a picture of `width` pixels. */
export function pathLayout(cluster: ClusterLayout, path: PacketPath, width: number): PathLayout {
  const visits = new Map<string, number>();
  for (const hop of path.hops) visits.set(placeOf(hop), (visits.get(placeOf(hop)) ?? 0) + 1);
  const hosts = hostsInOrder(cluster, path);
  const gap = width < 500 ? 7 : 14;
  const columnWidth = (width - gap * (hosts.length - 1)) / hosts.length;
  const columns = hosts.map((host, i) => ({ host, x: i * (columnWidth + gap), width: columnWidth }));
  const rows = columns.map(({ host }) => bridgeRows(cluster, host));
  const depth = Math.max(...rows.map((row) => row.length));
  // A row is as high in one column as in the others.
  const heights = Array.from({ length: depth }, (_, r) => {
    const most = Math.max(
      1,
      ...rows.flatMap((row, c) => (row[r] ?? []).map((name) => visits.get(`${hosts[c].name}/${name}`) ?? 0)),
    );
    return 42 + VISIT * (most - 1);
  });
  const boxes = new Map<string, Box>();
  const add = (box: Omit<Box, "visits">): void => {
    boxes.set(box.key, { ...box, visits: visits.get(box.key) ?? 0 });
  };
  const inset = width < 500 ? 5 : 9;
  for (const [c, column] of columns.entries()) {
    const inner = { x: column.x + inset, width: column.width - 2 * inset };
    for (const box of endBoxes(cluster, column.host, inner)) add({ ...box, y: TOP, height: END_HEIGHT });
    let y = TOP + END_HEIGHT + ROW_GAP;
    for (const [r, height] of heights.entries()) {
      const timesIn = (name: string): number => visits.get(`${column.host.name}/${name}`) ?? 0;
      // Those on the way stand to the left, under each other.
      const names = (rows[c][r] ?? []).toSorted((a, b) => Number(timesIn(b) > 0) - Number(timesIn(a) > 0));
      const shares = names.map((name) => (timesIn(name) > 0 ? 1.5 : 1));
      const all = shares.reduce((sum, one) => sum + one, 0);
      let x = inner.x;
      for (const [n, name] of names.entries()) {
        const boxWidth = ((inner.width - 6 * (names.length - 1)) * shares[n]) / all;
        add({ key: `${column.host.name}/${name}`, name, kind: "bridge", x, y, width: boxWidth, height });
        x += boxWidth + 6;
      }
      y += height + ROW_GAP;
    }
  }
  const bottom = TOP + END_HEIGHT + heights.reduce((sum, height) => sum + height + ROW_GAP, 0) + inset;
  const shown = new Set(hosts.map(({ name }) => name));
  const lines = cluster.wires.filter(({ members }) => members.some((member) => shown.has(member.split("/")[0])));
  const wires = new Map(lines.map(({ name }, i) => [name, bottom + 22 + i * WIRE_GAP]));
  return {
    columns,
    boxes,
    wires,
    joints: joints(cluster, hosts).filter(([a, b]) => boxes.has(a) && (boxes.has(b) || wires.has(b))),
    bottom,
    height: bottom + 22 + Math.max(1, lines.length) * WIRE_GAP,
    omitted: cluster.hosts.length - hosts.length,
  };
}

/** Sender first, receiver last, those between as the packet meets them; network nodes in the middle in any case. */
function hostsInOrder({ hosts }: ClusterLayout, { hops }: PacketPath): HostLayout[] {
  const met = [...new Set(hops.flatMap((hop) => (hop.kind === "wire" ? [] : hop.host)))];
  const idle = hosts.filter(({ name, role }) => role === "network" && !met.includes(name)).map(({ name }) => name);
  const order = met.length === 1 ? [...met, ...idle] : [...met.slice(0, -1), ...idle, ...met.slice(-1)];
  return order.flatMap((name) => hosts.find((host) => host.name === name) ?? []);
}

const portsOf = (host: HostLayout, bridge: string): readonly string[] => [
  bridge,
  ...(host.bridges.find(({ name }) => name === bridge)?.ports.map(({ name }) => name) ?? []),
];

const onWire = (cluster: ClusterLayout, host: HostLayout, bridge: string): boolean =>
  portsOf(host, bridge).some((port) => cluster.wires.some(({ members }) => members.includes(`${host.name}/${port}`)));

function isPlug(cluster: ClusterLayout, host: HostLayout, bridge: string): boolean {
  const ports = portsOf(host, bridge);
  return (
    cluster.vms.some(({ port }) => ports.some((name) => port === `${host.name}/${name}`)) ||
    host.namespaces.some(({ interfaces }) => interfaces.some(({ name }) => ports.includes(name)))
  );
}

/** Bridges with VMs and namespaces, then those between, then those with a card on a wire. */
function bridgeRows(cluster: ClusterLayout, host: HostLayout): string[][] {
  const names = host.bridges.map(({ name }) => name);
  const plugs = names.filter((name) => isPlug(cluster, host, name));
  const edges = names.filter((name) => !plugs.includes(name) && onWire(cluster, host, name));
  const others = names.filter((name) => !plugs.includes(name) && !edges.includes(name));
  return [plugs, others, edges].filter((row) => row.length > 0);
}

/** VMs to the left, routers to the right. */
function endBoxes(
  cluster: ClusterLayout,
  host: HostLayout,
  inner: { readonly x: number; readonly width: number },
): Omit<Box, "visits" | "y" | "height">[] {
  const ends = [
    ...cluster.vms
      .filter(({ port }) => port.startsWith(`${host.name}/`))
      .map(({ name }) => ({ name, kind: "vm" as const, share: 1 })),
    ...host.namespaces
      .filter(({ forwarding }) => forwarding)
      .map(({ name }) => ({ name, kind: "namespace" as const, share: 1.5 })),
  ];
  const all = Math.max(
    2.5,
    ends.reduce((sum, { share }) => sum + share, 0),
  );
  const used = ends.reduce((sum, { share }) => sum + share, 0);
  // One alone stands in the middle.
  let x = inner.x + (inner.width * (all - used)) / all / 2;
  return ends.map(({ name, kind, share }) => {
    const width = (inner.width * share) / all - 4;
    const box = { key: `${host.name}/${name}`, name, kind, x: x + 2, width };
    x += width + 4;
    return box;
  });
}

function joints(cluster: ClusterLayout, hosts: readonly HostLayout[]): [string, string][] {
  const found: [string, string][] = [];
  for (const host of hosts) {
    const bridgeWith = (port: string): string | undefined =>
      host.bridges.find(({ name }) => portsOf(host, name).includes(port))?.name;
    const key = (name: string): string => `${host.name}/${name}`;
    for (const { name, port } of cluster.vms) {
      const bridge = port.startsWith(`${host.name}/`) ? bridgeWith(port.slice(host.name.length + 1)) : undefined;
      if (bridge !== undefined) found.push([key(name), key(bridge)]);
    }
    for (const { name, interfaces } of host.namespaces) {
      const bridge = interfaces.length === 0 ? undefined : bridgeWith(interfaces[0].name);
      if (bridge !== undefined) found.push([key(name), key(bridge)]);
    }
    for (const { name, ports } of host.bridges) {
      for (const { type, peer } of ports) {
        const other = type === "patch" && peer !== null ? bridgeWith(peer) : undefined;
        if (other !== undefined && name < other) found.push([key(name), key(other)]);
      }
      for (const wire of cluster.wires) {
        if (wire.members.some((member) => portsOf(host, name).some((port) => member === key(port)))) {
          found.push([key(name), wire.name]);
        }
      }
    }
  }
  return found;
}
