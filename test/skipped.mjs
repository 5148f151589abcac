// Prints the tests that a run of `npm test` skipped, and fails if they are not the declared ones (test/skipped.txt, one
// name a line). Reads the log of the run in node's spec format, where a skipped test has "# reason" behind it.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const declared = readFileSync(join(here, "skipped.txt"), "utf8")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .sort();
const log = readFileSync(process.argv[2], "utf8");
const summary = /^(?:ℹ|#) skipped (\d+)/m.exec(log);
if (summary === null) {
  console.error(`${process.argv[2]}: no summary line of the test runner, expected "skipped N"`);
  process.exit(1);
}
const found = [...log.matchAll(/^\s*﹣ (.*?) \([\d.]+ms\) # (.*)$/gm)].map(([, name, why]) => ({ name, why }));
console.log(`skipped tests: ${summary[1]}`);
for (const { name, why } of found) console.log(`  ${name}: ${why}`);
const names = [...new Set(found.map(({ name }) => name))].sort();
const same = names.length === declared.length && names.every((name, i) => name === declared[i]);
if (!same || (declared.length === 0 && summary[1] !== "0")) {
  console.error(`expected just these to be skipped: ${declared.length === 0 ? "none" : declared.join(", ")}`);
  process.exit(1);
}
