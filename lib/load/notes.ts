/** Notes below the figures of a load: what the figures leave out, and why. */
import { cutOffText } from "../text/dollars.ts";
import { counted } from "../text/grouped.ts";
import { quantile, sortedCopy } from "../stats/quantile.ts";
import { failureClass, isRefusedHere } from "../run/request_record.ts";
import { cacheText, type CacheUse, isInflated } from "./cache_use.ts";
import { besideAskedLength, shortAnswers, templateText } from "./prompts/asked_length.ts";
import { hasPlaces } from "./stages.ts";
import type { JournaledLoad } from "./load_journal.ts";
import type { LoadPlan } from "./plan_load.ts";
import type { StageResults } from "./results.ts";

const requestsWere = (count: number) => count === 1 ? "1 request was" : `${count} requests were`;

/** Returns all that a reader must know besides the figures, one sentence each. */
export function notesOf(
  plan: LoadPlan,
  load: JournaledLoad,
  cache: CacheUse | null,
  total: StageResults,
): string[] {
  const notes = [...plan.notes];
  if (cache !== null && cache.share > 0 && !isInflated(cache)) notes.push(cacheText(cache));
  const { records, measured, telemetry } = load;
  const { requests_cut_off } = load.ledger.books().total;
  const { requests, token_sources } = total;
  const { settings, template_tokens = null } = load.started;
  const beside = token_sources.usage
    ? besideAskedLength(settings, total.prompt_tokens_mean, template_tokens)
    : null;
  const answers = records.filter(({ warmup, failure }) => !warmup && failure === null)
    .flatMap((record) => record.token_source === "events" ? [] : record.completion_tokens ?? []);
  const median = answers.length > 0 ? quantile(sortedCopy(answers), 0.5) : null;
  const short = shortAnswers(settings, median);
  notes.push(...[templateText(template_tokens), beside, short].filter((note) => note !== null));
  for (const { url, failures, last_failure } of telemetry?.pages ?? []) {
    if (failures > 0) notes.push(`${url}: ${counted(failures, "reading")} failed: ${last_failure}`);
  }
  if (telemetry?.left_out) {
    notes.push(
      "--server-metrics: more series than are kept; --server-metrics-names chooses those that matter",
    );
  }
  if (measured === null) {
    notes.push("the load was cut off: these are the requests that had ended by then");
  }
  if (requests_cut_off > 0) notes.push(cutOffText(requests_cut_off));
  if (
    measured?.out_of_prompts && measured.complete && !plan.stages.some(({ times_s }) => times_s)
  ) {
    notes.push(
      `${plan.prompts.name}: used up before the load's end` +
        (requests.warmup > 0 ? ` (${requests.warmup} by the warm-up; ` : " (") +
        "--recycle goes through them again)",
    );
  }
  if (plan.prompts.repeats) {
    notes.push("prompts were repeated: a prefix cache may have answered for the model");
  }
  if (token_sources.events) {
    notes.push(
      `${token_sources.events} answers came without usage: their events were counted as tokens`,
    );
  }
  if (token_sources.tokenizer) {
    notes.push(
      `${token_sources.tokenizer} answers came without usage: ${settings.tokenizer} counted their tokens`,
    );
  }
  if (records.every(({ session }) => !session)) {
    const none = "no request belonged to a session";
    const { api } = load.started;
    if (api.several?.balance === "sticky") notes.push(`${none}: the endpoints took turns (sticky)`);
    if (settings.connections === "sticky") notes.push(`${none}: connections were shared (sticky)`);
    if (settings.session_header) {
      notes.push(`${none}: none has the header ${settings.session_header}`);
    }
  }
  if (requests.outside > 0) {
    notes.push(
      `${
        requestsWere(requests.outside)
      } outside of the measured window: excluded (ramp-up or drain)`,
    );
  }
  if (requests.warmup > 0) {
    notes.push(
      requests.warmup === 1
        ? "1 warm-up request, excluded from results"
        : `${requests.warmup} warm-up requests, excluded from results`,
    );
  }
  if (requests.unfinished > 0) {
    notes.push(`${requestsWere(requests.unfinished)} cut off at the end: excluded from latencies`);
  }
  if (requests.cancelled) {
    const asked = plan.cancellations.map(({ text }) => text).join(", ");
    notes.push(
      `${
        requestsWere(requests.cancelled)
      } cancelled by this client (${asked}): excluded from latencies and rates`,
    );
  }
  if (plan.cancellations.length > 0 && !requests.cancelled && measured?.complete) {
    const asked = plan.cancellations.map(({ text }) => text).join(", ");
    notes.push(
      `--cancel ${asked}: no request was cancelled: none was chosen, or their answers were complete first`,
    );
  }
  const refused = records.filter((record) => !record.warmup && isRefusedHere(record));
  if (refused.length > 0) {
    notes.push(`${requestsWere(refused.length)} not sent: ${refused[0].message}`);
  }
  const late = requests.unsent - refused.length;
  if (late > 0) {
    notes.push(
      `${requestsWere(late)} due but not sent by the end: ` +
        (hasPlaces(plan.stages) ? "they had no place in flight" : "the client fell behind"),
    );
  }
  const first = records.find((record) => !record.warmup && failureClass(record) !== null);
  if (total.requests.failed > 0 && first) notes.push(`first failure: ${first.message}`);
  return notes;
}

/** Notes that tokens.bin lacks the gaps of this many requests; empty for 0. */
export function gapsLost(requests: number): string[] {
  if (requests === 0) return [];
  return [
    `tokens.bin lacks the gaps between tokens of ${requests} requests: gap figures leave them out`,
  ];
}
