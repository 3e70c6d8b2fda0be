/** What a run will do: the chosen tests with their ids and judges. Touches nothing but the suite. */
import { InputError } from "../errors.ts";
import { itemId } from "../settings/item_id.ts";
import { requestBody } from "../endpoint/request.ts";
import { resolveEvaluator } from "./evaluate.ts";
import { selectTests } from "./selection.ts";
import type { APIConfiguration } from "../endpoint/api.ts";
import type { LoadedSuite } from "../settings/load_suite.ts";
import type { PlannedTest } from "./execute.ts";
import type { Evaluator } from "./evaluator.ts";
import type { Selection } from "./selection.ts";

/**
 * Plans a run. An item's id is a hash of the test, its judge, the model and the form of API: a test
 * that changed is another item, and is run again on resume.
 *
 * @param evaluators further evaluators by name.
 * @throws {InputError} an unknown id or category, an evaluator with wrong options, messages for a
 * completions endpoint.
 */
export async function planTests(
  loaded: LoadedSuite,
  api: APIConfiguration,
  selection: Selection,
  evaluators: Record<string, Evaluator> = {},
): Promise<PlannedTest[]> {
  const { suite, path, directory } = loaded;
  if (api.api_type === "embeddings") {
    throw new InputError(
      `${api.endpoint}: suites are asked over /chat/completions, /responses or /completions; ` +
        "embeddings have no answers to judge (dyno load measures them)",
    );
  }
  const position = new Map(suite.tests.map((test, i) => [test.id, i]));
  const planned: PlannedTest[] = [];
  for (const [index, test] of selectTests(suite, selection).entries()) {
    requestBody(test, api); // complains of a form that the endpoint cannot take
    const choice = test.evaluator ?? suite.evaluator;
    const where = `${path}: ${test.evaluator ? `tests[${position.get(test.id)}].` : ""}evaluator`;
    planned.push({
      test,
      index,
      item_id: itemId({
        test,
        evaluator: choice ?? null,
        model: api.model,
        api_type: api.api_type,
      }),
      evaluator: choice ? await resolveEvaluator(choice, where, directory, evaluators) : null,
    });
  }
  return planned;
}
