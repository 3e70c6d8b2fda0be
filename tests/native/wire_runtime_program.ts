// deno-lint-ignore-file no-console
/** Streams of the paced server over the wire, by TLS, and what came of them as JSON. */
import process from "node:process";
import { USUAL_TLS } from "../../lib/endpoint/tls.ts";
import { WireTransport } from "../../lib/endpoint/wire.ts";
import { nativeLibrary } from "../../lib/native/library.ts";
import { PacedServer } from "../../lib/native/pace.ts";

const STREAMS = 50;

const { library, reason } = await nativeLibrary();
if (!library) throw new Error(reason);
const [cert, key] = process.argv.slice(2);
const server = new PacedServer(library, { tokens: 20, interval_us: 5000, cert, key });
const tls = { ...USUAL_TLS, ca: cert };
const transport = new WireTransport(library);
let events = 0;
let late = 0;
const exchanges = await Promise.all(
  Array.from({ length: STREAMS }, () =>
    new Promise<string>((resolve) => {
      transport.send({
        method: "POST",
        url: new URL(`${server.url}/v1/chat/completions`),
        headers: { "content-type": "application/json" },
        body: "{}",
        timeout_s: 20,
        tls,
      }, {
        onEvent: (data, t_ns) => {
          events++;
          const stamp = /"content":" (\d{19})"/.exec(data);
          if (stamp && t_ns < Number(stamp[1])) late++; // read before it was sent
        },
        onErrorEvent() {},
        onEnd: ({ status }, error) => resolve(error?.message ?? String(status)),
      });
    })),
);
await transport[Symbol.asyncDispose]();
server[Symbol.dispose]();
const { bridge } = library;
const statuses = [...new Set(exchanges)];
console.log(JSON.stringify({ bridge, statuses, events, before_it_was_sent: late }));
