/**
 * telemetry.jsonl: the values of Prometheus pages on the run's clock. A line either declares
 * series, or holds the time of a page's reading and the values that changed since the reading
 * before.
 */
import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { StringDecoder } from "node:string_decoder";
import { type JsonObject, numberAt, objectOr, objectsIn, textAt } from "../../json_fields.ts";
import { plainFile } from "../../run/plain_file.ts";
import { notWritten, writeAll, writeFileAtomic } from "../../write.ts";
import type { RunDirectory } from "../../run/directory.ts";
import type { PrometheusSample } from "../server/prometheus_text.ts";

/** A series of a page. */
export interface PageSeries {
  /** Its number in the file, from 0. */
  id: number;
  /** The page's URL. */
  page: string;
  name: string;
  labels: Record<string, string>;
}

/** A reading of a page, with the values that changed; null is NaN or infinite. */
export interface PageReading {
  page: string;
  /** CLOCK_MONOTONIC nanoseconds. */
  t_ns: number;
  values: [series: number, value: number | null][];
}

/** Series of a page above this number are left out. */
const MOST_SERIES = 20_000;

const pathOf = (directory: RunDirectory) => join(directory.path, "telemetry.jsonl");

/** Writes the file. */
export class PageLog implements Disposable {
  readonly #path: string;
  readonly #fd: number;
  readonly #known = new Map<string, { id: number; value: number }>();
  #left_out = 0;

  /** @throws {InputError} the file cannot be created. */
  constructor(directory: RunDirectory) {
    this.#path = pathOf(directory);
    try {
      this.#fd = openSync(this.#path, "wx");
    } catch (error) {
      throw notWritten(this.#path, error);
    }
  }

  /** The number of series so far. */
  get series(): number {
    return this.#known.size;
  }

  /** The number of samples left out because there were too many series. */
  get left_out(): number {
    return this.#left_out;
  }

  /**
   * Writes the reading of a page.
   *
   * @throws {InputError} the file cannot be written, such as when the disk is full.
   */
  add(page: string, t_ns: number, samples: readonly PrometheusSample[]): void {
    const series: PageSeries[] = [];
    const values: PageReading["values"] = [];
    for (const { name, labels, value } of samples) {
      const key = JSON.stringify([page, name, labels]);
      const known = this.#known.get(key);
      if (known !== undefined && Object.is(known.value, value)) continue;
      if (known === undefined && this.#known.size === MOST_SERIES) {
        this.#left_out++;
        continue;
      }
      const id = known?.id ?? this.#known.size;
      if (known === undefined) series.push({ id, page, name, labels });
      this.#known.set(key, { id, value });
      values.push([id, Number.isFinite(value) ? value : null]);
    }
    const declared = series.length > 0 ? JSON.stringify({ series }) + "\n" : "";
    try {
      writeAll(this.#fd, `${declared}${JSON.stringify({ page, t_ns, values })}\n`);
    } catch (error) {
      throw notWritten(this.#path, error);
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

/**
 * Copies a run's file, if it has one, into another run with its times on another clock.
 *
 * @throws {InputError} the copy cannot be written.
 */
export function movePages(from: RunDirectory, to: RunDirectory, offset_ns: number): void {
  if (!existsSync(pathOf(from))) return;
  const lines = function* () {
    for (const line of pageLines(from)) {
      const moved = "series" in line ? line : { ...line, t_ns: line.t_ns + offset_ns };
      yield JSON.stringify(moved) + "\n";
    }
  };
  writeFileAtomic(pathOf(to), lines(), { sync: false });
}

const PIECE_BYTES = 1 << 20;

/** A line of the file. */
export type PageLine = { series: PageSeries[] } | PageReading;

/** Reads the file line by line; yields nothing if there is none. An incomplete last line is dropped. */
export function* pageLines(directory: RunDirectory): Generator<PageLine> {
  const path = pathOf(directory);
  if (!existsSync(path)) return;
  const fd = openSync(plainFile(path), "r");
  try {
    const piece = Buffer.alloc(PIECE_BYTES);
    const decoder = new StringDecoder("utf8");
    let rest = "";
    for (let read; (read = readSync(fd, piece)) > 0;) {
      const lines = (rest + decoder.write(piece.subarray(0, read))).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        const found = lineOf(line);
        if (found !== null) yield found;
      }
    }
  } finally {
    closeSync(fd);
  }
}

function lineOf(line: string): PageLine | null {
  let json: JsonObject;
  try {
    json = objectOr(JSON.parse(line));
  } catch {
    return null;
  }
  if (Array.isArray(json.series)) {
    return { series: objectsIn(json.series) as unknown as PageSeries[] };
  }
  const page = textAt(json, "page"), t_ns = numberAt(json, "t_ns");
  if (page === null || t_ns === null || !Array.isArray(json.values)) return null;
  return { page, t_ns, values: json.values as PageReading["values"] };
}
