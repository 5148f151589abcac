/**
 * A git repository of a few lines that the gate can measure as if it were this program: it has the entry (side.ts) and a
 * build. Its work is a loop, so that a commit can be slower, wrong, or without an entry, on purpose.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface TinyCommit {
  /** Steps of the loop that a pass is. */
  readonly turns?: number;
  /** A byte of what leaves. */
  readonly byte?: number;
  /** Kinds of work it knows. */
  readonly kinds?: readonly string[];
  /** Version of the entry; null: it has none. */
  readonly entry?: number | null;
}

/** Commits that a test compares, each with a tag of its name. */
export const TINY: Readonly<Record<string, TinyCommit>> = {
  ancient: { entry: null },
  other: { entry: 2 },
  bridgeless: { kinds: ["run"] },
  base: {},
  equal: {},
  wrong: { byte: 8 },
  slow: { turns: 60_000 },
};

/** Settings under which a gate over it takes a second or two, and only what is grossly slower counts. */
export const TINY_GATE = `version: 1
scenarios: [extract]
pairs: { looks: [6], confirm: 6 }
process: { warm-ms: 20, round-ms: 1, rounds: 7 }
control: { ceiling: 900 % }
metrics:
  "*": { margin: 20 %, tolerance: 100 % }
exact: [checksum, packets]
`;

/** Makes the repository in `folder`, checked out at "base". */
export function tinyRepository(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const git = (...args: readonly string[]): void => {
    execFileSync("git", ["-c", "user.name=tiny", "-c", "user.email=tiny@localhost", ...args], {
      cwd: folder,
      stdio: "ignore",
    });
  };
  git("init", "--quiet", "--initial-branch=main");
  const build =
    "node -e \"fs.mkdirSync('dist/bench/gate', {recursive: true}); if (fs.existsSync('side.mjs')) fs.copyFileSync('side.mjs', 'dist/bench/gate/side.js')\"";
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ name: "tiny", version: "1.0.0", type: "module", scripts: { build } }),
  );
  writeFileSync(join(folder, ".gitignore"), "dist\nnode_modules\n");
  writeFileSync(join(folder, "gate.yaml"), TINY_GATE);
  for (const [name, commit] of Object.entries(TINY)) {
    const side = join(folder, "side.mjs");
    if (commit.entry === null) rmSync(side, { force: true });
    else writeFileSync(side, sideText(commit));
    git("add", "--all");
    git("commit", "--quiet", "--allow-empty", "-m", name);
    git("tag", name);
  }
  git("checkout", "--quiet", "base");
}

function sideText({ turns = 20_000, byte = 7, kinds = ["run", "replay", "extract"], entry = 1 }: TinyCommit): string {
  return `export const GATE_ENTRY = ${entry};
export const kinds = ${JSON.stringify(kinds)};
export async function prepare(work) {
  return { kind: work.kind };
}
export function subject() {
  let state = 1;
  return {
    frames: 100,
    async cold(sink) {
      if (sink !== null) sink(0, new Uint8Array([${byte}]), 0, 1);
      return { packets: 100, drops: "none" };
    },
    pass(extra) {
      if (extra !== null) extra();
      for (let i = 0; i < ${turns}; i++) state = Math.imul(state ^ i, 0x01000193);
    },
    upcalls: () => 0,
  };
}
`;
}
