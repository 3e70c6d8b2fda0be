/** The one way to open a run: its directory, lock, metadata and journal, and what samples the host. */
import { existsSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { InputError } from "../errors.ts";
import { apiKey } from "../endpoint/api.ts";
import { signingSecrets } from "../endpoint/aws_signer.ts";
import { CancelledError } from "../execute/scope.ts";
import { sleep } from "../execute/sleep.ts";
import { energyDevices } from "../hardware/energy.ts";
import { startSampler } from "../hardware/sampler.ts";
import { removeDrafts, writeFileAtomic } from "../write.ts";
import { Budget } from "./budget.ts";
import { createRunDirectory, findRun } from "./directory.ts";
import { Journal } from "./journal.ts";
import { takeLock } from "./lock.ts";
import { foldJournal } from "./fold.ts";
import { Ledger, ledgerOf } from "./ledger.ts";
import { describeRun, readMetadata } from "./metadata.ts";
import { builtinPrices } from "./prices.ts";
import { Redactor } from "./redact.ts";
import { RequestCost } from "./request_cost.ts";
import type { LedgerEntry } from "./ledger_entry.ts";
import type { APIConfiguration } from "../endpoint/api.ts";
import type { Sampler } from "../hardware/sampler.ts";
import type { RunDirectory } from "./directory.ts";
import type { RunFacts, RunMetadata } from "./metadata.ts";
import type { PriceTable } from "./prices.ts";

/** A run that is to be opened: where, of what, and its listeners. */
export interface RunOpening
  extends Pick<RunFacts, "kind" | "benchmark" | "seed" | "config" | "tags"> {
  /** The folder of runs. */
  out: string;
  /** The id of a new run. Default: a new one. */
  run_id?: string;
  /** A run to continue: its id or its folder. */
  resume?: string;
  /** How the endpoint is reached; its secrets are kept out of all that is written. */
  api: APIConfiguration;
  /** What the model is called in the metadata, where it asks several. */
  model?: string;
  /** Further endpoints that it asks: their secrets are kept out, too. */
  others?: readonly APIConfiguration[];
  /** Who or what is behind the model. Default "real-openai-compatible". */
  agent?: string;
  /** The command line. Default: this process's. */
  argv?: readonly string[];
  /** The suite as it was read, which a new run keeps. */
  suite?: string;
  /** Ends the run before it is crossed; one that several runs share counts them together. */
  budget?: Budget;
  /** Default: the table that comes with dyno. */
  prices?: PriceTable;
  /** Called with the run's directory before anything is written to it. */
  onDirectory?: (directory: RunDirectory) => void;
  /** One line for a person. */
  onNotice: (line: string) => void;
}

/** How long the machine is left alone before the first request, to know its idle power. */
const IDLE_S = 2;

/** A run that this process writes. */
export class RunSession implements AsyncDisposable {
  /** It was there before: what is finished of it is in its journal. */
  readonly resumed: boolean;
  readonly directory: RunDirectory;
  readonly metadata: RunMetadata;
  readonly journal: Journal;
  readonly budget: Budget;
  readonly cost: RequestCost;
  /** Every request so far, those of earlier sessions too. */
  readonly ledger: Ledger;
  readonly #notice: (line: string) => void;
  readonly #unlock: () => void;
  #sampler: Sampler | null = null;

  /**
   * Opens a new run, or one to continue.
   *
   * @throws {InputError} it cannot be written, another process uses it, or the run to continue is
   * missing, damaged, or of another benchmark or model.
   */
  static async open(opening: RunOpening): Promise<RunSession> {
    const { out, run_id, resume, api } = opening;
    const redactor = new Redactor();
    for (const each of [api, ...opening.others ?? []]) {
      redactor.learn(apiKey(each));
      redactor.learnHeaders(each.headers);
      if (each.api_type === "converse") {
        signingSecrets().forEach((secret) => redactor.learn(secret));
      }
    }
    const directory = resume === undefined ? createRunDirectory(out, run_id) : findRun(resume, out);
    opening.onDirectory?.(directory);
    const metadata = resume === undefined
      ? await describe(opening, directory, redactor)
      : checked(await readMetadata(directory), opening);
    const ledger = resume === undefined || !existsSync(directory.journal)
      ? new Ledger()
      : (await foldJournal(directory.journal, ledgerOf)).state;
    return new RunSession(opening, directory, metadata, redactor, ledger);
  }

  private constructor(
    opening: RunOpening,
    directory: RunDirectory,
    metadata: RunMetadata,
    redactor: Redactor,
    ledger: Ledger,
  ) {
    const { api, budget, prices, suite, onNotice } = opening;
    this.resumed = opening.resume !== undefined;
    this.directory = directory;
    this.metadata = metadata;
    this.budget = budget ?? new Budget({ usd: null, tokens: null }, onNotice);
    this.cost = new RequestCost(api.model, prices ?? builtinPrices(), onNotice);
    this.ledger = ledger;
    this.#notice = onNotice;
    this.#unlock = takeRun(directory);
    try {
      if (!this.resumed) {
        if (suite !== undefined) writeFileAtomic(directory.suite, suite);
        writeFileAtomic(directory.metadata, JSON.stringify(metadata, null, 2) + "\n");
      } else rmSync(directory.results, { force: true }); // of the earlier sessions alone
      this.journal = new Journal(directory.journal, redactor); // its presence makes it a run
    } catch (error) {
      this.#unlock();
      throw error;
    }
  }

  /** A request has ended: it is in the journal and in the ledger when this returns. */
  book(entry: LedgerEntry): void {
    const event = { event: "request_booked", entry } as const;
    this.journal.append(event);
    this.ledger.take(event);
  }

  /**
   * Samples the host from now on, and leaves it alone for a while where its energy can be measured, to
   * know its idle power.
   *
   * @param rate_hz samples per second; 0 for none. Default 100 natively, 10 without libdyno.
   * @param signal cuts the wait short.
   * @param onStart told before the wait.
   */
  async sample(
    rate_hz: number | undefined,
    signal: AbortSignal,
    onStart: (sampler: Sampler) => void = () => {},
  ): Promise<Sampler | null> {
    if (rate_hz === 0) return null;
    const { path } = this.directory;
    const sampler = await startSampler({ directory: path, rate_hz, onNotice: this.#notice });
    this.#sampler = sampler;
    onStart(sampler);
    if (energyDevices(sampler.series).length === 0) return sampler;
    this.#notice(`leaving the machine alone for ${IDLE_S} s, to know its idle power`);
    try {
      await sleep(IDLE_S * 1000, signal);
    } catch (error) {
      if (!(error instanceof CancelledError)) throw error;
    }
    return sampler;
  }

  /** Ends sampling, closes the journal and gives the directory back. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#sampler?.[Symbol.asyncDispose]();
    } finally {
      try {
        this.journal[Symbol.dispose]();
      } finally {
        this.#unlock();
      }
    }
  }
}

/**
 * Takes a run's directory for this process, and removes what a killed one left half written; the
 * returned function gives it back.
 *
 * @throws {InputError} another process uses it.
 */
export function takeRun(directory: RunDirectory): () => void {
  const unlock = takeLock(directory.lock);
  try {
    const { path, items, report } = directory;
    [path, items, dirname(report)].forEach(removeDrafts);
    return unlock;
  } catch (error) {
    unlock();
    throw error;
  }
}

function describe(
  { kind, benchmark, seed, config, tags, agent, argv, api, model }: RunOpening,
  { run_id }: RunDirectory,
  redactor: Redactor,
): Promise<RunMetadata> {
  return describeRun({
    run_id,
    kind,
    benchmark,
    agent: agent ?? "real-openai-compatible",
    model: model ?? api.model,
    tags,
    seed,
    argv: (argv ?? process.argv).map((argument) => redactor.redact(argument)),
    config: JSON.parse(redactor.redact(JSON.stringify(config))),
  });
}

function checked(metadata: RunMetadata, { benchmark, api }: RunOpening): RunMetadata {
  const { run_id } = metadata;
  const differs = (what: string, there: string, here: string) =>
    new InputError(
      `--resume ${run_id}: that run is of the ${what} "${there}", not "${here}"; ` +
        "give the same, or leave out --resume for a new run",
    );
  if (metadata.benchmark !== benchmark) throw differs("suite", metadata.benchmark, benchmark);
  if (metadata.model !== api.model) throw differs("model", metadata.model, api.model);
  return metadata;
}
