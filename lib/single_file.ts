/**
 * The files inside a single executable made of Node. They can be read there, but nothing can open them by
 * a path: a folder that must have one is written to the user's cache when it is first asked for, and the
 * hashes of its files are checked in every process that asks.
 */
import { createHash } from "node:crypto";
import { existsSync, lstatSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { cacheFolders, ownFolder } from "./cache_folders.ts";
import { InputError, messageOf } from "./errors.ts";

/** The part of node:sea that is used. */
interface SingleExecutable {
  isSea(): boolean;
  getRawAsset(key: string): ArrayBuffer;
}

/** The asset that lists the others: SHA-256, hexadecimal, by path below the package's folder. */
export const CONTENTS = "contents.json";

interface Contents {
  sea: SingleExecutable;
  hashes: Record<string, string>;
  /** Of the list itself: the folder's name. */
  hash: string;
}

function readContents(): Contents | null {
  const builtin = (process as { getBuiltinModule?(name: string): unknown }).getBuiltinModule;
  const sea = builtin?.("node:sea") as SingleExecutable | undefined;
  if (!sea?.isSea()) return null;
  const list = new Uint8Array(sea.getRawAsset(CONTENTS));
  return { sea, hashes: JSON.parse(new TextDecoder().decode(list)), hash: sha256(list) };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

let contents: Contents | null | undefined;
const extractedAt = new Map<string, string>();

function inside(): Contents | null {
  return contents === undefined ? contents = readContents() : contents;
}

/** Whether this program is a single executable made of Node. */
export function isSingleFile(): boolean {
  return inside() !== null;
}

/** The bytes of a file inside, by its path below the package's folder; null where it is not there. */
export function readInside(path: string): Uint8Array<ArrayBuffer> | null {
  const found = inside();
  if (found === null || !Object.hasOwn(found.hashes, path)) return null;
  return new Uint8Array(found.sea.getRawAsset(path));
}

/**
 * Where a folder of the package lies, extracted and whole; its name ends with a slash. Null where this
 * program is no such executable.
 *
 * @throws {InputError} no folder of the user's can hold it.
 */
export function extracted(folder: string): string | null {
  const found = inside();
  if (found === null) return null;
  let at = extractedAt.get(folder);
  if (at === undefined) extractedAt.set(folder, at = join(extractFolder(found, folder), folder));
  return at;
}

const nameOf = ({ hash }: Contents) => `files-${hash.slice(0, 32)}`;

/** The folders that hold what was extracted, by this process or by another. */
export function extractedFolders(): string[] {
  const found = inside();
  if (found === null) return [];
  return cacheFolders().map((cache) => join(cache, nameOf(found))).filter((at) => existsSync(at));
}

/** Extracts into the first of the user's folders that can hold it all; where that is. */
function extractFolder(found: Contents, folder: string): string {
  const files = Object.keys(found.hashes).filter((path) => path.startsWith(folder))
    .map((path) => ({ path, bytes: wholeBytes(found, path) }));
  const reasons: string[] = [];
  for (const cache of cacheFolders()) {
    const place = join(cache, nameOf(found));
    try {
      const own = new Set([cache, place, ...files.flatMap(({ path }) => foldersOf(place, path))]);
      own.forEach(ownFolder);
      for (const { path, bytes } of files) putWhole(join(place, path), bytes, found.hashes[path]);
      return place;
    } catch (error) {
      const reason = messageOf(error);
      reasons.push(reason.includes(cache) ? reason : `${place}: ${reason}`);
    }
  }
  throw new InputError(
    `the files inside this program need a folder that only you may write to: ` +
      `${reasons.join("; ") || "there is none"}; name one in XDG_CACHE_HOME`,
  );
}

/** The folders between a place and a file below it, the higher ones first. */
function foldersOf(place: string, path: string): string[] {
  const names = path.split("/").slice(0, -1);
  return names.map((_, i) => join(place, ...names.slice(0, i + 1)));
}

/** @throws {InputError} it is not what the list says. */
function wholeBytes({ sea, hashes }: Contents, path: string): Uint8Array {
  const bytes = new Uint8Array(sea.getRawAsset(path));
  if (sha256(bytes) === hashes[path]) return bytes;
  throw new InputError(`${path} inside ${process.execPath} is damaged: fetch the program again`);
}

/** Writes a file where it is not there yet, or is another, a link, a pipe. */
function putWhole(to: string, bytes: Uint8Array, hash: string): void {
  const there = lstatSync(to, { throwIfNoEntry: false });
  const may = there?.isFile() && there.size === bytes.length;
  if (may && sha256(readFileSync(to)) === hash) return;
  const part = `${to}.${crypto.randomUUID()}.part`;
  try {
    writeFileSync(part, bytes, { mode: 0o600 });
    renameSync(part, to);
  } finally {
    rmSync(part, { force: true });
  }
}
