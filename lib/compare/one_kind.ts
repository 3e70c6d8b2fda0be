/** Ensures that runs to be compared are of one kind. */
import { InputError } from "../errors.ts";

/**
 * Whether the runs are loads.
 *
 * @throws {InputError} some are and others are not; the message names one of each.
 */
export function areLoads(runs: readonly { summary: { run_id: string; kind: string } }[]): boolean {
  const load = runs.find(({ summary }) => summary.kind === "load");
  const other = runs.find(({ summary }) => summary.kind !== "load");
  if (load !== undefined && other !== undefined) {
    throw new InputError(
      `${load.summary.run_id} is a load and ${other.summary.run_id} is none: they cannot be compared; ` +
        "dyno runs list --suite NAME lists runs of one suite (load: those of loads)",
    );
  }
  return load !== undefined;
}
