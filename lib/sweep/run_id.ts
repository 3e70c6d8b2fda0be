/** Ids of a sweep's runs: the same settings give the same id, in the old runner's form. */
import { createHash } from "node:crypto";
import { argumentText, exactJson } from "./exact_json.ts";
import type { Ablation } from "./sweep.ts";
import type { Exact } from "./exact_json.ts";

/**
 * `{policy}__wf{workflows}__seed{seed}__{ablation}__{hash}`; parts that the parameters lack are left
 * out. The hash is the first 12 hex digits of the SHA-1 of flags, name and parameters as JSON.
 */
export function runIdOf(params: Record<string, Exact>, { name, flags }: Ablation): string {
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

/** What cannot stand in a file's name becomes an underscore; the hash keeps ids apart. */
function fileNamePart(part: string): string {
  // deno-lint-ignore no-control-regex
  return part.replace(/[/\u0000-\u001f]/g, "_").replace(/^\./, "_").slice(0, 120);
}
