/**
 * The files inside a single executable made of Node. They can be read there, but nothing can open them by a
 * path: each is written to the user's cache when it is first asked for, and its hash checked in every
 * process that asks.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
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
let folder: string | undefined;
const checked = new Set<string>();

function inside(): Contents | null {
  return contents === undefined ? contents = readContents() : contents;
}

/** Whether this program is a single executable made of Node. */
export function isSingleFile(): boolean {
  return inside() !== null;
}

/**
 * Where a file, or a folder with all that is in it (its name ends with a slash), lies as the package
 * has it: extracted, and whole. Null where this program is no such executable.
 *
 * @throws {InputError} no folder of the user's can hold it.
 */
export function extracted(name: string): string | null {
  const found = inside();
  if (found === null) return null;
  folder ??= ownPlace(found);
  for (const path of Object.keys(found.hashes)) {
    if (path !== name && !(name.endsWith("/") && path.startsWith(name))) continue;
    if (!checked.has(path)) extract(found, path, join(folder, path));
    checked.add(path);
  }
  return join(folder, name);
}

function ownPlace({ hash }: Contents): string {
  const reasons: string[] = [];
  for (const cache of cacheFolders()) {
    try {
      ownFolder(cache);
      const place = join(cache, `files-${hash.slice(0, 32)}`);
      ownFolder(place);
      return place;
    } catch (error) {
      reasons.push(messageOf(error));
    }
  }
  throw new InputError(
    `the files inside this program need a folder that only you may write to: ` +
      `${reasons.join("; ") || "there is none"}; name one in XDG_CACHE_HOME`,
  );
}

function extract({ sea, hashes }: Contents, path: string, to: string): void {
  if (existsSync(to) && sha256(readFileSync(to)) === hashes[path]) return;
  const bytes = new Uint8Array(sea.getRawAsset(path));
  if (sha256(bytes) !== hashes[path]) {
    throw new InputError(`${path} inside ${process.execPath} is damaged: fetch the program again`);
  }
  mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
  const part = `${to}.${process.pid}.part`;
  try {
    writeFileSync(part, bytes, { mode: 0o600 });
    renameSync(part, to);
  } finally {
    rmSync(part, { force: true });
  }
}
