/** The table of a sweep's runs, which sorts by its heads. */
import { scrollBox } from "../table.ts";
import { cutText, escapeHtml } from "../html.ts";
import { counted } from "../../text/grouped.ts";
import { metricTitle } from "./sweep_tables.ts";

/** Rows of a page that a browser still opens quickly. */
const MOST_ROWS = 20_000;

const WORDS = ["run_id", "policy"];
const NUMBERS = ["workflows", "seed"];
const ENDS = ["exit_code", "wall_time_s"];

/** Takes rows of runs.csv one after the other; gives the table. */
export class RunsTable {
  readonly #rows: string[] = [];
  readonly #metrics: readonly string[];
  #left = 0;

  /** @param metrics columns with numbers that are shown. */
  constructor(metrics: readonly string[]) {
    this.#metrics = metrics;
  }

  add(row: Record<string, string>): void {
    if (this.#rows.length >= MOST_ROWS) {
      this.#left++;
      return;
    }
    const cell = (name: string) => escapeHtml(cutText(row[name] ?? "", 200)) || "–";
    const numbers = (names: readonly string[]) =>
      names.map((name) => `<td class="n">${numberText(row[name] ?? "")}</td>`).join("");
    this.#rows.push(
      `<tr${row.warning ? ` class="bad"` : ""}><th scope="row">${cell("run_id")}</th>` +
        `<td>${cell("policy")}</td>${numbers(NUMBERS)}<td>${cell("ablation_name")}</td>` +
        `${numbers([...this.#metrics, ...ENDS])}<td>${
          escapeHtml(cutText(row.warning ?? "", 200))
        }</td></tr>\n`,
    );
  }

  /** The table in parts. */
  *html(): Generator<string> {
    const heads = [
      ...WORDS.map((name) => [name, false] as const),
      ...NUMBERS.map((name) => [name, true] as const),
      ["ablation_name", false] as const,
      ...[...this.#metrics, ...ENDS].map((name) => [name, true] as const),
      ["warning", false] as const,
    ];
    yield `<div class="filter" role="search"><label>Find <input type="search" id="find" ` +
      `placeholder="policy, seed, warning"></label><output id="shown" aria-live="polite">${
        counted(this.#rows.length, "run")
      }</output></div>
${scrollBox("runs", this.#rows.length)}<table id="runs-table"><thead><tr>${
        heads.map(([name, isNumber]) => headCell(name, isNumber)).join("")
      }</tr></thead>\n<tbody>\n`;
    yield* this.#rows;
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

/** A number shortened to what can be told apart; other text as it is. */
function numberText(text: string): string {
  if (text === "") return "–";
  const value = Number(text);
  if (Number.isNaN(value)) return escapeHtml(cutText(text, 40));
  if (Number.isInteger(value)) return text.length < 25 ? escapeHtml(text) : String(value);
  return Math.abs(value) >= 1000 ? value.toFixed(1) : String(Number(value.toPrecision(5)));
}
