/** The list of runs, a page at a time, with filters. */
import { el, fill } from "./dom.js";
import { ask } from "./source.js";
import {
  ago,
  count,
  moment,
  notJudged,
  passRates,
  percent,
  seconds,
  short,
  suiteOrLoad,
} from "./words.js";
import { choice, empty, pager, state, table } from "./parts.js";

const LIMIT = 50;
const RENEW_MS = 5000;

/** A run's id without the parts that its row already shows. */
export function shortId(run_id) {
  return /^bench_([0-9a-f]{8})_\d{8}_\d{6}$/.exec(run_id)?.[1] ?? run_id;
}

/** A pass rate, and how many answers it does not include because they could not be judged. */
export function rate(run) {
  const left_out = notJudged(run), [share, ...more] = passRates(run) ?? [percent(run.pass_rate)];
  return [
    share,
    ...more.flatMap((each) => [el("br"), each]),
    ...(left_out ? [el("small", {}, ` ${left_out}`)] : []),
  ];
}

/** The columns of a list of runs; `first` columns come first. */
export function runColumns(first = []) {
  return [
    ...first,
    {
      title: "run",
      value: ({ run_id }) =>
        el("a.id", { href: `#/runs/${encodeURIComponent(run_id)}` }, shortId(run_id)),
    },
    { title: "state", value: ({ status }) => state(status) },
    { title: "suite or load", wide: true, value: suiteOrLoad },
    { title: "model", wide: true, value: ({ model }) => model },
    {
      title: "started",
      value: ({ started_at_unix_seconds: at }) => el("time", { title: ago(at) }, moment(at)),
    },
    { title: "took", number: true, value: ({ duration_s }) => seconds(duration_s) },
    { title: "items", number: true, value: ({ items_total }) => count(items_total) },
    { title: "failed", number: true, value: ({ failed }) => count(failed) },
    {
      title: "pass rate",
      number: true,
      value: rate,
    },
    { title: "output tokens/s", number: true, value: (run) => short(run.output_tokens_per_s) },
    { title: "ttft p99", note: "ms", number: true, value: (run) => short(run.ttft_p99_ms) },
  ];
}

/** Time spans for filters: seconds before now. */
export const SPANS = [["", "any time"], ["3600", "last hour"], ["86400", "last 24 h"], [
  "604800",
  "last 7 days",
], ["2592000", "last 30 days"]];

export function runsPage({ main, signal, query, go, every }) {
  const fields = el("div.filter", { role: "group", "aria-label": "Filters" }), list = el("div");
  fill(main, el("h1", { tabindex: "-1" }, "Runs"), fields, list);
  const chosen = new Set();
  const offset = Number(query.offset ?? 0);
  const change = (key) => (value) => go({ ...query, offset: "", [key]: value });
  ask("/api/overview", {}, { signal }).then(({ models, benchmarks, kinds }) => {
    const names = (
      entries,
    ) => [["", "all"], ...entries.map(({ value, runs }) => [value, `${value} (${count(runs)})`])];
    fill(
      fields,
      choice("Model", query.model ?? "", names(models), change("model")),
      choice("Suite or load", query.suite ?? "", names(benchmarks), change("suite")),
      choice("Kind", query.kind ?? "", names(kinds), change("kind")),
      choice(
        "State",
        query.status ?? "",
        [["", "all"], "complete", "incomplete", "failed"],
        change("status"),
      ),
      choice("Started", query.span ?? "", SPANS, change("span")),
    );
  }).catch(() => {}); // the list below shows the error

  let shown = "";
  every(RENEW_MS, async () => {
    const { span, ...rest } = query;
    const since = span ? Math.floor(Date.now() / 1000) - Number(span) : "";
    const found = await ask("/api/runs", { ...rest, since, offset, limit: LIMIT }, { signal });
    if (JSON.stringify(found) === shown) return;
    shown = JSON.stringify(found);
    if (found.total === 0) {
      const filtered = Object.values(query).some(Boolean);
      return fill(
        list,
        filtered
          ? empty("No run fits", "Widen the filters above.")
          : empty("No runs yet", "Make one:", ["dyno quickstart"]),
      );
    }
    fill(
      list,
      compareBar(chosen),
      table("Runs, newest first", runColumns([pick(chosen, list)]), found.runs),
      pager(found, (to) => go({ ...query, offset: to || "" })),
    );
  });
}

/** A column of checkboxes: two or more runs are compared. */
function pick(chosen, list) {
  const box = ({ run_id }) =>
    el("input", {
      type: "checkbox",
      "aria-label": `Choose ${run_id}`,
      checked: chosen.has(run_id),
      change: ({ target }) => {
        if (target.checked) chosen.add(run_id);
        else chosen.delete(run_id);
        list.querySelector(".compare").replaceWith(compareBar(chosen));
      },
    });
  return { title: "", value: box };
}

function compareBar(chosen) {
  const ids = [...chosen];
  return el(
    "p.compare.note",
    { role: "status" },
    ids.length < 2 ? "Choose two runs or more to compare them; the first one is the baseline." : el(
      "a",
      { href: `#/compare?runs=${ids.map(encodeURIComponent).join(",")}` },
      `Compare ${ids.length} runs`,
    ),
  );
}
