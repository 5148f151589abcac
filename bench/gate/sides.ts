/**
 * The trees that are compared, each in a folder of its own with names of one length (base, copy, head), built once:
 * `git worktree` for commits, a copy of the files for the working tree as it is. node_modules are linked from the
 * repository where the lock file is the same, and installed where it differs. All of it goes when the gate ends.
 */
import { spawn, spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { InputError } from "../errors.ts";
import { commitOf, workTree } from "../git.ts";
import { packageRoot } from "../paths.ts";

export type SideName = "base" | "copy" | "head";

/** What a side is: shown in results. */
export interface SideAbout {
  /** As given: "origin/main", "working tree", "this installation". */
  readonly name: string;
  /** Null where there is no repository. */
  readonly commit: string | null;
  /** Files differ from the commit. */
  readonly dirty: boolean;
}

const ENTRY = join("dist", "bench", "gate", "side.js");

export class Sides {
  readonly folder = mkdtempSync(join(tmpdir(), "eastwest-gate-"));
  readonly about = new Map<SideName, SideAbout>();
  readonly #repository: string | null;
  readonly #roots = new Map<SideName, string>();
  readonly #worktrees: string[] = [];

  /** `repository`: its top folder; null where only inputs are compared. */
  constructor(repository: string | null) {
    this.#repository = repository;
  }

  /** Where the measuring child finds the side's code. */
  entry(side: SideName): string {
    return join(this.#root(side), ENTRY);
  }

  /** Checks out and builds a commit. Throws an InputError that names it when that fails. */
  async addCommit(side: SideName, name: string, stop: AbortSignal): Promise<void> {
    const commit = commitOf(this.#top(), name);
    if (commit === null) throw new InputError(`--${side} ${name}: no such commit in ${this.#top()}`);
    await this.#worktree(side, commit);
    this.about.set(side, { name, commit, dirty: false });
    await this.#build(side, `--${side} ${name}`, stop);
  }

  /** Copies the working tree as it is (tracked files, and new ones that git does not ignore) and builds it. */
  async addWorkingTree(side: SideName, stop: AbortSignal): Promise<void> {
    const top = this.#top();
    const root = this.#make(side);
    const { status, stdout } = spawnSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
      cwd: top,
      encoding: "utf8",
      maxBuffer: 256 << 20,
    });
    if (status !== 0) throw new InputError(`${top}: git cannot list its files`);
    for (const file of new Set(stdout.split("\0"))) {
      const from = join(top, file);
      const kind = file === "" ? undefined : lstatSync(from, { throwIfNoEntry: false });
      if (kind === undefined || kind.isDirectory()) continue;
      mkdirSync(dirname(join(root, file)), { recursive: true });
      if (kind.isSymbolicLink()) cpSync(from, join(root, file), { verbatimSymlinks: true });
      else copyFileSync(from, join(root, file));
    }
    const tree = workTree(top);
    this.about.set(side, { name: "working tree", commit: tree?.commit ?? null, dirty: tree?.dirty ?? true });
    await this.#build(side, "working tree", stop);
  }

  /** The program that runs, as it is: where only inputs differ. */
  addInstalled(side: SideName): void {
    this.#roots.set(side, packageRoot);
    const tree = workTree(packageRoot);
    this.about.set(side, { name: "this installation", commit: tree?.commit ?? null, dirty: tree?.dirty ?? false });
  }

  /** A second tree with the same files: base for the control leg. */
  addCopy(side: SideName, of: SideName): void {
    const from = this.#root(of);
    this.about.set(side, this.about.get(of) as SideAbout);
    if (from === packageRoot) {
      this.#roots.set(side, from);
      return;
    }
    const root = this.#make(side);
    cpSync(from, root, { recursive: true, filter: (path) => !["node_modules", ".git"].includes(basename(path)) });
    symlinkSync(realpathSync(join(from, "node_modules")), join(root, "node_modules"));
  }

  /** Everything goes: folders, and what git knows of the worktrees. */
  remove(): void {
    for (const path of this.#worktrees) {
      spawnSync("git", ["worktree", "remove", "--force", path], { cwd: this.#top(), stdio: "ignore" });
    }
    rmSync(this.folder, { recursive: true, force: true });
    if (this.#worktrees.length > 0) spawnSync("git", ["worktree", "prune"], { cwd: this.#top(), stdio: "ignore" });
  }

  #top(): string {
    if (this.#repository === null) {
      throw new InputError(`${process.cwd()}: in no git repository, expected one to take --base from`);
    }
    return this.#repository;
  }

  #root(side: SideName): string {
    const root = this.#roots.get(side);
    if (root === undefined) throw new Error(`gate: no side "${side}"`);
    return root;
  }

  #make(side: SideName): string {
    const root = join(this.folder, side);
    mkdirSync(root);
    this.#roots.set(side, root);
    return root;
  }

  async #worktree(side: SideName, commit: string): Promise<void> {
    const root = join(this.folder, side);
    const { status, stderr } = spawnSync("git", ["worktree", "add", "--detach", "--quiet", root, commit], {
      cwd: this.#top(),
      encoding: "utf8",
    });
    if (status !== 0) throw new InputError(`cannot check out ${commit}: ${lastLine(stderr)}`);
    this.#worktrees.push(root);
    this.#roots.set(side, root);
  }

  async #build(side: SideName, what: string, stop: AbortSignal): Promise<void> {
    const root = this.#root(side);
    if (!existsSync(join(root, "package.json")))
      throw new InputError(`${what}: no package.json, expected this program`);
    const modules = join(root, "node_modules");
    const own = join(this.#top(), "node_modules");
    if (existsSync(own) && sameFile(join(root, "package-lock.json"), join(this.#top(), "package-lock.json"))) {
      symlinkSync(realpathSync(own), modules);
    } else if (existsSync(join(root, "package-lock.json"))) {
      await npm(root, ["ci", "--no-audit", "--no-fund"], `${what}: npm ci`, stop);
    } else mkdirSync(modules);
    await npm(root, ["run", "build"], `${what}: npm run build`, stop);
  }
}

function sameFile(a: string, b: string): boolean {
  if (!existsSync(a) || !existsSync(b)) return existsSync(a) === existsSync(b);
  return readFileSync(a).equals(readFileSync(b));
}

function npm(cwd: string, args: readonly string[], what: string, stop: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn("npm", args, { cwd, stdio: ["ignore", "pipe", "pipe"], signal: stop, detached: true });
    let text = "";
    const keep = (chunk: Buffer): void => {
      text = `${text}${chunk}`.slice(-4000);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.on("error", (error) =>
      reject(stop.aborted ? new Interrupted() : new InputError(`${what}: ${error.message}`)),
    );
    child.on("close", (code) => {
      if (code === 0) resolve();
      else reject(stop.aborted ? new Interrupted() : new InputError(`${what} failed: ${lastLine(text)}`));
    });
  });
}

/** Somebody pressed Ctrl-C. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  constructor() {
    super("interrupted");
  }
}

function lastLine(text: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.find((line) => /error/i.test(line)) ?? lines[lines.length - 1] ?? "without a word";
}
