/** Requests to a mock endpoint, and what came of them. */
import type { MockEndpoint } from "../../lib/mock/server.ts";

export type Json = Record<string, unknown>;

/** Posts a body; the answer's JSON. */
export async function posted(mock: MockEndpoint, path: string, body: Json) {
  const response = await fetch(mock.url + path, { method: "POST", body: JSON.stringify(body) });
  // deno-lint-ignore no-explicit-any
  return { status: response.status, body: await response.json() as any };
}

/** Posts a body with stream; the events by type and data, without [DONE]. */
export async function streamed(mock: MockEndpoint, path: string, body: Json) {
  const init = { method: "POST", body: JSON.stringify({ ...body, stream: true }) };
  const text = await (await fetch(mock.url + path, init)).text();
  const events = text.split("\n\n").filter((event) => event !== "");
  return {
    done: events.at(-1) === "data: [DONE]",
    events: events.filter((event) => event !== "data: [DONE]").map((event) => {
      const [, name = null, data] = /^(?:event: (.*)\n)?data: (.*)$/.exec(event)!;
      // deno-lint-ignore no-explicit-any
      return { name, json: JSON.parse(data) as any };
    }),
  };
}

/** A chat's only message. */
export const says = (content: string) => ({ messages: [{ role: "user", content }] });
