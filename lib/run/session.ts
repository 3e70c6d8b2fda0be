/** Opens a run: its directory, lock, metadata and journal, and the sampling of the host. */
import { existsSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { sealedFile } from "../seal.ts";
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

/** Options for opening a run, and its listeners. */
export interface RunOpening
  extends Pick<RunFacts, "kind" | "benchmark" | "seed" | "config" | "tags"> {
  /** The folder of runs. */
  out: string;
  /** The id of a new run. Default: a generated one. */
  run_id?: string;
  /** The run to continue: its id or its folder. */
  resume?: string;
  /** How the endpoint is reached; its secrets are removed from all that is written. */
  api: APIConfiguration;
  /** The model's name in the metadata, where several are asked. */
  model?: string;
  /** Other endpoints that are used; their secrets are removed too. */
  others?: readonly APIConfiguration[];
  /** Who or what is behind the model. Default "real-openai-compatible". */
  agent?: string;
  /** The command line. Default: that of this process. */
  argv?: readonly string[];
  /** The suite as it was read; a new run keeps a copy. */
  suite?: string;
  /** Ends the run before it is exceeded; several runs may share one. */
  budget?: Budget;
  /** Default: the price table that comes with dyno. */
  prices?: PriceTable;
  /** Called with the run's directory before anything is written to it. */
  onDirectory?: (directory: RunDirectory) => void;
  /** Called with a line to show to the user. */
  onNotice: (line: string) => void;
}

/** How long to wait before the first request, to measure the machine's idle power. */
const IDLE_S = 2;

/** A run that this process writes to. */
export class RunSession implements AsyncDisposable {
  /** Whether the run existed before; its journal has what was finished then. */
  readonly resumed: boolean;
  readonly directory: RunDirectory;
  readonly metadata: RunMetadata;
  readonly journal: Journal;
  readonly budget: Budget;
  readonly cost: RequestCost;
  /** Every request so far, including earlier sessions. */
  readonly ledger: Ledger;
  readonly #notice: (line: string) => void;
  readonly #unlock: () => void;
  #sampler: Sampler | null = null;

  /**
   * Opens a new run, or an existing one to continue.
   *
   * @throws {InputError} the run cannot be written, another process uses it, or the run to continue
   * is missing, damaged, or of another benchmark or model.
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
        if (api.template !== undefined) {
          const template = redactor.redact(JSON.stringify(api.template, null, 2));
          writeFileAtomic(directory.request_template, `${template}\n`);
        }
        writeFileAtomic(directory.metadata, sealedFile(metadata));
      } else rmSync(directory.results, { force: true }); // they cover only the earlier sessions
      this.journal = new Journal(directory.journal, redactor); // this makes the folder a run
    } catch (error) {
      this.#unlock();
      throw error;
    }
  }

  /** Adds a request that has ended to the journal and the ledger, before it returns. */
  book(entry: LedgerEntry): void {
    const event = { event: "request_booked", entry } as const;
    this.journal.append(event);
    this.ledger.take(event);
  }

  /**
   * Starts sampling the host. If its energy can be measured, waits a while first to measure its
   * idle power.
   *
   * @param rate_hz samples per second; 0: none. Default 100 natively, 10 without libdyno.
   * @param signal ends the wait early.
   * @param onStart called before the wait.
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
    this.#notice(`measuring idle power for ${IDLE_S} s`);
    try {
      await sleep(IDLE_S * 1000, signal);
    } catch (error) {
      if (!(error instanceof CancelledError)) throw error;
    }
    return sampler;
  }

  /** Stops sampling, closes the journal and releases the directory. */
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
 * Locks a run's directory for this process, and removes incomplete files of a killed one; the
 * returned function releases the lock.
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
