/** What reports say beside their charts: epochs, objectives of a whole run, and what the run shows. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { dynoEach } from "../e2e/dyno.ts";
import { jsonIn, temporaryFolder } from "../suite/fixture.ts";

const id = (n: number) => `bench_0000000${n}_20270131_120000`;

/** The text of a page, its markup left out. */
function textOf(html: string): string {
  return html.replace(/<script[^]*?<\/script>|<style[^]*?<\/style>/g, "").replace(/<[^>]*>/g, " ")
    .replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'").replaceAll("&amp;", "&").replace(/\s+/g, " ");
}

/** 1 − C(n − c, k) / C(n, k), Chen et al. 2021. */
function passAtK(n: number, c: number, k: number): number {
  let miss = 1;
  for (let i = 0; i < k; i++) miss *= Math.max(0, n - c - i) / (n - i);
  return 1 - miss;
}

Deno.test("reports have epochs, objectives, slices, turns, and what the run shows in explain's words", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start({ model: "m" });
  const tests = [["sure", "Mock"], ["never", "zzz"]].map(([name, expected]) => ({
    ...{ id: name, name, category: "one", prompt: `${name}?` },
    evaluator: { name: "contains", expected },
  }));
  const suite = { test_suite_id: "small", tests };
  writeFileSync(join(folder.path, "suite.json"), JSON.stringify(suite));
  const price = {
    model: "m",
    input: 30,
    output: 50,
    date: "2027-01-01",
    source: "https://example.com/",
  };
  const prices = { unit: "USD per million tokens", prices: [price] };
  writeFileSync(join(folder.path, "prices.json"), JSON.stringify(prices));
  const on = ["--endpoint", mock.url, "--model", "m", "--sample-rate", "0"];
  on.push("--prices", "prices.json");
  const load = ["--turns", "2", "--concurrency", "2", "--requests", "20", "--think-time", "200ms"];
  const ran = await dynoEach([
    ["run", "suite.json", ...on, "--epochs", "3", "--run-id", id(1)],
    ["load", ...on, ...load, "--slo", "p50(e2e)<60s", "--run-id", id(2)],
    ["explain", id(1)],
    ["explain", id(2)],
  ], { cwd: folder.path });
  for (const { code, stderr } of ran) assertEquals(code, 0, stderr);
  const pages = [1, 2].map((n) =>
    readFileSync(join(folder.path, "runs", id(n), "report", "index.html"), "utf8")
  );
  const texts = pages.map(textOf);
  for (const n of [0, 1]) {
    const [, ...lines] = ran[2 + n].stdout.trim().split("\n");
    assert(lines.length > 6);
    for (const line of lines) assertStringIncludes(texts[n], line.trim().replace(/\s+/g, " "));
    assert(!texts[0].includes("was asked once"), "it was asked three times");
  }
  for (const k of [1, 2, 3]) {
    const share = (passAtK(3, 3, k) + passAtK(3, 0, k)) / 2;
    assertStringIncludes(texts[0], `k = ${k} ${(100 * share).toFixed(1)} %`);
  }
  assertStringIncludes(texts[0], "never 0 / 3 ✗ ✗ ✗ sure 3 / 3 ✓ ✓ ✓");

  const { statements: [statement], turns } = jsonIn(
    join(folder.path, "runs", id(2), "results.json"),
  );
  const said = `${statement.text} met: ${statement.value_ms.toFixed(2)}`;
  assertStringIncludes(texts[1], said);
  assertStringIncludes(ran[1].stderr, `objective: ${said}`);
  for (const { turn, requests, answered } of turns) {
    assertStringIncludes(texts[1], `${turn} turns ${requests} ${answered}`);
  }
  const { aggregate } = jsonIn(join(folder.path, "runs", id(1), "results.json"));
  const { total_prompt_tokens, total_completion_tokens } = aggregate;
  const usd = (30 * total_prompt_tokens + 50 * total_completion_tokens) / 1e6;
  assertStringIncludes(texts[0], ` cost $${usd.toPrecision(3)}`);
  assert(/ cost \$0\.\d+ for all \d+ requests/.test(texts[1]), "the load's cost");
  assert(/In slices of \d/.test(texts[1]), texts[1]);
});
