/** What exports tell, read back by hand, and what other programs' forms bring back when they are imported. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parquetReadObjects } from "hyparquet";
import { countsOf, isLoad, isUntold } from "./case.ts";
import { busySeconds, byProblem } from "./items_reader.ts";
import { nearest } from "./reader.ts";
import { ask, checkListed, checkModes } from "./told_queries.ts";
import type { Case, Findings } from "./case.ts";
import type { Json } from "./reader.ts";
import type { Query } from "./told_queries.ts";

/** Forms that `dyno runs import` reads back. */
const FORMS = ["koderz", "smi_bench", "benchmark_test_runner", "batch_eval"] as const;
const TABLES = ["csv", "jsonl", "parquet"] as const;

/** Every export of every run. */
export async function checkExports(
  root: string,
  cases: readonly Case[],
  found: Findings,
): Promise<void> {
  const suites = cases.filter((one) => !isLoad(one));
  const loads = cases.filter(isLoad);
  const queries: Query[] = [];
  const written: (() => Promise<void>)[] = [];
  const tables: [string, readonly Case[], (one: Case, rows: Json[]) => void][] = [
    ["runs", cases, (one, [row]) => checkListed(one, "rows of runs", row, found)],
    ["items", suites, (one, rows) => checkItems(one, rows, found)],
    ["requests", loads, (one, rows) => checkRequests(one, rows, found)],
  ];
  for (const [rows, own, check] of tables.filter(([, own]) => own.length > 0)) {
    for (const format of TABLES) {
      const out = join(root, `${rows}.${format}`);
      const ids = own.map(({ run }) => run.run_id);
      queries.push({
        args: ["export", ...ids, "--format", format, "--rows", rows, "--out", out],
        check: () =>
          void written.push(async () => {
            const all = Map.groupBy(await rowsOf(out, format), ({ run_id }) => run_id);
            for (const one of own) check(one, all.get(one.run.run_id) ?? []);
          }),
      });
    }
  }
  for (const one of cases) queries.push(...ofOne(one, found));
  for (const one of suites) {
    for (const form of FORMS) {
      if (form === "batch_eval" && one.items.length === 0) continue; // it is rows, and there is none
      const out = join(root, "exports", form, one.run.run_id);
      const back = join(root, "imported", form);
      queries.push(
        { args: ["export", one.run.run_id, "--format", form, "--out", out], check: () => {} },
        { args: ["import", out, "--runs", back], check: () => {} },
      );
    }
  }
  await ask(queries, root, found);
  for (const check of written) await check();
  await ask(
    FORMS.map((form) => ({
      args: ["list", "--limit", "0", "--json", "--runs", join(root, "imported", form)],
      check: (told) => checkImported(form, suites, JSON.parse(told), found),
    })),
    root,
    found,
  );
}

function ofOne(one: Case, found: Findings): Query[] {
  const { run_id } = one.run;
  const queries: Query[] = [
    {
      args: ["export", run_id, "--format", "json"],
      check: (told) => checkDocument(one, JSON.parse(told), found),
    },
    {
      args: ["export", run_id, "--format", "markdown"],
      check: (told) => {
        const cells = told.trim().split("\n").at(-1)!.split("|").map((cell) => cell.trim());
        found.prints(one, "markdown: items", cells[5], countsOf(one).total);
        found.usd(one, "markdown: cost", cells[8], one.truth);
      },
    },
    {
      args: ["export", run_id, "--format", "html", "--rows", "runs"],
      check: (told) => {
        const [heads, [cells]] = tableOf(told);
        const row = Object.fromEntries(heads.map((head, i) => [head, cells[i]]));
        found.prints(one, "html: items total", row["items total"], countsOf(one).total);
        if (row["cost usd"]) found.prints(one, "html: cost usd", row["cost usd"], one.truth.usd);
      },
    },
  ];
  if (isLoad(one)) {
    queries.push({
      args: ["export", run_id, "--format", "jsonl", "--slice", "10ms"],
      check: (told) => checkSlices(one, told, found),
    }, {
      args: ["export", run_id, "--format", "perfetto"],
      check: (told) => checkLoadTrace(one, JSON.parse(told), found),
    });
    return queries;
  }
  return [...queries, {
    args: ["export", run_id, "--format", "perfetto"],
    check: (told) => checkTrace(one, JSON.parse(told), found),
  }];
}

async function rowsOf(path: string, format: typeof TABLES[number]): Promise<Json[]> {
  const bytes = readFileSync(path);
  if (format === "jsonl") {
    return bytes.toString().split("\n").filter(Boolean).map((line) => JSON.parse(line));
  }
  if (format === "parquet") {
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
    const rows = await parquetReadObjects({ file: file as ArrayBuffer });
    return rows.map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([name, value]) => [
          name,
          typeof value === "bigint" ? Number(value) : value,
        ]),
      )
    );
  }
  const [heads, ...rows] = csvRows(bytes.toString());
  return rows.map((cells) => Object.fromEntries(heads.map((head, i) => [head, valueOf(cells[i])])));
}

/** A cell that a spreadsheet would read as a number, a flag, or nothing. */
function valueOf(cell: string): unknown {
  if (cell === "") return null;
  if (cell === "true" || cell === "false") return cell === "true";
  return /^-?\d+(\.\d+)?(e-?\d+)?$/.test(cell) ? Number(cell) : cell;
}

/** Rows of a CSV by RFC 4180. */
function csvRows(text: string): string[][] {
  const cells = text.matchAll(/("(?:[^"]|"")*"|[^",\r\n]*)(,|\r?\n|$)/g);
  const rows: string[][] = [[]];
  for (const [whole, cell, end] of cells) {
    if (whole === "") break;
    rows.at(-1)!.push(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell);
    if (end !== ",") rows.push([]);
  }
  return rows.filter((row) => row.length > 0);
}

function checkItems(one: Case, rows: Json[], found: Findings): void {
  found.same(one, "rows of items", rows.length, one.items.length);
  for (const item of one.items) {
    const row = rows.find(({ item_id }) => String(item_id) === item.test_id);
    found.same(
      one,
      `row of ${item.test_id}`,
      row && [
        ...[row.problem_id, row.mode ?? "", row.success, row.timed_out, row.passed, row.score],
        ...[row.prompt_tokens, row.completion_tokens, row.cost_usd, row.latency_ms, row.ttft_ms],
      ],
      [
        ...[item.problem, item.mode, item.success, item.timed_out, item.passed, item.score],
        ...[
          item.prompt,
          item.completion,
          item.usd,
          item.e2e_ms ?? item.elapsed_s * 1000,
          item.ttft_ms,
        ],
      ],
    );
  }
}

function checkRequests(one: Case, rows: Json[], found: Findings): void {
  const { records, requests } = one.load!;
  found.same(one, "rows of requests", rows.length, records.length + requests.warmup);
  const usd = rows.reduce((sum, { cost_usd }) => sum + (cost_usd ?? 0), 0);
  const first = one.journal.some(({ event }) => event === "request_booked");
  if (!first) {
    found.same(one, "rows of requests: usd", usd.toFixed(12), (one.truth.usd ?? 0).toFixed(12));
  }
  for (const record of records) {
    const row = rows.find(({ request }) => request === record.request);
    const ms = (from: number | null, to: number | null) =>
      from === null || to === null ? null : (to - from) / 1e6;
    found.same(
      one,
      `row of request ${record.request}`,
      row && [
        ...[
          row.failure,
          row.prompt_tokens,
          row.completion_tokens,
          row.ttft_ms,
          row.e2e_ms,
          row.warmup,
        ],
      ],
      [
        ...[record.failure, record.prompt_tokens, record.completion_tokens],
        ...[
          ms(record.t_sent_ns, record.t_first_token_ns),
          ms(record.t_sent_ns, record.t_end_ns),
          false,
        ],
      ],
    );
  }
}

/** Slices of a load's time: together they hold every request once, and every token of an answer. */
function checkSlices(one: Case, told: string, found: Findings): void {
  const { requests, records } = one.load!;
  const slices = told.split("\n").filter(Boolean).map((line) => JSON.parse(line));
  const sum = (of: (slice: Json) => number) => slices.reduce((all, slice) => all + of(slice), 0);
  found.same(one, "slices", [sum((s) => s.sent), sum((s) => s.answered), sum((s) => s.failed)], [
    ...[requests.sent, requests.successful, requests.failed],
  ]);
  const open = records.reduce(
    (all, { t_sent_ns, t_end_ns }) => all + (t_sent_ns === null ? 0 : t_end_ns - t_sent_ns),
    0,
  );
  const told_s = sum(({ in_flight, duration_s }) => in_flight * duration_s);
  found.same(one, "slices: in flight", told_s.toFixed(6), (open / 1e9).toFixed(6));
  if (slices.some(({ output_tokens_per_s }) => output_tokens_per_s === null)) return;
  const tokens = sum(({ output_tokens_per_s, duration_s }) => output_tokens_per_s * duration_s);
  const answers = records.filter(({ failure }) => failure === null);
  const right = answers.reduce((all, { completion_tokens }) => all + completion_tokens, 0);
  found.same(one, "slices: tokens", tokens.toFixed(3), right.toFixed(3));
}

/** The heads and the rows of a page's table. */
function tableOf(page: string): [string[], string[][]] {
  const cells = (row: string) =>
    [...row.matchAll(/<t[hd][^>]*>([^]*?)<\/t[hd]>/g)].map(([, cell]) =>
      cell.replace(/<[^>]*>/g, "")
    );
  const rows = [...page.matchAll(/<tr[^>]*>([^]*?)<\/tr>/g)].map(([, row]) => cells(row));
  return [rows[0], rows.slice(1)];
}

/** A load's timeline: each request that was sent, for as long as it took. */
function checkLoadTrace(one: Case, { traceEvents }: Json, found: Findings): void {
  const bars = traceEvents.filter(({ ph, args }: Json) => ph === "X" && args?.warmup === false);
  const sent = one.load!.records.filter(({ t_sent_ns }) => t_sent_ns !== null);
  const failures = (all: Json[]) => all.filter(({ failure }) => failure !== null).length;
  const us = bars.reduce((sum: number, { dur }: Json) => sum + dur, 0);
  const right = sent.reduce((sum, record) => sum + (record.t_end_ns - record.t_sent_ns) / 1e3, 0);
  found.same(
    one,
    "trace of a load: requests, failures, time",
    [bars.length, failures(bars.map(({ args }: Json) => args)), us.toFixed(0)],
    [sent.length, failures(sent), right.toFixed(0)],
  );
}

/** The timeline: each answer once, for as long as it took. */
function checkTrace(one: Case, { traceEvents }: Json, found: Findings): void {
  const bars = traceEvents.filter(({ ph }: Json) => ph === "X");
  found.same(one, "trace: requests", bars.length, one.spans.length);
  const us = bars.reduce((sum: number, { dur }: Json) => sum + dur, 0);
  const right = one.spans.reduce((sum, { start, end }) => sum + (end - start) / 1e3, 0);
  // a sum of many parts of a microsecond
  const sum = Math.abs(us - right) <= 1 ? right : us;
  found.same(one, "trace: time", sum.toFixed(0), right.toFixed(0));
  const all = bars.map(({ ts, dur }: Json) => ({
    ...{ start: ts * 1e3, end: (ts + dur) * 1e3, tokens: null, success: true },
  }));
  found.same(one, "trace: busy", busySeconds(all).toFixed(5), busySeconds(one.spans).toFixed(5));
}

/** The document of a run: its parts, and of a comparative one its halves. */
function checkDocument(one: Case, told: Json, found: Findings): void {
  found.sums(one, "export json", told.ledger.total);
  found.same(one, "export json: requests", told.ledger.total.requests, one.truth.requests);
  found.same(one, "export json: seconds", told.duration_seconds.toFixed(3), one.seconds.toFixed(3));
  if (one.load) {
    const { total, successful } = countsOf(one);
    found.same(one, "export json: problems", told.summary.total_problems, total);
    found.same(one, "export json: successes", told.summary.successes, successful);
    return;
  }
  const halves: [string | null, Json][] = told.zero_shot
    ? [["zero-shot", told.zero_shot], ["iterative", told.iterative]]
    : [[null, told]];
  for (const [mode, part] of halves) {
    if (!part) continue;
    const own = one.items.filter((item) => mode === null || item.mode === mode);
    const { summary, results } = part;
    const rated = own.filter(({ unjudged }) => !unjudged);
    const right = rated.filter(({ success, passed }) => success && passed !== false).length;
    found.same(one, `export json ${mode}`, [
      ...[results.length, summary.total_problems, summary.total_answers, summary.successes],
    ], [own.length, new Set(own.map((i) => i.problem)).size, rated.length, right]);
    if (mode === null) {
      found.same(one, "export json: cost", summary.total_cost, one.truth.usd);
      found.same(one, "export json: tokens", [
        summary.total_input_tokens,
        summary.total_output_tokens,
      ], [
        ...(isUntold(one.truth) ? [null, null] : [one.truth.prompt, one.truth.completion]),
      ]);
    }
    for (const item of own) {
      const row = results.find(({ item_id }: Json) => item_id === item.test_id);
      found.same(
        one,
        `export json: ${item.test_id}`,
        row && [
          ...[row.problem_id, row.passed, row.score, row.cost, row.usage.input_tokens],
          ...[row.usage.output_tokens, row.ttft_ms, row.iterations],
        ],
        [
          ...[item.problem, item.passed, item.score, item.usd, item.prompt, item.completion],
          ...[item.ttft_ms, item.iterations],
        ],
      );
    }
  }
}

/** Of what went out in another program's form and came back: what is known is as it was. */
function checkImported(
  form: string,
  suites: readonly Case[],
  listed: Json[],
  found: Findings,
): void {
  for (const one of suites) {
    const { run, items, truth } = one;
    if (form === "batch_eval" && items.length === 0) continue;
    const back = listed.filter(({ run_id, model }) =>
      run_id.includes(run.run_id) || model === `model-${run.seed}`
    );
    found.same(one, `${form} and back: runs`, back.length, 1);
    if (back.length !== 1) continue;
    const [entry] = back;
    const { total, successful, failed } = countsOf(one);
    found.same(
      one,
      `${form} and back: items`,
      [entry.items_total, entry.successful, entry.failed],
      [
        ...[total, successful, failed],
      ],
    );
    const known = (name: string, right: unknown) => {
      if (entry[name] !== null) found.same(one, `${form} and back: ${name}`, entry[name], right);
    };
    known("cost_usd", truth.usd);
    // a row of batch_eval is an answer: what else was asked has no place there
    const answers = items.filter(({ success }) => success);
    const sum = (of: "prompt" | "completion") =>
      answers.reduce((all, item) => all + (item[of] ?? NaN), 0);
    known("prompt_tokens", form === "batch_eval" ? sum("prompt") : truth.prompt);
    known("completion_tokens", form === "batch_eval" ? sum("completion") : truth.completion);
    known("avg_hit_rate", byProblem(items, ({ score }) => score).mean);
    known("passed", items.filter(({ passed }) => passed).length);
    const ttft = items.flatMap((item) => item.success ? item.ttft_ms ?? [] : []);
    known("ttft_p99_ms", nearest(ttft, 0.99));
    if (form !== "koderz") continue;
    checkModes(one, "koderz and back", entry.modes, found);
    found.same(
      one,
      "koderz and back: seconds",
      entry.duration_s.toFixed(2),
      one.seconds.toFixed(2),
    );
  }
}
