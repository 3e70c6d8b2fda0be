/** Which parts of a large file are at the storage already, so that a killed upload goes on. */
import { createHash } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { cacheFolders } from "../cache_folders.ts";
import { makeFolder, writeFileAtomic } from "../write.ts";

/** An upload that was begun. */
export interface PartsKept {
  schema_version: 1;
  /** The object's address. */
  url: string;
  upload_id: string;
  /** Of the whole file: another content is another upload. */
  sha256: string;
  part_bytes: number;
  /** The storage's ETag by the number of the part, from 1. */
  etags: Record<string, string>;
}

/** What is known of an upload to an address; null for nothing. */
export function readParts(url: string): PartsKept | null {
  try {
    const kept: PartsKept = JSON.parse(readFileSync(pathOf(url), "utf8"));
    return kept.schema_version === 1 && kept.url === url ? kept : null;
  } catch {
    return null; // none, or a damaged one: the upload begins again
  }
}

/** Keeps it; where that cannot be, the upload is made without. */
export function writeParts(parts: PartsKept): void {
  const path = pathOf(parts.url);
  try {
    makeFolder(dirname(path));
    writeFileAtomic(path, JSON.stringify(parts), { sync: false });
  } catch { /* no place to remember: nothing else is lost */ }
}

export function forgetParts(url: string): void {
  rmSync(pathOf(url), { force: true });
}

/** Beside the cache of libdyno: the uploaded folder is left as it is. */
function pathOf(url: string): string {
  const hash = createHash("sha256").update(url).digest("hex").slice(0, 32);
  return join(dirname(cacheFolders()[0] ?? "/nonexistent/native"), "uploads", `${hash}.json`);
}
