/** dyno load --find-capacity: runs a load for each level that it tries. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { findLoadCapacity } from "../../load/capacity.ts";
import { capacitySection } from "../../report/load/capacity_section.ts";
import { writeCurvePage } from "../../report/load/curve_page.ts";
import { newSearchId } from "../../run/run_id.ts";
import { durationText } from "../../text/duration.ts";
import { counted, grouped } from "../../text/grouped.ts";
import { shortPath } from "../../text/short_path.ts";
import { percentText } from "../../text/percent.ts";
import { writeFileAtomic } from "../../write.ts";
import { EXIT } from "../ui/command.ts";
import { wrapped } from "../ui/paragraph.ts";
import { type LoadRequest, runShownLoad } from "./load_runs.ts";
import { matrixTable } from "./load_table.ts";
import type { CapacityObjective } from "../../load/capacity_objectives.ts";
import type { CapacityPlan, CapacityProbe, LoadCapacity } from "../../load/capacity.ts";
import type { LoadResults } from "../../load/results.ts";
import type { CommandContext } from "../ui/command.ts";

export interface CapacityRequest extends LoadRequest {
  searched: "rate" | "concurrency";
  /** The share of requests that must meet the per-request objectives. */
  share?: number;
}

const UNITS = { rate: "req/s", concurrency: "in flight" };

/**
 * Searches for the highest rate or concurrency at which the objectives are met, with a live view.
 * Its runs have the search's id as a tag; its result is in the folder of runs, under `curves`.
 *
 * @returns the exit code: 1 if even the lowest level misses the objectives, 130 if interrupted.
 * @throws {InputError} there is no objective, there is a matrix, or nothing is left to search.
 */
export async function searchCapacity(
  request: CapacityRequest,
  context: CommandContext,
): Promise<number> {
  const { searched, experiment, share, out } = request;
  const { terminal, signal } = context;
  const search_id = newSearchId();
  const tags = [...request.tags ?? [], search_id];
  const told = new Set<string>();
  const kept: { level: number; name: string; results: LoadResults }[] = [];
  let before_ms = performance.now();
  const capacity = await findLoadCapacity(experiment, {
    searched,
    share,
    shards: request.spread?.shards,
    signal,
    measure: async (settings, level) => {
      const name = `${experiment.name} ${searched} ${round(level)}`;
      const end = await runShownLoad(
        { ...request, tags, terse: true, told },
        settings,
        context,
        name,
      );
      kept.push({ level, name: `${round(level)} ${UNITS[searched]}`, results: end.results });
      return end;
    },
    onPlan: (plan) =>
      planText(plan, searched, experiment.runs[0].settings.requests)
        .forEach((line) => terminal.say(line)),
    onProbe: (probe, left) => {
      const took_s = (performance.now() - before_ms) / 1000;
      before_ms = performance.now();
      const rest = left === null || left === 0
        ? ""
        : `; about ${counted(left, "more run")}, ${durationText(left * took_s)}`;
      terminal.say(probeText(searched, probe) + rest);
    },
    onLimited: (level, why) =>
      terminal.warn(`${searched} ${round(level)}: the client was limited: ${why}`),
  });
  const ordered = kept.toSorted((a, b) => a.level - b.level);
  if (ordered.length > 0) {
    terminal.say();
    matrixTable(ordered, terminal.paint).forEach((row) => terminal.say(row));
    const shared = ordered[0].results.notes.filter((note) =>
      ordered.every(({ results }) => results.notes.includes(note))
    );
    shared.flatMap((note) => wrapped("note: ", note)).forEach((line) => terminal.say(line));
  }
  terminal.say();
  terminal.say(terminal.paint.bold(capacityText(capacity)));
  if (!capacity.complete) terminal.say("interrupted: this is what was found until then");
  if (capacity.client_limited) {
    terminal.warn(
      `at ${
        round(capacity.lowest_bad!)
      } the client was limited: the endpoint may do more; measure ` +
        "from a faster or less busy host",
    );
  }
  const found = { search_id, ...capacity };
  if (ordered.length > 0) {
    const folder = join(out, "curves");
    mkdirSync(folder, { recursive: true });
    writeFileAtomic(
      join(folder, `${search_id}.json`),
      `${JSON.stringify(found, null, 2)}\n`,
    );
    const page = join(folder, `${search_id}.html`);
    const limited = new Set(
      kept.filter(({ results }) => results.verdict.verdict === "client_limited")
        .map(({ level }) => level),
    );
    const curve = await writeCurvePage(
      page,
      `Capacity of ${ordered[0].results.model}`,
      [capacityText(capacity), `search ${search_id}`],
      [{ heading: "", runs: ordered.map(({ results }) => results) }],
      capacitySection(capacity.probes, {
        level: ({ level }) => `${round(level)} ${UNITS[searched]}`,
        objective: objectiveText,
        verdict: ({ level, verdict }) =>
          VERDICT_WORDS[verdict] + (limited.has(level) ? "; the client was limited" : ""),
      }),
    );
    if (capacity.best_run !== null) terminal.say(`run     ${shortPath(capacity.best_run)}`);
    terminal.say(`search  ${search_id}; its runs: dyno runs list --tag ${search_id}`);
    if (curve) terminal.say(`curve   ${terminal.paint.accent(shortPath(page))}`);
  }
  if (request.json) terminal.out(JSON.stringify(found));
  if (!capacity.complete) return EXIT.interrupted;
  return capacity.highest_good === null ? EXIT.failures : EXIT.good;
}

function planText(
  { objective, least, enough, requests, assumed, first_level_s, expected_s }: CapacityPlan,
  searched: "rate" | "concurrency",
  given?: number,
): string[] {
  const raised = given !== undefined && requests !== null && requests > given
    ? [`--requests ${given} cannot tell that: each level sends ${requests}`]
    : [];
  const time = first_level_s === null || expected_s === null
    ? "how long it takes depends on the endpoint, and is shown once a level was too much"
    : `the first level takes about ${durationText(first_level_s)}; the search ${
      searched === "rate" ? "about" : "at least"
    } ${durationText(expected_s)} if the capacity is near ${Number(assumed.toPrecision(2))} ${
      UNITS[searched]
    }, ` +
      "longer where levels are close to the limit";
  return [
    `a level needs ${grouped(least)} requests to tell that ${objectiveText(objective)}, ` +
    `${grouped(enough)} where it is close`,
    ...raised,
    time,
  ];
}

const VERDICT_WORDS = {
  good: "good",
  bad: "too much",
  unsure: "not enough requests to decide",
};

/** An objective in words: `99 % of requests have ttft ≤ 80 ms`. */
function objectiveText({ text, of, share }: CapacityObjective): string {
  return `${Number((100 * share).toPrecision(6))} % of ${of} have ${text}`;
}

function probeText(
  searched: string,
  { level, objective, share, verdict, attempts }: CapacityProbe,
): string {
  const part = share === null
    ? "nothing was answered"
    : `${percentText(share.value)} of ${grouped(share.n)} ${objective.of} had ${objective.text} [${
      percentText(share.low)
    }, ${percentText(share.high)}]`;
  return `${searched} ${round(level)}: ${VERDICT_WORDS[verdict]}: ${part}${
    attempts > 1 ? `, ${attempts} runs` : ""
  }`;
}

/** Says what a search found; where it found nothing, why. */
export function capacityText(
  { searched, objectives, highest_good, lowest_bad, complete }: Pick<
    LoadCapacity,
    "searched" | "objectives" | "highest_good" | "lowest_bad" | "complete"
  >,
): string {
  const unit = ` ${UNITS[searched]}`;
  const met = objectives.map(objectiveText).join(", and ");
  if (highest_good === null) {
    if (lowest_bad === null) {
      return complete
        ? "capacity: unknown: not enough requests to decide at any level; give --duration more time"
        : "capacity: unknown: the search was interrupted before any level was decided";
    }
    return `capacity: below ${
      round(lowest_bad)
    }${unit}, the lowest level tried, which does not meet: ${met}`;
  }
  return lowest_bad === null
    ? `capacity: at least ${
      round(highest_good)
    }${unit}: ${met}; no higher level was tried or gave a clear result`
    : `capacity: between ${round(highest_good)} and ${
      round(lowest_bad)
    }${unit}: ${met} at the lower`;
}

function round(level: number): string {
  return String(Number(level.toPrecision(4)));
}
