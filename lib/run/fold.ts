/**
 * Reads all journals. What a journal says is computed by a fold over its events: a state before the
 * first event, and how each event changes it. A state that has taken part of a journal can take the
 * rest later.
 */
import { closeSync, createReadStream, existsSync, openSync, readSync, statSync } from "node:fs";
import { Buffer } from "node:buffer";
import { type JournalLine, lineOf } from "./event_forms.ts";
import { plainFile } from "./plain_file.ts";
import type { JournalEvents, JournalKind, Recorded } from "./events.ts";

/** Longer lines are damage, and are not kept in memory. */
const LONGEST_LINE_BYTES = 256 << 20;
/** How much of a journal's end is searched for the newest event. */
const TAIL_BYTES = 16_384;

/** How the events of one kind of journal become a state. */
export interface Fold<Kind extends JournalKind, State> {
  kind: Kind;
  /** Returns the state before the first event. */
  begin(): State;
  /** Updates the state in place for an event. */
  take(state: State, event: Recorded<JournalEvents[Kind]>): void;
}

/** Folds events into a state. */
export function fold<Kind extends JournalKind, State>(
  { begin, take }: Fold<Kind, State>,
  events: Iterable<Recorded<JournalEvents[Kind]>>,
): State {
  const state = begin();
  for (const event of events) take(state, event);
  return state;
}

/** Combines two folds into one over the same events. */
export function both<Kind extends JournalKind, First, Second>(
  first: Fold<Kind, First>,
  second: Fold<Kind, Second>,
): Fold<Kind, [First, Second]> {
  return {
    kind: first.kind,
    begin: () => [first.begin(), second.begin()],
    take(state, event) {
      first.take(state[0], event);
      second.take(state[1], event);
    },
  };
}

/** A line that was skipped. */
export interface DamagedLine {
  /** Its number, from 1. */
  line: number;
  /** What is wrong with it. */
  why: string;
}

/** What was skipped in a journal. */
export interface JournalReading {
  /** Bytes after the last complete line, from a write that was cut off. 0 for a clean end. */
  torn_bytes: number;
  /** Lines that are not events, or that lack fields of their event. */
  damaged: DamagedLine[];
}

/**
 * Folds a whole journal, in constant memory apart from the state.
 *
 * @throws the system's error when the file cannot be read.
 */
export async function foldJournal<Kind extends JournalKind, State>(
  path: string,
  how: Fold<Kind, State>,
): Promise<JournalReading & { state: State }> {
  const state = how.begin();
  const reading = await readJournal(path, how.kind, ({ event }) => {
    if (event !== null) how.take(state, event);
  });
  return { ...reading, state };
}

/**
 * Reads a journal from its start, line by line in constant memory. Damaged lines are skipped.
 *
 * @throws the system's error when the file cannot be read.
 */
export async function readJournal<Kind extends JournalKind>(
  path: string,
  kind: Kind,
  onLine: (line: JournalLine<Kind>) => void,
): Promise<JournalReading> {
  const damaged: DamagedLine[] = [];
  let rest: Buffer[] = []; // joined only at the end of a line, as lines may be very long
  let rest_bytes = 0;
  let line_number = 0;
  for await (const chunk of createReadStream(plainFile(path)) as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      line_number++;
      const line = rest_bytes > 0
        ? Buffer.concat([...rest, chunk.subarray(start, end)])
        : chunk.subarray(start, end);
      const found = rest_bytes > LONGEST_LINE_BYTES
        ? { why: "too long for an event" }
        : lineOf(kind, line.toString("utf8"));
      if ("why" in found) damaged.push({ line: line_number, why: found.why });
      else onLine(found);
      rest = [];
      rest_bytes = 0;
      start = end + 1;
    }
    if (rest_bytes <= LONGEST_LINE_BYTES) rest.push(chunk.subarray(start));
    rest_bytes += chunk.length - start;
  }
  return { torn_bytes: rest_bytes, damaged };
}

/** Describes what was skipped in the journal at `path`, one line each, for the user. */
export function leftOut(path: string, { damaged }: JournalReading): string[] {
  return damaged.map(({ line, why }) => `${path}:${line}: ${why}; left out`);
}

/** Follows a growing journal line by line. Damaged lines are skipped. */
export class JournalFollower<Kind extends JournalKind> implements Disposable {
  readonly #kind: Kind;
  readonly #lines: LineFollower;

  /** @param offset the byte to start at, which must be the start of a line. The file need not exist yet. */
  constructor(path: string, kind: Kind, offset = 0) {
    this.#kind = kind;
    this.#lines = new LineFollower(path, offset);
  }

  /** The byte after the last line returned. */
  get offset(): number {
    return this.#lines.offset;
  }

  /** Yields the lines added since the last call; an incomplete line is returned when complete. */
  *lines(): Generator<JournalLine<Kind>> {
    for (const text of this.#lines.lines()) {
      const line = lineOf(this.#kind, text);
      if (!("why" in line)) yield line;
    }
  }

  /** Skips all existing lines. */
  skip(): void {
    this.#lines.skip();
  }

  [Symbol.dispose](): void {
    this.#lines[Symbol.dispose]();
  }
}

/** Returns the clocks of a journal's newest event without reading all of it; null where unknown. */
export function newestClocks(path: string): { t: number | null; mono_ns: number | null } {
  for (const line of tailOf(path).split("\n").reverse()) {
    // an event's line starts with its clocks, but this may be the middle of a long line
    const times = /^\{"t":(\d+(?:\.\d+)?),(?:"mono_ns":(\d+))?/.exec(line);
    if (!times) continue;
    return { t: Number(times[1]), mono_ns: times[2] === undefined ? null : Number(times[2]) };
  }
  return { t: null, mono_ns: null };
}

/**
 * Returns the checksum of a run's results from the end of its journal. Null where the last event is
 * another one, as in a run that is still going, or where an earlier dyno wrote it.
 */
export function resultsCrc(path: string): string | null {
  const [last = "", torn] = tailOf(path).split("\n").slice(-2);
  if (torn !== "") return null;
  const line = lineOf("run", last);
  const event = "why" in line ? null : line.event;
  return event !== null && "results_crc" in event ? event.results_crc ?? null : null;
}

/** The end of a file's text; empty where it cannot be read. */
function tailOf(path: string): string {
  let fd: number;
  try {
    fd = openSync(plainFile(path), "r");
  } catch {
    return "";
  }
  try {
    const { size } = statSync(path);
    const bytes = Buffer.alloc(Math.min(size, TAIL_BYTES));
    readSync(fd, bytes, 0, bytes.length, size - bytes.length);
    return bytes.toString("utf8");
  } finally {
    closeSync(fd);
  }
}

const READ_BYTES = 1 << 16;

/**
 * Yields the complete lines of a growing file. An incomplete line is read again once it is
 * complete, as resuming a run may have cut it off meanwhile.
 */
class LineFollower implements Disposable {
  readonly #path: string;
  #fd: number | null = null;
  #offset: number;

  /** @param offset the byte to start at, which must be the start of a line. The file need not exist yet. */
  constructor(path: string, offset = 0) {
    this.#path = path;
    this.#offset = offset;
  }

  /** The byte after the last line returned. */
  get offset(): number {
    return this.#offset;
  }

  /** Yields the lines added since the last call. */
  *lines(): Generator<string> {
    if (this.#fd === null) {
      if (!existsSync(this.#path)) return;
      this.#fd = openSync(plainFile(this.#path), "r");
    }
    let rest: Buffer[] = []; // joined only at the end of a line, as lines may be very long
    let rest_bytes = 0;
    for (;;) {
      const chunk = Buffer.alloc(READ_BYTES);
      const n = readSync(this.#fd, chunk, 0, READ_BYTES, this.#offset + rest_bytes);
      if (n === 0) return;
      let start = 0;
      for (let end = chunk.indexOf(10); end >= 0 && end < n; end = chunk.indexOf(10, start)) {
        const line = Buffer.concat([...rest, chunk.subarray(start, end)]);
        this.#offset += line.length + 1;
        rest = [];
        rest_bytes = 0;
        start = end + 1;
        yield line.toString("utf8");
      }
      rest.push(chunk.subarray(start, n));
      rest_bytes += n - start;
    }
  }

  /** Skips all existing lines. */
  skip(): void {
    for (const _ of this.lines());
  }

  [Symbol.dispose](): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }
}
