/** OpenTelemetry by Deno's exporter, against a receiver of OTLP over HTTP. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "@std/path";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { telemetryAsked } from "../../lib/prometheus/telemetry_asked.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { dyno } from "../e2e/dyno.ts";
import { temporaryFolder } from "../native/fixtures.ts";
import { genAiProvider } from "../../lib/prometheus/telemetry.ts";

type AnyValue = {
  stringValue?: string;
  intValue?: string | number;
  doubleValue?: number;
  arrayValue?: { values: AnyValue[] };
};
type Attribute = { key: string; value: AnyValue };

interface OtlpSpan {
  name: string;
  kind: number;
  traceId: string;
  spanId: string;
  parentSpanId: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: Attribute[];
  status?: { code?: number };
}

interface OtlpMetric {
  name: string;
  unit: string;
  histogram: { dataPoints: { attributes: Attribute[]; count: string | number; sum: number }[] };
}

/** Takes what is exported, as JSON. */
class OtlpReceiver implements AsyncDisposable {
  readonly spans: OtlpSpan[] = [];
  readonly metrics: OtlpMetric[] = [];
  readonly services = new Set<string>();
  text = "";
  readonly #server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => this.#take(request),
  );

  get env(): Record<string, string> {
    return {
      OTEL_DENO: "true",
      OTEL_SERVICE_NAME: "dyno-test",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${this.#server.addr.port}`,
    };
  }

  /** The values of a metric's points by one attribute: their sum and count. */
  points(name: string, attribute: string): Record<string, { count: number; sum: number }> {
    const last = this.metrics.findLast((metric) => metric.name === name);
    return Object.fromEntries(
      last?.histogram.dataPoints.map(({ attributes, count, sum }) => [
        String(valuesOf(attributes)[attribute]),
        { count: Number(count), sum },
      ]) ?? [],
    );
  }

  async #take(request: Request): Promise<Response> {
    const body = await request.text();
    this.text += body;
    const { resourceSpans = [], resourceMetrics = [] } = JSON.parse(body);
    for (const { resource, scopeSpans } of resourceSpans) {
      this.services.add(String(valuesOf(resource.attributes)["service.name"]));
      for (const { spans } of scopeSpans) this.spans.push(...spans);
    }
    for (const { scopeMetrics } of resourceMetrics) {
      for (const { scope, metrics } of scopeMetrics) {
        if (scope.name === "dyno") this.metrics.push(...metrics);
      }
    }
    return Response.json({});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

function valueOf(value: AnyValue): unknown {
  if (value.arrayValue) return value.arrayValue.values.map(valueOf);
  if (value.intValue !== undefined) return Number(value.intValue);
  return value.stringValue ?? value.doubleValue;
}

function valuesOf(attributes: Attribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, valueOf(value)]));
}

const seconds = ({ startTimeUnixNano, endTimeUnixNano }: OtlpSpan) =>
  Number(BigInt(endTimeUnixNano) - BigInt(startTimeUnixNano)) / 1e9;

Deno.test("dyno run: a span for each request, by the conventions, and nothing of what was said", async () => {
  using folder = temporaryFolder();
  await using receiver = new OtlpReceiver();
  await using mock = await MockEndpoint.start({
    model: "m",
    behaviour: {
      default_response: "an unmistakable answer",
      tokens_per_second: 50,
      error_mode: "rate_limit",
      fault_count: 1,
    },
  });
  const tests = [1, 2, 3].map((i) => ({
    id: `t${i}`,
    name: `Test ${i}`,
    category: "c",
    prompt: `a most secret prompt ${i}`,
  }));
  writeFileSync(join(folder.path, "s.json"), JSON.stringify({ test_suite_id: "s", tests }));
  const flags = ["--workers", "1", "--retry-attempts", "0", "--sample-rate", "0", "--out", "runs"];
  const { code, stderr } = await dyno(
    ["run", "s.json", "--endpoint", `${mock.url}/v1`, ...flags],
    { cwd: folder.path, env: { ...receiver.env, OPENAI_API_KEY: "sk-do-not-send" } },
  );
  assertEquals(code, 1, stderr);
  const [run, ...others] = receiver.spans.filter(({ name }) => name === "dyno suite");
  assertEquals(others, []);
  assertEquals(receiver.services, new Set(["dyno-test"]));
  const [run_id] = readdirSync(join(folder.path, "runs")).filter((name) => /^bench_/.test(name));
  assertEquals(valuesOf(run.attributes)["dyno.run_id"], run_id);
  const chats = receiver.spans.filter(({ name }) => name === "chat m");
  assertEquals(chats.length, 3);
  const items = JSON.parse(
    readFileSync(join(folder.path, "runs", run_id, "results.json"), "utf8"),
  ).items;
  for (const span of chats) {
    assertEquals([span.kind, span.parentSpanId, span.traceId], [3, run.spanId, run.traceId]);
    const attributes = valuesOf(span.attributes);
    assertEquals(attributes["gen_ai.operation.name"], "chat");
    assertEquals(attributes["gen_ai.request.model"], "m");
    assertEquals(attributes["server.address"], "127.0.0.1");
    assertEquals(attributes["server.port"], mock.port);
    if (attributes["error.type"] !== undefined) {
      assertEquals([attributes["error.type"], span.status?.code], ["http_429", 2]);
      continue;
    }
    const item = items.find(({ test_id }: { test_id: string }) =>
      test_id === attributes["dyno.test_id"]
    );
    assertEquals(attributes["gen_ai.usage.input_tokens"], item.prompt_tokens);
    assertEquals(attributes["gen_ai.usage.output_tokens"], item.completion_tokens);
    assertEquals(attributes["gen_ai.response.finish_reasons"], ["stop"]);
    assert(Math.abs(seconds(span) - item.execution_time) < 1e-3, "its own time, not the journal's");
  }
  assertEquals(chats.filter(({ status }) => status?.code === 2).length, 1);
  const durations = receiver.points("gen_ai.client.operation.duration", "error.type");
  assertEquals([durations.http_429.count, durations.undefined.count], [1, 2]);
  const tokens = receiver.points("gen_ai.client.token.usage", "gen_ai.token.type");
  assertEquals(Object.keys(tokens).sort(), ["input", "output"]);
  assertEquals(tokens.output.count, 2);
  assertEquals(
    receiver.points("gen_ai.server.time_to_first_token", "gen_ai.request.model").m.count,
    2,
  );
  for (const secret of ["unmistakable", "most secret", "sk-do-not-send"]) {
    assert(!receiver.text.includes(secret), `${secret} was sent`);
  }
});

Deno.test("dyno load: spans and histograms have what its journal has", async () => {
  using folder = temporaryFolder();
  await using receiver = new OtlpReceiver();
  await using mock = await MockEndpoint.start({
    model: "m",
    behaviour: { default_response: "one two three four", tokens_per_second: 100 },
  });
  const flags = ["--concurrency", "2", "--requests", "12", "--sample-rate", "0", "--out", "runs"];
  const { code, stderr } = await dyno(
    ["load", "--endpoint", `${mock.url}/v1`, "--prompt", "Count to four.", ...flags],
    { cwd: folder.path, env: receiver.env },
  );
  assertEquals(code, 0, stderr);
  const chats = receiver.spans.filter(({ name }) => name === "chat m");
  assertEquals(chats.length, 12);
  const numbers = chats.map(({ attributes }) => valuesOf(attributes)["dyno.request"] as number);
  assertEquals(numbers.sort((a, b) => a - b), Array.from({ length: 12 }, (_, i) => i));
  const load = receiver.spans.find(({ name }) => name === "dyno load")!;
  for (const span of chats) {
    assertEquals(span.parentSpanId, load.spanId);
    assert(seconds(span) > 0.02);
  }
  const { count, sum } = receiver.points(
    "gen_ai.server.time_per_output_token",
    "gen_ai.request.model",
  ).m;
  assertEquals(count, 12);
  assert(sum / count > 0.005);
});

Deno.test("without OTEL_* nothing is asked for; Deno's own switch is missed with a hint", async () => {
  const none = { asked: false, problem: null };
  assertEquals(telemetryAsked({}), none);
  assertEquals(telemetryAsked({ OTEL_DENO: "false" }), none);
  assertEquals(telemetryAsked({ OTEL_DENO: "true", OTEL_SDK_DISABLED: "true" }), none);
  assertEquals(telemetryAsked({ OTEL_DENO: "true" }), { asked: true, problem: null });
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318" };
  assertMatch(telemetryAsked(endpoint).problem!, /OTEL_DENO=true/);
  using folder = temporaryFolder();
  const sample = ["sample", "--duration", "0.1", "--metrics", "memory"];
  const { stderr } = await dyno(sample, { cwd: folder.path, env: endpoint });
  assertStringIncludes(stderr, "OTEL_DENO=true");
});

Deno.test("a provider has its name of the conventions, by host, preset or form", () => {
  const cases: [string | null, string | null, string, string][] = [
    ["https://api.openai.com/v1/chat/completions", null, "chat", "openai"],
    ["https://api.anthropic.com/v1/messages", null, "messages", "anthropic"],
    ["http://127.0.0.1:9/v1/messages", null, "messages", "anthropic"],
    [
      "https://x.openai.azure.com/openai/deployments/a/chat/completions",
      null,
      "chat",
      "azure.ai.openai",
    ],
    ["https://x.services.ai.azure.com/models/chat/completions", null, "chat", "azure.ai.inference"],
    [
      "https://bedrock-runtime.eu-west-1.amazonaws.com/model/m/converse",
      null,
      "converse",
      "aws.bedrock",
    ],
    [
      "https://generativelanguage.googleapis.com/v1beta/models/m:generateContent",
      null,
      "gemini",
      "gcp.gemini",
    ],
    [
      "https://europe-west1-aiplatform.googleapis.com/v1/x:generateContent",
      null,
      "gemini",
      "gcp.vertex_ai",
    ],
    ["https://api.groq.com/openai/v1/chat/completions", "groq", "chat", "groq"],
    ["https://api.mistral.ai/v1/chat/completions", null, "chat", "mistral_ai"],
    ["https://api.x.ai/v1/chat/completions", "xai", "chat", "x_ai"],
    ["https://api.deepseek.com/v1/chat/completions", null, "chat", "deepseek"],
    ["https://api.cohere.com/v2/rerank", null, "rerank", "cohere"],
    ["https://openrouter.ai/api/v1/chat/completions", null, "chat", "openrouter"],
    ["http://10.0.0.7:8000/v1/chat/completions", "vllm", "chat", "vllm"],
    ["http://127.0.0.1:8000/v1/chat/completions", null, "chat", "openai"], // whoever it is
    ["http://10.0.0.7:8080/generate", null, "tgi", "tgi"],
    ["http://10.0.0.7:8080/any", null, "template", "unknown"],
    [null, null, "chat", "openai"],
  ];
  for (const [endpoint, preset, form, name] of cases) {
    assertEquals([endpoint, genAiProvider(endpoint, preset, form)], [endpoint, name]);
  }
});
