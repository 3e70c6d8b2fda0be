/** Keeps built or extracted libraries in a folder of the user's own, whole or not at all. */
import { createHash } from "node:crypto";
import { lstat, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { messageOf, ToldError } from "../errors.ts";
import { environment } from "./environment.ts";

/** SHA-256, hexadecimal. */
export function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

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

/** Makes the folder, 0700; refuses one that others may write to. */
async function ownFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const status = await lstat(folder);
  const owner = userId();
  if (!status.isDirectory() || (owner !== null && status.uid !== owner)) {
    throw new Error(`${folder} is not a folder of this user's`);
  }
  if ((status.mode & 0o022) !== 0) {
    throw new Error(`${folder} can be written by others: chmod 700 ${folder}`);
  }
}

/** Names tell the key and the hash of the content, so that a torn file is never opened. */
function nameOf({ name, suffix }: FileName, key: string, hash: string): string {
  return `${name}-${key}-${hash.slice(0, 32)}${suffix}`;
}

async function wholeFile(folder: string, named: FileName, key: string): Promise<string | null> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith(`${named.name}-${key}-`)) continue;
    const path = join(folder, name);
    if (name === nameOf(named, key, sha256(await readFile(path)))) return path;
    await rm(path, { force: true });
  }
  return null;
}

async function writeWhole(
  folder: string,
  named: FileName,
  key: string,
  bytes: Uint8Array,
): Promise<string> {
  const temporary = join(folder, `.${key}-${crypto.randomUUID()}`);
  const path = join(folder, nameOf(named, key, sha256(bytes)));
  try {
    await writeFile(temporary, bytes, { mode: 0o700 });
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
  return path;
}

/** What a kept file's name begins and ends with. */
export interface FileName {
  name: string;
  suffix: string;
}

const LIBRARY: FileName = { name: "libdyno", suffix: ".so" };

/** What is to be kept, how to make it and how to try it. */
export interface CachedInstall<Opened> {
  folders: readonly string[];
  /** Everything that the content depends on. */
  key: string;
  /** The content's hash where it is known beforehand. */
  sha256?: string;
  /** Makes the content; may work in the given folder. Called once at most. */
  make: (folder: string) => Promise<Uint8Array>;
  open: (path: string) => Promise<Opened>;
  /** Default: libdyno's. */
  file?: FileName;
}

/**
 * Opens the library, or what `open` gives, from the first folder that holds it or can. A folder that is not the user's, is
 * full, or is mounted `noexec` is passed over, and the reason kept.
 */
export async function installCached<Opened>(
  install: CachedInstall<Opened>,
): Promise<{ library: Opened | null; reasons: string[] }> {
  const file = install.file ?? LIBRARY;
  const reasons: string[] = [];
  let bytes: Uint8Array | null = null;
  for (const folder of install.folders) {
    try {
      await ownFolder(folder);
      let path = await wholeFile(folder, file, install.key);
      if (!path) {
        bytes ??= await install.make(folder);
        if (install.sha256 && sha256(bytes) !== install.sha256) {
          throw new BuildError("its content is damaged: the hash is another");
        }
        path = await writeWhole(folder, file, install.key, bytes);
      }
      return { library: await install.open(path), reasons };
    } catch (error) {
      const reason = messageOf(error);
      const isNamed = error instanceof BuildError || reason.includes(folder);
      reasons.push(isNamed ? reason : `${folder}: ${reason}`);
      if (error instanceof BuildError) break; // no other folder will help
    }
  }
  return { library: null, reasons };
}

/** The library cannot be made, wherever it were put. */
export class BuildError extends ToldError {
  override readonly name = "BuildError";
}
