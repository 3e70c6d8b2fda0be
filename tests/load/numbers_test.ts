/** Loads of rankings and of scores: the bodies as vLLM's documentation has them, and their figures. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { loadTable } from "../../lib/cli/load/load_table.ts";
import { detectApiType } from "../../lib/endpoint/api_type.ts";
import { Reply } from "../../lib/endpoint/answer.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { failureOf, whole } from "../endpoint/forms/fixture.ts";
import { load } from "./fixture.ts";
import type { Palette } from "../../lib/cli/ui/terminal.ts";

const same = (text: string) => text;
const bare: Palette = { bold: same, dim: same, good: same, bad: same, warn: same, accent: same };
const words = (text: string) => text.split(" ").length;

Deno.test("forms by their URLs", () => {
  for (const path of ["rerank", "v1/rerank", "v2/rerank/"]) {
    assertEquals(detectApiType(`http://h/${path}`), "rerank");
  }
  for (const path of ["score", "v1/score"]) {
    assertEquals(detectApiType(`http://h/${path}`), "score");
  }
});

Deno.test("a list whose entries have no numbers is no answer", () => {
  for (const embedding of [[0.5], "AACAPw==", [[0.5], [1]]]) {
    assert(!whole("embeddings", { data: [{ index: 0, embedding }] }).empty);
  }
  for (const data of [[], [{}], [{ embedding: [] }], [{ embedding: null }], [{ embedding: "" }]]) {
    assertEquals(
      failureOf(() => whole("embeddings", { data })),
      "empty_reply",
      JSON.stringify(data),
    );
  }
  assertEquals(
    failureOf(() => whole("embeddings", { data: [{ embedding: [1] }, { embedding: [] }] })),
    "empty_reply",
  );
  assert(!whole("score", { data: [{ score: 0 }] }).empty);
  assertEquals(failureOf(() => whole("score", { data: [{ score: null }] })), "empty_reply"); // NaN
  assert(!whole("rerank", { results: [{ index: 0, relevance_score: -1.5 }] }).empty);
});

Deno.test("made-up prompts become a query with documents, or a pair, of as many tokens", async (t) => {
  await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.005 } });
  const settings = { model: "mock", concurrency: 2, requests: 8, input_tokens: 40 };
  const bodies = () =>
    // deno-lint-ignore no-explicit-any
    mock.requests.filter(({ method }) => method === "POST").map(({ body }) => body as any);

  await t.step("rerank", async () => {
    using run = await load({ ...settings, endpoint: `${mock.url}/v1/rerank` });
    for (const body of bodies()) {
      assertEquals(Object.keys(body).sort(), ["documents", "model", "query"]);
      assertEquals(body.documents.length, 3);
      const all = [body.query, ...body.documents];
      assertEquals(new Set(all.map(words)).size, 1);
    }
    const { total } = run.results;
    assertEquals([total.requests.successful, total.output_tokens_per_s], [8, null]);
    // each document is read with the query: by the bodies that the mock got
    const tokens = bodies().map(({ query, documents }) =>
      documents.length * words(query) + documents.map(words).reduce((a: number, b: number) => a + b)
    );
    assertEquals(total.prompt_tokens_mean, tokens.reduce((a, b) => a + b) / 8);
    assert(total.metrics.e2e_ms!.p50 >= 5 && total.metrics.ttft_ms === null);
    const table = loadTable(run.results, bare).join("\n");
    assertStringIncludes(table, "prompt tok/s");
  });

  await t.step("score", async () => {
    mock.clearRequests();
    using run = await load({ ...settings, endpoint: `${mock.url}/score` });
    assertEquals(run.results.total.requests.successful, 8);
    for (const body of bodies()) {
      assertEquals(Object.keys(body).sort(), ["model", "text_1", "text_2"]);
      assertEquals(words(body.text_1), words(body.text_2));
    }
  });

  await t.step("documents that are given stay as they are", async () => {
    mock.clearRequests();
    const documents = ["Paris is in France", "Rome is in Italy"];
    using run = await load({
      ...settings,
      endpoint: `${mock.url}/v1/rerank`,
      input_tokens: undefined,
      prompt: "where is Paris",
      body: { documents, top_n: 1 },
    });
    assertEquals(run.results.total.requests.successful, 8);
    assertEquals(bodies()[0], { model: "mock", query: "where is Paris", documents, top_n: 1 });
  });

  await t.step("rows of a dataset with documents of their own", async () => {
    mock.clearRequests();
    using folder = temporaryFolder();
    const path = `${folder.path}/rows.jsonl`;
    const documents = ["a b", "c"];
    const rows: [endpoint: string, row: unknown, body: unknown][] = [
      ["/rerank", { prompt: "q", documents }, { query: "q", documents }],
      ["/rerank", { query: "q", documents, top_n: 1 }, { query: "q", documents, top_n: 1 }],
      ["/score", { text_1: "q", text_2: documents }, { text_1: "q", text_2: documents }],
    ];
    for (const [endpoint, row, body] of rows) {
      await Deno.writeTextFile(path, JSON.stringify(row));
      using run = await load({
        endpoint: mock.url + endpoint,
        model: "mock",
        prompts: path,
        concurrency: 1,
        requests: 1,
      });
      assertEquals([run.results.total.requests.successful, run.results.notes], [1, []]);
      assertEquals(bodies().at(-1), { model: "mock", ...body as object });
    }
  });
});

Deno.test("answers in the forms of vLLM, Jina, Cohere and Voyage; others are malformed", () => {
  const read = (api_type: "rerank" | "score", body: unknown) => {
    const reply = new Reply(api_type);
    reply.body(JSON.stringify(body));
    reply.end();
    return [reply.prompt_tokens, reply.counted()];
  };
  const untold = { completion_tokens: null, token_source: null };
  const one = { index: 0, relevance_score: 0.5 };
  // docs.vllm.ai, "Re-rank API": usage tells the sum alone
  assertEquals(read("rerank", { results: [one], usage: { total_tokens: 56 } }), [56, untold]);
  assertEquals(read("rerank", { data: [one], usage: { total_tokens: 7 } }), [7, untold]); // Voyage
  assertEquals(read("rerank", { results: [one], meta: { billed_units: { search_units: 1 } } }), [
    null,
    untold,
  ]);
  assertEquals(
    read("score", {
      data: [{ index: 0, score: 1 }],
      usage: { prompt_tokens: 4, total_tokens: 4, completion_tokens: 0 },
    })[0],
    4,
  );
  for (const wrong of [{}, { results: 3 }, { results: [] }]) {
    let message = "";
    try {
      read("rerank", wrong);
    } catch (error) {
      message = String(error);
    }
    assert(/no list of results|empty/.test(message), message);
  }
});
