/** Lines of a text file, gzipped or not, without holding the file. */
import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";
import { InputError, messageOf } from "../errors.ts";

/**
 * The lines of a file that are not blank, with their numbers from 1. A file whose name ends in `.gz`
 * is unpacked. A byte order mark and carriage returns are dropped.
 *
 * @throws {InputError} a file that is missing, unreadable or no gzip file.
 */
export async function* readLines(path: string): AsyncGenerator<{ line: string; number: number }> {
  const file = createReadStream(path);
  const bytes = path.endsWith(".gz") ? file.pipe(createGunzip()) : file;
  // pipe() does not pass errors on.
  file.on("error", (error) => bytes !== file && bytes.destroy(error));
  const decoder = new TextDecoder();
  let pieces: string[] = [];
  let number = 0;
  const finish = () => {
    const line = pieces.join("");
    pieces = [];
    number++;
    return line.trim() ? { line: line.endsWith("\r") ? line.slice(0, -1) : line, number } : null;
  };
  try {
    for await (const chunk of bytes) {
      const text = decoder.decode(chunk as Uint8Array, { stream: true });
      let from = 0;
      for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", from)) {
        pieces.push(text.slice(from, end));
        from = end + 1;
        const line = finish();
        if (line) yield line;
      }
      if (from < text.length) pieces.push(text.slice(from));
    }
  } catch (error) {
    throw error instanceof InputError ? error : new InputError(unreadable(path, error));
  } finally {
    file.destroy();
  }
  pieces.push(decoder.decode());
  const last = finish();
  if (last) yield last;
}

function unreadable(path: string, error: unknown): string {
  const code = (error as { code?: string }).code ?? "";
  if (code === "ENOENT") return `${path}: no such file; check the path`;
  if (code === "EISDIR") return `${path}: is a folder, expected a JSON Lines file`;
  if (code === "EACCES") return `${path}: not readable (permission denied)`;
  if (code.startsWith("Z_")) {
    return `${path}: no whole gzip file (${messageOf(error)}); fetch it again`;
  }
  return `${path}: ${messageOf(error)}`;
}
