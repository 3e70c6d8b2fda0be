/** How the client of a server's tasks waits when the server is full. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { assertEquals, assertRejects } from "@std/assert";
import { CancelledError } from "../../lib/execute/scope.ts";
import { sleep } from "../../lib/execute/sleep.ts";
import { TaskClient, TaskRefusedError } from "../../lib/integration/task_client.ts";
import { until } from "../until.ts";

const never = new AbortController().signal;

/** A server whose answers to tasks are these, the last one over and over; `asked` counts them. */
async function answering(answers: { status: number; retry_after?: string; body?: unknown }[]) {
  let asked = 0;
  const keys = new Set<unknown>();
  const server = createServer((request, response) => {
    const { status, retry_after, body } = answers[Math.min(asked++, answers.length - 1)];
    keys.add(request.headers["idempotency-key"]);
    request.resume();
    response.writeHead(status, retry_after === undefined ? {} : { "retry-after": retry_after });
    response.end(JSON.stringify(body ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    client: new TaskClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, null),
    asked: () => asked,
    keys,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

Deno.test("a full server is asked again after the wait that it names, with the same key", async () => {
  const view = { task_id: "task_1", status: "queued" };
  await using server = await answering([
    { status: 429, retry_after: "1" },
    { status: 503, retry_after: new Date(Date.now() - 60_000).toUTCString() },
    { status: 202, body: view },
  ]);
  const { task_id } = await server.client.submit({}, never);
  assertEquals([task_id, server.asked(), server.keys.size], ["task_1", 3, 1]);
});

// a timer of more than 2^31 ms would go off at once (WHATWG HTML, 8.6): the pause must be cut before
for (
  const [name, retry_after] of [
    ["no pause at all", "0"],
    ["one in the past", "Wed, 21 Oct 2015 07:28:00 GMT"],
    ["one of years", "99999999"],
    ["one beyond any number", "9".repeat(400)],
    ["one until the year 9999", "Fri, 31 Dec 9999 23:59:59 GMT"],
  ]
) {
  Deno.test(`a server that asks for ${name} is not asked again at once`, async () => {
    await using server = await answering([{ status: 429, retry_after }]);
    const controller = new AbortController();
    const submitted = server.client.submit({}, controller.signal);
    const refused = assertRejects(() => submitted, CancelledError);
    await until(() => server.asked() > 0);
    await sleep(200, never);
    controller.abort(new CancelledError("enough"));
    await refused;
    assertEquals(server.asked(), 1);
  });
}

Deno.test("a refusal without a wait is final, in the server's words", async () => {
  await using server = await answering([
    { status: 422, body: { error: { code: "bad", message: "suite: no such file" } } },
  ]);
  await assertRejects(
    () => server.client.submit({}, never),
    TaskRefusedError,
    "suite: no such file",
  );
  assertEquals(server.asked(), 1);
});
