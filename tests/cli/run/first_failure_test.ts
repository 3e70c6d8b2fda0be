/** What dyno run says of answers that did not come: the first one's own words, and what to try. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { assertEquals, assertMatch } from "@std/assert";
import { MockEndpoint } from "../../../lib/mock/server.ts";
import { dyno } from "../../e2e/dyno.ts";
import { temporaryFolder } from "../../suite/fixture.ts";
import type { ErrorMode } from "../../../lib/mock/faults/error_mode.ts";

const faults: [ErrorMode, RegExp][] = [
  ["server_error", /first failure: a: the server answered: HTTP 500: /],
  ["error_event", /first failure: a: the server broke off with an error: the model crashed/],
  [
    "redirect_elsewhere",
    /HTTP 307; it redirects to http:\/\/127\.0\.0\.1:9\/v1\/chat\/completions,/,
  ],
  ["truncated_stream", /broke off: .*\n.*cut off others: try --workers 1/],
];

for (const [error_mode, said] of faults) {
  Deno.test(`dyno run says why there is no answer: ${error_mode}`, async () => {
    using folder = temporaryFolder();
    await using mock = await MockEndpoint.start();
    const test = { id: "a", name: "A", category: "c", prompt: "p" };
    const suite = join(folder.path, "suite.json");
    writeFileSync(suite, JSON.stringify({ test_suite_id: "s", tests: [test] }));
    mock.configure({ error_mode });
    const { code, stderr } = await dyno(
      ["run", suite, "--endpoint", mock.url, "--retry-attempts", "0"],
      { cwd: folder.path },
    );
    assertEquals(code, 1, stderr);
    assertMatch(stderr, said);
  });
}
