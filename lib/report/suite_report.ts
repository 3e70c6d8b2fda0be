/** The report of a suite run: one HTML file from results.json, the samples and the items' texts. */
import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "@std/path";
import { readSamples } from "../hardware/samples.ts";
import { writeFileAtomic } from "../run/write.ts";
import { cutText, escapeHtml, figure } from "./html.ts";
import { latencyChart } from "./latency_chart.ts";
import { page } from "./page.ts";
import { testsTable } from "./tests_table.ts";
import { timelineChart } from "./timeline_chart.ts";
import { seriesFrom } from "../hardware/series.ts";
import type { Samples } from "../hardware/samples.ts";
import type { RunDirectory } from "../run/directory.ts";
import type { RunMetadata } from "../run/metadata.ts";
import type { Estimate } from "../stats/interval.ts";
import type { HealthReport } from "../suite/health_report.ts";
import type { CategorySummary, SuiteResults } from "../suite/results.ts";

/**
 * Writes report/index.html of a run; gives its path. Only a part of a large run's page is in memory
 * at a time.
 *
 * @param results what results.json holds, where the caller has it already.
 * @throws {InputError} the file cannot be written.
 */
export async function writeSuiteReport(
  directory: RunDirectory,
  results: SuiteResults = JSON.parse(readFileSync(directory.results, "utf8")),
): Promise<string> {
  const metadata: RunMetadata = JSON.parse(readFileSync(directory.metadata, "utf8"));
  const samples = readSamples(directory.path);
  const title = `${results.benchmark} on ${results.model}`;
  const latency = chartFigure(await latencyChart(results.items));
  const time = await timeline(results, samples);
  const parts = function* () {
    yield header(title, metadata, results);
    yield tiles(results);
    yield* section("By category", [categoryTable(results)]);
    yield* section("How long answers took", [latency]);
    yield* section("Over time", [time]);
    yield* section("Energy and health", [energyTable(results), healthList(directory)]);
    yield* section("Tests", testsTable(results.items, directory));
    yield* section("How to read this", [definitions(results)]);
  };
  mkdirSync(dirname(directory.report), { recursive: true });
  writeFileAtomic(directory.report, page(title, parts()));
  return directory.report;
}

function header(title: string, metadata: RunMetadata, results: SuiteResults): string {
  const { host, software, config } = metadata;
  const api = config.api_configuration as { endpoint?: string } | undefined;
  const facts = [
    metadata.run_id,
    new Date(metadata.started_at_unix_seconds * 1000).toISOString().replace("T", " ").slice(0, 19) +
    " UTC",
    api?.endpoint ?? "",
    `${results.transport} transport`,
    `${host.hostname}: ${host.cpu_cores} cores, ${host.cpu_model ?? "CPU unknown"}, ${
      (host.memory_bytes / 1024 ** 3).toFixed(0)
    } GiB, ${host.os} ${host.kernel}`,
    `dyno ${software.dyno}, ${software.runtime}`,
  ].filter(Boolean).map(escapeHtml).join(" · ");
  const missing = results.complete
    ? ""
    : `<p class="warn">The run was interrupted: ${results.missing} tests are missing. Go on with --resume ${
      escapeHtml(metadata.run_id)
    }.</p>`;
  return `<header><h1>${
    escapeHtml(cutText(title, 200))
  }</h1><p class="facts">${facts}</p>${missing}</header>`;
}

function* section(title: string, content: Iterable<string>): Generator<string> {
  const id = title.toLowerCase().replaceAll(" ", "-");
  yield `<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>`;
  yield* content;
  yield "</section>";
}

function tiles({ aggregate, statistics }: SuiteResults): string {
  const { ttft_ms, tpot_ms, e2e_ms, tokens_per_second, pass_rate, hit_rate } = statistics;
  const seconds = (ms: number | undefined) => figure(ms === undefined ? null : ms / 1000, 2);
  const shown: [string, string, string][] = [
    ["pass rate", pass_rate ? percent(pass_rate.value) : "–", interval(pass_rate, percent)],
    ["mean score", figure(aggregate.avg_hit_rate, 2), interval(hit_rate, (v) => v.toFixed(2))],
    ["ttft p50, ms", figure(ttft_ms?.p50, 1), `p99 ${figure(ttft_ms?.p99, 1)}`],
    ["tpot p50, ms", figure(tpot_ms?.p50, 2), `p99 ${figure(tpot_ms?.p99, 2)}`],
    ["e2e p50, s", seconds(e2e_ms?.p50), `p99 ${seconds(e2e_ms?.p99)}`],
    ["tokens/s a request, p50", figure(tokens_per_second?.p50, 1), ""],
    ["output tokens", figure(aggregate.total_completion_tokens, 0), ""],
    [
      "without an answer",
      `${aggregate.errors} of ${aggregate.tests}`,
      errorClasses(aggregate.errors_by_class),
    ],
  ];
  const items = shown.map(([name, value, more]) =>
    `<li><span>${name}</span><b>${value}</b><small>${escapeHtml(more)}</small></li>`
  );
  return `<ul class="tiles">${items.join("")}</ul>`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function interval(estimate: Estimate | null, show: (value: number) => string): string {
  return estimate ? `95 %: ${show(estimate.low)} to ${show(estimate.high)}` : "no interval";
}

function errorClasses(classes: Record<string, number>): string {
  return Object.entries(classes).map(([name, count]) => `${count} ${name}`).join(", ");
}

function categoryTable({ categories, aggregate, statistics }: SuiteResults): string {
  const heads = [
    "category",
    "passed",
    "pass rate, 95 % interval",
    "",
    "score",
    "ttft ms p50",
    "p99",
    "tpot ms p50",
    "e2e s p50",
    "errors",
  ];
  const all: CategorySummary = { category: "all", aggregate, statistics };
  const rows = [...categories.map((each) => categoryRow(each, "")), categoryRow(all, "all")];
  return `<div class="scroll" tabindex="0" role="region" aria-label="results by category"><table>
<thead><tr>${
    heads.map((head, i) => `<th scope="col"${i > 3 ? ' class="n"' : ""}>${head}</th>`).join("")
  }</tr></thead>
<tbody>${rows.join("")}</tbody></table></div>`;
}

function categoryRow({ category, aggregate, statistics }: CategorySummary, kind: string): string {
  const { pass_rate, ttft_ms, tpot_ms, e2e_ms } = statistics;
  const numbers = [
    figure(aggregate.avg_hit_rate, 2),
    figure(ttft_ms?.p50, 1),
    figure(ttft_ms?.p99, 1),
    figure(tpot_ms?.p50, 2),
    figure(e2e_ms ? e2e_ms.p50 / 1000 : null, 2),
    String(aggregate.errors),
  ];
  const passed = aggregate.evaluated ? `${aggregate.passed} of ${aggregate.evaluated}` : "–";
  return `<tr class="${kind}"><th scope="row">${escapeHtml(category)}</th><td>${passed}</td>` +
    `<td>${whiskers(pass_rate)}</td><td>${pass_rate ? percent(pass_rate.value) : "–"}</td>` +
    numbers.map((value) => `<td class="n">${value}</td>`).join("") + "</tr>";
}

/** A dot with its interval on a line from 0 to 100 %. */
function whiskers(estimate: Estimate | null): string {
  if (!estimate) return "";
  const { value, low, high } = estimate;
  const at = (share: number) => `${(100 * share).toFixed(2)}%`;
  const label = `${percent(value)}, from ${percent(low)} to ${percent(high)}`;
  return `<span class="ci" role="img" aria-label="${label}" title="${label}">` +
    `<i style="left:${at(low)};width:${at(high - low)}"></i><b style="left:${
      at(value)
    }"></b></span>`;
}

async function timeline(results: SuiteResults, sessions: readonly Samples[]): Promise<string> {
  const series = sessions.map(seriesFrom);
  const chart = chartFigure(await timelineChart(results.items, series));
  return `${chart}<p class="note">${escapeHtml(samplingNote(sessions))}</p>`;
}

function samplingNote(sessions: readonly Samples[]): string {
  if (sessions.length === 0) return "The host was not sampled in this run.";
  const { rate_hz, sampler, sources } = sessions[0].description;
  const missing = sources.filter((source) => !source.available)
    .map(({ name, note }) => `${name} (${note})`);
  const without = missing.length ? ` Not sampled: ${missing.join("; ")}.` : "";
  return `Host samples at ${rate_hz} Hz (${sampler}), on the clock of the requests.${without}`;
}

function energyTable({ energy }: SuiteResults): string {
  if (!energy) return `<p class="note">No energy source on this host.</p>`;
  const rows = energy.devices.map((device) => {
    const numbers = [
      device.energy_j,
      device.error_j,
      device.power_w,
      device.idle_w,
      device.above_idle_j,
    ];
    return `<tr><th scope="row">${escapeHtml(device.device)}</th>` +
      numbers.map((value) => `<td class="n">${figure(value, 1)}</td>`).join("") +
      `<td>${device.method}</td></tr>`;
  });
  const heads = ["device", "energy J", "± J", "mean W", "idle W", "above idle J", "method"];
  const head = heads.map((title, i) =>
    `<th scope="col"${i > 0 && i < 6 ? ' class="n"' : ""}>${title}</th>`
  );
  const { total_j, j_per_token, tokens_per_j, j_per_solved_test } = energy;
  return `<div class="scroll"><table><thead><tr>${head.join("")}</tr></thead><tbody>${
    rows.join("")
  }</tbody></table></div>
<p>${figure(total_j, 1)} J in all, ${figure(j_per_token, 3)} J a token, ${
    figure(tokens_per_j, 2)
  } tokens a joule, ${figure(j_per_solved_test, 2)} J a solved test.</p>
<p class="note">Energy from the first request to the end of the last, idle power included: the difference of the
device's counter, interpolated between the moments at which it moved (± half a step at each end), or power summed over
the intervals between readings (± one interval at the highest power). A request's share goes by the tokens that it
produced while in flight. The sensors' own faults come on top.</p>`;
}

/** What health.json says; nothing for a run from before there was one. */
function healthList(directory: RunDirectory): string {
  let health: HealthReport;
  try {
    health = JSON.parse(readFileSync(join(directory.path, "health.json"), "utf8"));
  } catch {
    return "";
  }
  const lines = [...health.alerts.map((alert) => alert.message), ...health.recommendations];
  const items = lines.map((line) => `<li>${escapeHtml(line)}</li>`).join("");
  return `<p>System: <b>${escapeHtml(health.system_status)}</b>.</p>${
    items ? `<ul>${items}</ul>` : ""
  }`;
}

function chartFigure(svg: string | null): string {
  return svg === null ? `<p class="note">No test was answered.</p>` : `<figure>${svg}</figure>`;
}

function definitions({ items }: SuiteResults): string {
  const counted = items.filter((item) => item.token_source === "events").length;
  const source = counted === 0
    ? "as the server's usage says"
    : `as the server's usage says; for ${counted} tests without usage the number of token events`;
  const terms: [string, string][] = [
    [
      "ttft",
      "from handing the first request byte to the kernel to the first event with content, reasoning or tool-call text",
    ],
    ["tpot", "(last token − first token) / (tokens − 1); unknown below two tokens"],
    ["e2e", "from sending to the end of the answer, of the attempt that counts"],
    ["tokens", source],
    ["pass rate", "passed of all judged answers, with Wilson's 95 % interval"],
    ["score", "mean of hits / targets over the judged answers, with a bootstrap 95 % interval"],
    ["p50, p99", "quantiles by nearest rank: values that were measured"],
    ["–", "unknown; never 0"],
  ];
  return `<dl>${terms.map(([name, text]) => `<dt>${name}</dt><dd>${text}</dd>`).join("")}</dl>`;
}
