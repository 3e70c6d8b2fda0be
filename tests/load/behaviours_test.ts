/** What servers in the wild say, read by a load: as a suite reads it, and in its figures. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { latencies } from "../../lib/endpoint/latency.ts";
import { behaving, BEHAVIOURS } from "../endpoint/behaviours.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { load } from "./fixture.ts";

for (const transport of ["wire", "portable"] as const) {
  for (const path of new Set(BEHAVIOURS.map((behaviour) => behaviour.path))) {
    Deno.test(`a load reads what servers say over ${path} (${transport})`, async (t) => {
      using folder = temporaryFolder();
      await using server = await behaving();
      const behaviours = BEHAVIOURS.filter((behaviour) => behaviour.path === path);
      const prompts = join(folder.path, "prompts.jsonl");
      writeFileSync(
        prompts,
        behaviours.map(({ name }) => `${JSON.stringify({ prompt: name })}\n`).join(""),
      );
      using run = await load({
        endpoint: `${server.url}${path}`,
        model: "m",
        transport,
        prompts,
        concurrency: 1,
        requests: behaviours.length,
      });
      assertEquals(run.records.length, behaviours.length);
      for (const [i, { name, expected }] of behaviours.entries()) {
        await t.step(name, () => {
          const record = run.records.find(({ request }) => request === i)!;
          assertEquals(record.failure, expected.failure, record.message ?? "");
          assertStringIncludes(record.message ?? "", expected.says ?? "");
          assertEquals(record.token_events, expected.token_events);
          assertEquals(
            [record.prompt_tokens, record.completion_tokens, record.token_source],
            [expected.prompt_tokens, expected.completion_tokens, expected.source],
          );
          assertEquals(record.usage_details, expected.details ?? null);
          const { t_first_token_ns: first_ns, t_last_token_ns: last_ns } = record;
          assertEquals(record.gaps > 0, first_ns !== last_ns);
          if (first_ns === last_ns) assertEquals(latencies(record).tpot_ms, null);
        });
      }
    });
  }
}

Deno.test("what a server counts of an answer without a text is in no rate", async () => {
  await using server = await behaving();
  using run = await load({
    endpoint: `${server.url}/chat/completions`,
    model: "m",
    prompt: "usage without a text",
    concurrency: 1,
    requests: 4,
  });
  const { requests, errors, requests_per_s, output_tokens_per_s } = run.results.total;
  assertEquals([requests.successful, errors], [0, { empty_reply: 4 }]);
  assertEquals([requests_per_s, output_tokens_per_s], [0, 0]);
});
