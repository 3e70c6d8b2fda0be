/** The form above a table of tests: search text, category, result. */
import { escapeHtml } from "./html.ts";
import { counted } from "../text/grouped.ts";

/** Beyond this number, categories can only be found by text. */
const MOST_CATEGORIES = 500;

/** The form. The page's script finds its fields by their ids. */
export function filterForm(
  tests: number,
  categories: readonly string[],
  results: readonly string[],
): string {
  const choice = (label: string, id: string, values: readonly string[]) =>
    `<label>${label} <select id="${id}"><option value="">all</option>${
      values.map((value) => `<option>${escapeHtml(value)}</option>`).join("")
    }</select></label>`;
  return `<div class="filter" role="search">
<label>Find <input type="search" id="find" placeholder="name, text, error"></label>
${choice("Category", "category", categories.slice(0, MOST_CATEGORIES))}
${choice("Result", "result", results)}
<output id="shown" aria-live="polite">${counted(tests, "test")}</output>
</div>
`;
}
