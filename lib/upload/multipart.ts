/** Uploads a large file in parts, several at a time; continues after the parts that exist. */
import { Buffer } from "node:buffer";
import { open } from "node:fs/promises";
import { runPool, WorkerLimit } from "../execute/pool.ts";
import { checksumsOf } from "./checksums.ts";
import { openUploads } from "./list_objects.ts";
import { type Storage, StorageError } from "./storage.ts";
import { elementText } from "./xml.ts";
import { createHash } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { cacheFolders } from "../cache_folders.ts";
import { makeFolder, writeFileAtomic } from "../write.ts";
import type { ClosedFile } from "./closed_files.ts";

/** A file up to this size is sent in one piece. */
export const PART_BYTES = 8 << 20;
const MOST_PARTS = 10_000;
const PARTS_AT_ONCE = 4;

/** The size of a file's parts: always the same, so that parts of an earlier upload fit. */
export function partBytes(size_bytes: number): number {
  return Math.max(PART_BYTES, Math.ceil(size_bytes / MOST_PARTS / (1 << 20)) * (1 << 20));
}

/**
 * Sends a file in parts.
 *
 * @param sha256 of the file, stored as the object's metadata.
 * @param isThere whether the whole object exists; null if that cannot be asked.
 * @returns the bytes that were sent by this call.
 * @throws {StorageError} also if an earlier upload no longer exists: the next try starts again.
 */
export async function sendParts(
  storage: Storage,
  key: string,
  file: ClosedFile,
  sha256: string,
  isThere: () => Promise<boolean | null>,
  signal: AbortSignal,
): Promise<number> {
  const kept = await begun(storage, key, file, sha256, signal);
  const { part_bytes, upload_id: uploadId } = kept;
  const count = Math.ceil(file.size_bytes / part_bytes);
  const missing = Array.from({ length: count }, (_, i) => i + 1)
    .filter((part) => kept.etags[part] === undefined);
  let sent_bytes = 0;
  const source = await open(file.path, "r");
  try {
    await runPool(missing, new WorkerLimit(PARTS_AT_ONCE), signal, async (part, partSignal) => {
      const from = (part - 1) * part_bytes;
      const body = await bytesAt(source, from, Math.min(part_bytes, file.size_bytes - from));
      const query = { partNumber: String(part), uploadId };
      kept.etags[part] = await putChecked(storage, { key, query, body }, partSignal);
      sent_bytes += body.length;
      writeParts(kept);
    });
    const body = new TextEncoder().encode(listOf(kept, count));
    // if the answer to this is lost, the object itself shows the outcome
    await storage.ensure({ method: "POST", key, query: { uploadId }, body }, isThere, signal);
  } catch (error) {
    if (isForgotten(error)) forgetParts(kept.url);
    throw error;
  } finally {
    await source.close();
  }
  forgetParts(kept.url);
  return sent_bytes;
}

/** Whether the storage no longer has the parts of an earlier upload. */
export function isForgotten(error: unknown): boolean {
  return error instanceof StorageError && /^(NoSuchUpload|InvalidPart)/.test(error.code);
}

/** The earlier upload of this content, or a new one. */
async function begun(
  storage: Storage,
  key: string,
  { size_bytes }: ClosedFile,
  sha256: string,
  signal: AbortSignal,
): Promise<PartsKept> {
  const url = `${storage.url}/${key}`;
  const part_bytes = partBytes(size_bytes);
  const kept = readParts(url);
  if (kept?.sha256 === sha256 && kept.part_bytes === part_bytes) return kept;
  if (kept) await abandon(storage, key, kept.upload_id, signal);
  const { text } = await storage.request({
    method: "POST",
    key,
    query: { uploads: "" },
    headers: { "x-amz-meta-sha256": sha256 },
  }, signal);
  const upload_id = elementText(text, "UploadId");
  if (!upload_id) throw new StorageError(`${url}: the storage named no upload`, 0, "");
  await abandonOthers(storage, key, upload_id, signal);
  const fresh: PartsKept = { schema_version: 1, url, upload_id, sha256, part_bytes, etags: {} };
  writeParts(fresh);
  return fresh;
}

/** Discards the record of an upload to an object that is complete. */
export async function dropParts(storage: Storage, key: string, signal: AbortSignal): Promise<void> {
  const url = `${storage.url}/${key}`;
  const kept = readParts(url);
  if (kept === null) return;
  await abandon(storage, key, kept.upload_id, signal);
  forgetParts(url);
}

/**
 * Aborts uploads whose id is unknown, because a process was killed or their first answer was lost.
 */
async function abandonOthers(storage: Storage, key: string, own: string, signal: AbortSignal) {
  let open: string[];
  try {
    open = await openUploads(storage, key, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    return; // this access key may not list them, or the storage does not support it
  }
  for (const id of open.filter((id) => id !== own)) await abandon(storage, key, id, signal);
}

/** Aborts an upload, because parts that are never completed cost money. */
async function abandon(storage: Storage, key: string, uploadId: string, signal: AbortSignal) {
  try {
    await storage.request({ method: "DELETE", key, query: { uploadId } }, signal);
  } catch (error) {
    if (signal.aborted) throw error;
  }
}

/**
 * Uploads bytes with checksums that the storage checks, and checks the storage's own; returns the
 * ETag.
 *
 * @throws {StorageError} the storage has different content.
 */
export async function putChecked(
  storage: Storage,
  { key, query, headers, body }: {
    key: string;
    query?: Record<string, string>;
    headers?: Record<string, string>;
    body: Uint8Array<ArrayBuffer>;
  },
  signal: AbortSignal,
): Promise<string> {
  const { md5 } = checksumsOf(body);
  for (let attempt = 1;; attempt++) {
    const reply = await storage.request({
      method: "PUT",
      key,
      query,
      headers: { ...headers, "content-md5": Buffer.from(md5, "hex").toString("base64") },
      body,
    }, signal);
    const etag = reply.headers.get("etag") ?? "";
    const keyed = reply.headers.get("x-amz-server-side-encryption")?.startsWith("aws:kms") ||
      reply.headers.has("x-amz-server-side-encryption-customer-algorithm");
    // an ETag of another form, or of content encrypted with a key, is not an MD5
    if (keyed || !/^"?[0-9a-f]{32}"?$/.test(etag) || etag.replaceAll('"', "") === md5) return etag;
    if (attempt === 3) {
      throw new StorageError(`${key}: the storage holds other bytes than were sent`, 0, "");
    }
  }
}

async function bytesAt(
  source: Awaited<ReturnType<typeof open>>,
  position: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const { bytesRead } = await source.read(bytes, done, length - done, position + done);
    if (bytesRead === 0) throw new StorageError("a file became shorter while it was sent", 0, "");
    done += bytesRead;
  }
  return bytes;
}

function listOf({ etags }: PartsKept, count: number): string {
  const parts = Array.from({ length: count }, (_, i) => {
    const etag = etags[i + 1].replace(/"/g, "&quot;");
    return `<Part><PartNumber>${i + 1}</PartNumber><ETag>${etag}</ETag></Part>`;
  });
  return `<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`;
}

/** An upload that was started. */
interface PartsKept {
  schema_version: 1;
  /** The object's address. */
  url: string;
  upload_id: string;
  /** Hash of the whole file: other content needs another upload. */
  sha256: string;
  part_bytes: number;
  /** The storage's ETags by part number, from 1. */
  etags: Record<string, string>;
}

/** The recorded upload to an address; null if there is none. */
function readParts(url: string): PartsKept | null {
  try {
    const kept: PartsKept = JSON.parse(readFileSync(pathOf(url), "utf8"));
    return kept.schema_version === 1 && kept.url === url ? kept : null;
  } catch {
    return null; // missing or damaged: the upload starts again
  }
}

/** Writes the record; if that fails, the upload continues without one. */
function writeParts(parts: PartsKept): void {
  const path = pathOf(parts.url);
  try {
    makeFolder(dirname(path));
    writeFileAtomic(path, JSON.stringify(parts), { sync: false });
  } catch { /* no place to remember: nothing else is lost */ }
}

function forgetParts(url: string): void {
  rmSync(pathOf(url), { force: true });
}

/** Next to libdyno's cache, so that the uploaded folder is not changed. */
function pathOf(url: string): string {
  const hash = createHash("sha256").update(url).digest("hex").slice(0, 32);
  return join(dirname(cacheFolders()[0] ?? "/nonexistent/native"), "uploads", `${hash}.json`);
}
