/** What servers in the wild say, read by a load: as a suite reads it, and in its figures. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { assertEquals, assertStringIncludes } from "@std/assert";
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
        });
      }
    });
  }
}
