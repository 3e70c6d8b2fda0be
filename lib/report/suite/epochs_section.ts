/** Tests that were asked several times: the results over their answers, and each test's epochs. */
import { percentText } from "../../text/percent.ts";
import { counted } from "../../text/grouped.ts";
import { cutText, escapeHtml } from "../html.ts";
import { dataTable, type TableRow } from "../table.ts";
import type { Estimate } from "../../stats/interval.ts";
import type { EpochStatistics } from "../../suite/epochs.ts";
import type { ResultItem, SuiteResults } from "../../suite/results.ts";

const MOST_TESTS = 200;
const MOST_MARKS = 40;

/** The section, as HTML; null if each test was asked once. */
export function epochsSection({ statistics, items }: SuiteResults): string | null {
  const { epochs = null } = statistics; // missing in results of an earlier dyno
  return epochs === null ? null : byK(epochs) + byTest(items);
}

function byK({ epochs, problems, mean, majority, pass_at_k, at_least_k }: EpochStatistics): string {
  const rows = Object.keys(pass_at_k).map((k): TableRow => ({
    head: `k = ${k}`,
    cells: [shareCell(pass_at_k[k]), shareCell(at_least_k[k] ?? null)],
  }));
  return dataTable(
    "by number of answers",
    "answers",
    [{ html: "pass@k" }, { html: `at least k of ${epochs} right` }],
    rows,
  ) +
    `<p>Of all answers ${shareText(mean)} were right; by majority ${shareText(majority)} of ${
      counted(problems, "test")
    }.</p>
<p class="note">pass@k: the chance that one of k answers at least is right (Chen et al. 2021). Small: 95 % intervals, over
tests, as the answers to one test are alike.</p>`;
}

/** Each test's answers; tests with the fewest right answers come first. */
function byTest(items: readonly ResultItem[]): string {
  const byProblem = Map.groupBy(items, ({ problem_id, test_id }) => problem_id ?? test_id);
  const tests = [...byProblem].map(([id, answers]) => {
    const judged = answers.filter(({ passed }) => passed !== null);
    const right = judged.filter(({ passed }) => passed).length;
    return { id, answers, judged: judged.length, right };
  }).sort((a, b) => shareOf(a) - shareOf(b));
  const rows = tests.slice(0, MOST_TESTS).map(({ id, answers, judged, right }): TableRow => ({
    head: escapeHtml(cutText(id, 120)),
    cells: [judged === 0 ? "–" : `${right} / ${judged}`, marksOf(answers)],
  }));
  const left = tests.length - rows.length;
  return `<h3>By test</h3>` +
    dataTable("answers by test", "test", [{ html: "right" }, {
      html: "epochs, in order",
      kind: "name",
    }], rows) +
    `<p class="note">✓ right, ✗ wrong, – not judged, ! no answer. The fewest right first.${
      left > 0 ? ` ${counted(left, "more test")} are in results.json.` : ""
    }</p>`;
}

/** Tests that were not judged sort last. */
function shareOf({ right, judged }: { right: number; judged: number }): number {
  return judged === 0 ? 2 : right / judged;
}

function marksOf(answers: readonly ResultItem[]): string {
  const ordered = answers.toSorted((a, b) => (a.epoch ?? 1) - (b.epoch ?? 1));
  const marks = ordered.slice(0, MOST_MARKS).map(({ passed, success }) =>
    success ? passed === null ? "–" : passed ? "✓" : "✗" : "!"
  );
  return marks.join(" ") + (ordered.length > MOST_MARKS ? " …" : "");
}

/** A share with its interval. */
export function shareCell(estimate: Estimate | null): string {
  if (estimate === null) return "–";
  const { value, low, high } = estimate;
  return `${percentText(value)}<small class="interval">${percentText(low)} to ${
    percentText(high)
  }</small>`;
}

function shareText(estimate: Estimate | null): string {
  return estimate === null ? "–" : percentText(estimate.value);
}
