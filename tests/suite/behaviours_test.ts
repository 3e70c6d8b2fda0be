/** What servers in the wild say, read by a suite, over every form of API. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { configureApi } from "../../lib/endpoint/api.ts";
import { openTransport } from "../../lib/endpoint/open_transport.ts";
import { readResults } from "../../lib/suite/resume.ts";
import { runSuite } from "../../lib/suite/run_suite.ts";
import { behaving, BEHAVIOURS } from "../endpoint/behaviours.ts";
import { suiteFrom, temporaryFolder } from "./fixture.ts";

for (const only of ["wire", "portable"] as const) {
  for (const path of new Set(BEHAVIOURS.map((behaviour) => behaviour.path))) {
    Deno.test(`a suite reads what servers say over ${path} (${only})`, async (t) => {
      using folder = temporaryFolder();
      await using server = await behaving();
      await using transport = await openTransport({ only });
      const options = { endpoint: `${server.url}${path}`, model: "m", retry_attempts: 0 };
      const api = await configureApi(options, transport, () => {});
      const behaviours = BEHAVIOURS.filter((behaviour) => behaviour.path === path);
      const suite = suiteFrom(behaviours.map(({ name }, i) => ({
        id: `t${i}`,
        name,
        category: "kind",
        prompt: name,
      })));
      const run = await runSuite({ suite, api, transport, out: folder.path, sample_rate_hz: 0 });
      const results = new Map(
        (await readResults(run.directory)).map((result) => [result.test_name, result]),
      );
      for (const { name, expected } of behaviours) {
        await t.step(name, () => {
          const result = results.get(name)!;
          assertEquals(result.error_class, expected.failure, result.error_message ?? "");
          assertStringIncludes(result.error_message ?? "", expected.says ?? "");
          if (expected.failure !== null) return;
          assertEquals(result.response_text, expected.text);
          assertEquals(result.reasoning_text, expected.reasoning ?? null);
          assertEquals(
            [result.prompt_tokens, result.completion_tokens, result.token_source],
            [expected.prompt_tokens, expected.completion_tokens, expected.source],
          );
          assertEquals(result.usage_details, expected.details ?? null);
          assertEquals(result.timing!.token_events, expected.token_events);
          if (expected.token_events < 2) assertEquals(result.timing!.tpot_ms, null);
          assert(result.api_response !== null);
        });
      }
    });
  }
}
