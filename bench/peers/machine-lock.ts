/**
 * One measurement at a time on a machine: two of them would take each other's core, caches and hugepages. The lock is an
 * abstract Unix socket, which the kernel removes with its process, so that nothing stale is ever left.
 */
import { createServer, type Server } from "node:net";
import { sleep } from "./child.ts";
import type { Undo } from "./undo.ts";

const NAME = "\0eastwest-peer";
const LOOK_MS = 250;

/**
 * Waits until no other process holds the lock, then holds it until `undo` runs; `waiting` is called once when it has to wait.
 * Without abstract sockets (systems other than Linux) there is no lock.
 */
export async function lockMachine(undo: Undo, waiting: () => void, name: string = NAME): Promise<void> {
  for (let tries = 0; ; tries++) {
    const held = await listen(name);
    if (held === "none") return;
    if (held !== "taken") {
      undo.add("lock of the machine", () => void held.close());
      return;
    }
    if (tries === 0) waiting();
    await sleep(LOOK_MS);
  }
}

function listen(name: string): Promise<Server | "taken" | "none"> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.unref();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "EADDRINUSE" ? "taken" : "none"));
    server.listen(name, () => resolve(server));
  });
}
