/** A request that cannot be sent is told by its reason, in few words. */
import { assertEquals, assertMatch } from "@std/assert";
import { createServer } from "node:net";
import { once } from "node:events";
import { whyFetchFailed } from "../lib/fetch_whole.ts";

Deno.test("why fetch failed: a closed port, and the forms of Node's and Deno's errors", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  const failed = await fetch(`http://127.0.0.1:${port}/?a=1`).catch((error: unknown) => error);
  assertMatch(whyFetchFailed(failed), /^(connection refused|connect ECONNREFUSED \S+)$/i);
  // as Node 22 and Deno 2.9 word them
  const cases: [Error, string][] = [
    [
      new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED 127.0.0.1:9") }),
      "connect ECONNREFUSED 127.0.0.1:9",
    ],
    [
      new TypeError("fetch failed", {
        cause: Object.assign(new AggregateError([], ""), { code: "ECONNREFUSED" }),
      }),
      "ECONNREFUSED",
    ],
    [
      new TypeError(
        "error sending request for url (http://h/): client error (Connect): tcp connect error: " +
          "Connection refused (os error 111)",
      ),
      "Connection refused",
    ],
  ];
  for (const [error, why] of cases) assertEquals(whyFetchFailed(error), why);
});
