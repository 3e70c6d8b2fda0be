/** A closed loop's first requests: made and connected before they are due, each on one connection. */
import { assert, assertEquals } from "@std/assert";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { load } from "./fixture.ts";
import type { LoadSettings } from "../../lib/settings/load.ts";

const PLACES = 24;

const settings = (endpoint: string): LoadSettings => ({
  endpoint,
  model: "mock",
  concurrency: PLACES,
  requests: 3 * PLACES,
  input_tokens: 8,
  output_tokens: 4,
  transport: "wire",
});

Deno.test("places are connected before the clock starts, once each", async () => {
  await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.02 } });
  using run = await load(settings(`${mock.url}/v1`));
  const first = run.records.toSorted((a, b) => a.request - b.request).slice(0, PLACES);
  // one connection was there already: the list of models was asked on it
  const ahead = first.filter(({ connected_ahead }) => connected_ahead);
  assertEquals(ahead.length, PLACES - 1);
  assert(ahead.every(({ connect_ns }) => connect_ns! > 0), "how long it took is told");
  const later = run.records.filter(({ request }) => request >= PLACES);
  assertEquals(later.filter(({ connect_ns }) => connect_ns !== null).length, 0);
  // by the server's own count: no more connections than places
  const asked = mock.requests.filter(({ method }) => method === "POST");
  assertEquals(new Set(asked.map(({ connection }) => connection)).size, PLACES);
});

Deno.test("a server that closes what is connected ahead gets its requests all the same", async () => {
  await using mock = await MockEndpoint.start();
  let opened = 0, closed = 0;
  const { port } = new URL(mock.url);
  const proxy = createServer((client) => {
    client.on("error", () => {});
    if (opened++ > 0 && closed < 10) { // the first one asks for the models
      closed++;
      client.destroy();
      return;
    }
    const server = connect(Number(port), "127.0.0.1");
    server.on("error", () => client.destroy());
    client.pipe(server).pipe(client);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  try {
    const at = (proxy.address() as AddressInfo).port;
    using run = await load(settings(`http://127.0.0.1:${at}/v1`));
    assertEquals(closed, 10);
    assertEquals(run.results.total.requests.failed, 0);
  } finally {
    await new Promise((resolve) => proxy.close(resolve));
  }
});
