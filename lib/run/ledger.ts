/**
 * The ledger of a run: each request is an entry with its tokens and their cost. All figures about a
 * run's money and tokens come from it. It is a fold over the journal: suites and coding problems
 * journal their entries (`request_booked`), those of a load are made from its `request_finished`,
 * and those of journals without a ledger from what they say about answers.
 */
import { answersNumbers } from "../endpoint/forms/forms.ts";
import { exactUsd } from "../text/dollars.ts";
import { ASKERS, countsOfUsage, entryOf, tokensTaken, UNKNOWN_TOKENS } from "./ledger_entry.ts";
import type { RunEvent } from "./events.ts";
import type { Fold } from "./fold.ts";
import type { Asker, LedgerEntry, PriceRow } from "./ledger_entry.ts";
import type { RequestRecord } from "./request_record.ts";
import type { Spending } from "./summary.ts";
import type { TestResult } from "./test_result.ts";

/**
 * Sums over requests, of known values only, with the number of requests whose values are unknown.
 * Null: known for none.
 */
export interface LedgerTotals {
  /** Requests that were sent and have ended. */
  requests: number;
  /**
   * Additional requests that may have been in flight when dyno was killed, at most; their outcome
   * is unknown. They also count as requests of unknown tokens and cost. Missing in results of an
   * earlier dyno.
   */
  requests_cut_off: number;
  /** Tokens of prompts, including those from a cache. */
  prompt_tokens: number | null;
  /** Of these, tokens read from the server's cache. */
  cached_prompt_tokens: number | null;
  /** Of these, tokens written to the server's cache. */
  cache_write_tokens: number | null;
  /** Tokens of answers, including reasoning. */
  completion_tokens: number | null;
  /** Of these, reasoning tokens. */
  reasoning_tokens: number | null;
  /** Requests whose tokens are unknown, and not in the sums. */
  requests_of_unknown_tokens: number;
  /** US dollars for prompts. */
  input_cost_usd: number | null;
  /** US dollars for answers. */
  output_cost_usd: number | null;
  /** US dollars for both. */
  total_cost_usd: number | null;
  /** Requests whose cost is unknown, as their tokens or price are; not in the sums of dollars. */
  requests_of_unknown_cost: number;
}

/** The sums of a run's ledger, as in results.json. */
export interface Books {
  /** The whole run. */
  total: LedgerTotals;
  /** Sums by the purpose of the requests. */
  by_asker: Partial<Record<Asker, LedgerTotals>>;
  /** Sums by the model that was asked; "" is the run's own. Missing in results of an earlier dyno. */
  by_model?: Record<string, LedgerTotals>;
  /**
   * How many requests may have been in flight each time dyno was killed, at most. Their purpose is
   * unknown: they count in `total`, and towards the run's own model. Left out where dyno was not
   * killed.
   */
  cut_off?: number[];
}

/** Returns the sums over no requests. */
export function emptyTotals(): LedgerTotals {
  return {
    requests: 0,
    requests_cut_off: 0,
    prompt_tokens: null,
    cached_prompt_tokens: null,
    cache_write_tokens: null,
    completion_tokens: null,
    reasoning_tokens: null,
    requests_of_unknown_tokens: 0,
    input_cost_usd: null,
    output_cost_usd: null,
    total_cost_usd: null,
    requests_of_unknown_cost: 0,
  };
}

type Summed = Omit<LedgerEntry, "asked_by" | "item_id" | "price" | "model">;

/** Purposes for which a model other than the run's is asked. */
const SECOND: ReadonlySet<Asker> = new Set(["reviewer", "judge"]);

/** The model of an entry, if its journal says; otherwise "" for the run's own requests. */
function modelOf({ model, price, asked_by }: LedgerEntry): string {
  return model ?? price?.model ?? (SECOND.has(asked_by) ? "unknown" : "");
}

/** Adds an entry to sums. */
function addEntry(totals: LedgerTotals, entry: Summed): void {
  totals.requests++;
  const unknown = entry.prompt_tokens === null || entry.completion_tokens === null;
  if (unknown) totals.requests_of_unknown_tokens++;
  if (entry.cost_usd === null) totals.requests_of_unknown_cost++;
  for (const name of TOKENS) totals[name] = sum(totals[name], entry[name]);
  totals.input_cost_usd = usdSum(totals.input_cost_usd, entry.input_cost_usd);
  totals.output_cost_usd = usdSum(totals.output_cost_usd, entry.output_cost_usd);
  totals.total_cost_usd = usdSum(totals.total_cost_usd, entry.cost_usd);
}

/** Returns the sums of entries. */
export function totalOfEntries(entries: readonly LedgerEntry[]): LedgerTotals {
  const totals = emptyTotals();
  for (const entry of entries) addEntry(totals, entry);
  return totals;
}

/** Adds up several sums. */
export function totalOf(parts: Iterable<LedgerTotals>): LedgerTotals {
  const all = emptyTotals();
  for (const part of parts) {
    for (const name of COUNTS) all[name] += part[name];
    for (const name of TOKENS) all[name] = sum(all[name], part[name]);
    for (const name of DOLLARS) all[name] = usdSum(all[name], part[name]);
  }
  return all;
}

const COUNTS = [
  "requests",
  "requests_cut_off",
  "requests_of_unknown_tokens",
  "requests_of_unknown_cost",
] as const;
const TOKENS = [
  "prompt_tokens",
  "cached_prompt_tokens",
  "cache_write_tokens",
  "completion_tokens",
  "reasoning_tokens",
] as const;
const DOLLARS = ["input_cost_usd", "output_cost_usd", "total_cost_usd"] as const;

/** The sum of the known values; null where neither is known. */
function sum(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : a + b;
}

function usdSum(a: number | null, b: number | null): number | null {
  const total = sum(a, b);
  return total === null ? null : exactUsd(total);
}

/**
 * Returns the sums of a ledger's total, in the form of a run's summary.
 *
 * @param of returns a field of the total; null where unknown.
 */
export function spentBy(of: (name: string) => number | null): Omit<Spending, "by_model"> {
  return {
    requests: of("requests"),
    requests_cut_off: of("requests_cut_off") ?? 0,
    prompt_tokens: of("prompt_tokens"),
    cached_prompt_tokens: of("cached_prompt_tokens"),
    cache_write_tokens: of("cache_write_tokens"),
    completion_tokens: of("completion_tokens"),
    reasoning_tokens: of("reasoning_tokens"),
    requests_of_unknown_tokens: of("requests_of_unknown_tokens"),
    cost_usd: of("total_cost_usd"),
    input_cost_usd: of("input_cost_usd"),
    output_cost_usd: of("output_cost_usd"),
    requests_of_unknown_cost: of("requests_of_unknown_cost"),
  };
}

/** A run's ledger, built from its events. */
export class Ledger {
  readonly #by_asker = new Map<Asker, LedgerTotals>();
  readonly #by_model = new Map<string, LedgerTotals>();
  readonly #items = new Map<string, LedgerTotals>();
  /** Items whose requests have separate entries, so that the events of their answers add none. */
  readonly #booked = new Set<string>();
  readonly #onEntry: (entry: LedgerEntry) => void;
  readonly #onCut: (requests: number) => void;
  /** Price of a load's model; undefined where the journal does not say. */
  #price: PriceRow | null | undefined = undefined;
  /** Prices of the other models that requests name. */
  #prices: Readonly<Record<string, PriceRow | null>> = {};
  /** A load's model for requests that name none. */
  #model: string | undefined = undefined;
  /** Whether the load is of embeddings, whose answers have no tokens. */
  #embeds = false;
  /** Tests that are running, with the most requests that each may have in flight. */
  readonly #tests = new Map<string, number>();
  /** The number of a load's requests and probes that may have begun, and that have ended. */
  #ahead = { requests: 0, probes: 0 };
  #ended = { requests: 0, probes: 0 };
  /** Requests in flight at the last progress report, in an older load. */
  #told = 0;
  /** What was in flight each time dyno was killed. */
  readonly #cut: LedgerTotals[] = [];

  /**
   * @param onEntry called with each entry, in order.
   * @param onCut called at each kill with the most requests that may have been in flight.
   */
  constructor(
    onEntry: (entry: LedgerEntry) => void = () => {},
    onCut: (requests: number) => void = () => {},
  ) {
    this.#onEntry = onEntry;
    this.#onCut = onCut;
  }

  /** Adds a request. */
  add(entry: LedgerEntry): void {
    const { asked_by, item_id } = entry;
    addEntry(totalsIn(this.#by_asker, asked_by), entry);
    addEntry(totalsIn(this.#by_model, modelOf(entry)), entry);
    if (item_id !== null) addEntry(totalsIn(this.#items, item_id), entry);
    this.#onEntry(entry);
  }

  /** Returns the sums for one item, including retries and reviews. */
  item(item_id: string): LedgerTotals {
    return this.#items.get(item_id) ?? emptyTotals();
  }

  /** Returns the sums for the whole run. */
  books(): Books {
    const known = ASKERS.filter((asker) => this.#by_asker.has(asker));
    const by_model = Object.fromEntries(this.#by_model);
    if (this.#cut.length > 0) {
      by_model[""] = totalOf([by_model[""] ?? emptyTotals(), ...this.#cut]);
    }
    return {
      total: totalOf([...this.#by_asker.values(), ...this.#cut]),
      by_asker: Object.fromEntries(known.map((asker) => [asker, this.#by_asker.get(asker)!])),
      by_model,
      ...this.#cut.length > 0
        ? { cut_off: this.#cut.map(({ requests_cut_off }) => requests_cut_off) }
        : {},
    };
  }

  /**
   * Records that the process writing the journal was killed, which cut off what was in flight. If
   * the run was resumed, the journal itself shows that; if it ends there, the caller must know that
   * nothing writes it any more.
   */
  cutOff(): void {
    for (const [item_id, requests] of this.#tests) {
      this.#items.set(item_id, totalOf([this.item(item_id), cutTotals(requests)]));
    }
    const open = (of: "requests" | "probes") => Math.max(0, this.#ahead[of] - this.#ended[of]);
    const sent = this.#ahead.requests > 0 ? open("requests") + open("probes") : this.#told;
    const count = this.#tests.values().reduce((sum, each) => sum + each, sent);
    this.#cutOff(count);
    this.#settled();
  }

  #cutOff(requests: number): void {
    if (requests === 0) return;
    this.#cut.push(cutTotals(requests));
    this.#onCut(requests);
  }

  /** Records that nothing is in flight. */
  #settled(): void {
    this.#tests.clear();
    this.#ahead = { requests: 0, probes: 0 };
    this.#told = 0;
  }

  /** Updates the ledger for an event of the run's journal. */
  take(event: RunEvent): void {
    switch (event.event) {
      case "load_started":
        this.#price = event.price;
        this.#prices = event.prices ?? {};
        this.#model = event.api?.model;
        this.#embeds = answersNumbers(event.api?.api_type);
        break;
      case "requests_begun":
        this.#ahead[event.probes ? "probes" : "requests"] = event.most;
        break;
      case "request_finished":
        this.#ended.requests++;
        this.#load(event.result);
        break;
      case "probe_finished":
        this.#ended.probes++;
        this.#load(event.result, "probe");
        break;
      case "load_progress":
        this.#told = event.in_flight;
        break;
      case "load_measured":
      case "run_finished":
      case "run_interrupted":
        this.#settled();
        break;
      case "run_resumed":
      case "load_finished":
        this.cutOff();
        break;
      case "shard_gathered":
        this.#cutOff(event.shard.requests_cut_off ?? 0);
        break;
      case "package_started":
        this.#tests.set(event.item_id ?? event.package_id, event.requests_at_once ?? 1);
        break;
      case "package_asks":
        this.#tests.set(event.item_id, event.requests_at_once);
        break;
      case "request_booked":
        if (event.entry.item_id !== null) this.#booked.add(event.entry.item_id);
        this.add(event.entry);
        break;
      case "attempt_finished":
        if (event.attempt.reused_from === null) this.#answer(event.attempt.result);
        break;
      case "package_finished":
        this.#tests.delete(event.item_id ?? event.package_id);
        if (event.result !== null && !event.result.coding) this.#answer(event.result);
        break;
      case "review_finished":
        if (event.spent) this.add(spentEntry("reviewer", event.spent.usd));
        break;
      case "evaluator_asked":
        if (event.spent) this.add(spentEntry("judge", event.spent.usd));
    }
  }

  #load(record: RequestRecord, asked_by?: Asker): void {
    if (record.t_sent_ns === null) return;
    const { model } = record;
    const price = model === undefined ? this.#price : this.#prices[model];
    const told = loadEntry(record, price ?? null, this.#embeds);
    const entry = { ...told, ...(asked_by ? { asked_by } : {}), model: model ?? this.#model };
    // a journal without prices has costs
    this.add(this.#price === undefined ? { ...entry, cost_usd: record.cost_usd } : entry);
  }

  /** Adds the request of an answer, for journals without entries of requests. */
  #answer(result: TestResult): void {
    const { item_id, attempts } = result;
    if (this.#booked.has(item_id) || attempts === 0) return;
    this.add({ ...answerEntry(result), item_id });
  }
}

/** Sums for requests that may have been sent, of which nothing else is known. */
function cutTotals(requests: number): LedgerTotals {
  return {
    ...emptyTotals(),
    requests_cut_off: requests,
    requests_of_unknown_tokens: requests,
    requests_of_unknown_cost: requests,
  };
}

/** An entry for journals that record only costs. */
function spentEntry(asked_by: Asker, cost_usd: number | null): LedgerEntry {
  const unknown = { ...UNKNOWN_TOKENS, input_cost_usd: null, output_cost_usd: null };
  return { asked_by, item_id: null, price: null, ...unknown, cost_usd };
}

/** Returns an entry for the request of a result, at its recorded cost. */
export function answerEntry(result: TestResult): LedgerEntry {
  const { token_source, error_class, usage_details, prompt_tokens, cost_usd } = result;
  const completion_tokens = token_source === "events" ? null : result.completion_tokens;
  const failed = error_class === null ? null : { failure: error_class, status: null };
  const told = countsOfUsage({ prompt_tokens, completion_tokens }, usage_details);
  return { ...entryOf("test", null, tokensTaken(told, failed), null), cost_usd };
}

/**
 * Returns a load's request as an entry. Tokens that only its client counted are not used.
 *
 * @param embeds whether it asked for embeddings.
 */
export function loadEntry(
  record: RequestRecord,
  price: PriceRow | null,
  embeds: boolean,
): LedgerEntry {
  const { warmup, failure, status, prompt_tokens, token_source, usage_details } = record;
  const answer = token_source === "events" ? null : record.completion_tokens;
  const completion_tokens = embeds ? answer ?? 0 : answer;
  const told = countsOfUsage({ prompt_tokens, completion_tokens }, usage_details);
  const taken = tokensTaken(told, failure === null ? null : { failure, status });
  return entryOf(warmup ? "warmup" : "test", null, taken, price);
}

/** Folds a journal into its ledger. */
export const ledgerOf: Fold<"run", Ledger> = {
  kind: "run",
  begin: () => new Ledger(),
  take: (ledger, event) => ledger.take(event),
};

function totalsIn<Key>(totals: Map<Key, LedgerTotals>, key: Key): LedgerTotals {
  const found = totals.get(key);
  if (found) return found;
  const made = emptyTotals();
  totals.set(key, made);
  return made;
}
