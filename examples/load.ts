// deno-lint-ignore-file no-console -- a program for people to read
/**
 * How long does an endpoint take at one, two and four requests in flight?
 *
 *   deno run -A examples/load.ts [URL MODEL]
 *
 * Without arguments it asks a mock endpoint.
 */
import process from "node:process";
import { measureLoad, MockEndpoint } from "../lib/mod.ts";

const [url, model] = process.argv.slice(2);
await using mock = url === undefined
  ? await MockEndpoint.start({ behaviour: { delay_s: 0.05, tokens_per_second: 200 } })
  : null;
const { signal } = new AbortController();

for (const concurrency of [1, 2, 4]) {
  const { results } = await measureLoad("example", {
    endpoint: url ?? `${mock!.url}/v1`,
    model,
    concurrency,
    requests: 20,
    output_tokens: 16,
    sample_rate_hz: 0,
  }, { out: "runs", signal });
  const { metrics: { ttft_ms }, output_tokens_per_s } = results.total;
  console.log(
    `${concurrency} in flight: ttft p50 ${ttft_ms?.p50.toFixed(1) ?? "–"} ms,`,
    `${output_tokens_per_s?.toFixed(0) ?? "–"} tokens/s, client ${results.verdict.verdict}`,
  );
}
