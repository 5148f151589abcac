/** The imports between rooms form the DAG that CONTRIBUTING.md draws; only one file knows each special dependency. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { test } from "node:test";
import { packageRoot } from "../bench/paths.ts";

const rooms: Readonly<Record<string, readonly string[]>> = {
  "datapath/wire": [],
  "datapath/wasm": [],
  "datapath/packet": ["datapath/wasm"],
  "datapath/flow": ["datapath/wire", "datapath/packet", "datapath/wasm"],
  "datapath/lookup": ["datapath/flow", "datapath/packet", "datapath/wasm"],
  "datapath/action": ["datapath/flow", "datapath/wire", "datapath/packet", "datapath/wasm"],
  "datapath/openflow": ["datapath/flow", "datapath/wire"],
  "datapath/translate": ["datapath/openflow", "datapath/flow", "datapath/action", "datapath/wire"],
  "datapath/router": ["datapath/wire", "datapath/packet"],
  "datapath/ovs": ["datapath/openflow", "datapath/translate", "datapath/flow", "datapath/action", "datapath/wire"],
  pcaps: ["datapath/wire", "datapath/packet"],
  workers: ["datapath/packet", "datapath/flow", "datapath/lookup", "datapath/action"],
};
/** Plain files of datapath/ that several rooms share: data and contracts, or the house on top of the rooms. */
const shared = ["datapath/topology.ts", "datapath/upcall.ts", "datapath/counters.ts"];
const houses = ["datapath/ovs", "workers"];

const files = (folder: string): string[] =>
  readdirSync(join(packageRoot, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => `${folder}/${name.split(sep).join("/")}`);
const source = (file: string): string => readFileSync(join(packageRoot, file), "utf8");
const importsOf = (file: string): string[] =>
  [...source(file).matchAll(/(?:from|import\()\s*"([^"]+)"/g)].map(([, path]) =>
    path.startsWith(".")
      ? relative(packageRoot, join(packageRoot, dirname(file), path))
          .split(sep)
          .join("/")
      : path,
  );
const roomOf = (file: string): string => {
  const [first, second, third] = file.split("/");
  return first === "datapath" && third !== undefined ? `${first}/${second}` : first;
};

test("rooms import only what the picture of the house allows", () => {
  const wrong: string[] = [];
  let looked = 0;
  for (const file of [...files("datapath"), ...files("pcaps"), ...files("workers")]) {
    const allowed = rooms[roomOf(file)];
    for (const path of importsOf(file)) {
      looked++;
      if (path.startsWith("node:") || !path.includes("/") || path.startsWith("@")) {
        if (file.startsWith("datapath/")) wrong.push(`${file} imports ${path}: datapath has no dependency and no I/O`);
        continue;
      }
      if (path.startsWith("bench/") || path.startsWith("test/")) wrong.push(`${file} imports ${path}`);
      if (allowed === undefined || shared.includes(path) || roomOf(path) === roomOf(file)) continue;
      const isHouse = houses.includes(roomOf(file)) && /^datapath\/[a-z-]+\.ts$/.test(path);
      if (!allowed.includes(roomOf(path)) && !isHouse) wrong.push(`${file} imports ${path}`);
    }
  }
  assert.ok(looked > 300, `${looked} imports looked at`);
  assert.deepEqual(wrong, []);
});

test("no cycle between files", () => {
  const graph = new Map<string, string[]>();
  for (const file of [...files("datapath"), ...files("pcaps"), ...files("workers"), ...files("bench")]) {
    // Types too, though they vanish when built: who reads one file of a circle has to read all of them.
    graph.set(file, importsOf(file));
  }
  const state = new Map<string, "open" | "done">();
  const visit = (file: string, path: readonly string[]): void => {
    if (state.get(file) === "done") return;
    assert.notEqual(state.get(file), "open", `cycle: ${[...path, file].join(" -> ")}`);
    state.set(file, "open");
    for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
    state.set(file, "done");
  };
  for (const file of graph.keys()) visit(file, []);
});

test("each special dependency is known to one room", () => {
  const users = (name: string): string[] =>
    [...files("datapath"), ...files("pcaps"), ...files("workers"), ...files("bench")].filter((file) =>
      importsOf(file).includes(name),
    );
  for (const file of users("piscina")) assert.equal(roomOf(file), "workers");
  assert.ok(users("tinybench").length <= 1);
  // The peer measures the package itself and so must load it.
  assert.deepEqual(users("node-pcap").filter((file) => !file.startsWith("bench/peers/")).length <= 1, true);
});
