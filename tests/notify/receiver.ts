/** A receiver of callbacks: a real HTTP server that keeps what it was sent. */
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface Received {
  path: string;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

export interface Receiver extends AsyncDisposable {
  url: string;
  received: Received[];
}

/** @param answer the status of the n-th request, from 0, and further headers. */
export async function receiver(
  answer: (n: number) => { status: number; headers?: Record<string, string> } = () => ({
    status: 204,
  }),
): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (text) => body += text);
    request.on("end", () => {
      received.push({ path: request.url ?? "", headers: request.headers, body });
      const { status, headers = {} } = answer(received.length - 1);
      response.writeHead(status, headers).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The signature as a receiver computes it from the documented rule. */
export function expectedSignature(secret: string, { headers, body }: Received): string {
  const signed = Buffer.concat([
    Buffer.from(String(headers["x-dyno-timestamp"]), "ascii"),
    Buffer.from(".", "ascii"),
    Buffer.from(body, "utf8"),
  ]);
  return "sha256=" + createHmac("sha256", Buffer.from(secret, "utf8")).update(signed).digest("hex");
}
