/**
 * Keeps built or extracted libraries in one of the user's folders. A file is there completely or
 * not at all.
 */
import { createHash } from "node:crypto";
import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ownFolder } from "../cache_folders.ts";
import { messageOf, ToldError } from "../errors.ts";

/** SHA-256, hexadecimal. */
export function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/**
 * The name contains the key and the content's hash, so that a partly written file is never opened.
 */
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

/** The start and end of a kept file's name. */
export interface FileName {
  name: string;
  suffix: string;
}

const LIBRARY: FileName = { name: "libdyno", suffix: ".so" };

/** What to keep, how to make it and how to open it. */
export interface CachedInstall<Opened> {
  folders: readonly string[];
  /** Everything that the content depends on. */
  key: string;
  /** The content's hash, if it is known beforehand. */
  sha256?: string;
  /** Makes the content; may work in the given folder. Called at most once. */
  make: (folder: string) => Promise<Uint8Array>;
  open: (path: string) => Promise<Opened>;
  /** Default: libdyno's name. */
  file?: FileName;
}

/**
 * Opens the library with `open`, from the first folder that has it or can keep it. A folder is
 * skipped, and the reason kept, if it belongs to another user, is full, or is mounted `noexec`.
 */
export async function installCached<Opened>(
  install: CachedInstall<Opened>,
): Promise<{ library: Opened | null; reasons: string[] }> {
  const file = install.file ?? LIBRARY;
  const reasons: string[] = [];
  let bytes: Uint8Array | null = null;
  for (const folder of install.folders) {
    try {
      ownFolder(folder);
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
      if (error instanceof BuildError) break; // another folder would not help
    }
  }
  return { library: null, reasons };
}

/** The library cannot be built, so another folder would not help. */
export class BuildError extends ToldError {
  override readonly name = "BuildError";
}
