/** IFEval's instructions, against the verdicts of lm-eval 0.4.13's copy of the published checks. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../../lib/errors.ts";
import { resolveEvaluator } from "../../../lib/suite/evaluate.ts";
import { ifeval } from "../../../lib/suite/evaluators/ifeval.ts";
import { KINDS } from "../../../lib/suite/evaluators/ifeval_kinds.ts";
import type { Answer } from "../../../lib/suite/evaluator.ts";

/** A row a text, a column an instruction: "1" followed, "0" not. Languages by langdetect, seed 0. */
const written: {
  answers: string[];
  instructions: { id: string; kwargs: Record<string, unknown> }[];
  strict: string[];
  loose: string[];
} = JSON.parse(
  Deno.readTextFileSync(new URL("../../fixtures/evaluators/ifeval.json", import.meta.url)),
);

async function follows(
  text: string,
  id: string,
  kwargs: Record<string, unknown>,
  mode: "strict" | "loose",
) {
  const options = { instruction_id_list: [id], kwargs: [kwargs], mode };
  return (await ifeval.evaluate({ response_text: text } as Answer, options)).passed;
}

Deno.test("ifeval: the verdicts of the published checks, but for languages of a few words", async () => {
  assertEquals(new Set(written.instructions.map(({ id }) => id)), new Set(Object.keys(KINDS)));
  const otherwise: string[] = [];
  let all = 0;
  for (const mode of ["strict", "loose"] as const) {
    for (const [row, text] of written.answers.entries()) {
      for (const [column, { id, kwargs }] of written.instructions.entries()) {
        all++;
        const right = written[mode][row][column] === "1";
        if (await follows(text, id, kwargs, mode) !== right) otherwise.push(`${id} ${text}`);
      }
    }
  }
  assert(all > 7000);
  const others = otherwise.filter((one) => !one.startsWith("language:"));
  assertEquals(others, []);
  assert(otherwise.length < 0.005 * all, `${otherwise.length} of ${all}`);
});

Deno.test("ifeval: the score is the share that is followed; what is missing is named", async () => {
  const options = {
    instruction_id_list: ["punctuation:no_comma", "detectable_format:json_format"],
    kwargs: [{}, { num_words: null }],
    mode: "strict" as const,
  };
  const judged = await ifeval.evaluate({ response_text: "no comma" } as Answer, options);
  assertEquals([judged.passed, judged.hit_rate], [false, 0.5]);
  assertEquals(judged.detail, "1 of 2; missed detectable_format:json_format");
});

Deno.test("ifeval: unknown instructions and wrong arguments are told before the run", async () => {
  const fails = (id: string, kwargs: object[], message: string) =>
    assertRejects(
      () => resolveEvaluator({ name: "ifeval", instruction_id_list: [id], kwargs }, "s.json", "/"),
      InputError,
      message,
    );
  await fails("punctuation:no_coma", [{}], 'did you mean "punctuation:no_comma"');
  await fails(
    "keywords:existence",
    [{ keywords: "a" }],
    "kwargs[0].keywords: expected a list of texts",
  );
  await fails(
    "length_constraints:number_words",
    [{ num_words: 5, relation: "more" }],
    '"at least" or "less than"',
  );
  await fails("punctuation:no_comma", [], "expected one for each instruction");
});
