/** Runs loads from their settings: reaches the endpoint, asks a first question, plans, and measures. */
import { InputError } from "../errors.ts";
import { CancelledError } from "../execute/scope.ts";
import { type LoadSettings, loadSettingsSchema } from "../settings/load.ts";
import { asField } from "../settings/placed_error.ts";
import { checkSettings, withoutUnits } from "../settings/setting.ts";
import {
  type APIConfiguration,
  type ApiOptions,
  configureApi,
  endpointsAsked,
  settleApi,
} from "../endpoint/api.ts";
import { endpointsOf } from "../settings/endpoint.ts";
import { EndpointClient, type RequestOver } from "../endpoint/client.ts";
import { commonTransport, openTransport } from "../endpoint/open_transport.ts";
import { checkWritable } from "../run/directory.ts";
import { type LoadExperiment, nthRun } from "../settings/load_experiment.ts";
import { weightedModels } from "./models.ts";
import { firstModel, planLoad } from "./plan_load.ts";
import { readTemplate } from "./prompts/template.ts";
import { openTokenizer } from "./prompts/tokenizer.ts";
import { type LoadRunOptions, runPlannedLoad } from "./run_load.ts";
import { runShards } from "./shards/run_shards.ts";
import { FORMS } from "../endpoint/forms/forms.ts";
import { sleep } from "../execute/sleep.ts";
import { nowNs } from "../native/clock.ts";
import type { EndpointError } from "../endpoint/errors.ts";
import type { Transport } from "../endpoint/transport.ts";
import type { LoadsOptions } from "./loads_options.ts";
import type { LoadShare } from "./share.ts";
import type { LoadRun } from "./conclude_run.ts";

/** Listeners for several loads, and what to keep of each. */
export interface LoadsProgress<Kept> {
  /**
   * Called when a load begins. `index`: its number, from 0; `varied`: the settings that set it
   * apart; `round`: which of its runs, from 0.
   */
  onBegin?(index: number, varied: Record<string, unknown>, round: number): void;
  /** Returns what to keep of a load, whose requests may be many. */
  keep(run: LoadRun, index: number): Kept | Promise<Kept>;
  /**
   * How often each load runs. Rounds alternate between the loads, so that a server's drift affects
   * all of them.
   */
  rounds?: number;
  /** Whether a load has run often enough before its last round. */
  isEnough?(index: number): boolean;
}

/** A first answer slower than this is reported, milliseconds. */
const WAITING_MS = 3000;

/**
 * Runs one load from its settings.
 *
 * @param name the name of the experiment.
 * @throws {InputError} wrong settings, or an endpoint that cannot be reached, before anything is
 * written; a directory that cannot be written to.
 *
 * @example
 * ```ts
 * const settings = { endpoint: "http://127.0.0.1:8000/v1", concurrency: 8, requests: 100 };
 * const { signal } = new AbortController();
 * const { results } = await measureLoad("load", settings, { out: "runs", signal });
 * console.log(results.total.output_tokens_per_s, results.verdict.verdict);
 * ```
 */
export async function measureLoad(
  name: string,
  settings: LoadSettings,
  options: LoadsOptions,
): Promise<LoadRun> {
  if (options.spread) return await runShards(name, settings, options.spread, options);
  const { signal, onNotice = () => {}, onWarning = () => {}, onProgress = () => {} } = options;
  const endpoints = endpointsOf(settings);
  const tokenizer = settings.tokenizer ? await openTokenizer(settings.tokenizer) : null;
  const only = settings.transport ?? await commonTransport(endpoints, onNotice);
  await using transport = await openTransport({ only, notice: onNotice });
  const { wait_ready_s } = checkSettings(loadSettingsSchema, settings, "settings");
  const [, ...others] = weightedModels(settings.model).map(({ name }) => name);
  const model = await firstModel(settings);
  const asking = { ...settings, model, retry_attempts: 0 };
  const waited: RequestOver[] = [];
  if (wait_ready_s !== undefined) {
    const { balance: _, ...one } = asking;
    for (const endpoint of endpoints.length > 0 ? endpoints : [undefined]) {
      waited.push(
        ...await waitReady({ ...one, endpoint }, wait_ready_s, transport, onNotice, signal),
      );
    }
  }
  const api = await configureApi(asking, transport, onWarning, signal);
  for (const other of others) {
    await configureApi({ ...asking, model: other }, transport, onWarning, signal); // warns about a wrong name
  }
  options.onReached?.(api, [api.model, ...others]);
  const waiting = setTimeout(
    () => onNotice("waiting for the answer to a first question"),
    WAITING_MS,
  );
  const asked = await preflight(api, transport, onWarning, signal)
    .finally(() => clearTimeout(waiting));
  const first_requests = [...waited, ...asked];
  const plan = await planLoad(settings, {
    tokenizer,
    async templateTokens(words) {
      const { requests, ...told } = await readTemplate(api, transport, words, signal);
      first_requests.push(...requests);
      return told;
    },
  }, options.share);
  return await runPlannedLoad({
    ...options,
    name,
    plan,
    settings,
    api,
    transport,
    first_requests,
    countTokens: tokenizer && ((text) => tokenizer.count(text)),
    onProgress,
    onNotice,
    // frees its buffers, and thousands of connections
    onSent: async () => await transport[Symbol.asyncDispose](),
  });
}

/** A load as a program gives it: its settings, and any of the other options. */
export interface LoadGiven
  extends Omit<LoadSettings, "duration_s" | "grace_s" | "think_time_s">, Partial<LoadsOptions> {
  /** The load's name. Default "load". */
  name?: string;
  /** How long each load lasts: seconds, or a text such as "60s". */
  duration?: LoadSettings["duration_s"];
  /** The same as `duration`. */
  duration_s?: LoadSettings["duration_s"];
  /** How long requests in flight may take at the end. Default 30 s. */
  grace?: LoadSettings["grace_s"];
  /** The same as `grace`. */
  grace_s?: LoadSettings["grace_s"];
  /** The wait between the turns of a conversation. */
  think_time?: LoadSettings["think_time_s"];
  /** The same as `think_time`. */
  think_time_s?: LoadSettings["think_time_s"];
}

/**
 * Runs one load and returns its results, which it also writes to a run directory.
 *
 * @param given an endpoint, a load (`concurrency` or `rate`) and an end (`duration` or `requests`);
 * or a planned load with all that it needs.
 * @throws {InputError} all problems with the settings; an endpoint that cannot be reached; a
 * directory that cannot be written to.
 *
 * @example
 * ```ts
 * const { results } = await runLoad({ endpoint, concurrency: 16, duration: "60s" });
 * console.log(results.total.requests_per_s, results.verdict.verdict);
 * ```
 */
export async function runLoad(given: LoadGiven | LoadRunOptions): Promise<LoadRun> {
  if ("plan" in given) return await runPlannedLoad(given);
  const { name = "load", out = "runs", signal = new AbortController().signal, ...more } = given;
  const { run_id, agent, tags, argv, budget, prices, share, spread, begin, ...rest } = more;
  const { onDirectory, onReached, onProgress, onLive, onNotice, onWarning, ...settings } = rest;
  const own = withoutUnits(loadSettingsSchema, settings);
  checkSettings(loadSettingsSchema, own, "runLoad"); // before any request
  const faults = await planLoad(own, undefined, anyShare({ share, spread })).then(
    (): string[] => [],
    (error) => {
      if (error instanceof InputError) return [asField(error.message)];
      throw error;
    },
  );
  if (own.endpoint === undefined && own.provider === undefined) {
    faults.push("which endpoint? give endpoint, such as http://127.0.0.1:8000/v1, or provider");
  }
  if (faults.length > 0) throw new InputError(`runLoad: ${faults.join("; ")}`);
  const told = { onDirectory, onReached, onProgress, onLive, onNotice, onWarning };
  const parts = { share, spread, begin };
  const options = { run_id, agent, tags, argv, budget, prices, out, signal, ...parts, ...told };
  return await measureLoad(name, own, options);
}

/** One part of a load that will be divided: if it cannot be divided, planning any part shows that. */
function anyShare(
  { share, spread }: Pick<LoadsOptions, "share" | "spread">,
): LoadShare | undefined {
  return spread ? { index: 0, count: spread.shards } : share;
}

/**
 * Runs the loads of an experiment one at a time, so that they do not disturb one another. Loads
 * that have not begun are skipped when the budget is spent or the signal is aborted. So is one whose
 * first question or preparation the signal cut off.
 *
 * @param progress the listeners, and what to keep of each load.
 * @throws {InputError} as {@linkcode measureLoad}; wrong settings of any load, before the first one
 * begins.
 */
export async function runLoads<Kept>(
  { name, runs }: LoadExperiment,
  options: LoadsOptions,
  { onBegin, keep, rounds = 1, isEnough = () => false }: LoadsProgress<Kept>,
): Promise<Kept[]> {
  checkWritable(options.out);
  for (const { settings } of runs) await planLoad(settings, undefined, anyShare(options));
  const kept: Kept[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const [index, { settings, varied }] of runs.entries()) {
      if (options.signal.aborted || options.budget?.ended) return kept;
      if (isEnough(index)) continue;
      onBegin?.(index, varied, round);
      // no round repeats the prompts or arrivals of another
      const own = nthRun(settings, round * runs.length);
      const run = await measureLoad(name, own, options).catch((error) => {
        if (error instanceof CancelledError && options.signal.aborted) return null;
        throw error;
      });
      if (run === null) return kept;
      kept.push(await keep(run, index));
    }
  }
  return kept;
}

/**
 * Asks each endpoint one short question before a load, to learn the server's quirks: whether it
 * accepts `stream_options` is noted in `api`.
 *
 * @param warn called with a failed answer.
 * @returns the requests that were made.
 * @throws {InputError} the server refuses the key, or says that it has no such model or path: every
 * further request would fail in the same way.
 */
export async function preflight(
  api: APIConfiguration,
  transport: Transport,
  warn: (line: string) => void,
  signal: AbortSignal,
): Promise<RequestOver[]> {
  const requests: RequestOver[] = [];
  if (api.api_type !== "chat" && api.api_type !== "completions") return requests;
  const { several: _, ...alone } = api;
  for (const endpoint of endpointsAsked(api)) {
    const client = new EndpointClient({ ...alone, endpoint }, transport);
    const question = { prompt: "Say yes.", parameters: { max_tokens: 1 } };
    const { error } = await client.ask(question, signal, undefined, (over) => requests.push(over));
    if (error && isRefusal(error)) {
      const todo = error.status === 404 ? "; check --model and --endpoint" : "";
      throw new InputError(`${endpoint}: the first question was refused: ${error.message}${todo}`);
    }
    if (error && error.failure !== "empty_reply") warn(`a first question failed: ${error.message}`);
    // all endpoints get the same form of request
    if (!client.asksForUsage) api.stream_options = false;
  }
  return requests;
}

/** What servers call a model or a path that is not there. */
const ABSENT = /model|route|path|url|not[ _]found|no such|not exist|unknown/i;

/** Whether an error is about what was asked for, so that every request will meet it. */
function isRefusal({ failure, status, message }: EndpointError): boolean {
  return failure === "auth" || status === 404 && ABSENT.test(message);
}

const EVERY_MS = 500;

/**
 * Sends short questions until one is answered or refused with a 4xx error, either of which shows
 * that the server is up.
 *
 * @param wait_s the longest wait, seconds.
 * @param notice called once, if it has to wait.
 * @returns the requests that were made, which may have a cost.
 * @throws {InputError} wrong settings, immediately; a server that is not ready in time, with its
 * last error.
 */
async function waitReady(
  options: ApiOptions,
  wait_s: number,
  transport: Transport,
  notice: (line: string) => void,
  signal: AbortSignal,
): Promise<RequestOver[]> {
  const requests: RequestOver[] = [];
  const { endpoint } = settleApi(options, () => {});
  const until_ns = nowNs() + wait_s * 1e9;
  for (let attempts = 0;; attempts++) {
    const why = await whyNotReady(options, transport, (over) => requests.push(over), signal);
    if (why === null) return requests;
    if (nowNs() >= until_ns) {
      throw new InputError(`--wait-ready: ${endpoint} was not ready within ${wait_s} s: ${why}`);
    }
    if (attempts === 0) notice(`waiting up to ${wait_s} s for ${endpoint}: ${why}`);
    await sleep(EVERY_MS, signal);
  }
}

async function whyNotReady(
  options: ApiOptions,
  transport: Transport,
  onOver: (over: RequestOver) => void,
  signal: AbortSignal,
): Promise<string | null> {
  let api: APIConfiguration;
  try {
    api = await configureApi({ ...options, retry_attempts: 0 }, transport, () => {}, signal);
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  const { says, needs_sound } = FORMS[api.api_type];
  const asks = api.template === undefined || api.template.body !== undefined;
  if (!asks || says !== "text" || needs_sound || api.api_type === "responses") return null;
  const question = { prompt: "Say yes.", parameters: { max_tokens: 1 } };
  const client = new EndpointClient(api, transport);
  const { error } = await client.ask(question, signal, undefined, onOver);
  const absent = error !== null &&
    ["connect", "timeout", "http_5xx", "truncated"].includes(error.failure);
  return absent ? error.message : null;
}
