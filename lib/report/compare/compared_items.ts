/** The table of tests with the outcome of each in every run. */
import { figure } from "../../text/figure.ts";
import { mostImportant, scrollBox } from "../table.ts";
import { Buffer } from "node:buffer";
import { grouped } from "../../text/grouped.ts";
import { markOf } from "../../run/problems.ts";
import { letterHead } from "./compared_numbers.ts";
import { filterForm } from "../filter_form.ts";
import { cutText, escapeHtml } from "../html.ts";
import { counted } from "../../text/grouped.ts";
import { laterClass, moreButton } from "../suite/tests_table.ts";
import { testText } from "../suite/test_texts.ts";
import type { RunItem } from "../../run/summary.ts";
import type { ReportedRun } from "./compared_run.ts";

/** More rows than this would be slow to open in a browser. */
const MOST_ROWS = 10_000;
const NAME_LETTERS = 500_000;
const ERROR_LETTERS = 200_000;
/** Limit for the table with its texts, so that the page stays below 5 MB. */
const MOST_BYTES = 4_400_000;
const MOST_TEXT_BYTES = 2_500_000;
const MOST_TEXTS = 300;

/** The combined outcome of a test over all runs, in the order in which texts are shown. */
const OUTCOMES = ["differs", "no answer", "wrong", "not judged", "right"] as const;
type Outcome = typeof OUTCOMES[number];

interface Entry {
  id: string;
  name: string;
  category: string;
  outcome: Outcome;
  /** One per run; null if the run lacks the test. */
  items: (RunItem | null)[];
}

/** The table with its filter, in parts. */
export function* comparedItems(runs: readonly ReportedRun[]): Generator<string> {
  const all = entriesOf(runs);
  if (all.length === 0) {
    yield `<p class="note">No test was finished.</p>`;
    return;
  }
  const entries = mostImportant(all, ({ outcome }) => OUTCOMES.indexOf(outcome), MOST_ROWS);
  const share = (letters: number, most: number) =>
    Math.max(24, Math.min(most, Math.floor(letters / entries.length)));
  const letters = { name: share(NAME_LETTERS, 160), error: share(ERROR_LETTERS, 200) };
  const rows = entries.map((entry) => cellsOf(entry, letters));
  const room = MOST_BYTES - rows.reduce((sum, row) => sum + Buffer.byteLength(row.cells), 0) -
    rows.length * 60;
  const texts = textsOf(entries, runs, Math.min(room, MOST_TEXT_BYTES));
  yield filterOf(entries, letters.name);
  yield `${scrollBox("tests", entries.length)}<table id="tests">
<thead><tr>${heads(runs)}</tr></thead>
<tbody>
`;
  for (const [place, entry] of entries.entries()) {
    yield rowHtml(rows[place], texts.get(entry.id), place, 3 + 2 * runs.length);
  }
  yield `</tbody></table>${moreButton(entries.length)}</div>${
    leftOut(all.length, entries.length, texts.size)
  }`;
}

function entriesOf(runs: readonly ReportedRun[]): Entry[] {
  const ids = new Set(runs.flatMap(({ by_id }) => [...by_id.keys()]));
  return [...ids].map((id) => {
    const items = runs.map(({ by_id }) => by_id.get(id) ?? null);
    const { name, category } = items.find((item) => item !== null)!;
    return { id, name, category: category ?? "–", outcome: outcomeOf(items), items };
  });
}

function outcomeOf(items: readonly (RunItem | null)[]): Outcome {
  const there = items.filter((item) => item !== null);
  const marks = new Set(there.map(markOf));
  if (marks.size > 1) return "differs";
  if (marks.has("1")) return "right";
  if (marks.has("-")) return "not judged";
  return there.some(({ success }) => !success) ? "no answer" : "wrong";
}

function heads(runs: readonly ReportedRun[]): string {
  const head = (title: string, label: string, unit = "") =>
    `<th scope="col" abbr="${label}"${
      unit ? ` class="n"` : ""
    }><button type="button">${title}</button>${unit && `<small>${unit}</small>`}</th>`;
  return [
    ...["test", "category", "result"].map((name) => head(name, name)),
    ...runs.map((run) => head(letterHead(run), run.letter)),
    ...runs.map((run) => head(`${letterHead(run)} e2e`, `${run.letter} e2e`, "ms")),
  ].join("");
}

function cellsOf(entry: Entry, letters: { name: number; error: number }) {
  const { name, category, outcome, items } = entry;
  const error = items.find((item) => item?.error)?.error;
  const fault = error
    ? `<p class="fault" dir="auto">${escapeHtml(cutText(error, letters.error))}</p>`
    : "";
  const cells = [
    `<td dir="auto">${escapeHtml(cutText(category, Math.min(60, letters.name)))}</td>`,
    `<td class="o${OUTCOMES.indexOf(outcome)}">${outcome}</td>`,
    ...items.map(verdictCell),
    ...items.map((item) => `<td>${figure(item?.success ? item.latency_ms : null, 1)}</td>`),
  ].join("");
  return { name: escapeHtml(cutText(name, letters.name)), fault, cells };
}

/** The verdict, and the score if it says more. */
function verdictCell(item: RunItem | null): string {
  if (item === null) return "<td>–</td>";
  if (!item.success) return `<td class="bad">${item.timed_out ? "timed out" : "no answer"}</td>`;
  const { passed, score } = item;
  const partly = score !== null && score > 0 && score < 1 ? ` ${score.toFixed(2)}` : "";
  if (passed === null) return `<td>${score === null ? "answered" : score.toFixed(2)}</td>`;
  return passed ? `<td class="good">right${partly}</td>` : `<td class="bad">wrong${partly}</td>`;
}

function rowHtml(
  { name, fault, cells }: ReturnType<typeof cellsOf>,
  texts: string | undefined,
  place: number,
  columns: number,
): string {
  const title = texts === undefined
    ? name
    : `<button type="button" aria-expanded="false" aria-controls="t${place}">${name}</button>`;
  const row = `<tr class="item${
    laterClass(place)
  }"><th scope="row" dir="auto">${title}${fault}</th>${cells}</tr>\n`;
  return texts === undefined
    ? row
    : `${row}<tr id="t${place}" class="texts" hidden><td colspan="${columns}"><div>${texts}</div></td></tr>\n`;
}

/** Prompt and answers of the most important tests, by test. */
function textsOf(
  entries: readonly Entry[],
  runs: readonly ReportedRun[],
  room_bytes: number,
): Map<string, string> {
  const texts = new Map<string, string>();
  const importance = ({ outcome }: Entry) => OUTCOMES.indexOf(outcome);
  const chosen = entries.toSorted((a, b) => importance(a) - importance(b)).slice(0, MOST_TEXTS);
  let bytes = 0;
  for (const { id } of chosen) {
    const parts = runs.flatMap((run) => {
      const stem = run.file_stems.get(id);
      const text = stem === undefined ? null : testText(run.directory, stem);
      return text === null ? [] : [
        `<p class="run">${letterHead(run)} ${
          escapeHtml(cutText(run.summary.model, 80))
        }</p>${text}`,
      ];
    });
    if (parts.length === 0) continue;
    const html = parts.join("");
    bytes += Buffer.byteLength(html);
    if (bytes > room_bytes) break;
    texts.set(id, html);
  }
  return texts;
}

function filterOf(entries: readonly Entry[], most: number): string {
  const categories = [
    ...new Set(entries.map(({ category }) => cutText(category, Math.min(60, most)))),
  ];
  const outcomes = new Set(entries.map(({ outcome }) => outcome));
  return filterForm(
    entries.length,
    categories,
    OUTCOMES.filter((outcome) => outcomes.has(outcome)),
  );
}

function leftOut(tests: number, rows: number, texts: number): string {
  const lines = [
    ...(rows < tests
      ? [
        `The table has ${counted(rows, "test")} of ${
          grouped(tests)
        }, those that differ and wrong ones first.`,
      ]
      : []),
    ...(texts < rows
      ? [
        `Prompt and answers are shown for ${
          counted(texts, "test")
        }, those that differ and wrong ones first; the others are in the runs' folders items/.`,
      ]
      : []),
  ];
  return lines.map((line) => `<p class="note">${line}</p>`).join("");
}
