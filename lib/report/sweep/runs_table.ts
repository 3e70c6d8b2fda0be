/** The table of a sweep's runs, which can be sorted by its headings. */
import { scrollBox } from "../table.ts";
import { cutText, escapeHtml } from "../html.ts";
import { counted } from "../../text/grouped.ts";
import { metricTitle } from "./sweep_numbers.ts";

/** More rows than this would be slow to open in a browser. */
const MOST_ROWS = 20_000;

/** Columns around the parameters; a sweep has only some of them. */
const STARTS = ["run_id", "policy", "workflows"];
const SETTINGS = ["seed", "ablation_name"];
const ENDS = ["exit_code", "wall_time_s"];
const WORDS = ["run_id", "policy", "ablation_name", "warning"];

/** Collects rows of runs.csv, then produces the table. */
export class RunsTable {
  readonly #rows: { bad: boolean; cells: string[] }[] = [];
  readonly #columns: readonly string[];
  /** Which columns some run uses: only the simulator's runs have a policy. */
  readonly #used: boolean[];
  #left = 0;

  /**
   * @param parameters the columns of parameters to show.
   * @param metrics the columns of results to show.
   */
  constructor(parameters: readonly string[], metrics: readonly string[]) {
    this.#columns = [
      ...new Set([...STARTS, ...parameters, ...SETTINGS, ...metrics, ...ENDS, "warning"]),
    ];
    this.#used = this.#columns.map((name) => name === "run_id");
  }

  add(row: Record<string, string>): void {
    if (this.#rows.length >= MOST_ROWS) {
      this.#left++;
      return;
    }
    const cells = this.#columns.map((name, i) => {
      const text = row[name] ?? "";
      if (text !== "") this.#used[i] = true;
      if (!WORDS.includes(name)) return `<td class="n">${numberText(text)}</td>`;
      const shown = escapeHtml(cutText(text, 200)) || (name === "warning" ? "" : "–");
      return i === 0 ? `<th scope="row">${shown}</th>` : `<td>${shown}</td>`;
    });
    this.#rows.push({ bad: Boolean(row.warning), cells });
  }

  /** The table in parts. */
  *html(): Generator<string> {
    const ofUsed = (cells: readonly string[]) => cells.filter((_, i) => this.#used[i]);
    yield `<div class="filter" role="search"><label>Find <input type="search" id="find" ` +
      `placeholder="part of a row"></label><output id="shown" aria-live="polite">${
        counted(this.#rows.length, "run")
      }</output></div>
${scrollBox("runs", this.#rows.length)}<table id="runs-table"><thead><tr>${
        ofUsed(this.#columns).map((name) => headCell(name, !WORDS.includes(name))).join("")
      }</tr></thead>\n<tbody>\n`;
    for (const { bad, cells } of this.#rows) {
      yield `<tr${bad ? ` class="bad"` : ""}>${ofUsed(cells).join("")}</tr>\n`;
    }
    yield "</tbody></table></div>";
    if (this.#left > 0) {
      yield `<p class="note">The first ${counted(this.#rows.length, "run")}; ${
        counted(this.#left, "more run")
      } in aggregate/runs.csv.</p>`;
    }
  }
}

function headCell(name: string, isNumber: boolean): string {
  const [title, unit] = metricTitle(name.replace(/_(name)$/, "")).split(", ");
  const small = unit ? `<br><small>${escapeHtml(unit)}</small>` : "";
  return `<th scope="col"${isNumber ? ` class="n"` : ""}><button type="button">${
    escapeHtml(title)
  }</button>${small}</th>`;
}

/** A number shortened to the digits that matter; other text unchanged. */
function numberText(text: string): string {
  if (text === "") return "–";
  const value = Number(text);
  if (Number.isNaN(value)) return escapeHtml(cutText(text, 40));
  if (Number.isInteger(value)) return text.length < 25 ? escapeHtml(text) : String(value);
  return Math.abs(value) >= 1000 ? value.toFixed(1) : String(Number(value.toPrecision(5)));
}
