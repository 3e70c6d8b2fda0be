/**
 * Native files of a release, built beforehand for each platform and stored next to their hashes.
 */
import { join } from "node:path";
import process from "node:process";
import { bytesAt } from "../package_files.ts";
import { sha256 } from "./cache.ts";

/** A file of native/prebuilt. */
export interface Prebuilt {
  path: string;
  bytes: Uint8Array;
  /** SHA-256 of its content, hexadecimal. */
  sha256: string;
}

/** The platform's name in prebuilt folders: `linux-x64`. */
export function platformName(): string {
  return `${process.platform}-${process.arch}`;
}

/**
 * Reads a prebuilt file for this platform from the folder `native`. Null if there is none, as in a
 * checkout. A message if the file is damaged, because loading such a library would kill the
 * process.
 */
export async function readPrebuilt(
  native: string,
  name: string,
): Promise<Prebuilt | string | null> {
  const path = join(native, "prebuilt", platformName(), name);
  let bytes: Uint8Array, hash: string;
  try {
    bytes = await bytesAt(path);
    hash = new TextDecoder().decode(await bytesAt(`${path}.sha256`));
  } catch {
    return null;
  }
  if (sha256(bytes) !== hash.trim()) return `${path} is damaged: its hash is another`;
  return { path, bytes, sha256: hash.trim() };
}
