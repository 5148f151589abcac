// Runs the built tests: `npm test`, or `node test/run.mjs lookup pcaps` for those whose path holds one of the words.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const words = process.argv.slice(2);
const files = readdirSync(join(root, "dist", "test"), { recursive: true })
  .map((name) => join(root, "dist", "test", String(name)))
  .filter((path) => path.endsWith(".test.js"))
  // What was built from a source that is gone does not count.
  .filter((path) => existsSync(join(root, relative(join(root, "dist"), path).replace(/\.js$/, ".ts"))))
  .filter((path) => words.length === 0 || words.some((word) => relative(root, path).includes(word)))
  .sort();
if (files.length === 0) {
  console.error(`no test found for: ${words.join(" ")}`);
  process.exit(1);
}
// A file a core: node's own choice leaves one core idle, which is half of a machine with two (230 s against 149 s there).
const concurrency = `--test-concurrency=${Math.min(availableParallelism(), 4)}`;
const done = spawnSync(
  process.execPath,
  ["--enable-source-maps", "--expose-gc", "--test-reporter=spec", "--test", concurrency, ...files],
  {
    cwd: root,
    stdio: "inherit",
  },
);
process.exit(done.status ?? 1);
