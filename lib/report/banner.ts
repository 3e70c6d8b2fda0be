/** The top of a run's report: what ran and where, and its main figures in large numbers. */
import { costText } from "../text/dollars.ts";
import { counted } from "../text/grouped.ts";
import { cutText, escapeHtml } from "./html.ts";
import type { Books } from "../run/ledger_totals.ts";
import type { RunMetadata } from "../run/metadata.ts";

/** The content of a banner. */
export interface Banner {
  /** The kind of run: load, suite. */
  kind: string;
  title: string;
  complete: boolean;
  /** HTML between the title and the facts. */
  notes: string;
  facts: readonly (readonly [name: string, value: string])[];
}

/** The header of a run's page, as HTML. */
export function bannerOf({ kind, title, complete, notes, facts }: Banner): string {
  const told = facts
    .map(([name, value]) => `<div><dt>${name}</dt><dd dir="auto">${escapeHtml(value)}</dd></div>`);
  return `<header>
<p class="kind">dyno ${kind} run ${complete ? "" : `<span class="state">interrupted</span>`}</p>
<h1 dir="auto">${escapeHtml(cutText(title, 200))}</h1>
${notes}<dl class="facts">${told.join("")}</dl>
</header>`;
}

/** When a run started, to the second. */
export function startText({ started_at_unix_seconds }: RunMetadata): string {
  const started = new Date(started_at_unix_seconds * 1000).toISOString();
  return `${started.slice(0, 10)} ${started.slice(11, 19)} UTC`;
}

/** The host that a run was measured from. */
export function hostText({ host }: RunMetadata): string {
  const { hostname, cpu_cores, cpu_model, memory_bytes, os, kernel, arch } = host;
  const cpu = `${counted(cpu_cores, "core")}, ${cpu_model ?? "CPU unknown"}`;
  const memory_gib = (memory_bytes / 1024 ** 3).toFixed(0);
  return `${hostname}: ${cpu}, ${memory_gib} GiB, ${os} ${kernel} ${arch}`;
}

/** The programs that measured. */
export function softwareText({ software, git_sha }: RunMetadata): string {
  const commit = git_sha ? `, commit ${git_sha.slice(0, 10)}` : "";
  return `dyno ${software.dyno}, ${software.runtime}${commit}`;
}

/** What all requests of a run cost; undefined where none was sent, or an earlier dyno kept no sums. */
export function runCostText(ledger: Books | undefined): string | undefined {
  if (!ledger?.total.requests) return undefined;
  const { total_cost_usd, requests, requests_of_unknown_cost, requests_cut_off } = ledger.total;
  if (total_cost_usd === null) return "unknown: no price, or no count of tokens";
  const cost = costText(total_cost_usd, requests_of_unknown_cost, requests_cut_off);
  return `${cost} for all ${counted(requests, "request")}`;
}

/** A main figure, shown in large numbers. */
export interface Tile {
  name: string;
  value: string;
  /** Left out if the value is unknown. */
  unit?: string;
  /** Text below the figure. */
  more?: string;
}

/** The list of the main figures, as HTML. */
export function tileList(tiles: readonly Tile[]): string {
  const items = tiles.map(({ name, value, unit, more = "" }) =>
    `<li><span>${name}</span><b>${value}${
      unit && value !== "–" ? ` <small>${unit}</small>` : ""
    }</b><em>${escapeHtml(more)}</em></li>`
  );
  return `<ul class="tiles">${items.join("")}</ul>`;
}
