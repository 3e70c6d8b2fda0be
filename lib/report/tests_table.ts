/** The table of tests: numbers of all, texts of those that matter most. */
import { readFileSync } from "node:fs";
import { join } from "@std/path";
import { uniqueFileNames } from "../run/file_names.ts";
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

/** The table with its filter. */
export function testsTable(items: readonly ResultItem[], directory: RunDirectory): string {
  const texts = textsOf(items, directory);
  const categories = [...new Set(items.map((item) => item.category))];
  const option = (value: string) => `<option>${escapeHtml(value)}</option>`;
  const left = items.length - texts.size;
  return `
<form class="filter" onsubmit="return false">
  <label>Find <input type="search" id="find" placeholder="name, error, …"></label>
  <label>Category <select id="category"><option value="">all</option>${
    categories.map(option).join("")
  }</select></label>
  <label>Result <select id="result"><option value="">all</option>${
    ["passed", "wrong", "answered", "error"].map(option).join("")
  }</select></label>
  <output id="shown" aria-live="polite">${items.length} tests</output>
</form>
<div class="scroll" tabindex="0" role="region" aria-label="tests"><table id="tests">
<thead><tr>${
    HEADS.map(([title, kind]) =>
      `<th scope="col" data-kind="${kind}" aria-sort="none"><button type="button">${title}</button></th>`
    ).join("")
  }</tr></thead>
<tbody>
${items.map((item) => row(item, texts.get(item.test_id))).join("\n")}
</tbody></table></div>
${
    left > 0
      ? `<p class="note">Prompt and answer are shown for ${texts.size} tests, failed and wrong ones first; those of the other ${left} are in the run's items folder.</p>`
      : ""
  }`;
}

function row(item: ResultItem, text: string | undefined): string {
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
  const shown = text === undefined ? name : `<details><summary>${name}</summary>${text}</details>`;
  return `<tr data-category="${
    escapeHtml(item.category)
  }" data-result="${verdict}"><th scope="row">${shown}${said}</th>` +
    `<td>${escapeHtml(item.category)}</td><td class="${verdict}">${verdict}</td>` +
    numbers.map((value) => `<td class="n">${value}</td>`).join("") + "</tr>";
}

/** Prompt, reasoning, answer and judgement as HTML, by test id. */
function textsOf(items: readonly ResultItem[], directory: RunDirectory): Map<string, string> {
  const order = { error: 0, wrong: 1, answered: 2, passed: 3 };
  const chosen = items.toSorted((a, b) => order[verdictOf(a)] - order[verdictOf(b)])
    .slice(0, MOST_TEXTS);
  const texts = new Map<string, string>();
  for (const [test_id, stem] of stemsOf(directory, chosen)) {
    const read = itemText(join(directory.items, `${stem}_completion.txt`));
    if (read !== null) texts.set(test_id, read);
  }
  return texts;
}

/** File names as the run gave them: they depend on the whole suite. */
function stemsOf(directory: RunDirectory, chosen: readonly ResultItem[]): [string, string][] {
  const { tests } = JSON.parse(readFileSync(directory.suite, "utf8").replace(/^\uFEFF/, "")) as {
    tests: { id: string; name: string }[];
  };
  const names = uniqueFileNames(tests);
  const stems = new Map(tests.map((test, i) => [test.id, names[i]]));
  return chosen.flatMap(({ test_id }) => {
    const stem = stems.get(test_id);
    return stem === undefined ? [] : [[test_id, stem] as [string, string]];
  });
}

function itemText(path: string): string | null {
  try {
    return `<pre>${escapeHtml(cutText(readFileSync(path, "utf8").trim(), LONGEST_TEXT))}</pre>`;
  } catch {
    return null;
  }
}
