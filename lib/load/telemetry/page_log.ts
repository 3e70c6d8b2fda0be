/**
 * telemetry.jsonl: the values of Prometheus pages on the run's clock. A line declares series, or has those
 * values of one page that changed since its reading before, and the time of the reading.
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

/** One series of a page. */
export interface PageSeries {
  /** Its number in the file, from 0. */
  id: number;
  /** The page's URL. */
  page: string;
  name: string;
  labels: Record<string, string>;
}

/** A reading of a page: the values that changed; null is not a number. */
export interface PageReading {
  page: string;
  /** CLOCK_MONOTONIC nanoseconds. */
  t_ns: number;
  values: [series: number, value: number | null][];
}

/** Pages with more series have the rest left out. */
const MOST_SERIES = 20_000;

const pathOf = (directory: RunDirectory) => join(directory.path, "telemetry.jsonl");

/** Writes the file. */
export class PageLog implements Disposable {
  readonly #path: string;
  readonly #fd: number;
  readonly #known = new Map<string, { id: number; value: number }>();
  #left_out = 0;

  /** @throws {InputError} the file cannot be made. */
  constructor(directory: RunDirectory) {
    this.#path = pathOf(directory);
    try {
      this.#fd = openSync(this.#path, "wx");
    } catch (error) {
      throw notWritten(this.#path, error);
    }
  }

  /** Series so far. */
  get series(): number {
    return this.#known.size;
  }

  /** Samples of series that were too many. */
  get left_out(): number {
    return this.#left_out;
  }

  /** @throws {InputError} the disk is full, or the like. */
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

/** Copies the file of a run, where it has one, into another with its times on another clock. @throws {InputError} */
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

/** What a line of the file is. */
export type PageLine = { series: PageSeries[] } | PageReading;

/** Reads the file, line by line; nothing where there is none. A torn last line is dropped. */
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
