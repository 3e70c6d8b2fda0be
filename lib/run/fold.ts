/**
 * The one reader of journals. What a journal comes to is a fold over its events: a state before the
 * first one, and how each changes it. A state that took a part of a journal may take the rest later.
 */
import { closeSync, createReadStream, openSync, readSync, statSync } from "node:fs";
import { Buffer } from "node:buffer";
import { type JournalLine, lineOf } from "./event_forms.ts";
import { LineFollower } from "./follow.ts";
import { plainFile } from "./plain_file.ts";
import type { JournalEvents, JournalKind, Recorded } from "./events.ts";

/** No event is longer; what is, is damage and is not kept in memory. */
const LONGEST_LINE_BYTES = 256 << 20;
/** How much of a journal's end is looked at for the newest event. */
const TAIL_BYTES = 16_384;

/** How events of one kind of journal become a state. */
export interface Fold<Kind extends JournalKind, State> {
  kind: Kind;
  /** What is known before the first event. */
  begin(): State;
  /** What an event changes, in place. */
  take(state: State, event: Recorded<JournalEvents[Kind]>): void;
}

/** What events come to. */
export function fold<Kind extends JournalKind, State>(
  { begin, take }: Fold<Kind, State>,
  events: Iterable<Recorded<JournalEvents[Kind]>>,
): State {
  const state = begin();
  for (const event of events) take(state, event);
  return state;
}

/** Two folds as one, over the same events. */
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

/** A line that was left out. */
export interface DamagedLine {
  /** Its number, from 1. */
  line: number;
  /** What is wrong with it. */
  why: string;
}

/** What had to be left out of a journal. */
export interface JournalReading {
  /** Bytes after the last whole line: a write that was cut off. 0 for a clean end. */
  torn_bytes: number;
  /** Lines that are not events, or lack what an event of their name must have. */
  damaged: DamagedLine[];
}

/**
 * Folds a whole journal, in constant memory beside what the state keeps.
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
 * Reads a journal from its start, line by line in constant memory. Damaged lines are left out.
 *
 * @throws the system's error when the file cannot be read.
 */
export async function readJournal<Kind extends JournalKind>(
  path: string,
  kind: Kind,
  onLine: (line: JournalLine<Kind>) => void,
): Promise<JournalReading> {
  const damaged: DamagedLine[] = [];
  let rest: Buffer[] = []; // joined only at the line's end: lines may be very long
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

/** What was left out of the journal at `path`, one line each for a person. */
export function leftOut(path: string, { damaged }: JournalReading): string[] {
  return damaged.map(({ line, why }) => `${path}:${line}: ${why}; left out`);
}

/** A journal that grows, line by line. Damaged lines are left out. */
export class JournalFollower<Kind extends JournalKind> implements Disposable {
  readonly #kind: Kind;
  readonly #lines: LineFollower;

  /** @param offset the byte to begin at, the start of a line. The file need not be there yet. */
  constructor(path: string, kind: Kind, offset = 0) {
    this.#kind = kind;
    this.#lines = new LineFollower(path, offset);
  }

  /** The byte after the last line that was given. */
  get offset(): number {
    return this.#lines.offset;
  }

  /** The lines that came since the last call; one that is being written waits for its end. */
  *lines(): Generator<JournalLine<Kind>> {
    for (const text of this.#lines.lines()) {
      const line = lineOf(this.#kind, text);
      if (!("why" in line)) yield line;
    }
  }

  /** Leaves out what is there. */
  skip(): void {
    this.#lines.skip();
  }

  [Symbol.dispose](): void {
    this.#lines[Symbol.dispose]();
  }
}

/** The clocks of a journal's newest event, without reading the rest; null where they cannot be told. */
export function newestClocks(path: string): { t: number | null; mono_ns: number | null } {
  for (const line of tailOf(path).split("\n").reverse()) {
    // events are written with these first; the line itself may be long and cut off at its start
    const times = /^\{"t":(\d+(?:\.\d+)?),(?:"mono_ns":(\d+))?/.exec(line);
    if (!times) continue;
    return { t: Number(times[1]), mono_ns: times[2] === undefined ? null : Number(times[2]) };
  }
  return { t: null, mono_ns: null };
}

/**
 * The checksum of its results at the end of a run's journal; null where the last event is another, as of
 * a run that is going on, or an earlier dyno wrote it.
 */
export function resultsCrc(path: string): string | null {
  const [last = "", torn] = tailOf(path).split("\n").slice(-2);
  if (torn !== "") return null;
  const line = lineOf("run", last);
  const event = "why" in line ? null : line.event;
  return event !== null && "results_crc" in event ? event.results_crc ?? null : null;
}

/** The last of a file's text; empty where it cannot be read. */
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
