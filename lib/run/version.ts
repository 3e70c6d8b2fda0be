/** The version of dyno, and the commit that it was built from. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import project from "../../deno.json" with { type: "json" };
import { packageBytes, packageFile } from "../package_files.ts";

/** The version of dyno. */
export const dynoVersion: string = project.version;

/** Returns the HEAD of the git checkout that a folder is in; null where there is none. */
export function gitSha(folder?: string): Promise<string | null> {
  return new Promise((resolve) => {
    try {
      const options = { cwd: folder, timeout: 2000 };
      execFile("git", ["rev-parse", "HEAD"], options, (error, stdout) => {
        resolve(error ? null : stdout.trim());
      });
    } catch {
      resolve(null); // no permission to run programs
    }
  });
}

/**
 * Returns the commit of this dyno: the one that a release was built from, or a checkout's. Null
 * where neither is known, as for a program that was loaded over the network.
 */
export async function dynoCommit(): Promise<string | null> {
  try {
    const build = new TextDecoder().decode(packageBytes("build.json"));
    const { git_sha }: { git_sha: string | null } = JSON.parse(build);
    return git_sha;
  } catch { /* a checkout has none */ }
  try {
    // without its own .git, a repository around the package is a different one
    return existsSync(packageFile(".git") ?? "") ? await gitSha(packageFile("native/")!) : null;
  } catch {
    return null; // no permission to read
  }
}
