/** dyno load --find-capacity: a load for each level that is tried. */
import { InputError } from "../../errors.ts";
import { grouped } from "../../text/grouped.ts";
import { findCapacity } from "../../load/capacity.ts";
import { EXIT } from "../ui/command.ts";
import { runOne } from "./load_runs.ts";
import type { Capacity, CapacityProbe } from "../../load/capacity.ts";
import type { CommandContext } from "../ui/command.ts";
import type { LoadRequest } from "./load_runs.ts";

export interface CapacityRequest extends LoadRequest {
  searched: "rate" | "concurrency";
  /** The share of requests that must meet every objective. */
  share: number;
}

const DURATION_S = 20;
const PRECISION = 0.05;
const MOST = { rate: 100_000, concurrency: 65_536 };

/**
 * Searches the highest rate or concurrency at which the objectives are met.
 *
 * @returns the exit code: 1 when not even the lowest level meets them.
 * @throws {InputError} no objective, a matrix, or settings that leave nothing to search.
 */
export async function searchCapacity(
  request: CapacityRequest,
  context: CommandContext,
): Promise<number> {
  const { searched, experiment, share } = request;
  const { terminal, signal } = context;
  if (experiment.runs.length > 1) throw new InputError("--find-capacity: not with a matrix");
  const { settings } = experiment.runs[0];
  if (!settings.slo?.length) {
    throw new InputError("--find-capacity: needs an objective such as --slo ttft:500");
  }
  if (settings.stages !== undefined || settings.trace !== undefined) {
    throw new InputError("--find-capacity: not with --stages or --trace");
  }
  const runs: string[] = [];
  const limited = new Set<number>();
  const told = new Set<string>();
  const probe = async (level: number) => {
    const timed = settings.requests === undefined && settings.duration_s === undefined;
    const run = await runOne({ ...request, terse: true, told }, {
      ...settings,
      ...(timed ? { duration_s: DURATION_S } : {}),
      [searched]: level,
    }, context);
    runs.push(run.directory.path);
    signal.throwIfAborted();
    const { verdict, reasons } = run.results.verdict;
    if (verdict === "client_limited") {
      limited.add(level);
      terminal.warn(`${searched} ${round(level)}: the client was limited: ${reasons[0]}`);
    }
    const found = run.results.total.goodput!.share;
    const total = found?.n ?? 0;
    return { good: Math.round((found?.value ?? 0) * total), total };
  };
  const capacity = await findCapacity({
    start: settings[searched] ?? 1,
    most: MOST[searched],
    whole: searched === "concurrency",
    target: share,
    precision: PRECISION,
    probe,
    onProbe: (probe) => terminal.say(probeText(searched, probe)),
  });
  terminal.say();
  terminal.say(terminal.paint.bold(capacityText(request, capacity)));
  const { lowest_bad } = capacity;
  const client_limited = lowest_bad !== null && limited.has(lowest_bad);
  if (client_limited) {
    terminal.warn(
      `at ${round(lowest_bad)} the client was limited: the endpoint may do more; measure from a ` +
        "faster or less busy host",
    );
  }
  if (request.json) {
    terminal.out(JSON.stringify({ searched, target: share, ...capacity, client_limited, runs }));
  }
  return capacity.highest_good === null ? EXIT.failures : EXIT.good;
}

function probeText(searched: string, { level, share, verdict, attempts }: CapacityProbe): string {
  const part = share === null
    ? "nothing was answered"
    : `${percent(share.value)} of ${grouped(share.n)} met the objectives [${percent(share.low)}, ${
      percent(share.high)
    }]`;
  return `${searched} ${round(level)}: ${verdict}: ${part}${
    attempts > 1 ? `, ${attempts} runs` : ""
  }`;
}

function capacityText(
  { searched, share }: CapacityRequest,
  { highest_good, lowest_bad }: Capacity,
): string {
  const unit = searched === "rate" ? " requests/s" : " in flight";
  const met = `${percent(share)} of requests or more meet the objectives`;
  if (highest_good === null) {
    return lowest_bad === null
      ? `capacity: unknown; the first level is too close to call, give --duration more time`
      : `capacity: below ${round(lowest_bad)}${unit}: there less than ${
        percent(share)
      } of requests ` +
        "meet the objectives";
  }
  return lowest_bad === null
    ? `capacity: at least ${round(highest_good)}${unit}: ${met}`
    : `capacity: between ${round(highest_good)} and ${
      round(lowest_bad)
    }${unit}: ${met} at the lower`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function round(level: number): string {
  return String(Number(level.toPrecision(4)));
}
