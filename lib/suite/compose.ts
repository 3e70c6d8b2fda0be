/** Evaluators that combine others: all of them, any of them, or their weighted mean. */
import { z } from "zod";
import { type EvaluatorChoice, evaluatorSchema } from "../settings/suite.ts";
import { hits } from "./evaluators/verdict.ts";
import type { Evaluation } from "../run/test_result.ts";
import type { Answer, Evaluator, ResolvedEvaluator } from "./evaluator.ts";

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
  const judge = async (answer: Answer): Promise<Evaluation[]> => {
    const judged: Evaluation[] = [];
    for (const part of resolved) judged.push(await part.evaluate(answer));
    return judged;
  };
  const all: Evaluator<z.infer<typeof options>> = {
    name: "all",
    options: options as z.ZodType<z.infer<typeof options>>,
    prepare,
    models: () => resolved.flatMap(({ models }) => models),
    async evaluate(answer) {
      const judged = await judge(answer);
      const right = judged.filter(({ passed }) => passed).length;
      return hits("all", right, judged.length, 1, detailOf(judged));
    },
  };
  const any: Evaluator<z.infer<typeof options>> = {
    name: "any",
    options: options as z.ZodType<z.infer<typeof options>>,
    prepare,
    models: () => resolved.flatMap(({ models }) => models),
    async evaluate(answer) {
      const judged = await judge(answer);
      const isRight = judged.some(({ passed }) => passed);
      return hits("any", isRight ? 1 : 0, 1, 1, detailOf(judged));
    },
  };
  const weighted: Evaluator<z.infer<typeof weightedOptions>> = {
    name: "weighted",
    options: weightedOptions as z.ZodType<z.infer<typeof weightedOptions>>,
    prepare,
    models: () => resolved.flatMap(({ models }) => models),
    async evaluate(answer, { weights, pass_at }) {
      const judged = await judge(answer);
      const weight = (i: number) => weights?.[i] ?? 1;
      const sum = judged.reduce((sum, { hit_rate }, i) => sum + weight(i) * hit_rate, 0);
      const score = sum / judged.reduce((sum, _, i) => sum + weight(i), 0);
      return hits("weighted", Math.min(1, score), 1, pass_at, detailOf(judged));
    },
  };
  return { all, any, weighted } as Record<string, Evaluator>;
}

/** `contains ✓: holds every expected text; regex ✗: …` */
function detailOf(judged: readonly Evaluation[]): string {
  return judged.map(({ evaluator, passed, detail }) =>
    `${evaluator} ${passed ? "✓" : "✗"}: ${detail}`
  ).join("; ");
}
