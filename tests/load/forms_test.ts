/**
 * Loads of every form besides OpenAI's, over both transports: what the mock made is what the load counts,
 * and what a form does not tell is unknown. Figures are recomputed from the bodies that the mock got.
 */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadTable } from "../../lib/cli/load/load_table.ts";
import { settleApi } from "../../lib/endpoint/api.ts";
import { EndpointClient } from "../../lib/endpoint/client.ts";
import { openTransport } from "../../lib/endpoint/open_transport.ts";
import { InputError } from "../../lib/errors.ts";
import { errorModes } from "../../lib/mock/faults/catalogue.ts";
import { resumeLoad } from "../../lib/load/resume.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { partTable, stageTable } from "../../lib/report/load/stage_table.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { load } from "./fixture.ts";
import type { Palette } from "../../lib/cli/ui/terminal.ts";
import type { LoadSettings } from "../../lib/settings/load.ts";

const same = (text: string) => text;
const bare: Palette = { bold: same, dim: same, good: same, bad: same, warn: same, accent: same };

interface Row {
  path: string;
  settings?: LoadSettings;
  /** Of its three tokens by whom they are counted, and whether a first one is seen. */
  source: "usage" | "events" | null;
  first: boolean;
  prompt: number | null;
  posted: string;
}

const whole = { stream: false };
const KSERVE = "/v2/models/mock/generate";
const ROWS: Row[] = [
  { path: "/generate", source: "usage", first: true, prompt: 20, posted: "/generate_stream" },
  {
    path: "/generate",
    settings: whole,
    source: "usage",
    first: false,
    prompt: null,
    posted: "/generate",
  },
  { path: KSERVE, source: "events", first: true, prompt: null, posted: `${KSERVE}_stream` },
  { path: KSERVE, settings: whole, source: null, first: false, prompt: null, posted: KSERVE },
  {
    path: "/v2/models/mock/versions/1/infer",
    source: null,
    first: false,
    prompt: null,
    posted: "/v2/models/mock/versions/1/infer",
  },
  { path: "/completion", source: "usage", first: true, prompt: 20, posted: "/completion" },
  {
    path: "/completion",
    settings: whole,
    source: "usage",
    first: false,
    prompt: 20,
    posted: "/completion",
  },
];

for (const transport of ["wire", "portable"] as const) {
  Deno.test(`texts in the forms of other servers (${transport})`, async (t) => {
    await using mock = await MockEndpoint.start({
      behaviour: { tokens_per_second: 200 },
      model: "mock",
    });
    for (const { path, settings = {}, source, first, prompt, posted } of ROWS) {
      await t.step(`${path}${settings.stream === false ? ", whole" : ""}`, async () => {
        mock.clearRequests();
        using run = await load({
          endpoint: `${mock.url}${path}`,
          model: "mock",
          concurrency: 2,
          requests: 4,
          input_tokens: 20,
          transport,
          ...settings,
        });
        const { total } = run.results;
        assertEquals([total.requests.successful, total.errors], [4, {}]);
        const posts = mock.requests.filter(({ method }) => method === "POST");
        assertEquals(posts.map(({ path }) => path), Array(4).fill(posted));
        assertEquals(posts.map(({ tokens }) => tokens?.completion), Array(4).fill(3));
        for (const record of run.records) {
          assertEquals([record.prompt_tokens, record.token_source], [prompt, source]);
          assertEquals(record.completion_tokens, source === null ? null : 3);
          assertEquals(record.token_events, first ? 3 : 0);
        }
        assertEquals(total.metrics.ttft_ms !== null, first);
        assertEquals(total.output_tokens_per_s !== null, source !== null);
        assertEquals(total.media, undefined);
        assertEquals(partTable("model", [total], run.results).includes("images/s"), false);
      });
    }
  });

  Deno.test(`sound and images: seconds, images and bytes, and no tokens (${transport})`, async (t) => {
    await using mock = await MockEndpoint.start();
    const common = { model: "mock", concurrency: 2, requests: 4, input_tokens: 20, transport };
    await t.step("transcription", async () => {
      using run = await load({
        ...common,
        endpoint: `${mock.url}/v1/audio/transcriptions`,
        audio: "1500ms",
      });
      const { total } = run.results;
      assertEquals(total.requests.successful, 4);
      // not the whole seconds that the mock bills
      assertEquals(total.media!.audio_s_mean, 1.5);
      const rate = total.media!.audio_s_per_s!;
      assert(Math.abs(rate / total.requests_per_s! - 1.5) < 1e-9, `${rate}`);
      assertEquals([total.media!.images_per_s, total.media!.bytes_mean], [null, null]);
      assertEquals(total.token_sources, { events: 4 });
      assertStringIncludes(loadTable(run.results, bare).join("\n"), "s/s");
    });
    await t.step("speech", async () => {
      mock.clearRequests();
      using run = await load({ ...common, endpoint: `${mock.url}/v1/audio/speech` });
      const { total } = run.results;
      // the mock speaks a word in a twentieth of a second: 8,000 bytes a second behind a head of 44
      assertEquals(total.media, {
        ...total.media!,
        audio_s_mean: 1,
        bytes_mean: 8044,
        images_mean: null,
      });
      assertEquals([total.output_tokens_per_s, total.prompt_tokens_mean], [null, null]);
      assertEquals([total.metrics.ttft_ms, total.metrics.e2e_ms !== null], [null, true]);
      assertEquals(run.results.total_cost_usd, null);
    });
    await t.step("images", async () => {
      using run = await load({
        ...common,
        endpoint: `${mock.url}/v1/images/generations`,
        body: { n: 3 },
      });
      const { media, requests_per_s } = run.results.total;
      assertEquals([media!.images_mean, media!.audio_s_mean], [3, null]);
      assert(Math.abs(media!.images_per_s! / requests_per_s! - 3) < 1e-9);
      assertStringIncludes(loadTable(run.results, bare).join("\n"), "images/s");
      // in the report too: of the stages, and of parts such as models and shards
      assertStringIncludes(stageTable(run.results), "images/s");
      assertStringIncludes(partTable("model", [run.results.total], run.results), "images/s");
    });
  });
}

Deno.test("every fault is counted in its class, whatever the form", async (t) => {
  await using mock = await MockEndpoint.start({ model: "mock" });
  await using transport = await openTransport({});
  /** What a form cannot show: a missing end where no mark ends it, JSON or a wrong type in what is a file. */
  const UNSEEN: Record<string, readonly string[]> = {
    [KSERVE]: ["no_finish"],
    "/v2/models/mock/infer": ["usage_not_a_number"],
    "/generate": [],
    "/completion": [],
    "/v1/audio/transcriptions": ["empty_reply"], // of silence
    "/v1/audio/speech": ["malformed_event", "usage_not_a_number", "wrong_type"],
    "/v1/images/generations": ["usage_not_a_number"],
    "/v1/embeddings": [],
  };
  // what takes its time is held by tests/endpoint/client_test.ts
  const modes = errorModes.filter(({ name, failure }) =>
    failure !== "timeout" && !/slow|flood|endless|late|stall|hang|stream_options/.test(name)
  );
  const input_audio = { data: "UklGRg==", format: "wav" };
  const sound = [{ role: "user", content: [{ type: "input_audio", input_audio }] }];
  for (const [path, unseen] of Object.entries(UNSEEN)) {
    await t.step(path, async () => {
      const settings = {
        endpoint: `${mock.url}${path}`,
        model: "mock",
        retry_attempts: 0,
        timeout: 2,
      };
      const client = new EndpointClient(settleApi(settings, () => {}), transport);
      const question = path.endsWith("transcriptions") ? { messages: sound } : { prompt: "a b c" };
      const found: unknown[] = [], expected: unknown[] = [];
      for (const { name, failure } of modes) {
        if (unseen.includes(name)) continue;
        mock.configure({ error_mode: name });
        const { error } = await client.ask(question, new AbortController().signal);
        found.push([name, error?.failure ?? null]);
        expected.push([name, failure]);
      }
      assertEquals(found, expected);
    });
  }
});

Deno.test("any JSON endpoint by a template, and payloads as they are", async (t) => {
  await using mock = await MockEndpoint.start({ behaviour: { tokens_per_second: 200 } });
  using folder = temporaryFolder();
  const request_template = join(folder.path, "template.json");
  const paths = {
    text: "content",
    prompt_tokens: "tokens_evaluated",
    completion_tokens: "tokens_predicted",
  };
  const template = {
    body: { prompt: "{{prompt}}", n_predict: "{{max_tokens}}", stream: "{{stream}}" },
    answer: paths,
    event: { ...paths, finish_reason: "stop_type" },
  };
  writeFileSync(request_template, JSON.stringify(template));
  const common = { endpoint: `${mock.url}/completion`, model: "mock", concurrency: 2 };

  await t.step("the figures are those of the form that dyno speaks itself", async () => {
    using own = await load({ ...common, requests: 4, output_tokens: 2, prompt_seed: 5 });
    mock.clearRequests();
    using told = await load({
      ...common,
      requests: 4,
      output_tokens: 2,
      prompt_seed: 5,
      request_template,
    });
    const facts = ({ records }: typeof own) =>
      records.map((record) => [
        record.prompt_tokens,
        record.completion_tokens,
        record.token_source,
        record.token_events,
        record.finish_reason,
      ]);
    assertEquals(facts(told), facts(own));
    assertEquals(facts(told)[0].slice(1), [2, "usage", 2, "limit"]);
    assertEquals(told.results.api_type, "template");
    // summed up again without the template's file, by the copy in the run's folder
    rmSync(request_template);
    assertEquals((await resumeLoad(told.directory)).results, told.results);
  });

  await t.step("payloads", async () => {
    const payloads = [
      { prompt: "a b c", n_predict: 1, stream: true, extra: { deep: [1] } },
      { prompt: ["x"], stream: true, max_tokens: 2 },
    ];
    const prompts = join(folder.path, "payloads.jsonl");
    writeFileSync(prompts, payloads.map((payload) => JSON.stringify({ payload })).join("\n"));
    writeFileSync(request_template, JSON.stringify({ ...template, body: undefined }));
    mock.clearRequests();
    using run = await load({ ...common, concurrency: 1, requests: 2, prompts, request_template });
    assertEquals(run.results.total.requests.successful, 2);
    const bodies = mock.requests.filter(({ method }) => method === "POST").map(({ body }) => body);
    assertEquals(bodies, payloads);
    // without a template a payload is of a form that is known, or refused
    writeFileSync(prompts, JSON.stringify({ payload: { anything: 1 } }));
    const error = await assertRejects(
      () => load({ ...common, requests: 1, prompts }),
      InputError,
    );
    assertStringIncludes(error.message, "--request-template");
  });
});
