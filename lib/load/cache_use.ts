/** Compares the prompt tokens that came from the server's prefix cache with what the load asked for. */
import { mean } from "../stats/quantile.ts";
import { percentText } from "../text/percent.ts";
import type { RequestRecord } from "../run/request_record.ts";
import type { ServerMetricsSummary } from "./server/server_summary.ts";

/** How much of the prompts came from a cache. */
export interface CacheUse {
  /** Share of the prompt tokens, 0 to 1. */
  share: number;
  /** The source of the share: `usage` in the answers, or the server's own counters. */
  from: "usage" | "counters";
  /** Share that the load's prompts repeat on purpose; null where unknown. */
  asked: number | null;
  /** Mean tokens of a prompt; null where unknown. */
  prompt_tokens: number | null;
}

/** Tokens of a chat template's own text, shared by all prompts: two blocks of vLLM. */
const TEMPLATE_TOKENS = 32;
/** Tolerance of the share: the server's token counts differ slightly from ours. */
const MOST_EXCESS = 0.05;

/**
 * Returns the use of a prefix cache in the measured part; null where nothing reports it.
 *
 * @param records of the measured part.
 * @param asked the share that the load's prompts have in common on purpose; null where unknown.
 */
export function cacheUse(
  records: readonly RequestRecord[],
  server: ServerMetricsSummary | null,
  asked: number | null,
): CacheUse | null {
  let cached = 0, counted = 0;
  const lengths: number[] = [];
  for (const { failure, prompt_tokens, usage_details } of records) {
    if (failure !== null || prompt_tokens === null) continue;
    lengths.push(prompt_tokens);
    if (usage_details?.cached_tokens === undefined) continue;
    cached += usage_details.cached_tokens;
    counted += prompt_tokens;
  }
  const prompt_tokens = lengths.length > 0 ? mean(lengths) : null;
  if (counted > 0) return { share: cached / counted, from: "usage", asked, prompt_tokens };
  const rate = server?.prefix_cache_hit_rate_from === "counters"
    ? server.prefix_cache_hit_rate
    : null;
  return rate === null || rate === undefined
    ? null
    : { share: rate, from: "counters", asked, prompt_tokens };
}

/** Whether a cache answered for the model although the load did not ask for that. */
export function isInflated({ share, asked, prompt_tokens }: CacheUse): boolean {
  if (asked === null) return false;
  const template = prompt_tokens === null ? 0 : TEMPLATE_TOKENS / prompt_tokens;
  return share - asked > Math.max(MOST_EXCESS, template);
}

/** Describes the use of the cache in one sentence. */
export function cacheText(use: CacheUse): string {
  const { share, from, asked, prompt_tokens } = use;
  const told = from === "usage" ? "usage of the answers" : "the server's counters";
  const wanted = asked === null ? "" : `, ${percentText(asked)} were asked for`;
  const each = asked === null || prompt_tokens === null ? 0 : (share - asked) * prompt_tokens;
  const template = each >= 1 && !isInflated(use)
    ? `; the rest is ${each.toFixed(0)} tokens of each, as a chat template's own words are`
    : "";
  return `${percentText(share)} of the prompt tokens came from the server's prefix cache ` +
    `(${told})${wanted}${template}`;
}
