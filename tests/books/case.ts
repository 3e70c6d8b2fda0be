/** A run with what the second reader says of it, and where a place tells it otherwise. */
import { entryOfRequest, itemsOf, spansOf } from "./items_reader.ts";
import { loadOf } from "./load_reader.ts";
import {
  cutOffIn,
  isAnswer,
  isAsked,
  isRefusal,
  isRounded,
  journalOf,
  secondsOf,
  shows,
  truthOf,
} from "./reader.ts";
import type { Item, Span } from "./items_reader.ts";
import type { LoadTruth } from "./load_reader.ts";
import type { Made } from "./made.ts";
import type { Json, Logged, Prices, Truth } from "./reader.ts";

/** A run and its right figures. */
export interface Case {
  run: Made;
  journal: Json[];
  truth: Truth;
  /** The same by other prices. */
  truthAt(prices: Record<string, Prices | null>): Truth;
  /** Of a suite, a coding run, a batch's. */
  items: Item[];
  spans: Span[];
  load: LoadTruth | null;
  /** From its start to its newest event. */
  seconds: number;
}

/** Whether it is a load. */
export function isLoad({ run }: Pick<Case, "run">): boolean {
  return run.kind === "load" || run.kind === "sweep";
}

/** A count of a load's requests or of a run's items. */
interface Counts {
  total: number;
  successful: number;
  failed: number;
}

/** How many items a run has; a load's are its requests. */
export function countsOf({ items, load }: Case): Counts {
  if (load === null) {
    const successful = items.filter(({ success }) => success).length;
    return { total: items.length, successful, failed: items.length - successful };
  }
  const { successful, failed, unfinished, unsent } = load.requests;
  return { total: successful + failed + unfinished + unsent, successful, failed };
}

/** Figures that differ from the reader's, in words. */
export class Findings {
  readonly wrong: string[] = [];
  /** So many figures were compared. */
  compared = 0;

  add({ run }: Pick<Case, "run">, where: string, told: unknown, right: unknown): void {
    this.wrong.push(
      `${run.story}: ${where}: ${JSON.stringify(told)}, not ${JSON.stringify(right)}`,
    );
  }

  /** Equal, as JSON is; numbers to 12 digits. */
  same(one: Pick<Case, "run">, where: string, told: unknown, right: unknown): void {
    this.compared++;
    if (!isSame(told, right)) this.add(one, where, told, right);
  }

  /** As printed: "–" or "unknown" for null, else a number to the digits that it has. */
  prints(
    one: Pick<Case, "run">,
    where: string,
    text: string | undefined,
    right: number | null,
  ): void {
    this.compared++;
    const good = right === null
      ? text !== undefined && /^(–|unknown|)$/.test(text)
      : isRounded(text, right);
    if (!good) this.add(one, where, text, right);
  }

  /** Dollars as printed, with the requests that are not in them. */
  usd(
    one: Case,
    where: string,
    text: string | undefined,
    { usd, unpriced, cut_off = 0 }: Pick<Truth, "usd" | "unpriced"> & Partial<Truth>,
  ) {
    this.compared++;
    const most = cut_off > 0 ? "up to " : "";
    const good = text !== undefined &&
      (usd === null
        ? text.startsWith("unknown")
        : shows(text, usd) && text.includes(" unknown") === unpriced > 0 &&
          (unpriced === 0 || text.includes(` + ${most}${unpriced} unknown`)));
    if (!good) this.add(one, where, text, [usd, unpriced, cut_off]);
  }

  /** Sums that a place tells under the names that all of them have. */
  sums(one: Case, where: string, told: Json, usd = "total_cost_usd"): void {
    const { truth } = one;
    const nothing = isUntold(truth);
    this.same(one, `${where} prompt`, told.prompt_tokens, nothing ? null : truth.prompt);
    this.same(
      one,
      `${where} completion`,
      told.completion_tokens,
      nothing ? null : truth.completion,
    );
    this.same(one, `${where} usd`, told[usd], truth.usd);
    this.same(one, `${where} unknown cost`, told.requests_of_unknown_cost, truth.unpriced);
    this.same(one, `${where} cut off`, told.requests_cut_off ?? 0, truth.cut_off);
  }
}

/** Whether of no request it is known what it took. */
export function isUntold({ requests, untold, cut_off }: Truth): boolean {
  return requests + cut_off === untold;
}

function isSame(told: unknown, right: unknown): boolean {
  if (told == null || right == null) return told == null && right == null;
  if (typeof told === "number" && typeof right === "number") {
    return Math.abs(told - right) <= 1e-12 * Math.max(Math.abs(told), Math.abs(right), 1e-3);
  }
  if (Array.isArray(told) && Array.isArray(right)) {
    return told.length === right.length && told.every((each, i) => isSame(each, right[i]));
  }
  return JSON.stringify(told) === JSON.stringify(right);
}

/** Reads a run's journal and the mock's log of it. */
export function caseOf(run: Made, findings: Findings): Case {
  const journal = journalOf(run.folder);
  const cut = cutOffIn(journal);
  const log = known(run, journal, cut.requests, findings);
  const suite = !isLoad({ run });
  return {
    run,
    journal,
    truth: truthOf(log, run.prices, cut.requests),
    truthAt: (prices) => truthOf(log, prices, cut.requests),
    items: suite ? itemsOf(journal, run.prices, cut.items) : [],
    spans: suite ? spansOf(journal) : [],
    load: suite ? null : loadOf(journal),
    seconds: secondsOf(run.folder, journal),
  };
}

/**
 * A run's requests, as far as its client can know of them. Where requests were cut off, the client cannot
 * know what the mock had sent already: as many as the journal calls unknown are unknown here too, those
 * that nothing in the journal is like. Of what was in flight when it was killed the journal has at most how many.
 */
function known(
  run: Made,
  journal: readonly Json[],
  cut_off: number,
  findings: Findings,
): Logged[] {
  if (run.cut === null) return run.log;
  const told = Map.groupBy(bookedIn(journal), (likeness) => likeness);
  const take = (likeness: string) => told.get(likeness)?.pop() !== undefined;
  const log: Logged[] = [], lost: Logged[] = [];
  for (const request of run.log) {
    const is = isAsked(request) ? likenessOf(request) : null;
    if (is === null || take(is)) log.push(request);
    else lost.push(request);
  }
  const unknown = lost.filter(() => take(UNKNOWN)).map((request) => ({
    ...request,
    fault: "cut off",
  }));
  // what was sent as the cut came may never have been read
  const unread = [...told.values()].flat().filter((likeness, i) =>
    likeness === UNKNOWN && i < run.places
  ).map(() => ({ ...run.log.find(isAsked)!, fault: "cut off", tokens: null }));
  findings.same(
    { run },
    "requests in the journal that the mock never had",
    [...told.values()].flat().length,
    unread.length,
  );
  const gone = lost.length - unknown.length;
  const most = run.cut === "killed" ? cut_off : 0;
  if (gone > most) findings.add({ run }, "requests that the journal lost", gone, `${most} at most`);
  // of a suite's test one; a load's requests are told ahead, at most those of a second and as many as wait
  const isLoose = isLoad({ run }) ? cut_off > 64 + 2 * run.places + 16 : cut_off > 2 * run.places;
  if (isLoose) findings.add({ run }, "a bound that says nothing", cut_off, run.places);
  return [...log, ...unknown, ...unread];
}

/** What entries of the journal's ledger are like: an answer's tokens, a refusal, or not known. */
function bookedIn(journal: readonly Json[]): string[] {
  return journal.flatMap(({ event, entry, result }) => {
    if (event === "request_booked") return [likeness(entry)];
    return event === "request_finished" && result.t_sent_ns !== null
      ? [likeness(entryOfRequest(result))]
      : [];
  });
}

const UNKNOWN = "unknown", REFUSED = "refused";

function likeness({ prompt_tokens, cached_prompt_tokens, completion_tokens }: Json): string {
  if (prompt_tokens === null || completion_tokens === null) return UNKNOWN;
  if (prompt_tokens === 0) return REFUSED;
  return `${prompt_tokens} ${cached_prompt_tokens ?? 0} ${completion_tokens}`;
}

function likenessOf(request: Logged): string {
  if (isRefusal(request)) return REFUSED;
  if (!isAnswer(request)) return UNKNOWN;
  const { prompt, cached, completion } = request.tokens!;
  return `${prompt} ${cached} ${completion}`;
}
