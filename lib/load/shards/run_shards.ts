/**
 * Runs a load in several processes: plans it, starts them together, watches them, and merges their
 * results.
 */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { apiKey, configureApi, settleApi } from "../../endpoint/api.ts";
import { openTransport } from "../../endpoint/open_transport.ts";
import { InputError } from "../../errors.ts";
import { clockAnchor, nowNs } from "../../native/clock.ts";
import { Redactor } from "../../run/redact.ts";
import { removeRunDirectory, runDirectoryAt } from "../../run/directory.ts";
import { RunSession } from "../../run/session.ts";
import { builtinPrices } from "../../run/prices.ts";
import { withFiles } from "../../settings/beside_file.ts";
import { writeFileAtomic } from "../../write.ts";
import { readLoadJournal } from "../load_journal.ts";
import { modelsText, weightedModels } from "../models.ts";
import { BUDGET } from "../drive_options.ts";
import { firstModel, planLoad, recordedPlan, seedNotice } from "../plan_load.ts";
import { withTimeLeft } from "../time_left.ts";
import { gatherShards } from "./gather.ts";
import { shardFolder, shardPaths, shardRunId } from "./plan.ts";
import { Shards } from "./watch.ts";
import type { APIConfiguration } from "../../endpoint/api.ts";
import type { LoadSettings } from "../../settings/load.ts";
import type { Budget, BudgetLimits } from "../../run/budget.ts";
import type { RunDirectory } from "../../run/directory.ts";
import type { LoadResults } from "../results.ts";
import type { LoadRun } from "../conclude_run.ts";
import type { LoadPlan } from "../plan_load.ts";
import type { LoadsOptions } from "../loads_options.ts";
import type { LoadSpread } from "./executor.ts";
import type { ShardPlan } from "./plan.ts";

/**
 * Runs one load in several processes. Aborting the signal (Ctrl-C) ends all of them; the results
 * cover what arrived.
 *
 * @throws {InputError} settings that cannot be divided; a shard that fails before the common start.
 */
export async function runShards(
  name: string,
  settings: LoadSettings,
  spread: LoadSpread,
  options: LoadsOptions,
): Promise<LoadRun> {
  const opened: { unbegun: RunDirectory | null } = { unbegun: null };
  try {
    return await sendTogether(name, settings, spread, options, opened);
  } catch (error) {
    if (opened.unbegun !== null) removeRunDirectory(opened.unbegun.path); // nothing was sent
    throw error;
  }
}

async function sendTogether(
  name: string,
  settings: LoadSettings,
  { shards: count, executor }: LoadSpread,
  options: LoadsOptions,
  opened: { unbegun: RunDirectory | null },
): Promise<LoadRun> {
  const { signal, onNotice = () => {}, onWarning = () => {} } = options;
  const planned = await planLoad(settings, undefined, { index: 0, count });
  const { prompt_seed, all_named } = planned;
  const { api, models } = await reached(settings, planned, onWarning, signal);
  options.onReached?.(api, models);
  const whole: LoadSettings = {
    // shards may have another working directory
    ...withFiles(settings, (path) => resolve(path)),
    ...(models.length === 1 && !all_named ? { model: models[0] } : {}),
    ...(prompt_seed === null ? {} : { prompt_seed }),
  };
  const plan = await planLoad(whole);
  if (settings.prompt_seed !== undefined && prompt_seed !== null) {
    onNotice(seedNotice(prompt_seed));
  }
  checkNoSecret(api, whole);
  const prices = options.prices ?? builtinPrices();
  const told: ShardPlan = {
    name,
    settings: whole,
    count,
    budget: leftOf(options.budget),
    prices: {
      name: prices.name,
      rows: [...new Set(models.flatMap((model) => prices.priceOf(model) ?? []))],
    },
  };
  await using session = await RunSession.open({
    ...options,
    onNotice,
    kind: "load",
    benchmark: name,
    seed: plan.pattern.seed,
    api,
    model: modelsText(models),
    config: { api_configuration: api, settings: whole, shards: count, ...recordedPlan(plan) },
  });
  const { directory } = session;
  opened.unbegun = directory;
  const paths = shardPaths(shardFolder(directory));
  for (const folder of [paths.clocks, paths.logs]) mkdirSync(folder, { recursive: true });
  writeFileAtomic(paths.plan, JSON.stringify(told, null, 2) + "\n");
  const { folder, logs } = paths;
  const job = await executor({ name, folder, count, logs, notice: once(onNotice) });
  if (job.name !== null) onNotice(`${job.name}: ${count} shards`);
  const shards = new Shards(paths, count, job);
  try {
    await shards.untilReady(onNotice, signal);
    const first = await readLoadJournal(runDirectoryAt(join(folder, shardRunId(0))));
    const { schema_version, transport, price, prices, api, template_tokens } = first.started;
    session.journal.append({
      event: "load_started",
      schema_version,
      name,
      settings: whole,
      transport,
      api,
      price,
      ...(prices ? { prices } : {}),
      ...(template_tokens === undefined ? {} : { template_tokens }),
      shards: { count, index: null },
      anchor: clockAnchor(),
    });
    opened.unbegun = null;
    const start_ns = shards.start();
    await shards.untilOver(signal, (progress, client) => {
      const begin = { start_ns, ended: 0 };
      options.onProgress?.(withTimeLeft(progress, plan.stages, begin, nowNs()));
      if (client) session.journal.append({ event: "load_progress", ...progress, client });
    });
  } catch (error) {
    await job.cancel();
    throw error;
  }
  const run = await gatherShards(directory, await job.over());
  if (options.budget) bill(options.budget, run.results);
  return run;
}

/** Shows each line only once. */
function once(show: (line: string) => void): (line: string) => void {
  const shown = new Set<string>();
  return (line) => {
    if (!shown.has(line)) show(line);
    shown.add(line);
  };
}

/** What is left of a budget. */
function leftOf(budget: Budget | undefined): BudgetLimits {
  if (budget === undefined) return { usd: null, tokens: null };
  const { limits, spent } = budget;
  const left = (limit: number | null, gone: number) =>
    limit === null ? null : Math.max(0, limit - gone);
  return { usd: left(limits.usd, spent.usd), tokens: left(limits.tokens, spent.tokens) };
}

/** Adds what the shards have spent to the budget. */
function bill(budget: Budget, { ledger, stopped_because }: LoadResults): void {
  const { total_cost_usd, prompt_tokens, completion_tokens } = ledger.total;
  budget.add({ usd: total_cost_usd, tokens: (prompt_tokens ?? 0) + (completion_tokens ?? 0) });
  if (stopped_because?.includes(BUDGET)) budget.ended = true;
}

/** Resolves the endpoint. If the settings name the model, only the shards contact it. */
async function reached(
  settings: LoadSettings,
  plan: LoadPlan,
  warn: (line: string) => void,
  signal: AbortSignal,
): Promise<{ api: APIConfiguration; models: string[] }> {
  const [, ...others] = weightedModels(settings.model).map(({ name }) => name);
  const model = await firstModel(settings, plan);
  const asking = { ...settings, model, retry_attempts: 0 };
  if (model !== undefined) return { api: settleApi(asking, warn), models: [model, ...others] };
  await using transport = await openTransport({ only: "portable", notice: warn });
  const api = await configureApi(asking, transport, warn, signal);
  return { api, models: [api.model] };
}

/** @throws {InputError} the plan would contain a secret. */
function checkNoSecret(api: APIConfiguration, settings: LoadSettings): void {
  const redactor = new Redactor();
  redactor.learn(apiKey(api));
  redactor.learnHeaders(api.headers);
  const text = JSON.stringify(settings);
  if (redactor.redact(text) === text) return;
  throw new InputError(
    "--shards: a secret is among the settings, which are written to a file for the shards: give the key " +
      "in the variable that --api-key-env names",
  );
}
