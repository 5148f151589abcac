/**
 * A real Chromium by its DevTools protocol, over a pipe: JSON messages that end in a NUL (--remote-debugging-pipe). No
 * dependency, no port, nothing of the user's profile.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";

/** Path of a Chromium, undefined where there is none. */
export const chromium: string | undefined = ["chromium", "chromium-browser", "google-chrome"].find(
  (name) => spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0,
);
/** For tests that need one. */
export const skip: string | false =
  chromium === undefined ? "needs chromium, chromium-browser or google-chrome on the PATH" : false;

type Json = Record<string, unknown>;
type Listener = (params: Json) => void;

interface Waiting {
  readonly resolve: (result: Json) => void;
  readonly reject: (error: Error) => void;
}

/** One page in a browser of its own. */
export class Browser {
  /** Everything that the page wrote to the console, threw, or reported as an issue. */
  readonly complaints: string[] = [];
  /** Addresses that the page asked for. */
  readonly requests: string[] = [];
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Map<string, Listener>();
  #session: string | undefined;
  #last = 0;

  private constructor(process: ChildProcess, folder: string) {
    this.#process = process;
    this.#folder = folder;
    let rest = "";
    (process.stdio[4] as Readable).setEncoding("utf8").on("data", (chunk: string) => {
      const parts = (rest + chunk).split("\0");
      rest = parts.pop() ?? "";
      for (const part of parts) this.#received(JSON.parse(part));
    });
    process.once("exit", () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("the browser ended"));
    });
  }

  static async start(): Promise<Browser> {
    const folder = mkdtempSync(join(tmpdir(), "eastwest-browser-"));
    // As root (continuous integration) Chromium runs only without its sandbox.
    const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage"];
    const child = spawn(
      chromium as string,
      [...flags, "--no-first-run", "--remote-debugging-pipe", `--user-data-dir=${folder}`, "about:blank"],
      { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] },
    );
    const browser = new Browser(child, folder);
    const { targetInfos } = (await browser.send("Target.getTargets")) as { targetInfos: Json[] };
    const { targetId } = targetInfos.find(({ type }) => type === "page") as { targetId: string };
    const { sessionId } = await browser.send("Target.attachToTarget", { targetId, flatten: true });
    browser.#session = sessionId as string;
    browser.#listeners.set("Network.requestWillBeSent", (params) =>
      browser.requests.push((params.request as { url: string }).url),
    );
    browser.#listeners.set("Runtime.exceptionThrown", (params) => browser.complaints.push(JSON.stringify(params)));
    browser.#listeners.set("Runtime.consoleAPICalled", (params) => browser.complaints.push(JSON.stringify(params)));
    browser.#listeners.set("Log.entryAdded", (params) => browser.complaints.push(JSON.stringify(params)));
    for (const domain of ["Page", "Network", "Runtime", "Log"]) await browser.send(`${domain}.enable`);
    return browser;
  }

  /** Sends a command of the protocol, as in "Page.navigate". */
  send(method: string, params: Json = {}): Promise<Json> {
    const id = ++this.#last;
    const message = { id, method, params, ...(this.#session === undefined ? {} : { sessionId: this.#session }) };
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      (this.#process.stdio[3] as Writable).write(`${JSON.stringify(message)}\0`);
    });
  }

  #received(message: Json): void {
    if (typeof message.id !== "number") {
      this.#listeners.get(message.method as string)?.(message.params as Json);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.error === undefined) waiting?.resolve(message.result as Json);
    else waiting?.reject(new Error(JSON.stringify(message.error)));
  }

  /** Opens a file and waits until it is loaded. */
  async open(file: string, width: number, height = 900): Promise<void> {
    await this.resize(width, height);
    const loaded = new Promise<void>((resolve) => this.#listeners.set("Page.loadEventFired", () => resolve()));
    await this.send("Page.navigate", { url: `file://${file}` });
    await loaded;
  }

  async resize(width: number, height = 900): Promise<void> {
    await this.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: width < 500 });
  }

  async scheme(value: "light" | "dark"): Promise<void> {
    await this.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value }] });
  }

  /** The value of an expression in the page, which may be a promise. */
  async evaluate(expression: string): Promise<unknown> {
    const answer = await this.send("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true });
    if (answer.exceptionDetails !== undefined) throw new Error(JSON.stringify(answer.exceptionDetails));
    return (answer.result as Json).value;
  }

  /** The whole page as PNG. */
  async screenshot(): Promise<Buffer> {
    const { data } = await this.send("Page.captureScreenshot", { captureBeyondViewport: true });
    return Buffer.from(data as string, "base64");
  }

  async pdf(): Promise<Buffer> {
    const { data } = await this.send("Page.printToPDF", { preferCSSPageSize: true });
    return Buffer.from(data as string, "base64");
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#session = undefined;
    this.send("Browser.close").catch(() => {});
    await ended;
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
