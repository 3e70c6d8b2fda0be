/** Calls of tools, from the mock's answers and by hand. */
import { assert, assertEquals } from "@std/assert";
import { MockEndpoint } from "../../../lib/mock/server.ts";
import { resolveEvaluator } from "../../../lib/suite/evaluate.ts";
import { runOnMock, suiteFrom, temporaryFolder } from "../fixture.ts";

type Call = { name: string; arguments: string };

async function judged(options: object, tool_calls: Call[]) {
  const choice = { name: "tool_calls", ...options };
  const evaluator = await resolveEvaluator(choice, "s.json: evaluator", "/");
  const test = { id: "t", name: "t", category: "c", prompt: "p" };
  const { signal } = new AbortController();
  const answer = { test, prompt_text: "p", response_text: "", reasoning_text: null, signal };
  return await evaluator.evaluate({ ...answer, tool_calls });
}

const call = (name: string, given: unknown): Call => ({ name, arguments: JSON.stringify(given) });

Deno.test("tool_calls: names and arguments, order or not, more or not", async () => {
  const paris = call("weather", { city: "Paris" }), rome = call("weather", { city: "Rome" });
  const time = call("time", {});
  const two = [
    { name: "weather", arguments: { city: "Rome" } },
    { name: "time" },
  ];
  const cases: [object, Call[], boolean][] = [
    [{ expected: two }, [rome, time], true],
    [{ expected: two }, [time, rome], true],
    [{ expected: two, ordered: true }, [rome, time], true],
    [{ expected: two, ordered: true }, [time, rome], false],
    [{ expected: two }, [rome], false],
    [{ expected: two }, [rome, time, paris], false],
    [{ expected: two, allow_more: true }, [paris, rome, time], true],
    [{ expected: two, allow_more: true, ordered: true }, [rome, paris, time], true],
    [{ expected: [{ name: "weather" }] }, [paris], true],
    [{ expected: [{ name: "weather" }] }, [{ name: "weather", arguments: "" }], true],
    [{ expected: [{ name: "weather" }] }, [{ name: "weather", arguments: "{city" }], false],
    [{ expected: [{ name: "weather", arguments: { city: "Paris", days: 2 } }] }, [paris], false],
    [{ expected: [{ name: "f", arguments: { a: 1 } }] }, [call("f", { a: 1, b: 2 })], false],
    [
      { expected: [{ name: "f", arguments: { a: { b: 1 } } }], arguments: "subset" },
      [call("f", { a: { b: 1, c: 3 }, d: 4 })],
      true,
    ],
    [{ expected: [{ name: "f", arguments: { a: 1 } }] }, [call("f", { a: "1" })], false],
    [
      { expected: [{ name: "f", arguments: { a: 1 } }] },
      [{ name: "f", arguments: '{ "a": 1.0 }' }],
      true,
    ],
    // 2^53 and 2^53 + 1 are one number to JavaScript; in digits they are two
    [
      { expected: [{ name: "f", arguments: { id: 9007199254740992 } }] },
      [{ name: "f", arguments: '{"id":9007199254740993}' }],
      false,
    ],
    [
      { expected: [{ name: "f", arguments: { id: "9007199254740993" } }] },
      [{ name: "f", arguments: '{"id":9007199254740993}' }],
      true,
    ],
    [{ expected: [] }, [], true],
    [{ expected: [] }, [paris], false],
    // a call that fits two expected ones is left to the one that has no other
    [{ expected: [{ name: "weather" }, { name: "weather", arguments: { city: "Rome" } }] }, [
      rome,
      paris,
    ], true],
  ];
  for (const [options, calls, right] of cases) {
    const { passed, detail } = await judged(options, calls);
    assertEquals(passed, right, `${JSON.stringify(options)} ${detail}`);
  }
  assertEquals((await judged({ expected: two }, [rome])).hit_rate, 0.5);
});

Deno.test("tool_calls: what an endpoint calls is what is judged", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const parameters = {
    tools: [{
      type: "function",
      function: { name: "weather", parameters: { type: "object", properties: {} } },
    }],
    tool_choice: { type: "function", function: { name: "weather" } },
  };
  const test = { name: "T", category: "c", prompt: "What is the weather?", parameters };
  const suite = suiteFrom([
    { ...test, id: "right", evaluator: { name: "tool_calls", expected: [{ name: "weather" }] } },
    { ...test, id: "wrong", evaluator: { name: "tool_calls", expected: [{ name: "time" }] } },
  ]);
  const { results } = await runOnMock(mock, { suite, out: folder.path });
  assertEquals(results.items.map(({ passed }) => passed), [true, false]);
  assert(results.items.every(({ error }) => error === null));
});
