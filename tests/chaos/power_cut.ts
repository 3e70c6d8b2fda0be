/**
 * What a power cut leaves of a folder: POSIX promises what was synced, and nothing else. Of a file's writes
 * since its last sync some are there, the last of them maybe in part; of changes of names that no sync of
 * their folder followed, those up to some one.
 */
import { spawnSync } from "node:child_process";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const SOURCE = fileURLToPath(new URL("power_cut.c", import.meta.url));
const HEADER_BYTES = 21;

/** One change of the disk. */
interface Change {
  kind: string;
  path: string;
  to: string;
  bytes: Uint8Array;
  at: number;
}

/** A file, whatever its names: what is on the disk for certain, and what may be. */
interface Content {
  synced: Uint8Array;
  /** Since then: writes and cuts. */
  open: Change[];
}

/** A change of names, and whether a sync made it last. */
interface Naming {
  change: Change;
  content: Content | null;
  synced: boolean;
}

/** Builds the recorder into a folder; gives its path. @throws it cannot be built. */
export function builtRecorder(folder: string): string {
  const path = join(folder, "power_cut.so");
  const flags = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"];
  const built = spawnSync("cc", [...flags, "-o", path, SOURCE, "-ldl", "-pthread"]);
  if (built.status !== 0) throw new Error(String(built.stderr));
  return path;
}

/** The environment in which a dyno's changes, and those of what it starts, under `folder` are written down in `log`. */
export function recorded(recorder: string, folder: string, log: string): Record<string, string> {
  return {
    LD_PRELOAD: recorder,
    POWER_CUT_PROGRAM: basename(process.execPath),
    POWER_CUT_UNDER: folder,
    POWER_CUT_LOG: log,
  };
}

/** The changes of a log, without those of the index, which is a cache of SQLite's own care. */
export function changesIn(log: string): Change[] {
  const all = readFileSync(log);
  const changes: Change[] = [];
  for (let at = 0; at < all.length;) {
    const [a, b, n] = [1, 5, 9].map((offset) => all.readUInt32LE(at + offset));
    const text = (from: number, length: number) => all.toString("utf8", from, from + length);
    const start = at + HEADER_BYTES;
    changes.push({
      kind: text(at, 1),
      path: text(start, a),
      to: text(start + a, b),
      bytes: all.subarray(start + a + b, start + a + b + n),
      at: Number(all.readBigInt64LE(at + 13)),
    });
    at = start + a + b + n;
  }
  return changes.filter(({ path }) => !path.includes("/index.sqlite"));
}

/** The files and folders below a folder: null is a folder. */
export type Tree = Map<string, Uint8Array | null>;

export function treeOf(folder: string): Tree {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return new Map(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path, entry.isDirectory() ? null : readFileSync(path)] as const;
    }).sort(([a], [b]) => a < b ? -1 : 1),
  );
}

/** When each was written, ms. */
export function timesOf(tree: Tree): Map<string, number> {
  return new Map([...tree.keys()].map((path) => [path, statSync(path).mtimeMs]));
}

/**
 * Puts a tree in the place of what a folder holds.
 *
 * @param times when paths were written, ms, where that is to stay.
 */
export function putTree(folder: string, tree: Tree, times: Map<string, number>): void {
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
  for (const [path, bytes] of [...tree].sort(([a], [b]) => a < b ? -1 : 1)) {
    if (bytes === null) mkdirSync(path, { recursive: true });
    else writeFileSync(path, bytes);
  }
  for (const [path, ms] of times) if (tree.has(path)) utimesSync(path, ms / 1000, ms / 1000);
}

/** A write or a cut on a file's bytes. */
function applied(bytes: Uint8Array, { kind, at, bytes: written }: Change): Uint8Array {
  const end = kind === "T" ? at : Math.max(bytes.length, at + written.length);
  const next = new Uint8Array(end);
  next.set(bytes.subarray(0, end));
  if (kind === "W") next.set(written, at);
  return next;
}

/**
 * What is there of a folder after a power cut behind some changes.
 *
 * @param random draws what of the rest is there; null for nothing of it.
 */
export function afterCut(
  folder: string,
  before: Tree,
  changes: readonly Change[],
  random: (() => number) | null,
): Tree {
  const contents = new Map<string, Content>();
  for (const [path, bytes] of before) if (bytes) contents.set(path, { synced: bytes, open: [] });
  const first = new Map(contents);
  const namings: Naming[] = [];
  for (const change of changes) {
    const { kind, path, to } = change;
    const content = contents.get(path) ?? null;
    if (kind === "W" || kind === "T") content?.open.push(change);
    else if (kind === "S") {
      if (content) {
        content.synced = content.open.reduce(applied, content.synced);
        content.open = [];
      } else {
        const inIt = (name: string) => name !== "" && dirname(name) === path;
        for (const naming of namings) {
          if (inIt(naming.change.path) || inIt(naming.change.to)) naming.synced = true;
        }
      }
    } else {
      const made = kind === "C" ? { synced: new Uint8Array(), open: [] } : content;
      namings.push({ change, content: made, synced: false });
      if (kind === "C") contents.set(path, made!);
      if (kind === "R" || kind === "U") contents.delete(path);
      if (kind === "R" || kind === "L") rename(contents, path, to, made);
    }
  }
  const names = new Map<string, Content | null>(first);
  for (const [path, bytes] of before) if (bytes === null) names.set(path, null);
  const unsure = namings.filter(({ synced }) => !synced).length;
  let kept = random === null ? 0 : Math.floor(random() * (unsure + 1));
  for (const { change: { kind, path, to }, content, synced } of namings) {
    if (!synced && kept-- <= 0) continue;
    if (kind === "C") names.set(path, content);
    if (kind === "M") names.set(path, null);
    if (kind === "R" && names.has(path)) rename(names, path, to, content);
    if (kind === "L") names.set(to, content);
    if (kind === "R" || kind === "U") names.delete(path);
  }
  const tree: Tree = new Map();
  for (const [path, content] of [...names].sort(([a], [b]) => a < b ? -1 : 1)) {
    if (dirname(path) !== folder && tree.get(dirname(path)) !== null) continue; // its folder is gone
    tree.set(path, content === null ? null : left(content, random));
  }
  return tree;
}

function rename<Value>(names: Map<string, Value>, path: string, to: string, value: Value): void {
  names.set(to, value);
  for (const [inner, its] of [...names]) {
    if (!inner.startsWith(`${path}/`)) continue;
    names.delete(inner);
    names.set(to + inner.slice(path.length), its);
  }
}

function left({ synced, open }: Content, random: (() => number) | null): Uint8Array {
  if (random === null || open.length === 0) return synced;
  const whole = Math.floor(random() * (open.length + 1));
  const bytes = open.slice(0, whole).reduce(applied, synced);
  const next = open[whole];
  if (next === undefined || next.kind === "T" || random() < 0.5) return bytes;
  const part = next.bytes.subarray(0, Math.floor(random() * next.bytes.length));
  return applied(bytes, { ...next, bytes: part });
}
