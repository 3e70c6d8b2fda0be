/**
 * Explains what a run shows, what it cannot show, and what to run next, for the terminal and for
 * reports.
 */
import { chanceText } from "../measures/describe.ts";
import { costText } from "../text/dollars.ts";
import { grouped } from "../text/grouped.ts";
import { shellText } from "../text/shell_text.ts";
import { percentEstimate, percentText } from "../text/percent.ts";
import { judgedText } from "../load/statement.ts";
import { sloText } from "../load/slo.ts";
import { searchOf } from "../run/run_id.ts";
import { ratedOf } from "../suite/aggregate.ts";
import { cutText, escapeHtml } from "./html.ts";
import type { LoadResults } from "../load/results.ts";
import type { RunSummary } from "../run/summary.ts";
import type { Estimate } from "../stats/interval.ts";
import { isOfTwoModes, type SuiteResults } from "../suite/results.ts";

/** A part of the explanation: its heading, and a line for each item. */
type Part = [head: string, lines: string[]];

type Explained =
  & Pick<RunSummary, "run_id" | "benchmark" | "model" | "kind">
  & Partial<Pick<RunSummary, "tags">>;

/**
 * The parts of the explanation; the first one identifies the run. `results` is null if the run was
 * interrupted before it had any. `folder` is the folder of runs, named in the commands that it suggests; left out
 * for the usual one.
 */
export function explained(
  run: Explained,
  results: SuiteResults | LoadResults | null,
  folder?: string,
): Part[] {
  const what = `${run.benchmark} on ${run.model} (${run.run_id})`;
  if (results === null) {
    const again = run.kind === "load" ? "dyno load --resume" : "dyno run SUITE --resume";
    const { out } = flagsFor(folder);
    return [
      [what, ["It was cut off before its results were summed up."]],
      ["Next", [`${again} ${run.run_id}${out}`]],
    ];
  }
  return "stages" in results
    ? loadParts(what, run, results, folder)
    : suiteParts(what, run, results as SuiteResults, folder);
}

/** The flags of the suggested commands that name the folder of runs. */
function flagsFor(folder: string | undefined): { runs: string; out: string } {
  const name = folder === undefined ? "" : shellText([folder]);
  return { runs: name && ` --runs ${name}`, out: name && ` --out ${name}` };
}

function loadParts(
  what: string,
  { run_id, tags = [] }: Explained,
  results: LoadResults,
  folder: string | undefined,
): Part[] {
  const { runs } = flagsFor(folder);
  const search = searchOf(tags);
  const { total, verdict, slos, statements = [], stages, complete } = results;
  const { requests, metrics } = total;
  const lost = requests.failed + requests.unfinished + requests.unsent;
  const rate = total.intervals?.requests_per_s ?? null;
  const shows = [
    `${grouped(requests.successful)} requests were answered, ${grouped(lost)} were not` +
    (requests.cancelled ? `, ${grouped(requests.cancelled)} were cancelled as asked: ` : ": ") +
    `${rateText(total.requests_per_s, "req/s")}${range(rate)}, ` +
    `${rateText(total.output_tokens_per_s, "output tokens/s")}.`,
    metrics.ttft_ms
      ? `Half of the users saw a first token within ${figure(metrics.ttft_ms.p50)} ms, 99 of 100 ` +
        `within ${figure(metrics.ttft_ms.p99)} ms${range(metrics.ttft_ms.intervals.p99)}.`
      : "When the first token came is unknown.",
    ...objectiveLines(results),
    verdict.verdict === "trusted"
      ? "The measuring client kept up: these are the endpoint's figures."
      : `The client: ${verdict.verdict.replace("_", " ")}: ${
        verdict.reasons[0] ?? "no reason known"
      }`,
  ];
  const least = Math.min(...[metrics.ttft_ms, metrics.e2e_ms].flatMap((m) => m ? [m.n] : []));
  const cannot = [
    ...(Number.isFinite(least) && least < 1000
      ? [`A p99 of ${grouped(least)} requests rests on its slowest ${Math.ceil(least / 100)}.`]
      : []),
    ...(complete ? [] : ["It was interrupted: less was measured than was planned."]),
    search !== null
      ? `This is one level of a search: what that found is in curves/${search}.html, next to its runs.`
      : stages.length > 1
      ? "No load above its highest stage was tried."
      : "This run tried only one load: the endpoint may carry more.",
    "Other prompts, other lengths and another day may give other figures.",
  ];
  const next = steps([
    ...(lost > 0 ? [[`dyno runs show ${run_id}${runs}`, "why requests failed"]] : []),
    ...(verdict.verdict === "trusted" ? [] : [["dyno calibrate", "what this host can measure"]]),
    search !== null
      ? [`dyno runs list --tag ${search}${runs}`, "the other levels of the search"]
      : slos.length + statements.length > 0
      ? ["dyno load … --find-capacity rate --slo …", "the most that still meets the objectives"]
      : ["dyno load … --slo ttft:500 --slo tpot:50", "whether it is fast enough"],
    [`dyno runs compare ${run_id} OTHER${runs}`, "whether another run is really different"],
  ]);
  return [[what, []], ["It shows", shows], ["It cannot show", cannot], ["Next", next]];
}

/** Whether the SLOs were met: those of single requests, then those of the run as a whole. */
function objectiveLines({ total: { goodput }, slos, statements = [] }: LoadResults): string[] {
  if (slos.length + statements.length === 0) {
    return [
      "No objective was given (--slo), so it shows the figures, not whether they are good enough.",
    ];
  }
  const untold = slos.map(sloText).filter((text) => goodput?.unknown?.[text])
    .map((text) => `${text} of ${grouped(goodput!.unknown![text])}`);
  return [
    ...(goodput?.share
      ? [`${percentEstimate(goodput.share)} of the requests met every objective.`]
      : slos.length > 0
      ? ["How many of the requests met every objective is unknown."]
      : []),
    ...(untold.length ? [`Unknown, so not met: ${untold.join(", ")} requests.`] : []),
    ...statements.map((statement) => `Of the run as a whole: ${judgedText(statement)}.`),
  ];
}

function suiteParts(
  what: string,
  { run_id }: Explained,
  results: SuiteResults,
  folder: string | undefined,
): Part[] {
  const { runs, out } = flagsFor(folder);
  const { aggregate, statistics, categories, items, missing, complete } = results;
  const { pass_rate, ttft_ms } = statistics;
  const judged = categories.filter(({ aggregate }) => aggregate.evaluated > 0)
    .toSorted((a, b) => share(a.aggregate) - share(b.aggregate));
  const [weakest] = judged;
  const shows = [
    isOfTwoModes(items)
      ? "Each problem was asked in two modes: the report's table of modes has the rate of each."
      : pass_rate
      ? `${grouped(aggregate.passed)} of ${grouped(ratedOf(aggregate))} ` +
        `${aggregate.errors ? "tests" : "judged answers"} were right: ` +
        `${percentEstimate(pass_rate)}.`
      : "No answer was judged, so it says nothing about right and wrong.",
    ...(judged.length > 1 && share(weakest.aggregate) < share(judged.at(-1)!.aggregate)
      ? [`The weakest category is ${weakest.category}: ${percentText(share(weakest.aggregate))}.`]
      : []),
    ...(aggregate.errors ? [`${grouped(aggregate.errors)} tests got no answer.`] : []),
    ...(aggregate.not_judged
      ? [`${grouped(aggregate.not_judged)} were not judged: ${aggregate.not_judged_because}`]
      : []),
    ttft_ms
      ? `A first token took ${figure(ttft_ms.p50)} ms in the median, under this run's own load.`
      : "When the first token came is unknown.",
    aggregate.total_cost_usd === null
      ? "What it cost is unknown: no price for the model, or no count of its tokens."
      : `It cost ${
        costText(
          aggregate.total_cost_usd,
          aggregate.requests_of_unknown_cost,
          aggregate.requests_cut_off,
        )
      }.`,
  ];
  const cannot = [
    ...(pass_rate === null
      ? []
      : [`Whether another model is better: ${chanceText("pass_rate", pass_rate.n)}.`]),
    ...(complete ? [] : [`${grouped(missing)} tests have not run yet.`]),
    ...((statistics.epochs ?? null) === null &&
        !items.some(({ coding }) => coding && coding.sample > 0)
      ? ["Each test was asked once: how much answers vary from one time to the next is unknown."]
      : []),
    "How fast the endpoint is under a real load.",
  ];
  const next = steps([
    ...(complete
      ? []
      : [[`dyno run SUITE --resume ${run_id}${out}`, "the tests that are missing"]]),
    ...(aggregate.errors + aggregate.not_judged > 0 && !items.some(({ coding }) => coding)
      ? [[
        `dyno run SUITE --retry-failed ${run_id}${out}`,
        "the tests without an answer or a verdict",
      ]]
      : []),
    [`dyno runs failing ${run_id}${runs}`, "which tests fail"],
    [`dyno runs compare ${run_id} OTHER${runs}`, "whether another model is really better"],
    ["dyno load --endpoint … -c 16 -d 60s", "how fast it is"],
  ]);
  return [[what, []], ["It shows", shows], ["It cannot show", cannot], ["Next", next]];
}

/** Commands and their purposes, in two columns. */
function steps(rows: readonly string[][]): string[] {
  const width = Math.max(...rows.map(([command]) => command.length));
  return rows.map(([command, why]) => `${command.padEnd(width)}   ${why}`);
}

/** The same as HTML for a page, without its title. */
export function explainedList(run: Explained, results: SuiteResults | LoadResults): string {
  return explained(run, results).slice(1).map(([head, lines]) => {
    const items = lines.map((line) => {
      const [said, why] = line.split(/ {3,}/);
      const text = (part: string) => escapeHtml(cutText(part, 500));
      return why === undefined ? text(said) : `<code>${text(said)}</code> ${text(why)}`;
    });
    return `<h3>${head}</h3><ul class="notes">${
      items.map((item) => `<li dir="auto">${item}</li>`).join("")
    }</ul>`;
  }).join("\n");
}

function share(aggregate: SuiteResults["aggregate"]): number {
  return aggregate.passed / ratedOf(aggregate);
}

/** Formats a 95 % interval as ` [low, high]`. */
function range(estimate: Estimate | null): string {
  return estimate === null ? "" : ` [${figure(estimate.low)}, ${figure(estimate.high)}]`;
}

function rateText(value: number | null, unit: string): string {
  return value === null ? `${unit} unknown` : `${figure(value)} ${unit}`;
}

function figure(value: number): string {
  return value >= 100 ? grouped(Math.round(value)) : String(Number(value.toPrecision(3)));
}
