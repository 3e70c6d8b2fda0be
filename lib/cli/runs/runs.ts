/**
 * dyno runs: commands for finished runs. Each subcommand is a file that is loaded when it is
 * called.
 */
import { commandOfGroup } from "../ui/subcommands.ts";
import type { Commands } from "../ui/command.ts";

const subcommands: Commands = {
  list: {
    summary: "the runs, newest first",
    load: () => import("./list.ts"),
  },
  show: {
    summary: "a run: its metadata, results and events",
    load: () => import("./show.ts"),
  },
  analyze: {
    summary: "a run item by item: the slowest, failing, most expensive",
    load: () => import("./analyze.ts"),
  },
  compare: {
    summary: "the differences between runs, and whether they may be chance",
    load: () => import("./compare.ts"),
  },
  report: {
    summary: "one page for a run, or for several side by side",
    load: () => import("./report.ts"),
  },
  plot: {
    summary: "a chart of a run's report as an SVG or PNG file",
    load: () => import("./plot.ts"),
  },
  cost: {
    summary: "what runs cost; totals by day, model or suite",
    load: () => import("./cost.ts"),
  },
  failing: {
    summary: "items without an answer or with a wrong one",
    load: () => import("./failing.ts"),
  },
  difficulty: {
    summary: "how often each problem was solved, over runs",
    load: () => import("./difficulty.ts"),
  },
  agreement: {
    summary: "how far a run's judges agree with people: Cohen's kappa",
    load: () => import("./agreement.ts"),
  },
  trend: {
    summary: "a metric over time, and where its level changed",
    load: () => import("./trend.ts"),
  },
  gate: {
    summary: "pass, regression or underpowered: for CI",
    load: () => import("./gate.ts"),
  },
  watch: {
    summary: "follows the events of a run",
    load: () => import("./watch.ts"),
  },
  export: {
    summary: "CSV, Parquet, JSON, JSON lines, HTML, Markdown, or a trace for Perfetto",
    load: () => import("./export.ts"),
  },
  import: {
    summary: "results of other programs as runs: vLLM, GuideLLM, AIPerf, inspect_ai, …",
    load: () => import("./import.ts"),
  },
  upload: {
    summary: "sends runs to S3, to Google Cloud Storage, or to a memory server",
    load: () => import("./upload.ts"),
  },
  tag: {
    summary: "adds and removes tags",
    load: () => import("./tag.ts"),
  },
  archive: {
    summary: "packs runs into .tar.gz files",
    load: () => import("./archive.ts"),
  },
  delete: {
    summary: "removes runs",
    load: () => import("./delete.ts"),
  },
};

export const command = commandOfGroup("dyno runs", "[flags]", subcommands, [
  "A run is given by its id or the start of it (with or without bench_), by its folder, or as latest,",
  "latest~1 for the one before, and so on. --runs DIR is the folder of runs (runs); what is read there",
  "is kept in its index.sqlite, which may be deleted at any time.",
]);
