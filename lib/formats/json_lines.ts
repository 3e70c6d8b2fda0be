/**
 * Reads text files of any size in pieces or lines, gzipped or not, without keeping the whole file
 * in memory.
 */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createGunzip } from "node:zlib";
import { noSuchFile } from "../text/no_such_file.ts";
import { InputError, messageOf } from "../errors.ts";
import { encodingOf, refuseOdd } from "../read_whole.ts";

/** The longest line, in characters: a file without line ends is not JSON Lines. */
const LONGEST_LINE = 64_000_000;
const PIECE_BYTES = 1 << 18;
/**
 * A gzipped file with more text than this is refused as a bomb if the text is this many times
 * larger than the file.
 */
const UNPACKED_BYTES = 64_000_000;
const MOST_RATIO = 100;

/**
 * A file's text while it is read. A file whose name ends in `.gz` is decompressed. The text is
 * UTF-8, or UTF-16 with a byte order mark, which is dropped.
 *
 * @param written the file was written by a person: invalid UTF-8 is refused, not replaced.
 * @throws {InputError} the file is missing, unreadable, not a gzip file, or a compression bomb.
 */
export async function* textPieces(path: string, written = false): AsyncGenerator<string> {
  const found = await stat(path).catch(() => null); // a missing file is reported when it is opened
  if (found !== null && !found.isDirectory()) refuseOdd(path, found);
  const file = createReadStream(path, { highWaterMark: PIECE_BYTES });
  const bytes = path.endsWith(".gz") ? file.pipe(createGunzip()) : file;
  let packed = 0, unpacked = 0;
  if (bytes !== file) file.on("data", (chunk) => packed += chunk.length);
  // pipe() does not pass errors on.
  file.on("error", (error) => bytes !== file && bytes.destroy(error));
  let decoder: TextDecoder | null = null;
  try {
    for await (const chunk of bytes as AsyncIterable<Uint8Array>) {
      unpacked += chunk.length;
      if (bytes !== file && unpacked > UNPACKED_BYTES && unpacked > MOST_RATIO * packed) {
        throw new InputError(
          `${path}: unpacks to more than ${MOST_RATIO} times its size; unpack it, and see what it is`,
        );
      }
      const encoding = encodingOf(chunk);
      decoder ??= new TextDecoder(encoding, { fatal: written && encoding === "utf-8" });
      yield decoder.decode(chunk, { stream: true });
    }
    if (decoder) yield decoder.decode();
  } catch (error) {
    if (written && error instanceof TypeError) {
      throw new InputError(`${path}: has bytes that are not UTF-8; save the file as UTF-8`);
    }
    throw error instanceof InputError ? error : new InputError(unreadable(path, error));
  } finally {
    file.destroy();
  }
}

/**
 * The lines of a file that are not blank, without carriage returns, numbered from 1. The
 * file is read as by {@linkcode textPieces}.
 *
 * @throws {InputError} as there, or a line has more than 64 MB.
 */
export async function* readLines(
  path: string,
  written = false,
): AsyncGenerator<{ line: string; number: number }> {
  let pieces: string[] = [];
  let length = 0, number = 0;
  const add = (piece: string) => {
    pieces.push(piece);
    length += piece.length;
    if (length > LONGEST_LINE) throw new InputError(`${path}:${number + 1}: too long a line`);
  };
  const finish = () => {
    const line = pieces.join("");
    [pieces, length] = [[], 0];
    number++;
    return line.trim() ? { line: line.endsWith("\r") ? line.slice(0, -1) : line, number } : null;
  };
  for await (const text of textPieces(path, written)) {
    let from = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", from)) {
      add(text.slice(from, end));
      from = end + 1;
      const line = finish();
      if (line) yield line;
    }
    if (from < text.length) add(text.slice(from));
  }
  const last = finish();
  if (last) yield last;
}

function unreadable(path: string, error: unknown): string {
  const code = (error as { code?: string }).code ?? "";
  if (code === "ENOENT") return noSuchFile(path);
  if (code === "EISDIR") return `${path}: is a folder, expected a file`;
  if (code === "EACCES") return `${path}: not readable (permission denied)`;
  if (code.startsWith("Z_")) {
    return `${path}: not a complete gzip file (${messageOf(error)}); fetch it again`;
  }
  return `${path}: ${messageOf(error)}`;
}
