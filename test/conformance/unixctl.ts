/**
 * The protocol of ovs-appctl: JSON-RPC over a Unix socket, one request at a time. Kept open, because a process for each
 * question would cost milliseconds (lib/unixctl.c, lib/jsonrpc.c).
 */
import { connect, type Socket } from "node:net";

interface Reply {
  readonly result: string | null;
  readonly error: string | null;
}

/** The daemon is gone: it ended, or crashed, before it answered. */
export class Gone extends Error {}

export class Unixctl {
  private ended = false;
  private readonly socket: Socket;
  private received = "";
  private depth = 0;
  private quoted = false;
  private scanned = 0;
  private readonly waiting: { resolve: (text: string) => void; reject: (error: Error) => void; method: string }[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding("utf8").on("data", (text: string) => {
      this.received += text;
      this.scan();
    });
    const lost = (): void => {
      this.ended = true;
      for (const one of this.waiting.splice(0)) one.reject(new Gone(`${one.method}: the switch has ended`));
    };
    socket.on("error", lost).on("close", lost);
  }

  static open(path: string): Promise<Unixctl> {
    return new Promise((resolve, reject) => {
      const socket = connect(path, () => resolve(new Unixctl(socket)));
      socket.once("error", reject);
    });
  }

  /** The answer to a command: call("ofproto/trace", "br0", "in_port=1"). Throws what the daemon says. */
  call(method: string, ...params: string[]): Promise<string> {
    if (this.ended) return Promise.reject(new Gone(`${method}: the switch has ended`));
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject, method });
      this.socket.write(JSON.stringify({ id: 0, method, params }));
    });
  }

  close(): void {
    this.socket.destroy();
  }

  /** Finds the ends of JSON objects: answers follow each other without a separator. */
  private scan(): void {
    for (; this.scanned < this.received.length; this.scanned++) {
      const c = this.received[this.scanned];
      if (this.quoted) {
        if (c === "\\") this.scanned++;
        else if (c === '"') this.quoted = false;
      } else if (c === '"') this.quoted = true;
      else if (c === "{") this.depth++;
      else if (c === "}" && --this.depth === 0) {
        const reply = JSON.parse(this.received.slice(0, this.scanned + 1)) as Reply;
        this.received = this.received.slice(this.scanned + 1);
        this.scanned = -1;
        const one = this.waiting.shift();
        if (reply.error !== null) one?.reject(new Error(`${one.method}: ${reply.error.trim()}`));
        else one?.resolve(reply.result ?? "");
      }
    }
  }
}
