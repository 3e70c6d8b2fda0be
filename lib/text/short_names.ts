/** Endpoints as a table's rows are called. */

/** The host of each URL, or the URLs where hosts do not tell them apart. */
export function shortNames(urls: readonly string[]): string[] {
  const hosts = urls.map((url) => URL.canParse(url) ? new URL(url).host : url);
  return new Set(hosts).size === urls.length ? hosts : [...urls];
}
