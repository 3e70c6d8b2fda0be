/** The laws that the figures of every load keep, whatever test runs it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { assert } from "@std/assert";
import { readRecords } from "../../lib/load/load_journal.ts";
import { runDirectoryAt } from "../../lib/run/directory.ts";
import type { LoadResults, StageResults } from "../../lib/load/results.ts";
import type { RequestRecord } from "../../lib/run/request_record.ts";

/** That every stage of a load balances. */
export function assertLoadConserved(
  { stages }: Pick<LoadResults, "stages">,
  records: readonly RequestRecord[],
): void {
  stages.forEach((stage, i) =>
    assertConserved(stage, records.filter((record) => record.stage === i && !record.warmup))
  );
}

/** The same of every load that was measured somewhere below a folder, a sweep's too, by its files. */
export async function assertRunsConserved(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  for (
    const { name, parentPath } of readdirSync(folder, { recursive: true, withFileTypes: true })
  ) {
    if (name !== "results.json" || !existsSync(join(parentPath, "events.jsonl"))) continue;
    const found = JSON.parse(readFileSync(join(parentPath, name), "utf8"));
    if (found.kind !== "load") continue;
    assertLoadConserved(found, await readRecords(runDirectoryAt(parentPath)));
  }
}

/**
 * That the figures of a stage balance within the interval of its rate: tokens/s are requests/s times the
 * tokens of one; requests in flight are requests/s times the time of one (J. Little, Operations
 * Research 9, 1961), failed ones too; good requests/s are all requests/s times the good share. Means are
 * taken of the records. Where there is no interval, for few requests, nothing is promised.
 */
export function assertConserved(stage: StageResults, records: readonly RequestRecord[]): void {
  const { intervals, requests, goodput } = stage;
  const requests_per_s = stage.requests_per_s!;
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
