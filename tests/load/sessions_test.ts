/** Sessions on a real server: how many turns they have, and how long each waits. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { planLoad } from "../../lib/load/plan_load.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { load } from "./fixture.ts";
import type { RequestRecord } from "../../lib/run/request_record.ts";

/** The requests of each conversation, by their turns. */
function conversations(records: readonly RequestRecord[]): RequestRecord[][] {
  return [...Map.groupBy(records, ({ conversation }) => conversation).values()]
    .map((own) => own.toSorted((a, b) => a.turn - b.turn));
}

Deno.test("turns, thinking and tools: as many requests and as long waits as were drawn", async () => {
  await using mock = await MockEndpoint.start();
  using run = await load({
    endpoint: mock.url,
    concurrency: 8,
    requests: 24,
    turns: "1-3",
    tool_calls: 1,
    think_time_s: "60ms-90ms",
    tool_time_s: "10ms-20ms",
    input_tokens: 8,
    output_tokens: 4,
  });
  const sessions = conversations(run.records);
  assertEquals(sessions.length, 24);
  const lengths = new Set(sessions.map(({ length }) => length));
  assertEquals([...lengths].sort(), [2, 4, 6]); // a tool's result is a request more in each turn
  for (const session of sessions) {
    assertEquals(session.map(({ turn }) => turn), session.map((_, i) => i));
    for (let i = 1; i < session.length; i++) {
      const wait_ms = (session[i].t_intended_ns - session[i - 1].t_end_ns) / 1e6;
      const [low, high] = i % 2 === 1 ? [10, 20] : [60, 90];
      assert(wait_ms >= low - 1e-6 && wait_ms <= high + 1e-6, `${i}: ${wait_ms} ms`);
    }
  }
  // each turn says words of its own to the live answer before it
  const posted = mock.requests.filter(({ method }) => method === "POST");
  const longest = posted.map(({ body }) => (body as { messages: { role: string }[] }).messages)
    .filter(({ length }) => length === 11);
  assert(longest.length > 0);
  assertEquals(longest[0].map(({ role }) => role[0]).join(""), "uauauauauau");
});

Deno.test("settings of sessions that would do nothing are refused", async () => {
  const shape = { concurrency: 1, requests: 1 };
  const refused: [Parameters<typeof planLoad>[0], string][] = [
    [{ ...shape, think_time_s: "1s-2s" }, "--think-time"],
    [{ ...shape, tool_time_s: 1 }, "--tool-time: only with --tool-calls"],
    [{ ...shape, prompt: "x", tool_calls: 1 }, "--tool-calls"],
    [{ ...shape, turns: "many" }, '--turns: "many" is not a number of turns'],
    [{ ...shape, turns: 2, think_time_s: "5-1" }, '--think-time: "5-1" is not a time'],
  ];
  for (const [settings, message] of refused) {
    await assertRejects(() => planLoad(settings), InputError, message);
  }
});
