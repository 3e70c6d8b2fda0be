/** The first page: live tasks, runs over time, the newest runs. */
import {
  axisLook,
  chart,
  colour,
  legend,
  MOST_SERIES,
  sign,
  timeAxis,
  tooltipLook,
} from "./chart.js";
import { el, fill } from "./dom.js";
import { ask, copy } from "./source.js";
import { count, counted, moment, notJudged, percent } from "./words.js";
import { empty, figureOf, part, table, tiles } from "./parts.js";
import { rate, runColumns } from "./runs.js";
import { taskList } from "./tasks.js";

const LIVE_MS = 1500;
const RUNS_MS = 5000;
const OVER = 5;

export function overviewPage({ main, signal, every, fault }) {
  const head = el("div"), live = el("div"), runs = el("div");
  fill(main, el("h1", { tabindex: "-1" }, "Overview"), head, live, runs);
  fill(runs, el("p.note", { role: "status" }, "Reading the runs …"));
  const drawing = chart(signal, 250);
  let shown = null;
  let tasks = null;

  const tell = () => {
    if (shown === null) return;
    const { total, last_day, failed, models, benchmarks } = shown;
    fill(
      head,
      tiles([
        ["Runs", count(total), `${count(last_day)} in the last 24 h`, "#/runs"],
        [
          "Failed runs",
          count(failed),
          failed ? "their files are damaged" : "none is damaged",
          failed ? "#/runs?status=failed" : null,
        ],
        ["Models", count(models.length), models.slice(0, 2).map(({ value }) => value).join(", ")],
        tasks ? ["Tasks", count(tasks.running), `running; ${count(tasks.queued)} in the queue`] : [
          "Suites and loads",
          count(benchmarks.length),
          benchmarks.slice(0, 2).map(({ value }) => value).join(", "),
        ],
      ]),
    );
  };

  every(RUNS_MS, async () => {
    const next = await ask("/api/overview", {}, { signal });
    if (JSON.stringify(next) === JSON.stringify(shown)) return;
    shown = next;
    tell();
    if (next.total === 0) {
      return fill(
        runs,
        empty(
          "No runs yet",
          "Make one, and it appears here by itself. The first line needs no endpoint of yours:",
          [
            "dyno quickstart",
            "dyno run SUITE --endpoint http://127.0.0.1:8000/v1 --model NAME",
            "dyno load --endpoint http://127.0.0.1:8000/v1 --model NAME --concurrency 8 --duration 30",
          ],
        ),
      );
    }
    const points = next.points.filter(({ pass_rate }) => pass_rate !== null);
    const models = [...new Set(points.map(({ model }) => model))];
    fill(
      runs,
      points.length > 1
        ? figureOf({
          title: "Pass rate of runs over time",
          note: `The newest ${counted(points.length, "run")} with judged answers.`,
          head: legend(models.slice(0, MOST_SERIES)),
          drawn: drawing.box,
          values: () =>
            table("Pass rate of runs", [
              { title: "started", value: (run) => moment(run.started_at_unix_seconds) },
              { title: "model", value: ({ model }) => model },
              { title: "suite", value: ({ benchmark }) => benchmark },
              { title: "pass rate", number: true, value: rate },
            ], points.toReversed()),
        })
        : null,
      part(
        "Newest runs",
        table("Newest runs", runColumns(), next.newest),
        el("p.note", {}, el("a", { href: "#/runs" }, `All ${counted(total(next), "run")}`)),
      ),
    );
    drawing.draw(
      () => passRates(points, models),
      `Pass rate of ${points.length} runs over time, by model`,
    );
  });

  if (copy) return;
  every(LIVE_MS, async () => {
    const [active, over] = await Promise.all([
      ask("/tasks", { limit: 50 }, { signal }).then(({ tasks, ...rest }) => ({
        ...rest,
        tasks: tasks.filter(({ status }) => status === "running" || status === "queued"),
      })),
      ask("/tasks", { limit: 50 }, { signal }).then(({ tasks }) =>
        tasks.filter(({ status }) => status !== "running" && status !== "queued").slice(0, OVER)
      ),
    ]);
    tasks = active;
    tell();
    const all = [...active.tasks.toReversed(), ...over];
    // do not replace what is being read or pressed
    if (live.contains(document.activeElement) && document.activeElement.matches("button")) return;
    fill(live, all.length ? part("Tasks", taskList(all, fault)) : null);
  });
}

const total = ({ total }) => total;

function passRates(points, models) {
  return {
    grid: { left: 44, right: 16, top: 14, bottom: 28 },
    tooltip: { ...tooltipLook, trigger: "item", formatter: ({ data }) => data.name },
    xAxis: timeAxis(),
    yAxis: {
      ...axisLook,
      type: "value",
      min: 0,
      max: 100,
      axisLabel: { ...axisLook.axisLabel, formatter: "{value} %" },
    },
    series: models.slice(0, MOST_SERIES).map((model, i) => ({
      name: model,
      type: "scatter",
      symbol: sign(i),
      symbolSize: 7,
      itemStyle: { color: colour(i), opacity: 0.8 },
      emphasis: { disabled: true },
      data: points.filter((point) => point.model === model).map((point) => ({
        name: `${point.model}\n${point.benchmark}, ${moment(point.started_at_unix_seconds)}\n${
          [percent(point.pass_rate), notJudged(point)].filter(Boolean).join(", ")
        }`,
        value: [point.started_at_unix_seconds * 1000, 100 * point.pass_rate],
      })),
    })),
  };
}
