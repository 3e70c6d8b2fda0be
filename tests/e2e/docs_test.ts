/** README and docs/: their links lead somewhere, what is generated is fresh, README stays a door. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import { generatedPages } from "../../scripts/docs.ts";
import { clusteredMean } from "../../lib/stats/cluster.ts";
import { meanEstimate, quantileEstimate, scoreEstimate } from "../../lib/stats/interval.ts";
import { pairedAmounts, pairedShares } from "../../lib/stats/paired.ts";
import { attemptsShare, meanPassAtK } from "../../lib/stats/pass_at_k.ts";
import { blocksIn, pageAt, pages, pagesOnDisk, ROOT } from "./docs_pages.ts";
import type { Estimate } from "../../lib/stats/interval.ts";

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsIn(page: string): Set<string> {
  const text = page.replaceAll(/^```[^]*?^```/gm, "");
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(" ", "-")
  );
  return new Set(headings);
}

Deno.test("README is at most 8 KB, and every page of docs is linked from it", () => {
  assert(new TextEncoder().encode(pageAt("README.md")).length <= 8192);
  assertEquals(pagesOnDisk().filter((path) => !pages().includes(path)), []);
});

Deno.test("links of the pages lead to files and headings that are there", () => {
  const lost = ["CONTRIBUTING.md", "CHANGELOG.md", ...pages()].flatMap((path) => {
    const text = pageAt(path).replaceAll(/^```[^]*?^```/gm, "").replaceAll(/`[^`\n]*`/g, "");
    return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target)
      .filter((target) => !/^https?:/.test(target))
      .filter((target) => {
        const [file, anchor] = target.split("#");
        const at = file === "" ? path : join(dirname(path), file);
        if (!existsSync(join(ROOT, at))) return true;
        return anchor !== undefined && !anchorsIn(pageAt(at)).has(anchor);
      }).map((target) => `${path}: ${target}`);
  });
  assertEquals(lost, []);
});

Deno.test("JSON on the pages is JSON, and tasks that they name exist", () => {
  const { tasks } = JSON.parse(pageAt("deno.json"));
  for (const path of pages()) {
    const text = pageAt(path);
    for (const block of blocksIn(text, "json")) JSON.parse(block);
    const named = [...text.matchAll(/(?:deno|deno@[\d.]+) task ([\w:]+)/g)].map(([, task]) => task);
    assertEquals(named.filter((task) => !Object.hasOwn(tasks, task)), [], path);
  }
});

Deno.test("generated pages are as the program is now: deno task docs makes them again", async () => {
  for (const [path, text] of Object.entries(await generatedPages())) {
    assertEquals(pageAt(path), text, `${path} is stale: run deno task docs`);
  }
});

Deno.test("every field of every file has a meaning in docs/configuration.md", () => {
  const rows = pageAt("docs/configuration.md").split("\n").filter((line) => line.startsWith("| `"));
  assert(rows.length > 200, `${rows.length} fields`);
  assertEquals(rows.filter((row) => row.split(/(?<!\\)\|/)[4].trim() === ""), []);
});

Deno.test("docs/architecture.md names files that are there", () => {
  const spans = [...pageAt("docs/architecture.md").matchAll(/`([^`\n]+)`/g)].map(([, span]) =>
    span
  );
  const paths = spans.filter((span) => /^(lib|native|tests|experiments)\/\S*$/.test(span));
  assert(paths.length > 40, `${paths}`);
  assertEquals(paths.filter((path) => !existsSync(join(ROOT, path))), []);
});

Deno.test("docs/statistics.md names the method of each interval as the code has it", () => {
  const [one, several] = [[{ n: 1, c: 1 }, { n: 1, c: 0 }], [{ n: 2, c: 1 }, { n: 2, c: 0 }]];
  const scores = [0.1, 0.5, 0.4, 0.9, 0.2, 0.7];
  const groups = scores.map((_, i) => i);
  const made: Record<string, (Estimate | null)[]> = {
    "pass rates": [attemptsShare(one), attemptsShare(several), meanPassAtK(several, 2)],
    scores: [scoreEstimate(scores), scoreEstimate([0, 1])],
    "quantiles of suites": [quantileEstimate(Array.from({ length: 20 }, (_, i) => i), 0.5)],
    sweeps: [meanEstimate(scores)],
    "scores of a batch": [clusteredMean(scores, groups)!.estimate],
    "\\*\\*Right or wrong": [pairedShares([0, 1, 1], [1, 1, 0]).difference],
    "\\*\\*Scores, latencies": [pairedAmounts(scores, scores.map((x, i) => x + i)).difference],
  };
  const page = pageAt("docs/statistics.md").replaceAll("-", " ").toLowerCase();
  for (const [figure, estimates] of Object.entries(made)) {
    const row = page.match(new RegExp(`^[| ]*${figure.toLowerCase()}[^\n]*(\n {2}[^\n]+)*`, "m"))
      ?.[0];
    for (const estimate of estimates) {
      const method = estimate!.method.replaceAll("-", " ").replace(/s$/, "").toLowerCase();
      assert(row?.includes(method), `${figure}: ${row} lacks ${method}`);
    }
  }
});
