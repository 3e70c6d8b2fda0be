/** What a server and Prometheus are told of runs: while they run, when they are over, and on the dashboard. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { openMetrics } from "../../lib/prometheus/open_metrics.ts";
import { MetricsObserver } from "../../lib/server/metrics_observer.ts";
import { readJournal } from "../../lib/run/fold.ts";
import { loadProgress, suiteProgress } from "../../lib/server/tasks/run_watch.ts";
import { FILE } from "../coding/fixture.ts";
import { getJson, serving, submit, taskOver } from "../server/fixture.ts";
import { caseOf, countsOf, isLoad } from "./case.ts";
import { byProblem, mean } from "./items_reader.ts";
import { median, nearest } from "./reader.ts";
import { passRate } from "./told_files.ts";
import { checkListed, checkModes } from "./told_queries.ts";
import type { Case, Findings } from "./case.ts";
import { loggedBy } from "./made.ts";
import type { Made } from "./made.ts";
import type { Json } from "./reader.ts";

/** What /metrics counts of runs that it follows. */
function checkExposition(cases: readonly Case[], text: string, found: Findings): void {
  const sum = (name: string, labels = "") =>
    [...text.matchAll(new RegExp(`^dyno_${name}\\{([^}]*)\\} (\\S+)`, "gm"))]
      .filter(([, own]) => own.includes(labels))
      .reduce((all, [, , value]) => all + Number(value), 0);
  const right = (of: (one: Case) => number) => cases.reduce((all, one) => all + of(one), 0);
  const [first] = cases;
  const same = (name: string, told: number, exact: number) =>
    found.same(first, `/metrics ${name}`, told.toFixed(9), exact.toFixed(9));
  same("prompt", sum("prompt_tokens_total"), right(({ truth }) => truth.prompt));
  same("completion", sum("completion_tokens_total"), right(({ truth }) => truth.completion));
  same("usd", sum("cost_usd_total"), right(({ truth }) => truth.usd ?? 0));
  same("unknown", sum("requests_of_unknown_cost_total"), right(({ truth }) => truth.unpriced));
  const packages = (result: string) => sum("packages_processed_total", `result="${result}"`);
  const items = cases.flatMap((one) => one.items);
  const count = (of: (item: Case["items"][number]) => boolean) => items.filter(of).length;
  same("packages right", packages("success"), count((i) => i.success && i.passed !== false));
  same("packages wrong", packages("failed"), count((i) => i.success && i.passed === false));
  same("packages without an answer", packages("error"), count((i) => !i.success && !i.timed_out));
}

/** A task's figures. */
function checkTask(one: Case, where: string, told: Json, found: Findings): void {
  const { items, load } = one;
  found.sums(one, where, {
    ...told,
    prompt_tokens: told.total_prompt_tokens,
    completion_tokens: told.total_completion_tokens,
  });
  const { total, successful } = countsOf(one);
  if (load) {
    found.same(one, `${where} counts`, [told.requests, told.successful, told.errors], [
      ...[total, successful, total - successful],
    ]);
    return;
  }
  const count = (of: (item: Case["items"][number]) => boolean) => items.filter(of).length;
  found.same(one, `${where} figures`, [
    ...[told.finished, told.successful, told.errors, told.timed_out, told.evaluated, told.passed],
    ...[told.not_judged, told.avg_hit_rate, told.avg_elapsed_seconds],
  ], [
    ...[items.length, successful, total - successful, count((i) => i.timed_out)],
    ...[count((i) => i.passed !== null), count((i) => i.passed === true)],
    ...[count((i) => i.unjudged), byProblem(items, ({ score }) => score).mean],
    mean(items.map(({ elapsed_s }) => elapsed_s)),
  ]);
}

/** What follows a run's journal while it grows. */
export async function checkFollowers(one: Case, found: Findings): Promise<void> {
  const { folder } = one.run;
  const progress = isLoad(one) ? loadProgress() : suiteProgress();
  await readJournal(join(folder, "events.jsonl"), "run", ({ event }) => {
    if (event !== null) progress.add(event);
  });
  progress.over();
  checkTask(one, "task", progress.metrics(), found);
  await using metrics = await openMetrics();
  await metrics.follow(folder)[Symbol.asyncDispose]();
  checkExposition([one], (await metrics.text()).text, found);
}

/** The dashboard's own questions. */
export async function checkDashboard(
  root: string,
  cases: readonly Case[],
  found: Findings,
): Promise<void> {
  await using server = await serving(root);
  const listed = new Map<string, Json>();
  for (let offset = 0; offset < cases.length; offset += 200) {
    const page = await getJson<Json>(`${server.url}/api/runs?limit=200&offset=${offset}`);
    for (const entry of page.runs) listed.set(entry.run_id, entry);
  }
  const { total, points } = await getJson<Json>(`${server.url}/api/overview`);
  found.same(cases[0], "/api/overview total", total, cases.length);
  for (const one of cases) {
    const { run_id } = one.run;
    checkListed(one, "/api/runs", listed.get(run_id), found);
    const point = points.find((each: Json) => each.run_id === run_id);
    const judged = one.items.some(({ passed }) => passed !== null);
    const isOfModes = one.run.kind === "comparative";
    if (point) {
      found.same(
        one,
        "/api/overview pass rate",
        point.pass_rate,
        judged && !isOfModes ? passRate(one.items) : null,
      );
    }
    const page = await getJson<Json>(`${server.url}/api/runs/${run_id}?limit=500`);
    checkListed(one, "/api/runs/ID", page.run, found);
    if (one.load) {
      const [stage] = page.load.stages;
      if (stage === undefined) { // cut in its warm-up
        found.same(one, "/api/runs/ID: no stage", one.load.records, []);
        continue;
      }
      const { requests, requests_per_s, output_tokens_per_s, metrics } = one.load;
      found.same(one, "/api/runs/ID stage", [
        ...[stage.successful, stage.failed, stage.requests_per_s, stage.output_tokens_per_s],
        ...[stage.ttft_p50_ms, stage.ttft_p99_ms, stage.e2e_p99_ms],
      ], [
        ...[requests.successful, requests.failed, requests_per_s, output_tokens_per_s],
        ...[metrics.ttft_ms?.p50, metrics.ttft_ms?.p99, metrics.e2e_ms?.p99],
      ]);
      continue;
    }
    checkModes(one, "/api/runs/ID", page.run.modes, found);
    found.same(
      one,
      "/api/runs/ID pass rate",
      page.pass_rate?.value,
      judged && !isOfModes ? passRate(one.items) : null,
    );
    found.same(one, "/api/runs/ID items", page.items.total, one.items.length);
    const ttft = one.items.flatMap((item) => item.success ? item.ttft_ms ?? [] : []);
    found.same(one, "/api/runs/ID ttft", [page.ttft_ms?.p50, page.ttft_ms?.p99], [
      ...[median(ttft), nearest(ttft, 0.99)],
    ]);
    for (const item of one.items) {
      const shown = page.items.shown.find(({ item_id }: Json) => item_id === item.test_id);
      const result = !item.success
        ? "error"
        : item.passed === null
        ? "answered"
        : item.passed
        ? "passed"
        : "wrong";
      found.same(
        one,
        `/api/runs/ID ${item.test_id}`,
        shown && [
          ...[
            shown.result,
            shown.score,
            shown.prompt_tokens,
            shown.completion_tokens,
            shown.ttft_ms,
          ],
        ],
        [result, item.score, item.prompt, item.completion, item.ttft_ms],
      );
    }
  }
}

/** Tasks of a server, each a process of its own, on a mock with faults. */
export async function checkTasks(root: string, found: Findings): Promise<void> {
  const place = join(root, "tasks");
  mkdirSync(place);
  const tests = Array.from({ length: 9 }, (_, i) => ({
    id: `t${i}`,
    name: `Test ${i}`,
    category: "alpha",
    prompt: `Question number ${i}`,
    evaluator: { name: "contains", expected: i % 3 ? "Mock" : "never" },
  }));
  writeFileSync(join(place, "suite.json"), JSON.stringify({ test_suite_id: "s", tests }));
  await using metrics = await openMetrics();
  const observer = new MetricsObserver(metrics, join(place, "runs"));
  await using server = await serving(place, {
    jobs: 2,
    allow: [place, join(FILE, "..")],
    observers: [observer],
  });
  const asked: [Made["kind"], Json][] = [
    ["suite", { kind: "suite", suite: "suite.json", retry_attempts: 1, retry_delay: 0.001 }],
    ["iterative", { kind: "suite", suite: FILE, mode: "iterative", limit: 3, max_iterations: 2 }],
    ["load", { kind: "load", concurrency: 2, requests: 15, warmup: 2 }],
  ];
  const cases = await Promise.all(asked.map(async ([kind, task], i) => {
    const model = `model-${i}`;
    await using mock = await MockEndpoint.start({
      model,
      seed: i,
      behaviour: { error_mode: "server_error", fault_rate: 0.3 },
    });
    const request = { ...task, endpoint: `${mock.url}/v1`, model, sample_rate_hz: 0 };
    const over = await taskOver(server.url, await submit(server.url, request));
    const run = {
      ...{ seed: i, kind, folder: join(place, "runs", over.run_id!), run_id: over.run_id! },
      log: loggedBy(mock),
      prices: { [model]: null, sage: null },
      lines: [],
      told_s: [],
      story: `task ${i}: ${kind}`,
      cut: null,
      places: 0,
      budget: null,
    };
    const one = caseOf(run, found);
    checkTask(one, "/tasks/ID", over.metrics, found);
    const { results } = await getJson<Json>(`${server.url}/tasks/${over.task_id}/results`);
    found.sums(one, "/tasks/ID/results", results.ledger.total);
    return one;
  }));
  await observer[Symbol.asyncDispose]();
  checkExposition(cases, (await metrics.text()).text, found);
}
