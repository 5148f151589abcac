/** What git says of a folder: the commit that a result belongs to. */
import { spawnSync } from "node:child_process";

export interface WorkTree {
  /** Full name of the commit that is checked out. */
  readonly commit: string;
  /** Tracked files differ from it. */
  readonly dirty: boolean;
}

/** Null when `folder` is in no repository, or git is not there. */
export function workTree(folder: string): WorkTree | null {
  const commit = git(folder, "rev-parse", "--verify", "HEAD^{commit}");
  if (commit === null) return null;
  return { commit, dirty: (git(folder, "status", "--porcelain", "--untracked-files=no") ?? "") !== "" };
}

/** The commit that a name means in the repository of `folder`; null when none. */
export function commitOf(folder: string, name: string): string | null {
  // A name that begins with a dash would be read as an option.
  return name.startsWith("-") ? null : git(folder, "rev-parse", "--verify", "--quiet", `${name}^{commit}`);
}

function git(folder: string, ...args: string[]): string | null {
  const { status, stdout, error } = spawnSync("git", args, { cwd: folder, encoding: "utf8", timeout: 20_000 });
  return error !== undefined || status !== 0 ? null : stdout.trim();
}
