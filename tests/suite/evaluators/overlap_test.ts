/** ROUGE, BLEU and chrF, against rouge-score 0.1.2 and sacrebleu 2.6.0 on the same texts. */
import { assert, assertAlmostEquals, assertRejects } from "@std/assert";
import { InputError } from "../../../lib/errors.ts";
import { resolveEvaluator } from "../../../lib/suite/evaluate.ts";
import { bleuScore } from "../../../lib/suite/evaluators/bleu.ts";
import { chrfScore } from "../../../lib/suite/evaluators/chrf.ts";
import { rouge, rougeScore } from "../../../lib/suite/evaluators/rouge.ts";
import type { Evaluation } from "../../../lib/run/test_result.ts";
import type { Answer } from "../../../lib/suite/evaluator.ts";

interface Written {
  references: string[];
  answer: string;
  /** Precision, recall and F by variant. */
  rouge: Record<string, [number, number, number]>;
  /** Percent, by tokenizer: sacrebleu.sentence_bleu. */
  bleu: Record<"13a" | "intl" | "char" | "none", number>;
  bleu_lower: number;
  chrf: number;
  "chrf++": number;
  chrf_b3_lower: number;
}

const written: Written[] = Deno.readTextFileSync(
  new URL("../../fixtures/evaluators/overlap.jsonl", import.meta.url),
).trim().split("\n").map((line) => JSON.parse(line));

Deno.test("rouge, bleu and chrf agree with the reference packages to 1e-6", () => {
  assert(written.length > 60);
  for (const { references, answer, ...right } of written) {
    const named = JSON.stringify({ references, answer });
    for (const [variant, [precision, recall, f]] of Object.entries(right.rouge)) {
      if (references.length > 1) {
        const options = { expected: references, variant, measure: "f" as const, pass_at: 0.5 };
        const judged = rouge.evaluate({ response_text: answer } as Answer, options) as Evaluation;
        assertAlmostEquals(judged.hit_rate, f, 1e-6, `${variant} ${named}`);
        continue;
      }
      const score = rougeScore(references[0], answer, variant);
      assertAlmostEquals(score.precision, precision, 1e-6, `${variant} ${named}`);
      assertAlmostEquals(score.recall, recall, 1e-6, `${variant} ${named}`);
      assertAlmostEquals(score.f, f, 1e-6, `${variant} ${named}`);
    }
    for (const tokenize of ["13a", "intl", "char", "none"] as const) {
      const score = bleuScore(references, answer, { tokenize, case_sensitive: true });
      assertAlmostEquals(100 * score, right.bleu[tokenize], 1e-6, `${tokenize} ${named}`);
    }
    const lower = bleuScore(references, answer, { tokenize: "13a", case_sensitive: false });
    assertAlmostEquals(100 * lower, right.bleu_lower, 1e-6, `lower ${named}`);
    const chrf = (word_order: number, beta: number, case_sensitive: boolean) =>
      100 * chrfScore(references, answer, { word_order, beta, case_sensitive });
    assertAlmostEquals(chrf(0, 2, true), right.chrf, 1e-6, `chrF ${named}`);
    assertAlmostEquals(chrf(2, 2, true), right["chrf++"], 1e-6, `chrF++ ${named}`);
    assertAlmostEquals(chrf(0, 3, false), right.chrf_b3_lower, 1e-6, `chrF3 ${named}`);
  }
});

Deno.test("rouge: a reference without a word that ROUGE knows is refused, as any answer would get 0", async () => {
  // rouge-score 0.1.2 gives 0 to equal texts, reported of Chinese (ragas, issue 2101)
  for (const expected of ["今天天气很不错", "Привет мир", ["yes", "…"]]) {
    await assertRejects(
      () => resolveEvaluator({ name: "rouge", expected }, "s.json: evaluator", "/"),
      InputError,
      "any answer would get 0",
    );
  }
});
