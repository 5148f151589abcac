/**
 * `eastwest`, all of it that main.ts does not do first. Each command is a file in commands/ that adds itself. Here is what they share: exit codes,
 * one line for what the person did wrong, a stack only for what we did wrong, and quiet when the reader of a pipe leaves.
 */
import { Command, CommanderError } from "commander";
import { register as compare } from "./commands/compare.ts";
import { register as gate } from "./commands/gate.ts";
import { register as generate } from "./commands/generate.ts";
import { register as info } from "./commands/info.ts";
import { register as measure } from "./commands/measure.ts";
import { register as merge } from "./commands/merge.ts";
import { register as ovs } from "./commands/ovs.ts";
import { register as peer } from "./commands/peer.ts";
import { register as replay } from "./commands/replay.ts";
import { register as report } from "./commands/report.ts";
import { register as run } from "./commands/run.ts";
import { register as trace } from "./commands/trace.ts";
import { register as trend } from "./commands/trend.ts";
import { CheckError, Exit, isClosedPipe, isInputError, messageOf } from "./errors.ts";
import { releaseSignals } from "./interrupt.ts";
import { packageVersion as version } from "./paths.ts";

/** A fault of the program itself (sysexits.h: EX_SOFTWARE). */
const EXIT_BUG = 70;

/** The whole command line, not yet parsed. */
export function build(): Command {
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
  for (const register of [run, replay, measure, report, compare, gate, trend, merge, generate, info, trace, ovs, peer])
    register(program);
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
    await build().parseAsync();
  } catch (error) {
    process.exitCode = exitCodeOf(error);
  }
}
