/**
 * Streams that the network cuts anywhere: a proxy hands an answer on byte by byte, with pauses inside letters and
 * line ends, or breaks it off. It is read as it was sent, or fails in its class, within its time.
 */
import net from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { assertEquals } from "@std/assert";
import { configureApi } from "../../lib/endpoint/api.ts";
import { EndpointClient } from "../../lib/endpoint/client.ts";
import { openTransport } from "../../lib/endpoint/open_transport.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { hasOpenssl, selfSigned, textsOf } from "./tls_fixture.ts";
import type { Buffer } from "node:buffer";

const TEXT = "ä 你好 🙂 é ".repeat(8) + "end";
const pause = () => new Promise((resolve) => setImmediate(resolve));

/** Hands bytes on; `at` is how many went before. */
type Way = (bytes: Buffer, client: Socket, at: number) => unknown;

/** Hands them on in pieces that end where `ends` says. */
const inPieces = (ends: (byte: number) => boolean): Way => async (bytes, client) => {
  let from = 0;
  for (let i = 0; i < bytes.length && !client.destroyed; i++) {
    if (!ends(bytes[i]) && i < bytes.length - 1) continue;
    client.write(bytes.subarray(from, from = i + 1));
    await pause();
  }
};
/** Hands on so many bytes in all, of an answer of some thousand, and then does something else. */
const CUT = 2000;
const until = (then: (client: Socket) => void): Way => (bytes, client, at) => {
  if (at < CUT) client.write(bytes.subarray(0, CUT - at));
  if (at < CUT && at + bytes.length >= CUT) then(client);
};

const ways: Record<string, [Way, string | null]> = {
  "byte by byte": [inPieces(() => true), null],
  "with pauses within letters and line ends": [
    inPieces((byte) => byte >= 0x80 || byte === 13),
    null,
  ],
  "until a reset": [until((client) => client.resetAndDestroy()), "truncated"],
  "until an end": [until((client) => client.end()), "truncated"],
  "until it stops": [until(() => {}), "timeout"],
};

for (const scheme of ["http", "https"]) {
  for (const only of ["wire", "portable"] as const) {
    Deno.test({
      name: `an answer that the network cuts (${scheme}, ${only})`,
      ignore: scheme === "https" && !hasOpenssl,
      fn: async (t) => {
        using place = temporaryFolder();
        const pair = scheme === "https" ? selfSigned(place.path, "a", "IP:127.0.0.1") : null;
        await using mock = await MockEndpoint.start({
          model: "m",
          behaviour: { default_response: TEXT, tokens_per_second: 5000 },
          ...(pair === null ? {} : { tls: textsOf(pair) }),
        });
        for (const [name, [way, failure]] of Object.entries(ways)) {
          await t.step(name, async () => {
            const proxy = net.createServer((client) => {
              const server = net.connect(mock.port, "127.0.0.1");
              client.setNoDelay(true).on("error", () => {}).on("close", () => server.destroy());
              client.on("data", (bytes) => server.write(bytes));
              let at = 0, last: Promise<unknown> = Promise.resolve();
              server.on("error", () => {}).on("data", (bytes) => {
                const before = at;
                at += bytes.length;
                last = last.then(() => way(bytes, client, before));
              });
            });
            await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
            const { port } = proxy.address() as AddressInfo;
            {
              await using transport = await openTransport({ only });
              const api = await configureApi(
                {
                  endpoint: `${scheme}://127.0.0.1:${port}/v1`,
                  model: "m",
                  timeout: failure === "timeout" ? 1 : 60,
                  retry_attempts: 0,
                  ...(pair === null ? {} : { ca: pair.cert }),
                },
                transport,
                () => {},
              );
              const client = new EndpointClient(api, transport);
              const { error, reply } = await client.ask(
                { prompt: "p" },
                new AbortController().signal,
              );
              assertEquals(error?.failure ?? null, failure, error?.message);
              if (failure === null) assertEquals(reply.text, TEXT);
            }
            await new Promise((resolve) => proxy.close(resolve));
          });
        }
      },
    });
  }
}
