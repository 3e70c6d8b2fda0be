/** What the numbers of a report mean, in the words of the README. */
import { escapeHtml } from "./html.ts";
import type { ResultItem } from "../suite/results.ts";

/** Terms as the README's table has them: `code` between backticks. */
export const DEFINITIONS: readonly (readonly [term: string, meaning: string])[] = [
  [
    "ttft",
    "from handing the first request byte to the kernel to the first event with content, reasoning or tool-call text; a role-only delta is not a token",
  ],
  ["tpot", "(last token − first token) / (tokens − 1); unknown below two tokens"],
  [
    "e2e",
    "from sending to the end of the response, of the attempt that counts; waiting and earlier attempts are in `elapsed_seconds`",
  ],
  [
    "tokens",
    "the server's `usage`; without it, the number of token events, and `token_source` says so",
  ],
  ["pass rate", "passed / judged, with Wilson's 95 % interval"],
  ["score", "mean of hits / targets, with a bootstrap 95 % interval"],
  [
    "quantiles",
    "nearest rank on all values; the medians' 95 % intervals from order statistics",
  ],
];

/** Terms of the report's own. */
const OF_THE_REPORT: readonly (readonly [term: string, meaning: string])[] = [
  [
    "output tokens/s",
    "all output tokens / the time in which at least one request was in flight; waiting between attempts and pauses before a resume are not in it",
  ],
  [
    "result",
    "passed and wrong are the judge's words; answered: the test has no judge; not judged: the judge failed; error: the endpoint gave no answer",
  ],
  ["–", "unknown; never 0"],
];

/** The list of terms, with what this run's token counts come from. */
export function definitionList(items: readonly ResultItem[]): string {
  const terms = [...DEFINITIONS, ...OF_THE_REPORT].map(([term, meaning]) =>
    `<dt>${term}</dt><dd>${withCode(meaning)}</dd>`
  );
  return `<dl class="terms">${terms.join("")}</dl><p class="note">${tokenNote(items)}</p>`;
}

function withCode(meaning: string): string {
  return escapeHtml(meaning).replace(/`([^`]+)`/g, "<code>$1</code>");
}

function tokenNote(items: readonly ResultItem[]): string {
  const answered = items.filter((item) => item.success);
  const from = (source: ResultItem["token_source"]) =>
    answered.filter((item) => item.token_source === source).length;
  const events = from("events"), unknown = from(null);
  if (answered.length === 0) return "";
  if (events + unknown === 0) return "All token counts of this run are the server's usage.";
  return `Token counts of this run: ${from("usage")} from the server's usage, ${events} from the ` +
    `number of token events, ${unknown} unknown.`;
}
