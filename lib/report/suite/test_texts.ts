/** Prompt, answer and judgement of the most important tests, as HTML of limited size. */
import { statSync } from "node:fs";
import { Buffer } from "node:buffer";
import { basename, dirname, join, relative } from "node:path";
import { cutText, escapeHtml } from "../html.ts";
import { counted } from "../../text/grouped.ts";
import { plainText } from "../../run/plain_file.ts";
import type { RunDirectory } from "../../run/directory.ts";
import type { ResultItem } from "../../suite/results.ts";
import type { TestResult } from "../../run/test_result.ts";

/**
 * Texts are shown for at most this many tests, failed and wrong ones first, and this many bytes of
 * HTML.
 */
const MOST_TESTS = 300;
const MOST_BYTES = 2_500_000;
const LONGEST_TEXT = 3000;
/** A result file larger than this is not read. */
const LARGEST_FILE_BYTES = 4 * 1024 * 1024;

/** The outcome of a test in one word. */
export type TestVerdict = "error" | "not judged" | "wrong" | "answered" | "passed";

/** Verdicts in the order in which their texts are shown. */
export const VERDICTS: readonly TestVerdict[] = [
  "error",
  "wrong",
  "not judged",
  "answered",
  "passed",
];

export function verdictOf(item: ResultItem): TestVerdict {
  if (!item.success) return "error";
  if (item.passed !== null) return item.passed ? "passed" : "wrong";
  return item.evaluation_error === null ? "answered" : "not judged";
}

/** HTML by item id. */
export function testTexts(
  items: readonly ResultItem[],
  directory: RunDirectory,
): Map<string, string> {
  const texts = new Map<string, string>();
  let bytes = 0;
  const importance = (item: ResultItem) => VERDICTS.indexOf(verdictOf(item));
  const chosen = items.toSorted((a, b) => importance(a) - importance(b)).slice(0, MOST_TESTS);
  for (const { item_id, file_stem } of chosen) {
    const html = file_stem ? testText(directory, file_stem) : null;
    if (html === null) continue;
    bytes += Buffer.byteLength(html);
    if (bytes > MOST_BYTES) break;
    texts.set(item_id, html);
  }
  return texts;
}

/**
 * The texts of one test, with a link from the report to its file; null if its files are missing.
 */
export function testText(directory: RunDirectory, file_stem: string): string | null {
  const folder = directory.items, stem = basename(file_stem);
  const path = join(folder, `${stem}_result.json`);
  let result: TestResult;
  try {
    if (statSync(path).size > LARGEST_FILE_BYTES) return fileNote(directory, stem);
    result = JSON.parse(plainText(path));
  } catch {
    return null;
  }
  const { error_message, error_class, reasoning_text, response_text, attempts } = result;
  const failed = `error, ${error_class ?? "unknown"}, after ${counted(attempts, "attempt")}`;
  const prompt = promptIn(join(folder, `${stem}_completion.txt`), result);
  return [
    error_message === null ? "" : block(failed, error_message),
    prompt === null ? "" : block("prompt", prompt),
    reasoning_text ? block("reasoning", reasoning_text) : "",
    result.success || response_text ? block("answer", response_text) : "",
    judgement(result.evaluation_result),
    fileNote(directory, stem),
  ].join("");
}

/**
 * The start of a completion file, up to the text that follows the prompt; null if the file is
 * missing.
 */
function promptIn(path: string, { reasoning_text }: TestResult): string | null {
  try {
    if (statSync(path).size > LARGEST_FILE_BYTES) return null;
    const [, text] = plainText(path).split(/^PROMPT\n=+\n/);
    return text.split(reasoning_text ? "\n\nREASONING\n===" : "\n\nCOMPLETION\n===", 1)[0];
  } catch {
    return null;
  }
}

function judgement(evaluation: TestResult["evaluation_result"]): string {
  if (evaluation === null) return "";
  if ("error" in evaluation) return block(`judge ${evaluation.evaluator} failed`, evaluation.error);
  const { evaluator, passed, created_hits, targets, detail } = evaluation;
  const verdict = `${passed ? "passed" : "wrong"}, ${created_hits} of ${targets}`;
  return block(`judge ${evaluator}: ${verdict}`, detail);
}

function block(title: string, text: string): string {
  const shown = text === ""
    ? `<p class="note">(empty)</p>`
    : `<pre dir="auto">${escapeHtml(cutText(text, LONGEST_TEXT))}</pre>`;
  return `<p class="label">${escapeHtml(title)}</p>${shown}`;
}

function fileNote({ report, items }: RunDirectory, stem: string): string {
  const file = `items/${stem}_completion.txt`;
  const path = relative(dirname(report), join(items, `${stem}_completion.txt`));
  const href = path.split("/").map(encodeURIComponent).join("/");
  return `<p class="note">In full: <a href="${href}">${escapeHtml(file)}</a></p>`;
}
