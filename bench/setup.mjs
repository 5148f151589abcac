// Makes a fresh clone runnable: installs when node_modules does not fit the lockfile, builds when a source is newer than
// the build. Plain JavaScript, because it runs before there is a compiler. `npm start` and `npm test` call it first.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const major = Number(process.versions.node.split(".")[0]);
if (major < 20) {
  console.error(`eastwest needs Node 20 or newer, this is ${process.version}`);
  process.exit(2);
}

const run = (...args) => {
  const cli = process.env.npm_execpath;
  const [file, first] = cli ? [process.execPath, [cli]] : ["npm", []];
  return spawnSync(file, [...first, ...args], { cwd: root, stdio: ["ignore", "inherit", "inherit"] }).status ?? 1;
};
const npm = (...args) => {
  const status = run(...args);
  if (status !== 0) process.exit(status);
};

const lock = createHash("sha256")
  .update(readFileSync(join(root, "package-lock.json")))
  .digest("hex");
const stamp = join(root, "node_modules", ".eastwest-lock");
if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== lock) {
  // The lockfile names the versions. It can lack packages for other platforms (a registry need not have them all), which
  // `npm ci` refuses and `npm install` does not mind.
  npm("install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error");
  writeFileSync(stamp, lock);
}

const newest = (folder) => {
  let time = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) time = Math.max(time, newest(path));
    else if (entry.name.endsWith(".ts")) time = Math.max(time, statSync(path).mtimeMs);
  }
  return time;
};
const sources = ["datapath", "pcaps", "workers", "bench", "test"]
  .filter((folder) => existsSync(join(root, folder)))
  .map((folder) => newest(join(root, folder)));
const built = join(root, "dist", ".built");
const configured = Math.max(
  statSync(join(root, "tsconfig.json")).mtimeMs,
  statSync(join(root, "package.json")).mtimeMs,
);
if (!existsSync(built) || statSync(built).mtimeMs < Math.max(configured, ...sources)) {
  npm("run", "--silent", "build");
  chmodSync(join(root, "dist", "bench", "main.js"), 0o755);
  mkdirSync(dirname(built), { recursive: true });
  writeFileSync(built, new Date().toISOString());
}
