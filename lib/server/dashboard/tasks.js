/** The server's tasks: waiting, running and ended. */
import { el } from "./dom.js";
import { remove } from "./source.js";
import { count, percent, seconds, short } from "./words.js";
import { state } from "./parts.js";

/** A list of tasks, each with its progress. */
export function taskList(tasks, onFault) {
  return el("ul.tasks", {}, tasks.map((task) => taskEntry(task, onFault)));
}

function taskEntry(task, onFault) {
  const { task_id, kind, status, model, run_id, duration_seconds, queue_position, metrics, error } =
    task;
  const asked = task.request.suite ?? task.request.name ?? task.request.config ?? kind;
  const over = status !== "queued" && status !== "running";
  const cancel = (event) => {
    event.target.disabled = true;
    remove(`/tasks/${encodeURIComponent(task_id)}`).catch(onFault);
  };
  return el(
    "li",
    { "data-task": task_id },
    el(
      "div.head",
      {},
      state(task.cancelling ? "cancelling" : status),
      typeof asked === "string"
        ? el("b", { title: asked }, asked.slice(asked.lastIndexOf("/") + 1))
        : el("b", {}, kind),
      el("span.soft", {}, [kind, model].filter(Boolean).join(" · ")),
      el(
        "span.soft.end",
        {},
        status === "queued"
          ? `number ${count((queue_position ?? 0) + 1)} in the queue`
          : seconds(duration_seconds),
      ),
      over || task.cancelling ? null : el(
        "button",
        { type: "button", click: cancel, "aria-label": `Cancel ${task_id}` },
        "Cancel",
      ),
    ),
    status === "running" ? progress(task_id, metrics) : null,
    el(
      "p.soft",
      {},
      run_id ? el("a", { href: `#/runs/${encodeURIComponent(run_id)}` }, run_id) : task_id,
      figures(metrics).map((words) => el("span", {}, words)),
      error ? el("span.fault", {}, error) : null,
    ),
  );
}

/** A progress bar: finished of planned, or unknown. */
function progress(task_id, metrics) {
  const { finished, planned } = metrics ?? {};
  const known = typeof finished === "number" && typeof planned === "number" && planned > 0;
  return el(
    "div.progress",
    {},
    el("progress", {
      "aria-label": `Progress of ${task_id}`,
      max: known ? planned : null,
      value: known ? Math.min(finished, planned) : null,
    }),
    el("span.soft", {}, known ? `${count(finished)} of ${count(planned)}` : ""),
  );
}

/** The metrics so far, in words. */
function figures(metrics) {
  const named = [
    ["requests", (value) => `${count(value)} requests`],
    ["errors", (value) => value > 0 ? `${count(value)} failed` : []],
    ["avg_hit_rate", (value) => `hit rate ${percent(value)}`],
    ["ttft_p50_ms", (value) => `ttft p50 ${short(value)} ms`],
    ["ttft_p99_ms", (value) => `p99 ${short(value)} ms`],
    ["avg_elapsed_seconds", (value) => `${short(value)} s each`],
  ];
  return named.flatMap(([name, words]) =>
    typeof metrics?.[name] === "number" ? words(metrics[name]) : []
  );
}
