/** Names that other tools have for our flags: what a user types by habit. */

/** A name elsewhere, and our flags for it: the first that the command has is meant. */
const OTHER_NAMES: readonly [names: string, flags: readonly string[]][] = [
  [
    "concurrency max-concurrency num-concurrent parallel threads jobs max-workers num-workers " +
    "max-connections max-samples users num-users vus workers",
    ["workers", "concurrency", "parallel"],
  ],
  ["url base-url api-base host target server backend-url", ["endpoint"]],
  ["num-prompts num-requests request-count max-requests iterations", ["requests", "limit"]],
  ["request-rate rps qps rate-limit", ["rate", "requests-per-minute"]],
  ["max-seconds benchmark-duration time run-time", ["duration"]],
  ["dataset dataset-path dataset-name input-file file data-path", ["prompts", "trace", "data"]],
  ["output output-dir output-path output-file log-dir save-dir result-dir artifact-dir", ["out"]],
  ["served-model-name model-name", ["model"]],
  ["max-tokens osl output-len random-output-len output-tokens-mean", [
    "output-tokens",
    "parameters",
  ]],
  ["isl input-len random-input-len prompt-tokens prompt-tokens-mean", ["input-tokens"]],
  ["temperature top-p top-k extra-body extra-inputs generate-kwargs", ["body", "parameters"]],
  ["n-samples num-samples num-repeats n", ["samples", "epochs", "repeat"]],
  ["max-retries retries", ["retry-attempts"]],
  ["request-timeout", ["timeout"]],
  ["warmup-requests num-warmups warmup-request-count", ["warmup"]],
  ["goodput", ["slo"]],
  ["random-seed", ["seed"]],
  ["filter", ["category", "tests"]],
];

/**
 * What a flag of another tool is here: made to end an error message; empty where it is not known.
 *
 * @param flags those of the command.
 */
export function otherName(name: string, flags: readonly string[]): string {
  if (/^(openai-)?api-?key$/.test(name) && flags.includes("api-key-env")) {
    return "; a key does not belong on a command line: export it, and name its variable with --api-key-env";
  }
  const known = OTHER_NAMES.find(([names]) => names.split(" ").includes(name))?.[1] ?? [];
  const meant = known.find((flag) => flags.includes(flag));
  return meant === undefined ? "" : `; here it is --${meant}`;
}
