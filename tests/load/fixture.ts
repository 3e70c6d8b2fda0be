/** Loads on real servers, for tests. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configureApi } from "../../lib/endpoint/api.ts";
import { openTransport } from "../../lib/endpoint/open_transport.ts";
import { weightedModels } from "../../lib/load/models.ts";
import { planLoad } from "../../lib/load/plan_load.ts";
import { runPlannedLoad } from "../../lib/load/run_load.ts";
import { assertLoadConserved } from "./conserved.ts";
import type { LoadRun } from "../../lib/load/conclude_run.ts";
import type { LoadSettings } from "../../lib/settings/load.ts";
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
  assertLoadConserved(run.results, run.records);
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
