// deno-lint-ignore-file no-console -- a program for people to read
/**
 * Is one model better than another? Asks both the same questions and tests the difference.
 *
 *   deno run -A examples/compare_models.ts [URL MODEL_A MODEL_B]
 *
 * Without arguments it asks a mock endpoint with two models, of which one is often wrong.
 */
import process from "node:process";
import {
  compareRuns,
  configureApi,
  MockEndpoint,
  openTransport,
  parseSuite,
  readRunDirectory,
  runSuite,
} from "../lib/mod.ts";

const tests = Array.from({ length: 12 }, (_, i) => ({
  id: `sum_${i}`,
  name: `Sum ${i}`,
  category: "sums",
  prompt: `What is ${i} + 1?`,
  evaluator: { name: "numeric", expected: i + 1 },
}));
const suite = parseSuite("sums.json", JSON.stringify({ test_suite_id: "sums", tests }));

const [url, ...models] = process.argv.slice(2);
const right = tests.map(({ prompt, evaluator }) => ({ prompt, response: `${evaluator.expected}` }));
const mocks = [{ answers: right }, {
  answers: right.slice(0, 3),
  default_response: "I am not sure.",
}];
await using transport = await openTransport();

const runs = [];
for (const [i, script] of mocks.entries()) {
  await using mock = url === undefined ? await MockEndpoint.start({ script }) : null;
  const endpoint = url ?? `${mock!.url}/v1`;
  const api = await configureApi(
    { endpoint, model: models[i] ?? "mock" },
    transport,
    console.error,
  );
  const { directory } = await runSuite({ suite, api, transport, out: "runs", sample_rate_hz: 0 });
  runs.push({ ...await readRunDirectory(directory.path), price: null });
}

const [comparison] = compareRuns(runs);
for (const { metric, first, second, difference, p } of comparison.metrics) {
  if (metric !== "pass_rate") continue;
  const interval = difference && `[${difference.low.toFixed(2)}, ${difference.high.toFixed(2)}]`;
  console.log(
    `pass rate ${first.toFixed(2)} and ${second.toFixed(2)}: difference ${interval}, p = ${p}`,
  );
}
console.log(`solved only by the first: ${comparison.flips.lost.length}`);
