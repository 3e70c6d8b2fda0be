/** dyno runs show: shows a run as it is on disk. */
import { countFigure, known } from "../../text/figure.ts";
import { durationText } from "../../text/duration.ts";
import { costText, cutOffText } from "../../text/dollars.ts";
import { existsSync } from "node:fs";
import { tokensMissing } from "../../compare/cost.ts";
import { runDirectoryAt } from "../../run/directory.ts";
import { readImportRecord } from "../../run/imported.ts";
import { readJournal } from "../../run/fold.ts";
import { ledgerOf } from "../../run/ledger.ts";
import { isLocked } from "../../run/lock.ts";
import { EXIT } from "../ui/command.ts";
import { flagHelp, parseFlags } from "../ui/flags.ts";
import { folderFlag, folderOf, jsonFlag, onlyOne, readOne, withRuns } from "./query.ts";
import { inDigits } from "../../text/grouped.ts";
import { shownTime, statedLines } from "./text.ts";
import { isUnjudged } from "../../run/problems.ts";
import { asObject } from "../../json_fields.ts";
import { smiPackage } from "../../formats/smi_bench.ts";
import { plainText } from "../../run/plain_file.ts";
import { shortPath } from "../../text/short_path.ts";
import type { JsonObject } from "../../json_fields.ts";
import type { LoadResults, Metric } from "../../load/results.ts";
import type { RunReading } from "../../run/read_run.ts";
import type { RunSummary } from "../../run/summary.ts";
import type { Command, CommandContext } from "../ui/command.ts";
import type { Terminal } from "../ui/terminal.ts";

const flags = { ...folderFlag, ...jsonFlag };

export const command: Command = {
  flags,
  help: [
    "dyno runs show RUN [flags]",
    "",
    "Shows a run. With --json: {run_id, metadata, results, events}, as they are on the disk, and a",
    "suite's items as results.packages too; results are null for a run that was cut off, and its events",
    "tell how far it came. What was cut off are requests that may have been in flight when dyno was killed:",
    "what they used is unknown.",
    "",
    ...flagHelp(flags),
    "",
    "  dyno runs show latest --json | jq .results.aggregate",
  ],

  async run(argv: string[], { terminal }: CommandContext): Promise<number> {
    const { values, positional } = parseFlags(flags, argv);
    const given = onlyOne("show", positional);
    return await withRuns(values.runs ?? folderOf(positional), terminal, async (index) => {
      const run = await readOne(index, given, terminal, { items: false });
      if (values.json) await printJson(run, terminal);
      else describe(run, await journalFacts(run.summary.path)).forEach((l) => terminal.out(l));
      const { kind, successful, prompt_tokens, completion_tokens } = run.summary;
      const missing = prompt_tokens === null || completion_tokens === null;
      if (missing && !values.json && successful > 0 && kind !== "sweep") {
        terminal.say(terminal.paint.dim(tokensMissing(run.summary)));
      }
      return EXIT.good;
    });
  },
};

/** Prints event by event, so that a long journal is never one string. */
async function printJson({ summary, items }: RunReading, terminal: Terminal): Promise<void> {
  const directory = runDirectoryAt(summary.path);
  terminal.out(`{"run_id": ${JSON.stringify(directory.run_id)},`);
  terminal.out(`"metadata": ${compactJson(directory.metadata)},`);
  const results = asObject(JSON.parse(compactJson(directory.results)));
  const packages = items.map((item) => ({ ...smiPackage(item), item_id: item.item_id }));
  terminal.out(`"results": ${JSON.stringify(results && withPackages(results, packages))},`);
  terminal.out('"events": [');
  let previous: string | null = null;
  if (existsSync(directory.journal)) {
    await readJournal(directory.journal, "run", ({ text }) => {
      if (previous !== null) terminal.out(`${previous},`);
      previous = text;
    });
  }
  if (previous !== null) terminal.out(previous);
  terminal.out("]}");
}

/** The results; a suite's items are also given under the original format's names. */
function withPackages(results: JsonObject, packages: object[]): JsonObject {
  return Array.isArray(results.items) ? { ...results, packages } : results;
}

function compactJson(path: string): string {
  try {
    return JSON.stringify(JSON.parse(plainText(path)));
  } catch {
    return "null"; // missing or damaged: a warning was printed
  }
}

/** Facts about a run that only its journal has. */
interface JournalFacts {
  /** The number of events of each name. */
  events: string;
  /** For each kill, the requests that were in flight at most. */
  cut_off: number[];
}

async function journalFacts(path: string): Promise<JournalFacts> {
  const directory = runDirectoryAt(path);
  if (!existsSync(directory.journal)) return { events: "none", cut_off: [] };
  const counts = new Map<string, number>();
  const ledger = ledgerOf.begin();
  await readJournal(directory.journal, "run", ({ name, event }) => {
    if (event !== null) ledger.take(event);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  });
  const events = [...counts].map(([event, n]) => `${countFigure(n)} ${event}`).join(", ") || "none";
  if (!isLocked(directory.lock)) ledger.cutOff();
  return { events, cut_off: ledger.books().cut_off ?? [] };
}

/** A load's measurements; nothing if its results are missing or damaged: a warning was printed. */
function loadFacts(path: string): [string, string | null][] {
  const results: LoadResults | null = JSON.parse(compactJson(runDirectoryAt(path).results));
  if (results === null) return [];
  const { requests_per_s, requests, metrics, goodput } = results.total;
  const others = ([
    [requests.failed, "failed"],
    [requests.unfinished, "unfinished"],
    [requests.unsent, "not sent"],
    [requests.cancelled ?? 0, "cancelled as asked"],
  ] as const).flatMap(([n, what]) => n ? [`${countFigure(n)} ${what}`] : []);
  const latency = (metric: Metric | null): string | null =>
    metric && `${inDigits(metric.p50)} ms p50, ${inDigits(metric.p99)} ms p99`;
  const good = goodput?.requests_per_s;
  return [
    ["others", others.join(", ") || null],
    ["rate", requests_per_s === null ? null : `${inDigits(requests_per_s)} answered requests/s`],
    ["goodput", good ? `${inDigits(good.value)} requests/s` : null],
    ["ttft", latency(metrics.ttft_ms)],
    ["tpot", latency(metrics.tpot_ms)],
    ["e2e", latency(metrics.e2e_ms)],
    ["verdict", `${results.verdict.verdict}: ${results.verdict.reasons[0] ?? "no reason given"}`],
  ];
}

/** The status, and what can be done about it. */
function statusOf({ status, kind, path, source_form }: RunSummary): string {
  if (status !== "incomplete" || source_form !== "dyno") return status;
  const { lock, results } = runDirectoryAt(path);
  if (isLocked(lock)) return `${status}: it still runs`;
  const resume = `--resume ${shortPath(path)}`;
  if (kind === "suite") return `${status}: the same dyno run with ${resume} does the rest`;
  return kind !== "load" || existsSync(results)
    ? status
    : `${status}: dyno load ${resume} sums it up`;
}

function tokensOf(summary: RunSummary): string {
  const { prompt_tokens, cached_prompt_tokens: cached, completion_tokens } = summary;
  const parts = [
    `${countFigure(prompt_tokens)} prompt${
      cached ? ` (${countFigure(cached)} of them cached)` : ""
    }`,
    `${countFigure(completion_tokens)} completion`,
  ];
  const { requests_of_unknown_tokens: unknown, requests_cut_off } = summary;
  if (!unknown) return parts.join(", ");
  const most = requests_cut_off ? "up to " : "";
  return `${parts.join(", ")}, those of ${most}${countFigure(unknown)} requests unknown`;
}

/** All requests that were sent: more than a load's items or a suite's tests. */
function requestsOf({ requests, kind }: RunSummary): string | null {
  if (requests === null) return null;
  const too = kind === "load" ? "first questions, warm-up and probes" : "retries and judges";
  return `${countFigure(requests)}, including ${too}`;
}

/** The requests that kills cut off; if there were several kills, the number for each. */
function cutOffFact(cut_off: readonly number[]): string | null {
  if (cut_off.length === 0) return null;
  const text = cutOffText(cut_off.reduce((sum, requests) => sum + requests, 0));
  return cut_off.length === 1 ? text : `${text} (${cut_off.length} times: ${cut_off.join(", ")})`;
}

function describe(
  { summary, items, stated, score_measure }: RunReading,
  { events, cut_off }: JournalFacts,
): string[] {
  const imported = readImportRecord(summary.path);
  const { passed, items_total, successful, timed_out, output_tokens_per_s: speed } = summary;
  const unjudged = items.filter(isUnjudged).length;
  const judged = (passed === null ? "" : `, ${countFigure(passed)} right`) +
    (unjudged ? `, ${countFigure(unjudged)} not judged` : "");
  const facts: [string, string | null][] = [
    ["run", summary.run_id],
    ["from", imported && `${imported.form}, ${imported.path}`],
    ["folder", summary.path],
    ["status", statusOf(summary)],
    ["kind", summary.kind],
    ["suite", summary.benchmark],
    ["model", summary.model],
    ["agent", summary.agent],
    ["mode", summary.mode],
    ["tags", summary.tags.join(", ") || null],
    ["started", shownTime(summary.started_at_unix_seconds)],
    ["took", known(summary.duration_s, durationText)],
    [
      "items",
      `${countFigure(items_total)}: ${countFigure(successful)} answered${judged}, ` +
      `${countFigure(timed_out)} timed out`,
    ],
    ["requests", requestsOf(summary)],
    ["cut off", cutOffFact(cut_off)],
    ["tokens", tokensOf(summary)],
    [
      "cost",
      costText(summary.cost_usd, summary.requests_of_unknown_cost, summary.requests_cut_off),
    ],
    ["output", speed === null ? null : `${speed.toFixed(1)} tokens/s`],
    ...(summary.kind === "load" && summary.source_form === "dyno" ? loadFacts(summary.path) : []),
    ["scores", score_measure ? `${score_measure}, as its program measures them` : null],
    ...statedLines(stated),
    ["events", events],
  ];
  return facts.filter(([, value]) => value !== null)
    .map(([name, value]) => `${name.padEnd(8)} ${value}`);
}
