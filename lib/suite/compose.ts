/** Evaluators that combine others: all of them, any of them, or their weighted mean. */
import { z } from "zod";
import { type EvaluatorChoice, evaluatorSchema } from "../settings/suite.ts";
import { hits, verdictsText } from "./evaluators/verdict.ts";
import type { Evaluation } from "../run/test_result.ts";
import type { Evaluator, ResolvedEvaluator } from "./evaluator.ts";

const parts = z.array(evaluatorSchema).min(1, "expected at least one evaluator");
const options = z.strictObject({ evaluators: parts });
const weightedOptions = z.strictObject({
  evaluators: parts,
  /** A weight for each evaluator; equal by default. */
  weights: z.array(z.number().positive()).optional(),
  /** The weighted mean of the scores that a test needs to pass. */
  pass_at: z.number().gt(0).max(1).default(1),
}).refine(
  ({ evaluators, weights }) => weights === undefined || weights.length === evaluators.length,
  {
    path: ["weights"],
    message: "expected as many weights as evaluators",
  },
);

/** Names of the combining evaluators. */
export const compositionNames = ["all", "any", "weighted"];

type Resolve = (choice: EvaluatorChoice, where: string) => Promise<ResolvedEvaluator>;

/**
 * The combining evaluators, for one place in a suite. When a part fails, the whole fails, because that
 * part's verdict is unknown.
 *
 * @param resolve finds a part and checks its options.
 */
export function composition(where: string, resolve: Resolve): Record<string, Evaluator> {
  let resolved: ResolvedEvaluator[] = [];
  const prepare = async ({ evaluators }: { evaluators: EvaluatorChoice[] }) => {
    resolved = [];
    for (const [i, choice] of evaluators.entries()) {
      resolved.push(await resolve(choice, `${where}.evaluators[${i}]`));
    }
  };
  /** @param count returns the hits, of how many targets, and the hit rate that passes. */
  const combining = <Options extends { evaluators: EvaluatorChoice[] }>(
    name: string,
    form: z.ZodType<Options>,
    count: (judged: Evaluation[], options: Options) => [hits: number, of: number, pass_at: number],
  ): Evaluator<Options> => ({
    name,
    options: form,
    prepare,
    models: () => resolved.flatMap(({ models }) => models),
    async evaluate(answer, options) {
      const judged: Evaluation[] = [];
      for (const part of resolved) judged.push(await part.evaluate(answer));
      return hits(name, ...count(judged, options), verdictsText(judged));
    },
  });
  const passed = (judged: Evaluation[]) => judged.filter(({ passed }) => passed).length;
  return {
    all: combining("all", options, (judged) => [passed(judged), judged.length, 1]),
    any: combining("any", options, (judged) => [passed(judged) > 0 ? 1 : 0, 1, 1]),
    weighted: combining("weighted", weightedOptions, (judged, { weights, pass_at }) => {
      const weight = (i: number) => weights?.[i] ?? 1;
      const sum = judged.reduce((sum, { hit_rate }, i) => sum + weight(i) * hit_rate, 0);
      const score = sum / judged.reduce((sum, _, i) => sum + weight(i), 0);
      return [Math.min(1, score), 1, pass_at];
    }),
  } as Record<string, Evaluator>;
}
