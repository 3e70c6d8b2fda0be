/** Tests with several turns: the user's next messages, and functions whose results the suite supplies. */
import { isDeepStrictEqual } from "node:util";
import { messageOf } from "../errors.ts";
import { asObject, type JsonObject, objectsIn } from "../json_fields.ts";
import { CancelledError } from "../execute/scope.ts";
import { nowNs } from "../native/clock.ts";
import { hits, verdict, verdictsText } from "./evaluators/verdict.ts";
import { type AnsweredTest, judgeAnswer, judgedAs, type PlannedTest } from "./execute.ts";
import { exchangesOf } from "./spans.ts";
import { runProgram } from "./evaluators/command.ts";
import type { Answer, AskModel } from "./evaluator.ts";
import type { Evaluation, TestResult } from "../run/test_result.ts";
import type { SuiteFunction, TestCase } from "../settings/suite.ts";

/** The bounds after which a conversation ends. */
const LIMITS = { rounds: 10, tokens: Infinity, time_s: 600 };

/** Whether a test needs more than one question and answer. */
export function isConversation({ turns, functions }: TestCase): boolean {
  return turns !== undefined || functions !== undefined;
}

/** The folder in which programs run, and the signal that ends them. */
type Place = Pick<Answer, "signal" | "directory">;

/** An answer to the user, and everything said before it. */
interface Said {
  answer: AnsweredTest["answer"];
  before: JsonObject[];
}

/** The outcome of a conversation. */
export interface Conversation {
  /** All questions as one result: tokens and times are sums, the text is the last answer's. */
  answered: AnsweredTest;
  /** The answers to the prompt and to each turn, as far as they came. */
  answers: Said[];
  /** The bound that ended it; null when none did. */
  stopped: string | null;
}

/**
 * Runs a test's conversation. When the model calls a function, the suite's table or program supplies the
 * result and the model is asked again, until it answers the user.
 *
 * @param ask asks one question, within the budget.
 * @throws {CancelledError} the signal is aborted, or the budget is spent.
 */
export async function converse(
  test: TestCase,
  ask: (test: TestCase) => Promise<AnsweredTest>,
  place: Place,
): Promise<Conversation> {
  const { turns = [], functions = [], limits = {} } = test;
  const bounds = { ...LIMITS, ...limits };
  const began_ns = nowNs();
  const messages: JsonObject[] = test.messages
    ? [...test.messages as JsonObject[]]
    : [{ role: "user", content: test.prompt }];
  const tools = functions.length === 0 ? {} : { tools: functions.map(declared) };
  const asked: AnsweredTest[] = [];
  const answers: Said[] = [];
  const calls: { name: string; arguments: string }[] = [];
  const over = () => {
    const seconds = (nowNs() - began_ns) / 1e9;
    const tokens = asked.reduce(
      (sum, { result }) => sum + (result.prompt_tokens ?? 0) + (result.completion_tokens ?? 0),
      0,
    );
    if (seconds >= bounds.time_s) return `it took more than ${bounds.time_s} s`;
    return tokens >= bounds.tokens ? `it took more than ${bounds.tokens} tokens` : null;
  };
  const end = (stopped: string | null): Conversation => ({
    answered: together(asked, [...messages]),
    answers,
    stopped,
  });
  for (let turn = 0; turn <= turns.length; turn++) {
    if (turn > 0) messages.push({ role: "user", content: turns[turn - 1].prompt });
    for (let round = 0;; round++) {
      const why = asked.length > 0 ? over() : null;
      if (why !== null) return end(why);
      if (round > bounds.rounds) {
        return end(`the model called functions more than ${bounds.rounds} times in a row`);
      }
      const { prompt: _prompt, ...rest } = test;
      const parameters = { ...test.parameters, ...tools };
      const one = await ask({ ...rest, messages: messages as TestCase["messages"], parameters });
      asked.push(one);
      if (!one.result.success) return end(null);
      const said = saidBy(one, asked.length);
      messages.push(said);
      const wanted = functions.length === 0 ? [] : objectsIn(said.tool_calls);
      if (wanted.length === 0) {
        const tool_calls = [...calls, ...one.answer.tool_calls ?? []];
        answers.push({ answer: { ...one.answer, tool_calls }, before: messages.slice(0, -1) });
        break;
      }
      calls.push(...one.answer.tool_calls ?? []);
      for (const call of wanted) {
        const content = await resultOf(call, functions, place);
        messages.push({ role: "tool", tool_call_id: call.id, content });
      }
    }
  }
  return end(null);
}

function declared({ name, description, parameters }: SuiteFunction): JsonObject {
  const form = parameters ?? { type: "object", properties: {} };
  return { type: "function", function: { name, description, parameters: form } };
}

/**
 * The model's message as it is sent back to it, in OpenAI's form; calls without an id get one.
 *
 * @param nth the answer's number in the conversation, from 1.
 */
function saidBy({ result, answer }: AnsweredTest, nth: number): JsonObject {
  if (result.api_response?.choices === undefined) {
    const tool_calls = (answer.tool_calls ?? []).map((called, i) => ({
      id: `call_${nth}_${i}`,
      type: "function",
      function: called,
    }));
    const content = result.response_text || null;
    return { role: "assistant", content, ...(tool_calls.length > 0 ? { tool_calls } : {}) };
  }
  const message = asObject(objectsIn(result.api_response?.choices)[0]?.message);
  const calls = objectsIn(message?.tool_calls).map(({ index: _index, ...call }, i) => ({
    ...call,
    id: call.id ?? `call_${nth}_${i}`,
  }));
  const content = message?.content ?? (calls.length > 0 ? null : result.response_text);
  return { role: "assistant", content, ...(calls.length > 0 ? { tool_calls: calls } : {}) };
}

/**
 * The result of a function: the first row of its table whose arguments match, or what its program prints.
 */
async function resultOf(
  call: JsonObject,
  functions: readonly SuiteFunction[],
  place: Place,
): Promise<string> {
  const { name, arguments: text } = asObject(call.function) ?? {};
  const known = functions.find((each) => each.name === name);
  if (known === undefined) return `error: there is no function ${JSON.stringify(name ?? null)}`;
  let given: unknown;
  try {
    given = String(text ?? "").trim() === "" ? {} : JSON.parse(String(text));
  } catch {
    return "error: the arguments are not valid JSON";
  }
  if (known.command !== undefined) {
    try {
      return await runProgram(known.command, JSON.stringify(given), known.timeout_s ?? 30, place);
    } catch (error) {
      if (error instanceof CancelledError) throw error;
      return `error: ${messageOf(error)}`;
    }
  }
  const row = known.results!.find((each) =>
    each.arguments === undefined || isDeepStrictEqual(each.arguments, given)
  );
  if (row === undefined) return "error: no result for these arguments";
  return typeof row.result === "string" ? row.result : JSON.stringify(row.result);
}

/** Combines all questions into one result: sums where values add up, else the last one's value. */
function together(asked: readonly AnsweredTest[], conversation: JsonObject[]): AnsweredTest {
  const last = asked.at(-1)!;
  const sum = (of: (each: AnsweredTest["result"]) => number | null) =>
    asked.reduce<number | null>((total, { result }) => {
      const value = of(result);
      return total === null || value === null ? null : total + value;
    }, 0);
  const execution_time = sum((result) => result.execution_time)!;
  const completion_tokens = sum((result) => result.completion_tokens);
  return {
    answer: last.answer,
    result: {
      ...last.result,
      conversation,
      exchanges: exchangesOf(asked.map(({ result }) => result)),
      execution_time,
      elapsed_seconds: sum((result) => result.elapsed_seconds)!,
      attempts: sum((result) => result.attempts)!,
      cost_usd: sum((result) => result.cost_usd),
      prompt_tokens: sum((result) => result.prompt_tokens),
      completion_tokens,
      usage_details: null,
      tokens_per_second: completion_tokens !== null && execution_time > 0
        ? completion_tokens / execution_time
        : null,
      timestamp: asked[0].result.timestamp,
    },
  };
}

/**
 * Judges the answers of a conversation, each with its turn's evaluator. All of them must be right.
 *
 * @throws {CancelledError} the signal is aborted.
 */
export async function judgeConversation(
  planned: PlannedTest,
  { answered: { result }, answers, stopped }: Conversation,
  signal: AbortSignal,
  ask: AskModel,
): Promise<TestResult> {
  if (!result.success) return result;
  const judges = [planned.evaluator, ...planned.turns];
  const judged: Evaluation[] = [];
  for (const [i, evaluator] of judges.entries()) {
    if (evaluator === null) continue;
    if (answers[i] === undefined) {
      judged.push(verdict(evaluator.name, false, `no answer: ${stopped}`));
      continue;
    }
    // a judge sees what the answer responds to: everything said before it
    const { answer, before } = answers[i];
    const { prompt: _prompt, ...rest } = planned.test;
    const test = i === 0 && before.length === 1
      ? planned.test
      : { ...rest, messages: before as TestCase["messages"] };
    const one = await judgeAnswer({ ...planned, test, evaluator }, answer, signal, ask);
    if (one === null || "error" in one) return judgedAs(result, one);
    judged.push(one);
  }
  if (judged.length === 1) return judgedAs(result, judged[0]);
  if (judged.length === 0) return result;
  const right = judged.filter(({ passed }) => passed).length;
  return judgedAs(result, hits("turns", right, judged.length, 1, verdictsText(judged)));
}
