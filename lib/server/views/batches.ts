/** The dashboard's view of batches. */
import { z } from "zod";
import { batchViews, modelName, recordsThatFit } from "../../compare/batch_views.ts";
import { batchNames, readBatchRecords } from "../../schedule/read_records.ts";
import { inQuery } from "../query.ts";
import type { BatchViews } from "../../compare/batch_views.ts";
import type { BatchReading, TimedRecord } from "../../schedule/read_records.ts";

/** A batch in the list of batches. */
export interface BatchEntry {
  name: string;
  /** Null if its file cannot be read. */
  records: number | null;
  failed: number | null;
  models: string[];
  industries: string[];
  /** Times of the first and the last record, Unix seconds. */
  first_s: number | null;
  last_s: number | null;
  /** Entries of the file that are not records. */
  left_out: number;
}

export interface RecordPage {
  records: TimedRecord[];
  total: number;
  offset: number;
  limit: number;
}

/** The query of GET /api/batches/{name}. */
export const batchQuerySchema = z.strictObject({
  /** `provider/model`. */
  model: z.string().max(400).optional(),
  industry: z.string().max(200).optional(),
  /** Unix seconds. */
  since: inQuery(z.coerce.number()).optional(),
  until: inQuery(z.coerce.number()).optional(),
});

/** The query of GET /api/batches/{name}/records. */
export const recordsQuerySchema = batchQuerySchema.extend({
  offset: inQuery(z.coerce.number().int().min(0).max(1e9).default(0)),
  limit: inQuery(z.coerce.number().int().min(1).max(500).default(50)),
});

/** The batches of a folder, the one with the newest record first. */
export function batchList(root: string): BatchEntry[] {
  return batchNames(root).map((name) => entryOf(root, name))
    .sort((a, b) => (b.last_s ?? 0) - (a.last_s ?? 0));
}

function entryOf(root: string, name: string): BatchEntry {
  let reading: BatchReading | null = null;
  try {
    reading = readBatchRecords(root, name);
  } catch { /* listed without figures; its own page says what is wrong */ }
  const { records, left_out } = reading ?? { records: [], left_out: 0 };
  return {
    name,
    records: reading && records.length,
    failed: reading && records.filter(({ success }) => !success).length,
    models: [...new Set(records.map(modelName))].sort(),
    industries: [...new Set(records.map(({ industry }) => industry))].sort(),
    first_s: records[0]?.t_s ?? null,
    last_s: records.at(-1)?.t_s ?? null,
    left_out,
  };
}

/** Caches views of unchanged files, because pages ask for the same views repeatedly. */
const drawn = new WeakMap<BatchReading, Map<string, BatchViews>>();
const MOST_DRAWN = 32;

/**
 * The five views of the matching records; null if there is no such batch.
 *
 * @throws {InputError} a damaged file.
 */
export function batchView(
  root: string,
  name: string,
  filter: z.infer<typeof batchQuerySchema>,
): BatchViews | null {
  const reading = batchNames(root).includes(name) ? readBatchRecords(root, name) : null;
  if (reading === null) return null;
  if (!drawn.has(reading)) drawn.set(reading, new Map());
  const known = drawn.get(reading)!;
  const key = JSON.stringify([filter.model, filter.industry, filter.since, filter.until]);
  const views = known.get(key) ?? batchViews(recordsThatFit(reading.records, filter));
  known.delete(key);
  known.set(key, views);
  if (known.size > MOST_DRAWN) known.delete(known.keys().next().value!);
  return views;
}

/** A page of the matching records, newest first; null if there is no such batch. */
export function recordPage(
  root: string,
  name: string,
  { offset, limit, ...filter }: z.infer<typeof recordsQuerySchema>,
): RecordPage | null {
  const reading = batchNames(root).includes(name) ? readBatchRecords(root, name) : null;
  if (reading === null) return null;
  const fitting = recordsThatFit(reading.records, filter);
  const end = Math.max(0, fitting.length - offset);
  const records = fitting.slice(Math.max(0, end - limit), end).reverse();
  return { records, total: fitting.length, offset, limit };
}
