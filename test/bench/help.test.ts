/** Help is complete: every command has a description, says what it is for by example, and every option says what it does. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { packageRoot } from "../../bench/paths.ts";
import { eastwest } from "./cli.ts";

function commandsIn(help: string): string[] {
  const [, list = ""] = /\nCommands:\n((?: {2}.*\n)+)/.exec(help) ?? [];
  return [...list.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map((match) => match[1]).filter((name) => name !== "help");
}

test("--help names every command, and each has help with an example", () => {
  const top = eastwest("--help");
  assert.equal(top.status, 0);
  assert.match(top.stdout, /Examples:\n/);
  assert.match(top.stdout, /Exit codes:/);
  const commands = commandsIn(top.stdout);
  for (const name of ["run", "compare"]) assert.ok(commands.includes(name), `no ${name} in the help`);
  const check = (path: readonly string[]): void => {
    const { status, stdout } = eastwest(...path, "--help");
    assert.equal(status, 0, path.join(" "));
    const subcommands = commandsIn(stdout);
    if (subcommands.length === 0) assert.match(stdout, /Examples?:\n/, `${path.join(" ")}: no example`);
    for (const name of subcommands) check([...path, name]);
  };
  for (const name of commands) check([name]);
});

test("every option of run says what it does", () => {
  const { stdout } = eastwest("run", "--help");
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
