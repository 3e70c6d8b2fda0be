/** The user's own folders for what dyno builds, extracts or remembers. */
import { lstatSync, mkdirSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
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
 * @throws {Error} it cannot be made, is not this user's, or others may write to it or replace it.
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
  // whoever may rename a folder above puts another in its place between a check and a use
  for (const { above, mode, uid } of foldersAbove(folder)) {
    const isForeign = owner !== null && uid !== owner && uid !== 0;
    if (isForeign || ((mode & 0o002) !== 0 && (mode & STICKY) === 0)) {
      throw new Error(
        `${folder}: ${above} above it belongs to another user, or all may write to it`,
      );
    }
  }
}

/** The folders above a folder, links followed; as far as permissions show them. */
function* foldersAbove(folder: string): Generator<{ above: string; mode: number; uid: number }> {
  try {
    let above = realpathSync(folder);
    while (above !== dirname(above)) {
      above = dirname(above);
      const { mode, uid } = lstatSync(above);
      yield { above, mode, uid };
    }
  } catch { /* Deno's narrow permissions: they are not ours to look at */ }
}

/** In such a folder only its owner renames what is another's. */
const STICKY = 0o1000;
