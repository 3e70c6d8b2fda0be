/** Uploads folders: only files that are missing there, compared by checksum. */
import { lstatSync, readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { runPool, WorkerLimit } from "../execute/pool.ts";
import { InputError } from "../errors.ts";
import { checksumsOf, fileChecksums } from "./checksums.ts";
import { closedFiles } from "./closed_files.ts";
import { listObjects } from "./list_objects.ts";
import { dropParts, isForgotten, PART_BYTES, putChecked, sendParts } from "./multipart.ts";
import { RefusedError, Storage, StorageError } from "./storage.ts";
import { missingKey, uploadTarget } from "./target.ts";
import type { ClosedFile } from "./closed_files.ts";
import type { ListedObject } from "./list_objects.ts";

/** Small files that are sent at the same time. */
const FILES_AT_ONCE = 8;

/** The destination of a folder, and its listeners. */
export interface UploadOptions {
  /** `s3://bucket/prefix` or `gs://bucket/prefix`; the folder's name is appended. */
  to: string;
  /** Aborting it ends the upload; what was sent stays, and the next call sends the rest. */
  signal: AbortSignal;
  /** Only reports what would be sent. */
  dry_run?: boolean;
  /** Called with each finished file. */
  onFile?: (name: string, progress: UploadProgress) => void;
}

/** The progress of an upload. */
export interface UploadProgress {
  /** Files of the folder. */
  files: number;
  /** Files that were sent, or would be sent in a dry run. */
  sent: number;
  /** Bytes of the files that were sent. */
  sent_bytes: number;
  /** Files that already exist with the same checksum. */
  present: number;
}

/** The result of an upload. */
export interface UploadResult extends UploadProgress {
  /** Where the folder is now. */
  to: string;
  /** Skipped: folders that a running process writes to. */
  in_use: string[];
  /** Skipped: links out of the folder, and what is not a regular file. */
  no_files: string[];
  /** In a dry run without a key: the missing variable. It is then unknown what already exists. */
  missing_key: string | null;
}

/**
 * Uploads a folder as `to/<its name>/…`. Files that exist with the same checksum are not sent
 * again, and a large file that was partly sent is continued. The SHA-256 is stored as the object's
 * metadata (`x-amz-meta-sha256`). The access key comes from the environment, see {@linkcode
 * bucketAccess}; a dry run without one assumes that no file exists there.
 *
 * @throws {InputError} the folder, the destination or the key is wrong, or a process writes to the
 * folder.
 * @throws {StorageError} the storage cannot be reached or failed repeatedly.
 * @throws {CancelledError} the signal was aborted.
 */
export async function uploadFolder(
  folder: string,
  { to, signal, dry_run = false, onFile = () => {} }: UploadOptions,
): Promise<UploadResult> {
  const target = uploadTarget(to);
  const { files, in_use, no_files } = closedFiles(folder);
  const base = [target.prefix, basename(resolve(folder))].filter(Boolean).join("/");
  const place = `${target.scheme}://${target.bucket}/${base}`;
  const missing_key = dry_run ? missingKey(target) : null;
  if (missing_key !== null) {
    const sent_bytes = files.reduce((sum, { size_bytes }) => sum + size_bytes, 0);
    const all = { files: files.length, sent: files.length, sent_bytes, present: 0 };
    return { ...all, to: place, in_use, no_files, missing_key };
  }
  const storage = Storage.open(target);
  const listed = await listObjects(storage, `${base}/`, signal);
  const progress: UploadProgress = { files: files.length, sent: 0, sent_bytes: 0, present: 0 };
  const one = async (file: ClosedFile, fileSignal: AbortSignal) => {
    const key = `${base}/${file.name}`;
    const seen = listed === null ? "unknown" : listed.get(key) ?? null;
    const sent_bytes = await sendFile(storage, key, file, seen, dry_run, fileSignal);
    if (sent_bytes === null) progress.present++;
    else {
      progress.sent++;
      progress.sent_bytes += sent_bytes;
    }
    onFile(file.name, { ...progress });
  };
  const small = files.filter(({ size_bytes }) => size_bytes <= PART_BYTES);
  await runPool(small, new WorkerLimit(FILES_AT_ONCE), signal, one);
  for (const file of files) if (file.size_bytes > PART_BYTES) await one(file, signal);
  return { ...progress, to: place, in_use, no_files, missing_key };
}

/** Bytes that were sent, or would be; null if the object already exists. */
async function sendFile(
  storage: Storage,
  key: string,
  file: ClosedFile,
  seen: ListedObject | null | "unknown",
  dry_run: boolean,
  signal: AbortSignal,
): Promise<number | null> {
  const large = file.size_bytes > PART_BYTES;
  const bytes = large ? null : readFileSync(file.path);
  const { sha256, md5 } = bytes ? checksumsOf(bytes) : await fileChecksums(file.path, signal);
  const may = seen === "unknown" || seen?.size_bytes === file.size_bytes;
  const same = seen !== "unknown" && seen?.etag === md5;
  if (same || may && await isThere(storage, key, file.size_bytes, sha256, signal)) {
    if (large && !dry_run) await dropParts(storage, key, signal);
    return null;
  }
  if (dry_run) return file.size_bytes;
  const sent_bytes = bytes
    ? await putWhole(storage, key, new Uint8Array(bytes), sha256, signal)
    : await putLarge(storage, key, file, sha256, signal);
  const now = lstatSync(file.path, { throwIfNoEntry: false });
  if (now?.size !== file.size_bytes || now.mtimeMs !== file.mtime_ms) {
    throw new InputError(`${file.path}: changed while it was sent; run the command again`);
  }
  return sent_bytes;
}

async function putWhole(
  storage: Storage,
  key: string,
  body: Uint8Array<ArrayBuffer>,
  sha256: string,
  signal: AbortSignal,
): Promise<number> {
  await putChecked(storage, { key, headers: { "x-amz-meta-sha256": sha256 }, body }, signal);
  return body.length;
}

/**
 * Sends a file in parts; starts again once if the storage has lost the parts of an earlier upload.
 */
async function putLarge(
  storage: Storage,
  key: string,
  file: ClosedFile,
  sha256: string,
  signal: AbortSignal,
): Promise<number> {
  const there = () => isThere(storage, key, file.size_bytes, sha256, signal);
  const send = () => sendParts(storage, key, file, sha256, there, signal);
  let sent_bytes: number;
  try {
    sent_bytes = await send();
  } catch (error) {
    if (!isForgotten(error)) throw error;
    sent_bytes = await send();
  }
  if (await there() !== false) return sent_bytes;
  throw new StorageError(`${key}: the storage holds other bytes than were sent`, 0, "");
}

/** Whether the object has this size and checksum; null if the access key may not ask. */
async function isThere(
  storage: Storage,
  key: string,
  size_bytes: number,
  sha256: string,
  signal: AbortSignal,
): Promise<boolean | null> {
  try {
    const { status, headers } = await storage.request({ method: "HEAD", key }, signal);
    return status === 200 && headers.get("x-amz-meta-sha256") === sha256 &&
      Number(headers.get("content-length")) === size_bytes;
  } catch (error) {
    if (error instanceof RefusedError) return null;
    throw error;
  }
}
