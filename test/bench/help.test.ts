/** Help is complete: every command has a description, says what it is for by example, and every option says what it does. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { packageRoot } from "../../bench/paths.ts";
import { eastwest, type Ran, withFolder } from "./cli.ts";

const helps = new Map<string, Ran>();
/** What `eastwest PATH... --help` says, asked once. */
function helpOf(path: readonly string[]): Ran {
  const line = path.join(" ");
  const ran = helps.get(line) ?? eastwest(...path, "--help");
  helps.set(line, ran);
  return ran;
}

function commandsIn(help: string): string[] {
  const [, list = ""] = /\nCommands:\n((?: {2}.*\n)+)/.exec(help) ?? [];
  return [...list.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map((match) => match[1]).filter((name) => name !== "help");
}

test("--help names every command, and each has help with an example", () => {
  const top = helpOf([]);
  assert.equal(top.status, 0);
  assert.match(top.stdout, /Examples:\n/);
  assert.match(top.stdout, /Exit codes:/);
  const commands = commandsIn(top.stdout);
  for (const name of ["run", "compare"]) assert.ok(commands.includes(name), `no ${name} in the help`);
  const check = (path: readonly string[]): void => {
    const { status, stdout } = helpOf(path);
    assert.equal(status, 0, path.join(" "));
    const subcommands = commandsIn(stdout);
    if (subcommands.length === 0) assert.match(stdout, /Examples?:\n/, `${path.join(" ")}: no example`);
    for (const name of subcommands) check([...path, name]);
  };
  for (const name of commands) check([name]);
});

/** Words of a command line, quotes taken off. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain);

test("examples: every option that one shows is an option of its command; those that need no file run", () =>
  withFolder((folder) => {
    let seen = 0;
    const check = (path: readonly string[]): void => {
      const { stdout } = helpOf(path);
      for (const [, line] of stdout.matchAll(/^ +\$ eastwest (.*)$/gm)) {
        const words = wordsOf(line.split(/ [|>;&]| {2,}| #/)[0]);
        if (!path.every((name, at) => words[at] === name)) continue;
        seen++;
        for (const word of words.filter((one) => one.startsWith("--"))) {
          assert.match(stdout, new RegExp(`(^|[ ,])${word.split("=")[0]}\\b`, "m"), `${line}: no ${word}`);
          // Once in the example itself is not enough.
          assert.ok(stdout.split(word.split("=")[0]).length > 2, `${line}: no ${word}`);
        }
        if (path[0] === "generate") {
          const file = join(folder, words[1]);
          // Few frames: what can fail is the plan.
          const ran = eastwest("generate", file, ...words.slice(2), "--frames", "10");
          assert.equal(ran.status, 0, `${line}: ${ran.stderr}`);
        }
      }
      for (const name of commandsIn(stdout)) check([...path, name]);
    };
    for (const name of commandsIn(helpOf([]).stdout)) check([name]);
    assert.ok(seen >= 20, `${seen} examples`);
  }));

test("every option of run says what it does", () => {
  const { stdout } = helpOf(["run"]);
  const wanted =
    "mode network topology from repeat seconds loop pps multiplier real-time nic json write save dump-flows memory quiet";
  for (const name of wanted.split(" ")) assert.match(stdout, new RegExp(`--${name}\\b.*\\s\\S`), `--${name}`);
});

test("--version is that of the package, no command is a usage error", () => {
  const { version } = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8")) as { version: string };
  assert.equal(eastwest("--version").stdout, `${version}\n`);
  const bare = eastwest();
  assert.equal(bare.status, 2);
  assert.match(bare.stderr, /Usage: eastwest/);
});

test("README's sample: its counts are what the program says", () => {
  const readme = readFileSync(join(packageRoot, "README.md"), "utf8");
  const { stdout } = eastwest("run", "--no-timing");
  for (const title of [
    "Delivered (counted in one cold pass)",
    "Per delivered packet",
    "Underlay and network node",
    "Caches",
    "Drops and other ends, by reason",
    "First ping on the underlay, legacy",
    "First ping on the underlay, dvr",
  ]) {
    const [, block = ""] = stdout.split(`\n${title}\n`);
    const lines = [title, ...block.split("\n\n")[0].trimEnd().split("\n")];
    assert.ok(lines.length > 2, `no ${title} in the report`);
    assert.ok(readme.includes(lines.map((line) => `    ${line}\n`).join("")), `README.md differs in "${title}"`);
  }
});
