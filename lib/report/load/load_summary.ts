/**
 * The top of a load run's report: what ran, whether the client can be trusted, the main figures.
 */
import { grouped } from "../../text/grouped.ts";
import { headingOf, measure, titleOf } from "../../measures/describe.ts";
import {
  bannerOf,
  hostText,
  runCostText,
  softwareText,
  startText,
  type Tile,
  tileList,
} from "../banner.ts";
import { UNCHECKED } from "../../endpoint/tls.ts";
import { cutText, escapeHtml } from "../html.ts";
import { counted } from "../../text/grouped.ts";
import { percentText } from "../../text/percent.ts";
import { digitsFor, fixed, intervalText } from "./load_figures.ts";
import { short } from "../../text/figure.ts";
import type { LoadResults, StageResults } from "../../load/results.ts";
import type { Verdict } from "../../load/verdict.ts";
import type { RunMetadata } from "../../run/metadata.ts";

/** The verdicts as shown, and what they mean for a reader of the figures. */
const VERDICTS: Record<Verdict["verdict"], { name: string; meaning: string }> = {
  trusted: {
    name: "Client trusted",
    meaning: "The client kept up: the figures below are the endpoint's.",
  },
  client_limited: {
    name: "Client limited",
    meaning:
      "The client did not keep up: the figures below are partly its own, not the endpoint's.",
  },
  cached: {
    name: "Cached",
    meaning:
      "The server's prefix cache answered for the model: the figures below are not the model's.",
  },
  unknown: {
    name: "Client unknown",
    meaning: "Nothing shows whether the client kept up: read the figures below with care.",
  },
};

/** The banner: the title, the verdict, and the facts of the run. */
export function loadBanner(title: string, metadata: RunMetadata, results: LoadResults): string {
  return bannerOf({
    kind: "load",
    title,
    complete: results.complete,
    notes: `${verdictBox(results.verdict)}\n${endedEarly(results)}`,
    facts: loadFacts(metadata, results),
  });
}

function verdictBox({ verdict, reasons, insecure, advice = null }: Verdict): string {
  const { name, meaning } = VERDICTS[verdict];
  const warning = insecure ? `<p class="warn">INSECURE: ${escapeHtml(UNCHECKED)}</p>` : "";
  const items = reasons.map((reason) => `<li dir="auto">${escapeHtml(cutText(reason, 400))}</li>`);
  return `<div class="verdict ${verdict}" role="group" aria-label="verdict on the client">
<p class="word">${name}</p>
<div>${warning}<p>${meaning}</p><ul>${items.join("")}</ul>${
    advice === null ? "" : `<p>Try: ${escapeHtml(advice)}</p>`
  }</div>
</div>`;
}

function endedEarly({ complete, stopped_because }: LoadResults): string {
  if (stopped_because !== null) {
    const why = escapeHtml(cutText(stopped_because, 400));
    return `<p class="warn">The run ended early: ${why}</p>\n`;
  }
  if (complete) return "";
  return `<p class="warn">The run was interrupted: the figures are those of what was measured until then.</p>\n`;
}

function loadFacts(metadata: RunMetadata, results: LoadResults): [string, string][] {
  const { stages, verdict } = results;
  const cost = runCostText(results.ledger);
  return [
    ["load", loadShape(results)],
    ["model", cutText(results.model, 200)],
    ["endpoint", `${cutText(endpointsOf(results), 300)} (${results.api_type})`],
    ["server", results.server ? cutText(results.server.name, 100) : "no metrics read"],
    ["transport", [results.transport, verdict.client.scheduling].filter(Boolean).join(", ")],
    ["measured", `${short(stages.reduce((sum, { window }) => sum + window.duration_s, 0))} s`],
    ...(cost ? [["cost", cost] as [string, string]] : []),
    ["started", startText(metadata)],
    ["run", metadata.run_id],
    ["client", hostText(metadata)],
    ["software", softwareText(metadata)],
  ];
}

function endpointsOf({ endpoint, endpoints, balance }: LoadResults): string {
  return endpoints ? `${endpoints.map(({ name }) => name).join(", ")}, ${balance}` : endpoint;
}

function loadShape({ stages, total }: LoadResults): string {
  if (stages.length === 0 && total.requests.sent === 0) return "nothing was measured";
  if (stages.length < 2) return cutText((stages[0] ?? total).name, 200);
  const names = stages.slice(0, 8).map(({ name }) => cutText(name, 60));
  return `${counted(stages.length, "stage")}: ${names.join("; ")}${
    stages.length > names.length ? "; …" : ""
  }`;
}

/** The run in eight figures, over all measured stages. */
export function loadTiles({ total, slos, stages }: LoadResults): string {
  const { metrics, requests } = total;
  const { successful, failed, unfinished, unsent, cancelled } = requests;
  const ended = successful + failed;
  const more = [
    `${counted(failed, "request")} of ${grouped(ended)} failed`,
    ...(unfinished ? [`${grouped(unfinished)} unfinished`] : []),
    ...(unsent ? [`${grouped(unsent)} unsent`] : []),
    ...(cancelled ? [`${grouped(cancelled)} cancelled`] : []),
  ].join(", ");
  const tokens = total.completion_tokens_mean;
  const rate = total.requested_rate_per_s;
  const items: Tile[] = [
    {
      name: titleOf("output_tokens_per_s"),
      value: known(total.output_tokens_per_s, ended),
      more: tokens === null ? "no answer" : `${short(tokens)} tokens an answer, mean`,
    },
    {
      name: "answered requests/s",
      value: known(total.requests_per_s, ended),
      more: rate === null
        ? `${short(total.concurrency.mean)} in flight, mean`
        : `${short(total.achieved_rate_per_s)}/s sent, ${short(rate)}/s wanted`,
    },
    metricTile("ttft_ms", metrics, "p50"),
    metricTile("ttft_ms", metrics, "p99"),
    metricTile("gap_ms", metrics, "p50"),
    metricTile("gap_ms", metrics, "p99"),
    {
      name: titleOf("error_rate"),
      value: errorRate(total.error_rate),
      unit: measure("error_rate").unit,
      more,
    },
    goodputTile(total.goodput, slos.length) ?? {
      name: `${titleOf("tokens_per_s_per_user")}, median`,
      value: short(metrics.tokens_per_s_per_user?.p50),
      more: "1 / tpot",
    },
  ];
  const note = stages.length > 1
    ? `<p class="note">All ${stages.length} stages together, each with its share of time: the stages one by one are below.</p>`
    : "";
  return tileList(items) + note;
}

/** A rate, which is unknown if nothing ended. */
function known(rate: number | null, ended: number): string {
  return ended > 0 ? short(rate) : "–";
}

function errorRate(rate: number | null): string {
  return rate === null ? "–" : percentText(rate).replace(" %", "");
}

function metricTile(
  measured: "ttft_ms" | "gap_ms",
  metrics: StageResults["metrics"],
  quantile: "p50" | "p99",
): Tile {
  const name = `${titleOf(measured)}, ${quantile === "p50" ? "median" : quantile}`;
  const metric = metrics[measured];
  if (!metric) return { name, value: "–", more: "not measured" };
  const digits = digitsFor(metric[quantile]);
  return {
    name,
    value: fixed(metric[quantile], digits),
    unit: measure(measured).unit,
    more: intervalText(metric.intervals[quantile], digits),
  };
}

function goodputTile(goodput: LoadResults["total"]["goodput"], slos: number): Tile | null {
  if (!goodput) return null;
  const { requests_per_s, share } = goodput;
  const met = share ? `${percentText(share.value)} met ` : "";
  return {
    name: headingOf("goodput_requests_per_s"),
    value: short(requests_per_s?.value),
    more: `${intervalText(requests_per_s, digitsFor(requests_per_s?.value ?? 0))}; ${met}${
      slos === 1 ? "the SLO" : `all ${slos} SLOs`
    }`,
  };
}
