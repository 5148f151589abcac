/**
 * Runs short commands through one shell that stays: from a small process, starting another costs a third of what it costs
 * from Node (5 ms against 18 ms, measured), and a case needs several ovs-ofctl.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";

const END = "end-of-input-7f3a";

export class ShellPipe {
  private readonly shell: ChildProcessWithoutNullStreams;
  private said = "";
  private ended = false;
  private readonly waiting: { resolve: (output: string) => void; reject: (error: Error) => void; what: string }[] = [];

  constructor(env: Readonly<Record<string, string>>) {
    this.shell = spawn("/bin/sh", [], { env: { ...process.env, ...env }, stdio: "pipe" });
    this.shell.stdout.setEncoding("utf8").on("data", (text: string) => this.read(text));
    this.shell.stdin.on("error", () => {}); // Seen by "close" too.
    this.shell.on("close", () => {
      this.ended = true;
      for (const one of this.waiting.splice(0)) one.reject(new Error(`${one.what}: the shell has ended`));
    });
  }

  /** Everything that a command printed. Throws it when the command fails. */
  run(argv: readonly string[], input = ""): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.ended) return reject(new Error(`${argv[0]}: the shell has ended`));
      this.waiting.push({ resolve, reject, what: argv[0]! });
      const command = argv.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
      const text = input && !input.endsWith("\n") ? `${input}\n` : input;
      this.shell.stdin.write(`${command} 2>&1 <<'${END}'\n${text}${END}\necho "${END} $?"\n`);
    });
  }

  close(): void {
    this.shell.kill("SIGKILL");
  }

  private read(text: string): void {
    this.said += text;
    for (;;) {
      const found = new RegExp(`^${END} (\\d+)\n`, "m").exec(this.said);
      if (!found) return;
      const output = this.said.slice(0, found.index);
      this.said = this.said.slice(found.index + found[0].length);
      const one = this.waiting.shift();
      if (found[1] === "0") one?.resolve(output);
      else one?.reject(new Error(output));
    }
  }
}
