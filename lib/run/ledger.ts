/**
 * The ledger of a run: each request is an entry with its tokens and their cost. All figures about a
 * run's money and tokens come from it. It is a fold over the journal: suites and coding problems
 * journal their entries (`request_booked`), those of a load are made from its `request_finished`,
 * and those of journals without a ledger from what they say about answers.
 */
import { answersNumbers } from "../endpoint/forms/forms.ts";
import { ASKERS, countsOfUsage, entryOf, tokensTaken, UNKNOWN_TOKENS } from "./ledger_entry.ts";
import {
  addEntry,
  type Books,
  cutTotals,
  emptyTotals,
  type LedgerTotals,
  totalOf,
} from "./ledger_totals.ts";
import type { RunEvent } from "./events.ts";
import type { Fold } from "./fold.ts";
import type { Asker, LedgerEntry, PriceRow } from "./ledger_entry.ts";
import type { RequestRecord } from "./request_record.ts";
import type { TestResult } from "./test_result.ts";

/** Purposes for which a model other than the run's is asked. */
const SECOND: ReadonlySet<Asker> = new Set(["reviewer", "judge"]);

/** The model of an entry, if its journal says; otherwise "" for the run's own requests. */
function modelOf({ model, price, asked_by }: LedgerEntry): string {
  return model ?? price?.model ?? (SECOND.has(asked_by) ? "unknown" : "");
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
