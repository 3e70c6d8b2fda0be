/** The OpenAPI document is true: every route is in it, and no request gets an answer that is not. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import { seededRandom } from "../../lib/stats/random.ts";
import { promptTests, temporaryFolder } from "../suite/fixture.ts";
import { getJson, post, serving } from "./fixture.ts";

interface Operation {
  parameters?: { name: string; in: string }[];
  responses: Record<string, { content: Record<string, unknown> }>;
}

interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

interface Schema {
  oneOf?: Schema[];
  properties?: Record<string, unknown>;
}

const FUZZ = 400;

const deep = (levels: number): string => `${"[".repeat(levels)}${"]".repeat(levels)}`;

/** Values that programs stumble over. */
const ODD: unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  -1e308,
  2 ** 53,
  Number.MIN_VALUE,
  "",
  " ",
  "\0",
  "\ud800",
  "é".repeat(3000),
  "x".repeat(20_000),
  "../../../etc/passwd",
  "/dev/zero",
  "/proc/self/mem",
  "file:///etc/passwd",
  "http://[::1]:99999/",
  "http://127.0.0.1:1/%",
  "--out=/",
  "$(id)",
  "{}",
  [],
  [[]],
  {},
  { "": "" },
  { constructor: 1, toString: 2 },
  [null, 1, "a", {}],
  "2026-01-01",
  "rate=1:1s",
  "auto",
];

const VALID: Record<string, unknown>[] = [
  { kind: "suite", suite: "suite.json", endpoint: "http://127.0.0.1:1/v1", model: "m" },
  { kind: "load", endpoint: "http://127.0.0.1:1/v1", model: "m", concurrency: 1, requests: 1 },
  { kind: "sweep", config: { name: "x", matrix: { seeds: [1] } } },
];

Deno.test("every route is in the document, and every operation has a route", async () => {
  using place = temporaryFolder();
  await using server = await serving(place.path, {
    metricsText: () => Promise.resolve({ contentType: "text/plain", text: "a 1\n" }),
  });
  const document = await getJson<Document>(`${server.url}/openapi.json`);
  assertEquals(document.openapi, "3.1.0");
  const documented = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`)
  );
  assertEquals(documented.sort(), server.routes.sort());
  const metrics = await fetch(`${server.url}/metrics`);
  assertEquals([metrics.headers.get("content-type"), await metrics.text()], [
    "text/plain",
    "a 1\n",
  ]);
});

Deno.test("no body, path, query or header gets an answer that is not documented", async () => {
  using place = temporaryFolder();
  const suite = { test_suite_id: "s", tests: promptTests(2) };
  writeFileSync(join(place.path, "suite.json"), JSON.stringify(suite));
  const faults: string[] = [];
  await using server = await serving(place.path, {
    command: ["true"],
    onNotice: (line) => void faults.push(line),
  });
  const { paths, components } = await getJson<Document>(`${server.url}/openapi.json`);
  const seed = Number(Deno.env.get("DYNO_FUZZ_SEED") ?? Math.floor(Math.random() * 2 ** 32));
  const random = seededRandom(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)];
  const names = components.schemas.TaskRequest.oneOf!.flatMap(({ properties }) =>
    Object.keys(properties ?? {})
  );
  const bodyText = (): string => {
    const kind = random();
    if (kind < 0.05) return deep(pick([10, 1000, 200_000]));
    if (kind < 0.1) return JSON.stringify(pick(VALID)).slice(0, Math.floor(random() * 60));
    if (kind < 0.15) {
      return `{"__proto__": {"kind": "suite"}, "kind": "load", "body": ${deep(5000)}}`;
    }
    if (kind < 0.2) {
      return JSON.stringify(VALID[1]).replace(
        /}$/,
        `,"body":{"a":${deep(pick([50, 5000, 300_000]))}}}`,
      );
    }
    if (kind < 0.25) return JSON.stringify(pick(ODD));
    const body: Record<string, unknown> = { ...pick(VALID) };
    for (let n = 1 + Math.floor(random() * 3); n > 0; n--) body[pick(names)] = pick(ODD);
    if (random() < 0.2) delete body[pick(Object.keys(body))];
    return JSON.stringify(body);
  };
  const check = async (operation: Operation, what: string, answer: Response) => {
    const text = await answer.text();
    const told = `seed ${seed}: ${what}: ${answer.status} ${text.slice(0, 300)} ${faults.at(-1)}`;
    const documented = operation.responses[String(answer.status)];
    assert(documented !== undefined && answer.status < 500, told);
    const type = answer.headers.get("content-type")!.split(";")[0];
    assert(type in documented.content, told);
    if (type === "application/json") JSON.parse(text);
  };
  const oddText = () => encodeURIComponent(JSON.stringify(pick(ODD)).slice(0, 200).toWellFormed());
  for (let i = 0; i < FUZZ; i++) {
    const path = pick(Object.keys(paths));
    const method = pick(Object.keys(paths[path]));
    const operation = paths[path][method];
    const query = random() < 0.3
      ? `?${pick(["limit", "status", "before", "since", "offset", "runs", "x"])}=${oddText()}`
      : "";
    const url = server.url + path.replace(/\{\w+\}/, oddText() || "x") + query;
    const headers: Record<string, string> = { "content-type": "application/json" };
    if (random() < 0.2) headers["idempotency-key"] = pick(["a", "b", "a b", "x".repeat(300)]);
    if (random() < 0.2) {
      headers["last-event-id"] = pick(["1.2.3", "-1", "9".repeat(40), "x"]);
    }
    const body = method === "post" ? bodyText() : undefined;
    const answer = body === undefined
      ? await fetch(url, { method: method.toUpperCase(), headers })
      : await post(url, body, headers);
    await check(operation, `${method} ${url} ${body?.slice(0, 500)}`, answer);
  }
  assertEquals(faults, [], `seed ${seed}`);
});
