/** When the wire hands over events: a server that sends the next one only once the last has been seen. */
import { createServer, type Socket } from "node:net";
import { assert, assertEquals } from "@std/assert";
import { WireTransport } from "../../lib/endpoint/wire.ts";
import { nativeLibrary } from "../../lib/native/library.ts";

const EVENTS = 10;

/** Milliseconds that an answer takes whose events wait for one another. */
async function roundTrips(eager: boolean): Promise<number> {
  const { library, reason } = await nativeLibrary();
  if (!library) throw new Error(reason);
  let client: Socket | null = null;
  const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
  const server = createServer((socket) => {
    client = socket;
    socket.once("data", () => {
      const head = "content-type: text/event-stream\r\ntransfer-encoding: chunked";
      socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${chunk("data: 0\n\n")}`);
    });
  });
  const port = await new Promise<number>((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port))
  );
  await using transport = new WireTransport(library);
  const seen: string[] = [];
  const begun = performance.now();
  await new Promise<void>((resolve, reject) => {
    const url = new URL(`http://127.0.0.1:${port}/`);
    const request = { method: "POST" as const, url, headers: {}, body: "{}", timeout_s: 60, eager };
    transport.send(request, {
      onEvent(data) {
        seen.push(data);
        client!.write(seen.length < EVENTS ? chunk(`data: ${seen.length}\n\n`) : "0\r\n\r\n");
      },
      onErrorEvent() {},
      onEnd: (_, error) => error ? reject(error) : resolve(),
    });
  });
  const took_ms = performance.now() - begun;
  server.close();
  assertEquals(seen, Array.from({ length: EVENTS }, (_, i) => String(i)));
  return took_ms;
}

Deno.test("events of an eager request do not wait for others", async () => {
  const usual_ms = await roundTrips(false), eager_ms = await roundTrips(true);
  assert(eager_ms < usual_ms / 2, `${eager_ms} ms, ${usual_ms} ms`);
});
