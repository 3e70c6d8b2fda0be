// deno-lint-ignore-file no-console -- a program for people to read
/**
 * An evaluator of your own: an answer passes if it has no more words than allowed.
 *
 *   deno run -A examples/own_evaluator.ts [URL MODEL]
 *
 * Without arguments it asks a mock endpoint.
 */
import process from "node:process";
import { z } from "zod";
import { configureApi, MockEndpoint, openTransport, parseSuite, runSuite } from "../lib/mod.ts";

const brief = {
  name: "brief",
  options: z.strictObject({ words: z.int().min(1) }),
  evaluate({ response_text }: { response_text: string }, options: unknown) {
    const { words } = options as { words: number };
    const count = response_text.split(/\s+/).filter(Boolean).length;
    return { passed: count <= words, detail: `${count} words, at most ${words} allowed` };
  },
};

const ask = (id: string, prompt: string) => ({ id, name: id, category: "style", prompt });
const suite = parseSuite(
  "brief.json",
  JSON.stringify({
    test_suite_id: "brief",
    evaluator: { name: "brief", words: 5 },
    tests: [ask("capital", "Name the capital of France."), ask("story", "Tell me a story.")],
  }),
);

const [url, model = "mock"] = process.argv.slice(2);
const answers = [
  { contains: "capital", response: "Paris." },
  { contains: "story", response: "Once upon a time there was a mouse." },
];
await using mock = url === undefined ? await MockEndpoint.start({ script: { answers } }) : null;
await using transport = await openTransport();
const endpoint = url ?? `${mock!.url}/v1`;
const api = await configureApi({ endpoint, model }, transport, console.error);
await runSuite({
  suite,
  api,
  transport,
  out: "runs",
  sample_rate_hz: 0,
  evaluators: { brief },
  onResult: ({ test_name, evaluation_result: judged }) => {
    const passed = judged !== null && "passed" in judged && judged.passed;
    console.log(`${test_name}: ${passed ? "passed" : "failed"}`);
  },
});
