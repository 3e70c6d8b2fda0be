/** Short names of endpoints for tables. */

/** The host of each URL, or the whole URLs if hosts are not unique. */
export function shortNames(urls: readonly string[]): string[] {
  const hosts = urls.map((url) => URL.canParse(url) ? new URL(url).host : url);
  return new Set(hosts).size === urls.length ? hosts : [...urls];
}
