/** dyno load --find-capacity: a load for each level that is tried. */
import { grouped } from "../../text/grouped.ts";
import { findLoadCapacity } from "../../load/capacity.ts";
import { EXIT } from "../ui/command.ts";
import { runShownLoad } from "./load_runs.ts";
import type { CapacityProbe, LoadCapacity } from "../../load/capacity.ts";
import type { CommandContext } from "../ui/command.ts";
import type { LoadRequest } from "./load_runs.ts";

export interface CapacityRequest extends LoadRequest {
  searched: "rate" | "concurrency";
  /** The share of requests that must meet every objective. */
  share?: number;
}

/**
 * Searches the highest rate or concurrency at which the objectives are met, shown live.
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
  const told = new Set<string>();
  const capacity = await findLoadCapacity(experiment, {
    searched,
    share,
    signal,
    measure: (settings) => runShownLoad({ ...request, terse: true, told }, settings, context),
    onProbe: (probe) => terminal.say(probeText(searched, probe)),
    onLimited: (level, why) =>
      terminal.warn(`${searched} ${round(level)}: the client was limited: ${why}`),
  });
  terminal.say();
  terminal.say(terminal.paint.bold(capacityText(capacity)));
  if (capacity.client_limited) {
    terminal.warn(
      `at ${
        round(capacity.lowest_bad!)
      } the client was limited: the endpoint may do more; measure ` +
        "from a faster or less busy host",
    );
  }
  if (request.json) terminal.out(JSON.stringify(capacity));
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
  { searched, target: share, highest_good, lowest_bad }: LoadCapacity,
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
