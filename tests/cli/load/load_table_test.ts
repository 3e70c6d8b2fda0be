/** The terminal's table of a load run: what it says, and that it fits. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import stringWidth from "string-width";
import { loadTable } from "../../../lib/cli/load/load_table.ts";
import { tableLines } from "../../../lib/cli/ui/table.ts";
import {
  emptyRun,
  failedRun,
  loadFixture,
  simulatedRequests,
  stageOf,
  TRUSTED,
} from "../../report/load/load_fixture.ts";
import type { Palette } from "../../../lib/cli/ui/terminal.ts";
import type { LoadResults, StageResults } from "../../../lib/load/results.ts";

const same = (text: string) => text;
const bare: Palette = { bold: same, dim: same, good: same, bad: same, warn: same, accent: same };
const tagged = Object.fromEntries(
  Object.keys(bare).map((name) => [name, (text: string) => `<${name}>${text}</${name}>`]),
) as unknown as Palette;

/** The lines, none of which is wider than 100 columns or holds what is not known. */
function lines(results: LoadResults): string[] {
  const found = loadTable(results, bare);
  for (const line of found) {
    assert(stringWidth(line) <= 100, `${stringWidth(line)} columns: ${line}`);
    assert(!/NaN|undefined|null|Infinity/.test(line), line);
  }
  return found;
}

Deno.test("a load table has a row for each stage and their total, the verdict and intervals", () => {
  const { results } = loadFixture({ slos: [] });
  const { total, stages } = results;
  const found = lines(results);
  assertMatch(found[0], /^ +requests +output +ttft ms +gap ms \(ITL\) +tpot ms +e2e s$/);
  assertMatch(found[1], /^stage +ok +failed +req\/s +tok\/s +p50 +p99 +p50 +p99 +p50 +p50 +p99$/);
  assertMatch(found[3], new RegExp(`^8 req/s, poisson +${stages[0].requests.successful} +3 `));
  assertMatch(found[7], new RegExp(`^total +${total.requests.successful} +12 `));
  assertStringIncludes(found[7], total.metrics.gap_ms!.p99.toFixed(2));
  const text = found.join("\n");
  assertStringIncludes(text, "\nCLIENT TRUSTED  the figures are the endpoint's\n  events were");
  assertMatch(text, /\nttft p50 [\d.]+ \[[\d.]+, [\d.]+\], p99 .* \(95 % intervals, block boot/);
  assertStringIncludes(text, "without an answer: 12 http_5xx");
  assertStringIncludes(text, "energy 98412.0 ± 310.0 J, 0.142 J a token");
  assertStringIncludes(text, "note: stage 3 took more");
});

Deno.test("with SLOs there is the goodput, and long names of stages stand below the table", () => {
  const { results } = loadFixture();
  const found = lines(results);
  assertMatch(found[0], /goodput$/);
  assertMatch(found[3], /^1 .* 8\.08$/);
  assertEquals(found[8], "stage 1: 8 req/s, poisson");
  const missed = results.total.goodput!.missed["ttft ≤ 500 ms"];
  assertStringIncludes(found.join("\n"), `missed: ttft ≤ 500 ms by ${missed}, tpot`);
  assertEquals(found.some((line) => line.startsWith("goodput")), false);
});

Deno.test("too few requests tell no goodput, and the table says so", () => {
  const requests = simulatedRequests().filter(({ stage }) => stage === 0).slice(0, 23);
  const { slos } = loadFixture().results;
  const stage = stageOf("8 in flight", null, requests, slos);
  const found = lines(loadFixture({ stages: [stage], total: stage, slos }, requests).results);
  assertMatch(found[3], / –$/);
  assert(found.includes("goodput –: unknown with fewer than 8 requests"), found.join("\n"));
});

Deno.test("a load of many requests with a few in one part names that part", () => {
  const requests = simulatedRequests();
  const { results } = loadFixture();
  const few = (name: string, n: number) =>
    ({ ...stageOf(name, null, requests.slice(0, n), results.slos), name }) as StageResults;
  const said = (more: Partial<LoadResults>) =>
    lines({ ...results, ...more }).filter((line) => line.startsWith("goodput –"));
  const told = "goodput –: unknown with fewer than 8 requests, as in ";
  const { stages } = results;
  assertEquals(said({}), []);
  assertEquals(said({ stages: [...stages, few("ramp", 3)] }), [`${told}stage ramp`]);
  assertEquals(said({ stages: [few("a, b", 2), ...stages, few("c", 4)] }), [
    `${told}stages a, b; c`,
  ]);
  assertEquals(said({ models: [few("small", 3), stages[0]] }), [`${told}model small`]);
});

Deno.test("a rate that nobody counted is unknown, and embeddings have their prompts'", () => {
  const requests = simulatedRequests().filter(({ stage }) => stage === 0);
  const stage = { ...stageOf("8 in flight", null, requests, []), output_tokens_per_s: 0 };
  const of = (token_sources: object, more: object = {}) => {
    const total = { ...stage, token_sources, prompt_tokens_per_s: 1234 };
    const { results } = loadFixture({ stages: [total], total, slos: [], ...more }, requests);
    return lines(results);
  };
  assertMatch(of({ usage: 3 })[3], /^8 in flight( +\S+){3} +0\.00 /);
  assertMatch(of({})[3], /^8 in flight( +\S+){3} +– /);
  const embeddings = of({}, { api_type: "embeddings" });
  assertMatch(embeddings[1], / prompt tok\/s /);
  assertMatch(embeddings[3], /^8 in flight( +\S+){3} +1234 /);
});

Deno.test("objectives on what is not known are told apart from those that were missed", () => {
  const requests = simulatedRequests().filter(({ stage }) => stage === 0);
  const { slos } = loadFixture().results;
  const stage = stageOf("8 in flight", null, requests, slos);
  const goodput = { ...stage.goodput!, unknown: { "ttft ≤ 500 ms": 0, "tpot ≤ 20 ms": 7 } };
  const total = { ...stage, goodput };
  const text = lines(loadFixture({ stages: [total], total, slos }, requests).results).join(" ");
  assertMatch(text, /; unknown, so not +met: +tpot ≤ 20 ms of 7/);
});

Deno.test("a single stage is a single row", () => {
  const requests = simulatedRequests().filter(({ stage }) => stage === 0);
  const stage = stageOf("8 in flight", null, requests, []);
  const found = lines(loadFixture({ stages: [stage], total: stage, slos: [] }, requests).results);
  assertMatch(found[3], /^8 in flight /);
  assertMatch(found[4], /^ttft: /); // what the words mean, then a space: no total
  assertEquals(found[6], "");
});

Deno.test("a verdict is said in words, in its colour, with all its reasons", () => {
  const cases = [
    ["trusted", "good", "CLIENT TRUSTED"],
    ["client_limited", "bad", "CLIENT LIMITED"],
    ["unknown", "warn", "CLIENT UNKNOWN"],
  ] as const;
  const reasons = ["one reason", "another one ".repeat(20)];
  const { results } = loadFixture({ slos: [] });
  for (const [verdict, colour, words] of cases) {
    const changed = { ...results, verdict: { ...TRUSTED, verdict, reasons } };
    const text = loadTable(changed, tagged).join("\n");
    assertStringIncludes(text, `<bold><${colour}>${words}</${colour}></bold>`);
    assertStringIncludes(lines(changed).join("\n"), "\n  one reason\n  another one another");
  }
});

Deno.test("what is unknown is a dash: a run without a request, and one in which all failed", () => {
  const empty = lines(emptyRun().results);
  assertMatch(empty[3], /^total +0 +0( +–){9}$/);
  assertStringIncludes(empty.join("\n"), "interrupted: ");
  const failed = lines(failedRun("no").results).join("\n");
  assertMatch(failed, /\n8 req\/s, poisson +0 +200 +0\.00 +0\.00( +–){7} +0\.00\n/);
  assertStringIncludes(failed, "ended early: error rate 100 %");
  assertStringIncludes(failed, "without an answer: 200 connect");
});

Deno.test("no text of a run commands the terminal, and none is too wide", () => {
  const { results } = loadFixture();
  const evil = `\x1b[2J\x07\u202e\n${"wide".repeat(60)} end`;
  const found = lines({
    ...results,
    stages: results.stages.map((stage) => ({ ...stage, name: evil })),
    stopped_because: evil,
    notes: Array(50).fill(evil),
    verdict: { ...TRUSTED, reasons: [evil] },
  });
  // deno-lint-ignore no-control-regex
  assert(found.every((line) => !/[\u0000-\u001f\u202e]/.test(line)));
  assertEquals(found.at(-1), "30 more notes in results.json");
});

Deno.test("a table's groups stand over their columns, and widen them where they must", () => {
  const columns = [
    { title: "a", align: "left" as const },
    { title: "b", align: "right" as const, group: "long name" },
    { title: "c", align: "right" as const, group: "long name" },
    { title: "d", align: "right" as const },
  ];
  assertEquals(tableLines(columns, [["x", "1", "2", "3"]], bare), [
    "   long name",
    "a       b  c  d",
    "───────────────",
    "x       1  2  3",
  ]);
});
