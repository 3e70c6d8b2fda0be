/**
 * Checksums of what dyno writes, as the last field of a JSON object: a CRC-32 of the text before
 * it. Readers that do not know it see one more field; text without one is taken as it is.
 */
import { crc32 } from "node:zlib";
import { InputError } from "./errors.ts";

/** The end of a text with its checksum. */
const SEAL = /,\s*"crc": ?"([0-9a-f]{8})"\s*\}\s*$/;
/** A seal is not longer than this. A line of a journal may be megabytes long. */
const MOST_CHARS = 40;

/**
 * Appends a checksum to a line: the CRC-32 of the line without it.
 *
 * @param line a JSON object that is not empty.
 */
export function sealed(line: string): string {
  return `${line.slice(0, -1)},"crc":"${checksumText(crc32(line))}"}`;
}

/** Returns an object that is not empty as the text of a file, with its checksum. */
export function sealedFile(value: object): string {
  const text = JSON.stringify({ ...value, crc: undefined }, null, 2).slice(0, -2);
  return `${text},\n  "crc": "${checksumText(crc32(`${text}}`))}"\n}\n`;
}

/** Formats a CRC-32 as in journals: eight hexadecimal digits. */
export function checksumText(crc: number): string {
  return crc.toString(16).padStart(8, "0");
}

/** Whether a text is as it was written; true for a text without a checksum. */
export function isIntact(text: string): boolean {
  const found = SEAL.exec(text.slice(-MOST_CHARS));
  if (found === null) return true;
  const [end, crc] = found;
  return crc32(`${text.slice(0, -end.length)}}`) === parseInt(crc, 16);
}

/** What is wrong with a file whose checksum differs. */
export function notAsWritten(path: string): string {
  return `${path}: is not what was written: its checksum differs`;
}

/**
 * Parses the text of a file.
 *
 * @throws {InputError} the text is not what was written.
 * @throws {SyntaxError} it is not JSON.
 */
export function parseSealed(text: string, path: string): unknown {
  if (!isIntact(text)) throw new InputError(notAsWritten(path));
  return JSON.parse(text);
}
