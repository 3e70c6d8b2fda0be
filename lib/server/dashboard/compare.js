/** Compares runs: what differs between them, and how certain that is. */
import { el, fill } from "./dom.js";
import { empty, part, state, table } from "./parts.js";
import { ask, copy } from "./source.js";
import { runColumns } from "./runs.js";

export function comparePage({ main, signal, query, every }) {
  const body = el("div");
  fill(main, el("h1", { tabindex: "-1" }, "Compare"), body);
  const ids = (query.runs ?? "").split(",").filter(Boolean);
  if (ids.length < 2) {
    return fill(
      body,
      empty("Choose runs to compare", [
        "Mark two runs or more in ",
        el("a", { href: "#/runs" }, "the list of runs"),
        ". The first one is the baseline: suite runs are compared problem by problem, loads by their quantiles.",
      ], ["dyno runs compare latest~1 latest"]),
    );
  }
  if (copy) {
    return fill(
      body,
      empty("A copy compares nothing", "Comparisons need the runs themselves:", [
        `dyno runs compare ${ids.join(" ")}`,
      ]),
    );
  }
  let done = false;
  every(60_000, async () => {
    if (done) return;
    const { runs, comparisons } = await ask("/api/compare", { runs: ids.join(",") }, { signal });
    done = true;
    fill(
      body,
      part("Runs", table("Runs that are compared", runColumns(), runs)),
      comparisons.map(comparison),
    );
  });
  if (!done) fill(body, el("p.note", { role: "status" }, "Comparing …"));
}

function comparison({ baseline, candidate, basis, lines, gained, lost, notes }) {
  const words = { better: "better", worse: "worse" };
  const tested = lines.some(({ p }) => p !== null);
  const list = (name, ids) =>
    ids.length
      ? el(
        "details",
        {},
        el("summary", {}, `${name} (${ids.length})`),
        el("p.note", {}, ids.join(", ")),
      )
      : null;
  return part(
    `${baseline} → ${candidate}`,
    el("p.note", {}, basis),
    table("Differences", [
      { title: "metric", value: ({ metric }) => metric },
      { title: "first", number: true, value: ({ first }) => first },
      { title: "second", number: true, value: ({ second }) => second },
      { title: "difference", number: true, value: ({ difference }) => difference },
      { title: "95 % interval", value: ({ interval }) => interval ?? "too few" },
      ...(tested
        ? [{
          title: "p",
          note: "Holm",
          number: true,
          value: ({ p }) => p === null ? "" : p < 0.001 ? "<0.001" : p.toFixed(3),
        }]
        : []),
      {
        title: "verdict",
        value: ({ change, interval }) =>
          change
            ? state(change, words[change])
            : el("span.soft", {}, interval === null ? "cannot tell" : "within chance"),
      },
    ], lines),
    list("Gained", gained),
    list("Lost", lost),
    notes.map((line) => el("p.note", {}, line)),
  );
}
