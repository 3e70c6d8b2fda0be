/** Loads on real servers, for tests. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert } from "@std/assert";
import { configureApi } from "../../lib/endpoint/api.ts";
import { openTransport } from "../../lib/endpoint/open_transport.ts";
import { weightedModels } from "../../lib/load/models.ts";
import { planLoad } from "../../lib/load/plan_load.ts";
import { runPlannedLoad } from "../../lib/load/run_load.ts";
import type { LoadRun } from "../../lib/load/conclude_run.ts";
import type { LoadSettings } from "../../lib/settings/load.ts";
import type { StageResults } from "../../lib/load/results.ts";
import type { RequestRecord } from "../../lib/run/request_record.ts";

/** Runs a load without hardware samples; its folder is gone when the run is disposed of. */
export async function load(
  settings: LoadSettings,
  signal: AbortSignal = new AbortController().signal,
): Promise<LoadRun & Disposable> {
  const out = mkdtempSync(join(tmpdir(), "dyno-load-"));
  await using transport = await openTransport({ only: settings.transport });
  const [model] = weightedModels(settings.model).map(({ name }) => name);
  const api = await configureApi({ ...settings, model, retry_attempts: 0 }, transport, () => {});
  const run = await runPlannedLoad({
    name: "test",
    plan: await planLoad(settings),
    settings: { sample_rate_hz: 0, ...settings },
    api,
    transport,
    out,
    countTokens: null,
    signal,
    onProgress: () => {},
    onNotice: () => {},
  });
  run.results.stages.forEach((stage, i) =>
    assertConserved(stage, run.records.filter((record) => record.stage === i && !record.warmup))
  );
  return { ...run, [Symbol.dispose]: () => rmSync(out, { recursive: true, force: true }) };
}

/** A record of an answered request, with what a test cares about. Times are in ms. */
export function record(
  fields: Partial<RequestRecord> & { at_ms: number; ttft_ms?: number; e2e_ms?: number },
): RequestRecord {
  const { at_ms, ttft_ms = 100, e2e_ms = 200, ...rest } = fields;
  const t_sent_ns = at_ms * 1e6;
  return {
    request: 0,
    stage: 0,
    warmup: false,
    conversation: null,
    turn: 0,
    t_intended_ns: t_sent_ns,
    t_ready_ns: t_sent_ns,
    t_sent_ns,
    t_first_byte_ns: t_sent_ns + ttft_ms * 1e6,
    t_first_choice_ns: t_sent_ns + ttft_ms * 1e6,
    t_first_token_ns: t_sent_ns + ttft_ms * 1e6,
    t_last_token_ns: t_sent_ns + e2e_ms * 1e6,
    t_end_ns: t_sent_ns + e2e_ms * 1e6,
    connect_ns: 0,
    status: 200,
    failure: null,
    message: null,
    prompt_tokens: 10,
    completion_tokens: 11,
    token_source: "usage",
    usage_details: null,
    cost_usd: null,
    token_events: 11,
    lag_max_ns: 0,
    gaps_at: 0,
    gaps: 10,
    ...rest,
  };
}

/**
 * That the figures of a stage balance within the interval of its rate: tokens/s are requests/s times the
 * tokens of one; requests in flight are requests/s times the time of one (J. Little, Operations
 * Research 9, 1961), failed ones too; good requests/s are all requests/s times the good share. Means are
 * taken of the records. Where there is no interval, for few requests, nothing is promised.
 */
export function assertConserved(stage: StageResults, records: readonly RequestRecord[]): void {
  const { requests_per_s, intervals, requests, goodput } = stage;
  const interval = intervals?.requests_per_s;
  if (!interval || requests.successful === 0) return;
  // windows end at single requests, and a place that is free is not taken in the same nanosecond
  const [low, high] = [interval.low * 0.97 / requests_per_s, interval.high * 1.03 / requests_per_s];
  const balances = (what: string, found: number, expected: number) =>
    assert(
      low * expected <= found && found <= high * expected,
      `${stage.name}: ${what}: ${found}, by the requests' rate ${expected} (${low} to ${high})`,
    );
  const answered = records.filter(({ failure }) => failure === null);
  // how long those that were cut off would have taken nobody knows: a closed loop's rate weighs the others
  // for them; in an open one they were in flight until then, and so far they count
  const open = stage.window.counts === "turn";
  const sent = records.filter(({ t_sent_ns, failure }) =>
    t_sent_ns !== null && (open || failure !== "unfinished")
  );
  const meanOf = (own: readonly RequestRecord[], value: (record: RequestRecord) => number) =>
    own.reduce((sum, record) => sum + value(record), 0) / own.length;
  if (answered.every(({ completion_tokens }) => completion_tokens !== null)) {
    const tokens = meanOf(answered, ({ completion_tokens }) => completion_tokens!);
    balances("output tokens/s", stage.output_tokens_per_s!, requests_per_s * tokens);
  }
  if (answered.every(({ prompt_tokens }) => prompt_tokens !== null)) {
    const tokens = meanOf(answered, ({ prompt_tokens }) => prompt_tokens!);
    balances("prompt tokens/s", stage.prompt_tokens_per_s!, requests_per_s * tokens);
  }
  const time_s = meanOf(sent, ({ t_sent_ns, t_end_ns }) => (t_end_ns - t_sent_ns!) / 1e9);
  // what its client cut off had no chance to be good
  const judged = records.filter(({ failure }) => failure !== "cancelled");
  const all_per_s = requests_per_s * judged.length / answered.length;
  const sent_per_s = requests_per_s * sent.length / answered.length;
  balances("in flight", stage.concurrency.mean, sent_per_s * time_s);
  if (goodput?.requests_per_s) {
    balances("goodput", goodput.requests_per_s.value, all_per_s * goodput.share!.value);
  }
  // an open loop sends as it wants, whatever comes of it; sends are counted whole, so few of them by places
  // tell little: the first of each place and the last weigh as much as the others
  const isLong = sent.length >= 16 * stage.concurrency.mean;
  if (stage.window.counts === "stage" && requests.unfinished === 0 && isLong) {
    balances("sent", stage.achieved_rate_per_s, sent_per_s);
  }
}
