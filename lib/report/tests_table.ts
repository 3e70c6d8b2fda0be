/** The table of tests: numbers of all, texts of those that matter most. */
import { readFileSync } from "node:fs";
import { join } from "@std/path";
import { cutText, escapeHtml, figure } from "./html.ts";
import type { RunDirectory } from "../run/directory.ts";
import type { ResultItem } from "../suite/results.ts";

/** Texts are shown for so many tests, failed and wrong ones first. */
const MOST_TEXTS = 300;
const LONGEST_TEXT = 3000;

const HEADS: [string, string][] = [
  ["test", "text"],
  ["category", "text"],
  ["result", "text"],
  ["score", "number"],
  ["ttft ms", "number"],
  ["tpot ms", "number"],
  ["e2e ms", "number"],
  ["tokens", "number"],
  ["tok/s", "number"],
];

/** What came of a test, in one word. */
export function verdictOf(item: ResultItem): "error" | "wrong" | "passed" | "answered" {
  if (!item.success) return "error";
  return item.passed === null ? "answered" : item.passed ? "passed" : "wrong";
}

/** The table with its filter, in parts. */
export function* testsTable(
  items: readonly ResultItem[],
  directory: RunDirectory,
): Generator<string> {
  const chosen = withTexts(items);
  const categories = [...new Set(items.map((item) => item.category))];
  yield filterForm(items.length, categories);
  yield `<div class="scroll" tabindex="0" role="region" aria-label="tests"><table id="tests">
<thead><tr>${HEADS.map(headCell).join("")}</tr></thead>
<tbody>
`;
  for (const item of items) {
    const text = chosen.has(item) && item.file_stem ? itemText(directory, item.file_stem) : null;
    yield row(item, text) + "\n";
  }
  yield "</tbody></table></div>";
  const left = items.length - chosen.size;
  if (left > 0) {
    yield `<p class="note">Prompt and answer are shown for ${chosen.size} tests, failed and wrong ones ` +
      `first; those of the other ${left} are in the run's items folder.</p>`;
  }
}

function headCell([title, kind]: [string, string]): string {
  return `<th scope="col" data-kind="${kind}" aria-sort="none"><button type="button">${title}</button></th>`;
}

function filterForm(count: number, categories: readonly string[]): string {
  const option = (value: string) => `<option>${escapeHtml(value)}</option>`;
  const choice = (label: string, id: string, values: readonly string[]) =>
    `<label>${label} <select id="${id}"><option value="">all</option>${
      values.map(option).join("")
    }</select></label>`;
  return `<form class="filter" onsubmit="return false">
<label>Find <input type="search" id="find" placeholder="name, error, …"></label>
${choice("Category", "category", categories)}
${choice("Result", "result", ["passed", "wrong", "answered", "error"])}
<output id="shown" aria-live="polite">${count} tests</output>
</form>
`;
}

function row(item: ResultItem, text: string | null): string {
  const verdict = verdictOf(item);
  const numbers = [
    figure(item.score?.hit_rate, 2),
    figure(item.ttft_ms, 1),
    figure(item.tpot_ms, 2),
    figure(item.e2e_ms, 1),
    figure(item.completion_tokens, 0),
    figure(item.tokens_per_second, 1),
  ];
  const name = escapeHtml(item.test_name);
  const fault = item.error ?? item.evaluation_error;
  const said = fault ? `<p class="bad">${escapeHtml(cutText(fault, 300))}</p>` : "";
  const shown = text === null ? name : `<details><summary>${name}</summary>${text}</details>`;
  return `<tr data-category="${
    escapeHtml(item.category)
  }" data-result="${verdict}"><th scope="row">${shown}${said}</th>` +
    `<td>${escapeHtml(item.category)}</td><td class="${verdict}">${verdict}</td>` +
    numbers.map((value) => `<td class="n">${value}</td>`).join("") + "</tr>";
}

/** The tests whose texts are shown: failed and wrong ones first. */
function withTexts(items: readonly ResultItem[]): Set<ResultItem> {
  const order = { error: 0, wrong: 1, answered: 2, passed: 3 };
  const sorted = items.toSorted((a, b) => order[verdictOf(a)] - order[verdictOf(b)]);
  return new Set(sorted.slice(0, MOST_TEXTS));
}

/** Prompt, reasoning, answer and judgement as HTML; null when the file is not there. */
function itemText(directory: RunDirectory, stem: string): string | null {
  try {
    const text = readFileSync(join(directory.items, `${stem}_completion.txt`), "utf8").trim();
    return `<pre>${escapeHtml(cutText(text, LONGEST_TEXT))}</pre>`;
  } catch {
    return null;
  }
}
