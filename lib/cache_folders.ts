/** The user's own folders for what dyno builds, extracts or remembers. */
import { lstatSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { environment } from "./environment.ts";

function userId(): number | null {
  try {
    return process.getuid?.() ?? null;
  } catch {
    return null; // not permitted
  }
}

/** The user's cache folder, then others for where that one cannot hold programs. */
export function cacheFolders(): string[] {
  const user = userId(); // a folder in /tmp is only trusted when its owner can be told
  const home = environment("HOME");
  const cache = environment("XDG_CACHE_HOME") ?? (home && join(home, ".cache"));
  const run = environment("XDG_RUNTIME_DIR");
  return [
    ...(cache ? [join(cache, "dyno", "native")] : []),
    ...(run ? [join(run, "dyno", "native")] : []),
    ...(user === null ? [] : [join(environment("TMPDIR") ?? "/tmp", `dyno-${user}`)]),
  ];
}

/**
 * Makes a folder, 0700.
 *
 * @throws {Error} it cannot be made, is not this user's, or others may write to it.
 */
export function ownFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const status = lstatSync(folder);
  const owner = userId();
  if (!status.isDirectory() || (owner !== null && status.uid !== owner)) {
    throw new Error(`${folder} is not a folder of this user's`);
  }
  if ((status.mode & 0o022) !== 0) {
    throw new Error(`${folder} can be written by others: chmod 700 ${folder}`);
  }
}
