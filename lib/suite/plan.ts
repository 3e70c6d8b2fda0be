/** What a run will do: the chosen tests with their ids and evaluators. Depends on nothing but the suite. */
import { InputError, messageOf } from "../errors.ts";
import { answersNumbers, FORMS, requestBody } from "../endpoint/forms/forms.ts";
import { boundKeys, checkKeyOfFile } from "../endpoint/key_origins.ts";
import { canonicalJson, itemId } from "../settings/item_id.ts";
import { repeated } from "./epochs.ts";
import { isConversation } from "./conversation.ts";
import { resolveEvaluator } from "./evaluate.ts";
import { withMedia } from "./media.ts";
import { asField, placedError } from "../settings/placed_error.ts";
import { settleModel } from "./models.ts";
import { selectTests } from "./selection.ts";
import type { APIConfiguration } from "../endpoint/api.ts";
import type { LoadedSuite } from "../settings/load_suite.ts";
import type { RepeatedTest } from "./epochs.ts";
import type { EvaluatorChoice } from "../settings/suite.ts";
import type { PlannedTest } from "./execute.ts";
import type { KeyOrigin } from "../endpoint/key_origins.ts";
import type { Evaluator, EvaluatorReturn, ModelChoice } from "./evaluator.ts";
import type { Selection } from "./selection.ts";

/**
 * Plans a run. An item's id is a hash of the test, its evaluator, the model and the form of API: a
 * changed test is a new item, and runs again on resume.
 *
 * @param evaluators further evaluators by name.
 * @param keys where the suite's keys may go, in addition to the presets' own hosts.
 * @throws {InputError} an unknown id or category, an evaluator with invalid options, messages for a
 * completions endpoint.
 */
export async function planTests(
  loaded: LoadedSuite,
  api: APIConfiguration,
  selection: Selection,
  evaluators: Record<string, Evaluator<unknown, EvaluatorReturn>> = {},
  keys: readonly KeyOrigin[] = boundKeys(),
): Promise<PlannedTest[]> {
  try {
    return await planned(loaded, api, selection, evaluators, keys);
  } catch (error) {
    throw placedError(error, loaded);
  }
}

async function planned(
  loaded: LoadedSuite,
  api: APIConfiguration,
  selection: Selection,
  evaluators: Record<string, Evaluator<unknown, EvaluatorReturn>>,
  keys: readonly KeyOrigin[],
): Promise<PlannedTest[]> {
  const { suite, path, directory } = loaded;
  if (answersNumbers(api.api_type)) {
    throw new InputError(
      `${api.endpoint}: suites need /chat/completions, /responses or /completions; ` +
        "embeddings, rankings and scores have no answers to judge (dyno load measures them)",
    );
  }
  const position = new Map(suite.tests.map((test, i) => [test.id, i]));
  const tests: PlannedTest[] = [];
  const chosen = repeated(selectTests(suite, selection), selection.epochs ?? 1);
  const judgeOf = async (choice: EvaluatorChoice | undefined, where: string) => {
    if (choice === undefined) return null;
    const evaluator = await resolveEvaluator(choice, where, directory, evaluators);
    for (const model of evaluator.models) checkModel(model, where, api, keys);
    return evaluator;
  };
  for (const [index, written] of chosen.entries()) {
    const place = position.get((written as RepeatedTest).problem_id ?? written.id);
    const own = `${path}: tests[${place}]`;
    const test = withMedia(written, directory, own);
    requestBody(test, api); // throws for a form that the endpoint cannot take
    if (isConversation(test) && !FORMS[api.api_type].converses) {
      throw new InputError(
        `${own}: turns and functions need /chat/completions, Anthropic's messages, Gemini or Bedrock`,
      );
    }
    const choice = test.evaluator ?? suite.evaluator;
    const turns: PlannedTest["turns"] = [];
    for (const [i, { evaluator }] of (test.turns ?? []).entries()) {
      turns.push(await judgeOf(evaluator, `${own}.turns[${i}].evaluator`));
    }
    tests.push({
      test,
      index,
      item_id: itemId({
        test,
        evaluator: choice ?? null,
        model: api.model,
        api_type: api.api_type,
      }),
      evaluator: await judgeOf(choice, `${test.evaluator ? `${own}.` : `${path}: `}evaluator`),
      turns,
      directory,
    });
  }
  return tests;
}

/** A suite from someone else may name any host: a key goes only to hosts that the user chose for it. */
function checkModel(
  model: ModelChoice,
  where: string,
  api: APIConfiguration,
  keys: readonly KeyOrigin[],
): void {
  try {
    settleModel(model, api);
  } catch (error) {
    throw new InputError(`${where}: ${asField(messageOf(error))}`);
  }
  const elsewhere = model.endpoint !== undefined || model.provider !== undefined;
  const use = elsewhere ? model : { ...model, endpoint: api.endpoint };
  if (use.provider === undefined && use.api_key_env === undefined) return;
  checkKeyOfFile(where, use, keys, { endpoint: api.endpoint });
}

/** The endpoints that a plan's evaluators ask, without repeats. */
export function modelsOf(plan: readonly PlannedTest[], api: APIConfiguration): APIConfiguration[] {
  const choices = plan.flatMap(({ evaluator, turns }) =>
    [evaluator, ...turns].flatMap((each) => each?.models ?? [])
  );
  const each = new Map(choices.map((choice) => [canonicalJson(choice), choice]));
  return [...each.values()].map((choice) => settleModel(choice, api));
}
