/** Run ids: `bench_<8 hex>_<YYYYMMDD_HHMMSS>`. */

const RUN_ID = /^bench_[0-9a-f]{8}_\d{8}_\d{6}$/;

/** Returns a new id, with the local time. */
export function newRunId(): string {
  return `bench_${crypto.randomUUID().slice(0, 8)}_${compactTime(new Date())}`;
}

export function isRunId(text: string): boolean {
  return RUN_ID.test(text);
}

/** The id of a search for capacity, which is a tag of its runs. */
const SEARCH_ID = /^search_[0-9a-f]{8}_\d{8}_\d{6}$/;

/** Returns a new id of a search for capacity, with the local time. */
export function newSearchId(): string {
  return newRunId().replace(/^bench/, "search");
}

/** The search for capacity that a run is a level of, by its tags; null for any other run. */
export function searchOf(tags: readonly string[]): string | null {
  return tags.find((tag) => SEARCH_ID.test(tag)) ?? null;
}

/** Formats local time as `YYYYMMDD_HHMMSS`, for file names. */
export function compactTime(time: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${time.getFullYear()}${two(time.getMonth() + 1)}${two(time.getDate())}`;
  return `${day}_${two(time.getHours())}${two(time.getMinutes())}${two(time.getSeconds())}`;
}
