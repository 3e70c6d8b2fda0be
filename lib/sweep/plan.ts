/** The runs of a sweep. */
import { expandMatrix } from "../settings/matrix.ts";
import { runIdOf } from "./run_id.ts";
import type { Ablation, SweepConfig } from "./sweep.ts";
import type { Exact } from "./exact_json.ts";

/** One combination with one seed and one ablation. */
export interface PlannedRun {
  run_id: string;
  /** Fixed and varied parameters, and the seed. */
  params: Record<string, Exact>;
  ablation: Ablation;
}

/** How many runs {@linkcode plannedRuns} gives. */
export function plannedCount({ matrix, seeds, ablations }: SweepConfig): number {
  const combinations = Object.values(matrix).reduce((count, values) => count * values.length, 1);
  return combinations * seeds.length * ablations.length;
}

/** The runs in their order: combinations by sorted keys, in each the seeds, in each the ablations. */
export function* plannedRuns(config: SweepConfig): Generator<PlannedRun> {
  for (const varied of expandMatrix(config.matrix) as Record<string, Exact>[]) {
    for (const seed of config.seeds) {
      const params = { ...config.common_args, ...varied, seed };
      for (const ablation of config.ablations) {
        yield { run_id: runIdOf(params, ablation), params, ablation };
      }
    }
  }
}
