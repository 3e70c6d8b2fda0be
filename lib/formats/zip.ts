/** Reads zip archives (APPNOTE 6.3.10): the entries of a file, one at a time and within limits. */
import { type FileHandle, open } from "node:fs/promises";
import zlib from "node:zlib"; // the whole module: Node before 22.15 has no zstd
import { InputError, messageOf } from "../errors.ts";

/** An entry that is larger than this, compressed or not, is not read. */
const LARGEST_ENTRY = 512_000_000;
/** The most that is read from one archive, uncompressed. */
const LARGEST_ALL = 4_000_000_000;
/** JSON is compressed at most to a hundredth of its size; a bomb to a thousandth or less. */
const MOST_RATIO = 1000;
const SMALL = 1_000_000;
const END_BYTES = 22;
/** The size of an entry's header, without its name. */
const ENTRY_BYTES = 30;
const MOST_COMMENT = 65_535;

/** An entry, as described in the archive's directory. */
export interface ZipEntry {
  name: string;
  /** Uncompressed size. */
  size_bytes: number;
  packed_bytes: number;
  method: number;
  offset: number;
}

/** An open archive. */
export class ZipFile implements AsyncDisposable {
  readonly entries: readonly ZipEntry[];
  readonly #path: string;
  readonly #file: FileHandle;
  #read = 0;

  private constructor(path: string, file: FileHandle, entries: readonly ZipEntry[]) {
    this.#path = path;
    this.#file = file;
    this.entries = entries;
  }

  /**
   * @throws {InputError} it is not a zip archive, or has more than 4 GB or at least 65,535 entries.
   */
  static async open(path: string): Promise<ZipFile> {
    let file: FileHandle | null = null;
    try {
      file = await open(path);
      return new ZipFile(path, file, await directoryOf(file, path));
    } catch (error) {
      await file?.close();
      throw error instanceof InputError ? error : new InputError(`${path}: ${messageOf(error)}`);
    }
  }

  /**
   * The text of an entry.
   *
   * @throws {InputError} it is damaged, too large, or compressed with an unusual method.
   */
  async text(entry: ZipEntry): Promise<string> {
    const { name, size_bytes, packed_bytes } = entry;
    const where = `${this.#path}, ${name}`;
    this.#read += size_bytes;
    const most_bytes = Math.max(size_bytes, packed_bytes);
    if (most_bytes > LARGEST_ENTRY) {
      throw new InputError(`${where}: ${most_bytes} bytes, more than 512 MB; not read`);
    }
    if (this.#read > LARGEST_ALL) {
      throw new InputError(`${this.#path}: more than 4 GB unpacked; import a part of it`);
    }
    if (size_bytes > SMALL && size_bytes > packed_bytes * MOST_RATIO) {
      throw new InputError(
        `${where}: unpacks to more than ${MOST_RATIO} times its size, which no log does; not read`,
      );
    }
    try {
      const head = await bytesAt(this.#file, entry.offset, ENTRY_BYTES);
      const view = new DataView(head.buffer);
      if (view.getUint32(0, true) !== 0x04034b50) throw new Error("no entry where one should be");
      const start = entry.offset + ENTRY_BYTES + view.getUint16(26, true) +
        view.getUint16(28, true);
      const packed = await bytesAt(this.#file, start, packed_bytes);
      return new TextDecoder().decode(unpacked(packed, entry));
    } catch (error) {
      throw new InputError(`${where}: cannot be unpacked: ${messageOf(error)}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }
}

/**
 * Decompresses at most the number of bytes that the directory states, so a false size does no harm.
 */
function unpacked(packed: Uint8Array, { method, size_bytes }: ZipEntry): Uint8Array {
  const limit = { maxOutputLength: Math.max(1, size_bytes) };
  if (method === 0) return packed;
  if (method === 8) return zlib.inflateRawSync(packed, limit);
  if (method !== 93) throw new Error(`method ${method}, expected deflate or zstd`);
  if (zlib.zstdDecompressSync === undefined) {
    throw new Error("zstd needs Deno or Node from 22.15 on; or convert it to JSON first");
  }
  return zlib.zstdDecompressSync(packed, limit);
}

async function directoryOf(file: FileHandle, path: string): Promise<ZipEntry[]> {
  const { size } = await file.stat();
  const tail_bytes = Math.min(size, END_BYTES + MOST_COMMENT);
  const tail = await bytesAt(file, size - tail_bytes, tail_bytes);
  const view = new DataView(tail.buffer);
  let end = tail_bytes - END_BYTES;
  while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end--;
  if (end < 0) throw new InputError(`${path}: not a complete zip archive; was its writer stopped?`);
  const count = view.getUint16(end + 10, true);
  const length = view.getUint32(end + 12, true), start = view.getUint32(end + 16, true);
  if (count === 0xffff || start === 0xffffffff) {
    throw new InputError(
      `${path}: an archive of 65,535 entries or 4 GB and more; convert it to JSON`,
    );
  }
  if (start + length > size) throw new InputError(`${path}: its directory is cut off`);
  const entries = entriesIn(await bytesAt(file, start, length), count, path);
  refuseOverlaps(entries, start, path);
  // the last of two entries with one name counts, as in Python's zipfile, which others use for
  // these logs
  return [...new Map(entries.map((entry) => [entry.name, entry])).values()];
}

/**
 * Entries that share bytes are a sign of a bomb: a few megabytes of file can stand for any number
 * of entries.
 */
function refuseOverlaps(entries: readonly ZipEntry[], end: number, path: string): void {
  const starts = [...entries].sort((a, b) => a.offset - b.offset);
  starts.forEach(({ name, offset, packed_bytes }, i) => {
    if (offset + ENTRY_BYTES + packed_bytes <= (starts[i + 1]?.offset ?? end)) return;
    throw new InputError(
      `${path}, ${name}: overlaps the entry after it, which no honest archive does`,
    );
  });
}

function entriesIn(bytes: Uint8Array, count: number, path: string): ZipEntry[] {
  const view = new DataView(bytes.buffer);
  const entries: ZipEntry[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 46 > bytes.length || view.getUint32(at, true) !== 0x02014b50) {
      throw new InputError(`${path}: its directory is damaged`);
    }
    const name_bytes = view.getUint16(at + 28, true);
    entries.push({
      name: new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + name_bytes)),
      method: view.getUint16(at + 10, true),
      packed_bytes: view.getUint32(at + 20, true),
      size_bytes: view.getUint32(at + 24, true),
      offset: view.getUint32(at + 42, true),
    });
    at += 46 + name_bytes + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return entries;
}

async function bytesAt(
  file: FileHandle,
  at: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  const { bytesRead } = await file.read(bytes, 0, length, at);
  if (bytesRead < length) throw new Error("it is cut off");
  return bytes;
}
