/** Archives a run directory as a single .tar.gz file. */
import {
  closeSync,
  createReadStream,
  createWriteStream,
  existsSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
} from "node:fs";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { finished } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { dirname, join } from "node:path";
import { InputError } from "../errors.ts";
import { notWritten, syncFolder } from "../write.ts";

const BLOCK = 512;

/** A file or folder, and its name in the archive. */
interface Entry {
  name: string;
  path: string;
  size: number;
  mtime_s: number;
  folder: boolean;
}

/**
 * Writes the run at `source`, without its lock, to `target` as a gzipped tar (POSIX.1-2001, with
 * pax headers for long names), under the name `name/`. The file appears complete and synced, or not
 * at all.
 *
 * @returns the size of the archive in bytes.
 * @throws {InputError} the archive cannot be written, another one exists there, or a file changed
 * while it was read.
 */
export async function archiveFolder(source: string, name: string, target: string): Promise<number> {
  const temporary = `${target}.tmp`;
  try {
    const gzip = createGzip({ level: 6 });
    const out = createWriteStream(temporary);
    const ended = finished(gzip.pipe(out));
    ended.catch(() => {}); // reported below
    try {
      for (const entry of entriesOf(source, name)) await writeEntry(gzip, entry);
      gzip.end(Buffer.alloc(2 * BLOCK));
    } catch (error) {
      gzip.destroy();
      out.destroy();
      throw error;
    }
    await ended;
    const fd = openSync(temporary, "r+");
    fsyncSync(fd);
    closeSync(fd);
    // from an earlier attempt, cut off before the folder was removed
    if (existsSync(target) && !sameContent(temporary, target)) {
      throw new InputError(`${target}: exists already; remove it, or give another --to DIR`);
    }
    renameSync(temporary, target);
    syncFolder(dirname(target)); // before the folder is removed
    return lstatSync(target).size;
  } catch (error) {
    try {
      rmSync(temporary, { force: true });
    } catch { /* the next one writes over it */ }
    throw notWritten(target, error);
  }
}

function sameContent(a: string, b: string): boolean {
  if (lstatSync(a).size !== lstatSync(b).size) return false;
  const [one, other] = [a, b].map((path) => ({
    fd: openSync(path, "r"),
    bytes: Buffer.alloc(1 << 20),
  }));
  try {
    for (;;) {
      const lengths = [one, other].map(({ fd, bytes }) => readSync(fd, bytes));
      if (!one.bytes.subarray(0, lengths[0]).equals(other.bytes.subarray(0, lengths[1]))) {
        return false;
      }
      if (lengths[0] === 0) return true;
    }
  } finally {
    closeSync(one.fd);
    closeSync(other.fd);
  }
}

/** The locks of a run and of its tags, and drafts of them from processes that tried to take one. */
const LOCK = /^run(?:_metadata\.json)?\.lock/;

/**
 * A folder and all that it contains. Locks, links and everything else that is not a plain file are
 * left out. A folder's time is that of the newest file in it, since its own changes with the lock.
 */
function entriesOf(path: string, name: string): Entry[] {
  const found = lstatSync(path);
  if (found.isFile()) {
    const mtime_s = Math.floor(found.mtimeMs / 1000);
    return [{ name, path, size: found.size, mtime_s, folder: false }];
  }
  if (!found.isDirectory()) return [];
  const inside = readdirSync(path).filter((child) => !LOCK.test(child)).sort()
    .flatMap((child) => entriesOf(join(path, child), `${name}/${child}`));
  const mtime_s = inside.reduce((newest, { mtime_s }) => Math.max(newest, mtime_s), 0);
  return [{ name: `${name}/`, path, size: 0, mtime_s, folder: true }, ...inside];
}

async function writeEntry(gzip: ReturnType<typeof createGzip>, entry: Entry): Promise<void> {
  const write = async (bytes: Uint8Array) => {
    if (!gzip.write(bytes)) await once(gzip, "drain");
  };
  const long = Buffer.byteLength(entry.name) > 100 || entry.size >= 8 ** 11;
  if (long) {
    const records = paxRecord("path", entry.name) + paxRecord("size", String(entry.size));
    const bytes = Buffer.from(records);
    await write(header("pax", bytes.length, entry.mtime_s, "x"));
    await write(padded(bytes));
  }
  await write(header(entry.name, entry.size, entry.mtime_s, entry.folder ? "5" : "0"));
  let written = 0;
  if (entry.size > 0) {
    for await (const chunk of createReadStream(entry.path, { end: entry.size - 1 })) {
      written += chunk.length;
      await write(chunk);
    }
  }
  if (written !== entry.size) {
    throw new InputError(`${entry.path}: became shorter while it was read; try again`);
  }
  const rest = entry.size % BLOCK;
  if (rest > 0) await write(Buffer.alloc(BLOCK - rest));
}

/** A record `length key=value\n`, where the length includes itself. */
function paxRecord(key: string, value: string): string {
  const body = ` ${key}=${value}\n`;
  let length = Buffer.byteLength(body) + 1;
  while (Buffer.byteLength(`${length}${body}`) !== length) length++;
  return `${length}${body}`;
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((BLOCK - bytes.length % BLOCK) % BLOCK)]);
}

/** A ustar header; values that do not fit are in a pax header before it. */
function header(name: string, size: number, mtime_s: number, type: "0" | "5" | "x"): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(Buffer.from(name).subarray(0, 100).toString("latin1"), 0, "latin1");
  const octal = (value: number, at: number, digits: number) =>
    block.write(value.toString(8).padStart(digits, "0").slice(-digits) + "\0", at, "latin1");
  octal(type === "5" ? 0o755 : 0o644, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(size, 124, 11);
  octal(mtime_s, 136, 11);
  block.write("        ", 148, "latin1"); // the checksum is computed with blanks in its place
  block.write(type, 156, "latin1");
  block.write("ustar\0" + "00", 257, "latin1");
  const checksum = block.reduce((sum, byte) => sum + byte, 0);
  block.write(checksum.toString(8).padStart(6, "0") + "\0 ", 148, "latin1");
  return block;
}
