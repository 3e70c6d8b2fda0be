/** Figures of a load by slices of time, for tables. */
import { latencies } from "../endpoint/latency.ts";
import { distribution } from "../stats/quantile.ts";
import { failureClass, type RequestRecord } from "../run/request_record.ts";
import type { GapsOf } from "./rates.ts";

/** A slice of time. Counts are of what happened in it; latencies are of the requests that ended in it. */
export interface Slice {
  /** Seconds since the intended time of the first request. */
  start_s: number;
  /** The last slice may be shorter than the others. */
  duration_s: number;
  sent: number;
  answered: number;
  failed: number;
  /** Mean over the slice. */
  in_flight: number;
  /**
   * Tokens whose events came in the slice, of all answers; null where an answer's tokens were not
   * counted.
   */
  output_tokens_per_s: number | null;
  /** Audio and images of the answers that ended in the slice; null where none reports any. */
  audio_s_per_s: number | null;
  images_per_s: number | null;
  ttft_p50_ms: number | null;
  ttft_p99_ms: number | null;
  tpot_p50_ms: number | null;
  e2e_p50_ms: number | null;
  e2e_p99_ms: number | null;
}

const NS_PER_S = 1e9;
const NS_PER_MS = 1e6;

/**
 * Returns the slices from the first request's intended time to the last one's end, without the
 * warm-up.
 *
 * @param slice_s seconds, above 0.
 */
export function slicesOf(
  records: readonly RequestRecord[],
  gapsOf: GapsOf,
  slice_s: number,
): Slice[] {
  const measured = records.filter(({ warmup }) => !warmup);
  if (measured.length === 0) return [];
  const begin_ns = measured.reduce((t, each) => Math.min(t, each.t_intended_ns), Infinity);
  const end_ns = measured.reduce((t, each) => Math.max(t, each.t_end_ns), -Infinity);
  const slice_ns = slice_s * NS_PER_S;
  const count = Math.max(1, Math.ceil((end_ns - begin_ns) / slice_ns));
  const at = (t_ns: number) =>
    Math.min(count - 1, Math.max(0, Math.floor((t_ns - begin_ns) / slice_ns)));
  const sent = new Uint32Array(count);
  const ended = Array.from({ length: count }, (): RequestRecord[] => []);
  const tokens = new Float64Array(count);
  const open_ns = new Float64Array(count);
  for (const record of measured) {
    const { t_sent_ns, t_end_ns } = record;
    if (t_sent_ns !== null) {
      sent[at(t_sent_ns)]++;
      for (let i = at(t_sent_ns); i <= at(t_end_ns); i++) {
        const from_ns = begin_ns + i * slice_ns;
        open_ns[i] += Math.min(t_end_ns, from_ns + slice_ns) - Math.max(t_sent_ns, from_ns);
      }
    }
    ended[at(record.t_end_ns)].push(record);
    const { t_first_token_ns, t_last_token_ns, token_events, completion_tokens } = record;
    if (record.failure !== null || t_first_token_ns === null || token_events === 0) continue;
    const each = (completion_tokens ?? NaN) / token_events;
    let t_ns = t_first_token_ns;
    tokens[at(t_ns)] += each;
    const gaps = gapsOf(record);
    for (const gap_ms of gaps) tokens[at(t_ns += gap_ms * NS_PER_MS)] += each;
    // all came in one read, or the file of gaps was cut off
    tokens[at(t_last_token_ns!)] += each * (token_events - 1 - gaps.length);
  }
  return ended.map((own, i) => {
    const start_ns = begin_ns + i * slice_ns;
    const stop_ns = Math.min(end_ns, start_ns + slice_ns);
    const duration_s = (stop_ns - start_ns) / NS_PER_S;
    const answered = own.filter(({ failure }) => failure === null);
    const values = answered.map(latencies);
    const of = (name: "ttft_ms" | "tpot_ms" | "e2e_ms") =>
      distribution(values.map((value) => value[name]).filter((value) => value !== null));
    const [ttft, tpot, e2e] = [of("ttft_ms"), of("tpot_ms"), of("e2e_ms")];
    const rate = tokens[i] / duration_s;
    const mediaRate = (kind: "audio_s" | "images") => {
      const told = answered.flatMap(({ media }) => media?.[kind] ?? []);
      return told.length > 0 ? told.reduce((sum, value) => sum + value, 0) / duration_s : null;
    };
    return {
      start_s: i * slice_s,
      duration_s,
      sent: sent[i],
      answered: answered.length,
      failed: own.filter((record) => failureClass(record) !== null).length,
      in_flight: open_ns[i] / NS_PER_S / duration_s,
      output_tokens_per_s: Number.isFinite(rate) ? rate : null,
      audio_s_per_s: mediaRate("audio_s"),
      images_per_s: mediaRate("images"),
      ttft_p50_ms: ttft?.p50 ?? null,
      ttft_p99_ms: ttft?.p99 ?? null,
      tpot_p50_ms: tpot?.p50 ?? null,
      e2e_p50_ms: e2e?.p50 ?? null,
      e2e_p99_ms: e2e?.p99 ?? null,
    };
  });
}
