/** Plans the runs of a sweep. */
import { expandMatrix } from "../settings/matrix.ts";
import { createHash } from "node:crypto";
import { argumentText, type Exact, exactJson } from "./exact_json.ts";
import type { Ablation, SweepConfig } from "./sweep.ts";

/** One combination with one seed and one ablation. */
export interface PlannedRun {
  run_id: string;
  /** Fixed and varied parameters, and the seed. */
  params: Record<string, Exact>;
  ablation: Ablation;
}

/** How many runs {@linkcode plannedRuns} yields. */
export function plannedCount({ matrix, seeds, ablations }: SweepConfig): number {
  const combinations = Object.values(matrix).reduce((count, values) => count * values.length, 1);
  return combinations * seeds.length * ablations.length;
}

/**
 * The runs in order: combinations by sorted keys, within each the seeds, within each the ablations.
 */
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

/**
 * `{policy}__wf{workflows}__seed{seed}__{ablation}__{hash}`, without the parts that the parameters
 * lack. The hash is the first 12 hex digits of the SHA-1 of flags, name and parameters as JSON.
 */
function runIdOf(params: Record<string, Exact>, { name, flags }: Ablation): string {
  const hash = createHash("sha1")
    .update(exactJson({ ablation_flags: flags, ablation_name: name, params }))
    .digest("hex").slice(0, 12);
  const parts = [
    ...(params.policy === undefined ? [] : [argumentText(params.policy)]),
    ...(params.workflows === undefined ? [] : [`wf${argumentText(params.workflows)}`]),
    `seed${argumentText(params.seed)}`,
    name,
    hash,
  ];
  return parts.map(fileNamePart).join("__");
}

/**
 * Replaces characters that a file name cannot contain with underscores; the hash keeps ids unique.
 */
function fileNamePart(part: string): string {
  // deno-lint-ignore no-control-regex
  return part.replace(/[/\u0000-\u001f]/g, "_").replace(/^\./, "_").slice(0, 120);
}
