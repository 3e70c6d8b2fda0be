/**
 * OpenTelemetry: spans for each run and each of its requests, and histograms, by the semantic
 * conventions for generative AI. Prompts and answers are not sent.
 */
import { numberAt, objectAt, textAt } from "../json_fields.ts";
import { dynoVersion } from "../run/metadata.ts";
import { type JournaledRequest, requestIn } from "./requests_of_run.ts";
import { RunFollower } from "./run_follower.ts";
import { provider, providerNames } from "../endpoint/providers.ts";
import type { Attributes, Context, Histogram, HrTime, Span, Tracer } from "@opentelemetry/api";
import type { Recorded, RunEvent } from "../run/events.ts";
import type { FollowedRun } from "./open_metrics.ts";
import type { ApiType } from "../endpoint/forms/forms.ts";

type Api = typeof import("@opentelemetry/api");

const READ_INTERVAL_MS = 1000;
const NS_PER_S = 1e9;
/** The buckets that the conventions specify. */
const DURATION_BUCKETS_S = [
  ...[0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92],
];
const TTFT_BUCKETS_S = [
  ...[0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0],
];
const TPOT_BUCKETS_S = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5];
const TOKEN_BUCKETS = [
  ...[1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864],
];
/** Operations by API; all others are chats. */
const OPERATIONS: Record<string, string> = {
  completions: "text_completion",
  tgi: "text_completion",
  llamacpp: "text_completion",
  kserve: "text_completion",
  kserve_infer: "text_completion",
  embeddings: "embeddings",
  transcription: "generate_content", // the conventions' name for several kinds of content
  speech: "generate_content",
  images: "generate_content",
};

/** Sends telemetry of runs to the exporter that the runtime provides. */
export class Telemetry {
  readonly #api: Api;
  readonly #tracer: Tracer;
  readonly #histograms;

  private constructor(api: Api) {
    this.#api = api;
    this.#tracer = api.trace.getTracer("dyno", dynoVersion);
    const meter = api.metrics.getMeter("dyno", dynoVersion);
    const histogram = (name: string, unit: string, explicitBucketBoundaries: number[]) =>
      meter.createHistogram(name, { unit, advice: { explicitBucketBoundaries } });
    this.#histograms = {
      duration: histogram("gen_ai.client.operation.duration", "s", DURATION_BUCKETS_S),
      tokens: histogram("gen_ai.client.token.usage", "{token}", TOKEN_BUCKETS),
      ttft: histogram("gen_ai.server.time_to_first_token", "s", TTFT_BUCKETS_S),
      tpot: histogram("gen_ai.server.time_per_output_token", "s", TPOT_BUCKETS_S),
    };
  }

  /** Loads OpenTelemetry's API. */
  static async open(): Promise<Telemetry> {
    return new Telemetry(await import("@opentelemetry/api"));
  }

  /** Sends spans and metrics of a run as its journal grows from now on. Disposing sends the rest. */
  follow(path: string): FollowedRun {
    const parts = { api: this.#api, tracer: this.#tracer, histograms: this.#histograms };
    return new TracedRun(path, parts);
  }
}

interface TelemetryParts {
  api: Api;
  tracer: Tracer;
  histograms: Record<"duration" | "tokens" | "ttft" | "tpot", Histogram>;
}

/** Sends the spans of one run, from its journal. */
class TracedRun implements AsyncDisposable {
  readonly #follower: RunFollower;
  readonly #parts: TelemetryParts;
  readonly #timer: ReturnType<typeof setInterval>;
  #run: { span: Span; context: Context; facts: RunFacts } | null = null;
  #last_s = 0;

  constructor(path: string, parts: TelemetryParts) {
    this.#follower = new RunFollower(path, true);
    this.#parts = parts;
    const read = () => void this.#read().catch(() => {}); // a lasting error is reported at the end
    this.#timer = setInterval(read, READ_INTERVAL_MS);
  }

  #read(): Promise<void> {
    return this.#follower.read((event) => this.#take(event));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    try {
      await this.#read();
    } finally {
      this.#run?.span.end(this.#last_s * 1000);
      this.#follower[Symbol.dispose]();
    }
  }

  #take(event: Recorded<RunEvent>): void {
    this.#last_s = event.t;
    const { span, context, facts } = this.#run ??= this.#begin();
    const request = requestIn(event);
    if (request && request.result !== "unsent" && request.result !== "warmup") {
      this.#request(event, request, context, facts);
    }
    if (
      event.event === "run_interrupted" || event.event === "load_finished" && !event.complete
    ) {
      span.setStatus({ code: this.#parts.api.SpanStatusCode.ERROR, message: "interrupted" });
    }
  }

  #begin() {
    const { api, tracer } = this.#parts;
    const facts = factsOf(this.#follower);
    const span = tracer.startSpan(`dyno ${facts.kind}`, {
      startTime: this.#last_s * 1000,
      attributes: { ...facts.attributes, ...facts.run },
    });
    return { span, context: api.trace.setSpan(api.ROOT_CONTEXT, span), facts };
  }

  #request(
    event: RunEvent,
    request: JournaledRequest,
    context: Context,
    { attributes, unix_s }: RunFacts,
  ): void {
    const { api, tracer, histograms } = this.#parts;
    const told = { ...attributes, ...failureOf(request) };
    const end_s = request.t_end_ns === null ? this.#last_s : unix_s(request.t_end_ns);
    const sent_s = request.t_sent_ns === null ? end_s : unix_s(request.t_sent_ns);
    const span = tracer.startSpan(
      `${attributes["gen_ai.operation.name"]} ${attributes["gen_ai.request.model"]}`,
      {
        kind: api.SpanKind.CLIENT,
        startTime: hrTime(sent_s),
        attributes: { ...told, ...answerOf(request), ...namesOf(event) },
      },
      context,
    );
    if (request.result !== "success") {
      span.setStatus({ code: api.SpanStatusCode.ERROR, message: request.error_type ?? undefined });
    }
    span.end(hrTime(end_s));
    histograms.duration.record(end_s - sent_s, told);
    if (request.result !== "success") return;
    const count = (type: "input" | "output", tokens: number | null) => {
      if (tokens === null) return;
      histograms.tokens.record(tokens, { ...told, "gen_ai.token.type": type });
    };
    count("input", request.prompt_tokens);
    count("output", request.completion_tokens);
    if (request.ttft_ms !== null) histograms.ttft.record(request.ttft_ms / 1e3, told);
    if (request.tpot_ms !== null) histograms.tpot.record(request.tpot_ms / 1e3, told);
  }
}

/** What all requests of a run share. */
interface RunFacts {
  kind: string;
  attributes: Attributes;
  run: Attributes;
  /** Converts a time on the run's monotonic clock to Unix seconds. */
  unix_s(mono_ns: number): number;
}

function factsOf(follower: RunFollower): RunFacts {
  const metadata = follower.metadata();
  const api = objectAt(metadata, "config", "api_configuration");
  const anchor = objectAt(metadata, "clock_anchor");
  const anchor_ns = Number(textAt(anchor, "mono_ns") ?? 0);
  const anchor_s = numberAt(anchor, "unix_s") ?? 0;
  const endpoint = textAt(api, "endpoint"), api_type = textAt(api, "api_type");
  return {
    kind: textAt(metadata, "kind") ?? "run",
    attributes: {
      "gen_ai.operation.name": OPERATIONS[api_type ?? ""] ?? "chat",
      "gen_ai.provider.name": genAiProvider(endpoint, textAt(api, "provider"), api_type),
      "gen_ai.request.model": textAt(metadata, "model") ?? "unknown",
      ...addressOf(endpoint),
    },
    run: {
      "dyno.run_id": follower.directory.run_id,
      "dyno.benchmark": textAt(metadata, "benchmark") ?? "unknown",
    },
    unix_s: (mono_ns) => anchor_s + (mono_ns - anchor_ns) / NS_PER_S,
  };
}

function addressOf(endpoint: string | null): Attributes {
  if (endpoint === null || !URL.canParse(endpoint)) return {};
  const { hostname, port, protocol } = new URL(endpoint);
  const usual = protocol === "https:" ? 443 : 80;
  return { "server.address": hostname, "server.port": port === "" ? usual : Number(port) };
}

function failureOf({ result, error_type }: JournaledRequest): Attributes {
  return result === "success" ? {} : { "error.type": error_type ?? result };
}

function answerOf(request: JournaledRequest): Attributes {
  const { prompt_tokens, completion_tokens, finish_reason } = request;
  return {
    ...(prompt_tokens === null ? {} : { "gen_ai.usage.input_tokens": prompt_tokens }),
    ...(completion_tokens === null ? {} : { "gen_ai.usage.output_tokens": completion_tokens }),
    ...(finish_reason === null ? {} : { "gen_ai.response.finish_reasons": [finish_reason] }),
  };
}

function namesOf(event: RunEvent): Attributes {
  if (event.event === "request_finished") return { "dyno.request": event.result.request };
  if (event.event === "package_finished") return { "dyno.test_id": event.package_id };
  return event.event === "attempt_finished" ? { "dyno.test_id": event.attempt.problem_id } : {};
}

function hrTime(unix_s: number): HrTime {
  const whole_s = Math.floor(unix_s);
  return [whole_s, Math.floor((unix_s - whole_s) * NS_PER_S)];
}

/** Presets with other names in the conventions (`gen_ai.provider.name`). */
const PRESETS: Record<string, string> = {
  gemini: "gcp.gemini",
  mistral: "mistral_ai",
  xai: "x_ai",
};

/** Hosts of providers that have no preset, or that have several APIs. */
const HOSTS: readonly [host: RegExp, name: string][] = [
  [/\.openai\.azure\.com$/, "azure.ai.openai"],
  [/\.(services|inference)\.ai\.azure\.com$/, "azure.ai.inference"],
  [/^bedrock(-runtime)?\..*\.amazonaws\.com$/, "aws.bedrock"],
  [/(^|[.-])aiplatform\.googleapis\.com$/, "gcp.vertex_ai"],
  [/(^|\.)cohere\.(com|ai)$/, "cohere"],
  [/(^|\.)perplexity\.ai$/, "perplexity"],
];

/** APIs of a single provider or server; all others are OpenAI's. */
const FORMS: Record<string, string> = {
  messages: "anthropic",
  gemini: "gcp.gemini",
  converse: "aws.bedrock",
  tgi: "tgi",
  llamacpp: "llamacpp",
  kserve: "kserve",
  kserve_infer: "kserve",
  rerank: "unknown",
  score: "unknown",
  template: "unknown",
} satisfies Partial<Record<ApiType, string>>;

/**
 * Returns the provider's name, from the endpoint's host, or else the preset, or else the API. By
 * the conventions, an unknown host with OpenAI's API counts as `openai`; `server.address` has the
 * actual host.
 *
 * @param endpoint the URL that requests are posted to; null where unknown.
 */
export function genAiProvider(
  endpoint: string | null,
  preset: string | null,
  api_type: string | null,
): string {
  const host = hostOf(endpoint);
  const known = HOSTS.find(([pattern]) => host !== null && pattern.test(host))?.[1];
  if (known !== undefined) return known;
  const named = providerNames.find((name) => {
    const { base_url, api_key_env } = provider(name);
    return api_key_env !== null && hostOf(base_url) === host; // not a local server
  }) ?? preset;
  if (named !== null) return PRESETS[named] ?? named;
  return FORMS[api_type ?? ""] ?? "openai";
}

function hostOf(url: string | null): string | null {
  return url !== null && URL.canParse(url) ? new URL(url).hostname : null;
}
