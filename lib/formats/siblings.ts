/** Which files beside a single one belong to the same run. Names come from its own path only. */
import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isOwnFile } from "./folder.ts";
import { samplesOf } from "./lm_eval.ts";
import type { PartKind } from "./recognise.ts";

const MOST_RESULTS = 10_000;

/** Files that exist and may be parts of the run that `file` is a part of. */
export async function siblingsOf(file: string, kind: PartKind): Promise<string[]> {
  return (await candidates(file, kind)).filter((path) => path !== file && isOwnFile(path));
}

async function candidates(file: string, kind: PartKind): Promise<string[]> {
  const folder = dirname(file), name = basename(file);
  if (kind === "smi_results") {
    const run = name.replace(/\.json$/, "");
    return [dirname(folder), dirname(dirname(folder))].flatMap((above) => {
      const log = join(above, "logs", run);
      return [join(log, "run_metadata.json"), join(log, "events.jsonl")];
    });
  }
  if (kind === "smi_metadata" || kind === "smi_events" || kind === "smi_packages") {
    const results = join(dirname(dirname(folder)), "results");
    return [
      join(folder, "run_metadata.json"),
      join(folder, "events.jsonl"),
      join(folder, "packages.jsonl"),
      join(results, `${basename(folder)}.json`),
      join(results, "a2a", `${basename(folder)}.json`),
    ];
  }
  if (kind === "aiperf") return [join(folder, name.replace(/(_aiperf)?\.json$/, ".jsonl"))];
  if (kind === "aiperf_csv") {
    const stem = name.replace(/(_aiperf)?\.csv$/i, "");
    return [`${stem}_aiperf.json`, `${stem}.json`, `${stem}.jsonl`].map((each) =>
      join(folder, each)
    );
  }
  if (kind === "aiperf_records") {
    return ["_aiperf.json", "_aiperf.csv"].map((end) =>
      join(folder, name.replace(/\.jsonl$/, end))
    );
  }
  if (kind === "lm_eval") {
    const date = name.replace(/^results_|\.json$/g, "");
    const names = (await readdir(folder)).filter((other) =>
      other.startsWith("samples_") && other.includes(date)
    );
    return names.sort().slice(0, MOST_RESULTS).map((other) => join(folder, other));
  }
  if (kind === "lm_eval_samples") {
    const { date } = samplesOf(file) ?? {};
    return date === undefined ? [] : [join(folder, `results_${date}.json`)];
  }
  if (kind !== "test_batch") return [];
  const names = (await readdir(folder)).filter((other) => other.endsWith("_result.json"));
  return names.sort().slice(0, MOST_RESULTS).map((other) => join(folder, other));
}
