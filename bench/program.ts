/**
 * `eastwest`, all of it that main.ts does not do first. Each command is a file in commands/ that adds itself. Here is what they share: exit codes,
 * one line for what the person did wrong, a stack only for what we did wrong, and quiet when the reader of a pipe leaves.
 */
import { Command, CommanderError } from "commander";
import { CheckError, Exit, isClosedPipe, isInputError, messageOf } from "./errors.ts";
import { releaseSignals } from "./interrupt.ts";
import { packageVersion as version } from "./paths.ts";

/** A fault of the program itself (sysexits.h: EX_SOFTWARE). */
const EXIT_BUG = 70;

/** Each command's file is read when the command is wanted: all of them take several times as long to load as Node itself. */
const commands: Readonly<Record<string, () => Promise<{ readonly register: (program: Command) => void }>>> = {
  run: () => import("./commands/run.ts"),
  replay: () => import("./commands/replay.ts"),
  measure: () => import("./commands/measure.ts"),
  report: () => import("./commands/report.ts"),
  compare: () => import("./commands/compare.ts"),
  gate: () => import("./commands/gate.ts"),
  trend: () => import("./commands/trend.ts"),
  merge: () => import("./commands/merge.ts"),
  generate: () => import("./commands/generate.ts"),
  info: () => import("./commands/info.ts"),
  trace: () => import("./commands/trace.ts"),
  ovs: () => import("./commands/ovs.ts"),
  peer: () => import("./commands/peer.ts"),
};

/** The command line, not yet parsed: with all commands, or with `only` that one where it is one. */
export async function build(only?: string): Promise<Command> {
  const program = new Command("eastwest")
    .description(
      "Puts captured traffic through complete OpenStack hosts, with the router on the network node and distributed (DVR), " +
        "and says what that costs on every node.",
    )
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .showSuggestionAfterError()
    .exitOverride()
    // These report what was done until then, or undo it; the others are ended by a signal, or undo what they did (peer).
    .hook("preAction", (_, action) => {
      const name = action.parent?.name() === "measure" ? "measure" : action.name();
      if (!["run", "replay", "gate", "measure", "generate"].includes(name)) releaseSignals();
    })
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error: /, "eastwest: ").replace("\n(", " (")),
    })
    .addHelpText(
      "after",
      `
Examples:
  $ eastwest run
  $ eastwest run --mode dvr --network vxlan --json result.json
  $ eastwest run --from vm1=mine.pcap --write out
  $ eastwest replay mine.pcap --rules mac.flows
  $ eastwest measure ndrpdr --mode legacy,dvr
  $ eastwest compare before.json after.json
  $ eastwest report result.json
  $ eastwest gate --base origin/main
  $ eastwest trend history.jsonl --add after.json

Exit codes: 0 done, 1 a check failed, 2 bad usage or input, 130 interrupted, ${EXIT_BUG} a fault of the program.`,
    );
  const wanted = only !== undefined && Object.hasOwn(commands, only) ? [commands[only]] : Object.values(commands);
  for (const { register } of await Promise.all(wanted.map((load) => load()))) register(program);
  // Settings are copied to subcommands made by command(), except those that came before them: make sure of it.
  const adopt = (command: Command): void => {
    for (const sub of command.commands) {
      sub.copyInheritedSettings(command);
      adopt(sub);
    }
  };
  adopt(program);
  return program;
}

/** The exit code for what a command threw, after saying so on standard error. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) {
    // Commander has printed already. Help that was asked for is no error; help instead of a missing command is.
    return error.exitCode === 0 ? Exit.Done : Exit.BadInput;
  }
  if (error instanceof CheckError) {
    process.stderr.write(`eastwest: ${error.message}\n`);
    return Exit.CheckFailed;
  }
  if (isClosedPipe(error)) return Exit.Done;
  if (isInputError(error)) {
    process.stderr.write(`eastwest: ${messageOf(error)}\n`);
    return Exit.BadInput;
  }
  process.stderr.write(`eastwest: this is a fault of eastwest ${version}, not yours:\n`);
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return EXIT_BUG;
}

/** Reads the command line and does what it says; sets the exit code. */
export async function main(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      // `eastwest run | head`: the reader has enough.
      if (error.code === "EPIPE") process.exit(process.exitCode ?? Exit.Done);
      if (stream === process.stdout) {
        process.stderr.write(`eastwest: cannot write standard output: ${messageOf(error)}\n`);
      }
      process.exit(Exit.BadInput);
    });
  }

  try {
    await (await build(process.argv[2])).parseAsync();
  } catch (error) {
    process.exitCode = exitCodeOf(error);
  }
}
