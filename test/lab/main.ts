/**
 * `npm run lab -- COMMAND`: the lab for people.
 */
import { parseArgs } from "node:util";
import { Lab } from "./lab.ts";
import { MODES, type Mode, NETWORKS, type Network } from "./layout.ts";
import { record, recordUnknownNeighbour } from "./record.ts";

const USAGE = `The article's three hosts with real parts: Open vSwitch, Linux routers, network namespaces. Linux, root.

usage: npm run lab -- up dvr|legacy [--network gre|vxlan|vlan] [--rules DIR]
       npm run lab -- record dvr|legacy|all OUTDIR [--network gre|vxlan|vlan] [--rules DIR]
       npm run lab -- of HOST BRIDGE COMMAND...      e.g. of test115 br-tun dump-flows
       npm run lab -- app HOST COMMAND...            e.g. app test115 fdb/show br-int
       npm run lab -- down

up      builds the lab; then for instance: ip netns exec vm1 ping 192.168.2.11
        ip netns exec fabric tcpdump -nn -i fab      (tunnels; the VLAN underlay is fab1)
record  builds it, sends real traffic, writes captures at VM1, VM2 and on the underlay, takes it down;
        "all" records the six combinations and the case without a permanent neighbour
of, app ovs-ofctl and ovs-appctl of a host (test114, test115, test116)
down    takes it down, also after a failure

The rules are those of bench/scenarios/ (gre-legacy, gre-dvr, and so on). The lab's run folder is eastwest-lab-main in the system's temporary folder.
`;

class UsageError extends Error {}

function oneOf<T extends string>(what: string, value: string | undefined, choices: readonly T[]): T {
  if (!choices.includes(value as T))
    throw new UsageError(`${what} ${value ?? "missing"}: expected ${choices.join(" or ")}`);
  return value as T;
}

async function main(argv: readonly string[]): Promise<void> {
  const lab = new Lab();
  const [command, ...rest] = argv;
  if (command === "of" || command === "app") {
    const needed = command === "of" ? 3 : 2;
    if (rest.length < needed) throw new UsageError(`${command}: too few words`);
    const [host, ...words] = rest as [string, ...string[]];
    if (!lab.current()) throw new UsageError("the lab is not up: npm run lab -- up dvr");
    const text =
      command === "of" ? lab.ofctl(host, words[0]!, words[1]!, ...words.slice(2)) : lab.appctl(host, ...words);
    process.stdout.write(await text);
    return;
  }
  const { values, positionals } = parseArgs({
    args: [...rest],
    options: { network: { type: "string", default: "gre" }, rules: { type: "string" } },
    allowPositionals: true,
  });
  const network: Network = oneOf("--network", values.network, NETWORKS);
  if (command === "down") return lab.down();
  if (command === "up") {
    const mode = oneOf("mode", positionals[0], MODES);
    await interruptible(lab, () => lab.up({ mode, network, ...(values.rules ? { rules: values.rules } : {}) }));
    process.stdout.write(await lab.vsctl("test115", "show"));
    return;
  }
  if (command === "record") {
    const mode: Mode | "all" = oneOf("mode", positionals[0], [...MODES, "all"]);
    const folder = positionals[1];
    if (!folder) throw new UsageError("record: no folder to write to");
    await interruptible(lab, async () => {
      if (mode !== "all") return record(lab, mode, network, folder, values.rules);
      for (const net of NETWORKS) for (const one of MODES) await record(lab, one, net, folder);
      await recordUnknownNeighbour(lab, folder);
    });
    return;
  }
  throw new UsageError(`unknown command ${command ?? "(none)"}`);
}

let interrupted = false;

/** Takes the lab down when the work is interrupted. */
async function interruptible(lab: Lab, work: () => Promise<void>): Promise<void> {
  const stop = (signal: NodeJS.Signals): void => {
    if (interrupted) return;
    interrupted = true;
    console.error(`${signal}: taking the lab down`);
    void lab.down().then(() => process.exit(130));
  };
  process.on("SIGINT", stop).on("SIGTERM", stop);
  try {
    await work();
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
}

const argv = process.argv.slice(2);
if (argv.length === 0 || argv.includes("--help") || argv.includes("-h")) {
  process.stdout.write(USAGE);
} else {
  main(argv).catch((error: unknown) => {
    const { message, code } = error as Error & { code?: string };
    if (interrupted) return; // What was under way has failed, as it must.
    console.error(`lab: ${message}`);
    if (error instanceof UsageError) console.error(USAGE.split("\n").slice(2, 7).join("\n"));
    const usage = error instanceof UsageError || code?.startsWith("ERR_PARSE_ARGS");
    process.exitCode = usage || /^(the lab|missing)/.test(message) ? 2 : 1;
  });
}
