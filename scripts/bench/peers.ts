/** Other load generators: how to start each, and how to read its report. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Brief, ReportTool } from "../../lib/load/report_as.ts";

/** The load that a peer should make. */
export interface PeerRun {
  url: string;
  model: string;
  streams: number;
  requests: number;
  /** The most tokens of each answer. */
  tokens: number;
  /** The folder with its inputs, and for its report. */
  folder: string;
}

export interface Peer {
  name: string;
  /** The name on PyPI, and of the folder of its virtual environment. */
  package: string;
  as: ReportTool;
  /** The command in its environment, with its arguments. */
  command(run: PeerRun): [command: string, ...words: string[]];
  /** Milliseconds, by the names that --report-as uses. */
  figures(folder: string): Record<string, Brief>;
  /** The name of the time to the first token among them. */
  ttft: string;
  /** The name of the time between tokens among them. */
  gap: string;
  /** The number of tokens it always requests, whatever is configured. */
  tokens?: number;
  env?: Record<string, string>;
}

type Json = Record<string, unknown>;

const read = (...path: string[]) => JSON.parse(readFileSync(join(...path), "utf8")) as Json;

function at(value: unknown, ...keys: string[]): Json {
  return keys.reduce((inner, key) => (inner as Json)?.[key], value) as Json;
}

function brief(block: Json, names: [mean: string, p50: string, p99: string], to_ms = 1): Brief {
  const [mean, p50, p99] = names.map((name) => Number(block[name]) * to_ms);
  return { mean, p50, p99 };
}

export const PEERS: readonly Peer[] = [
  {
    name: "GuideLLM",
    package: "guidellm",
    as: "guidellm",
    ttft: "time to first token",
    gap: "inter-token latency",
    command: ({ url, model, streams, requests, folder }) => [
      "guidellm",
      ...["run", "--disable-console-interactive"],
      ...["--backend", `kind=openai_http,target=${url},model=${model}`],
      ...["--profile", `kind=concurrent,streams=${streams}`],
      ...["--constraint", `kind=max_requests,count=${requests}`],
      ...["--data", `kind=json_file,path=${join(folder, "prompts.jsonl")}`],
      ...["--output", `kind=json,path=${join(folder, "guidellm.json")}`],
    ],
    figures: (folder) => {
      const [benchmark] = read(folder, "guidellm.json").benchmarks as Json[];
      const of = (name: string, to_ms = 1) => {
        const { mean, percentiles } = at(benchmark, "metrics", name, "successful");
        return brief({ mean, ...percentiles as Json }, ["mean", "p50", "p99"], to_ms);
      };
      return {
        "time to first token": of("time_to_first_token_ms"),
        "time per output token": of("time_per_output_token_ms"),
        "inter-token latency": of("inter_token_latency_ms"),
        "request latency": of("request_latency", 1000),
      };
    },
  },
  {
    name: "AIPerf",
    package: "aiperf",
    as: "aiperf",
    ttft: "time to first token",
    gap: "inter chunk latency",
    command: ({ url, model, streams, requests, folder }) => [
      "aiperf",
      ...["profile", "--ui", "none", "--streaming"],
      ...["-m", model, "--url", url, "--endpoint-type", "chat", "--use-server-token-count"],
      ...["--tokenizer", join(folder, "tokenizer"), "--no-gpu-telemetry", "--no-server-metrics"],
      ...["--concurrency", String(streams), "--request-count", String(requests)],
      ...["--input-file", join(folder, "prompts.jsonl"), "--custom-dataset-type", "single_turn"],
      ...["--output-artifact-dir", join(folder, "aiperf-out")],
    ],
    figures: (folder) => {
      const path = readdirSync(join(folder, "aiperf-out"), { recursive: true })
        .map(String).find((name) => name.endsWith("profile_export_aiperf.json"))!;
      const report = read(folder, "aiperf-out", path);
      const of = (name: string) => brief(at(report, name), ["avg", "p50", "p99"]);
      return {
        "time to first token": of("time_to_first_token"),
        "inter token latency": of("inter_token_latency"),
        "inter chunk latency": of("inter_chunk_latency"),
        "request latency": of("request_latency"),
      };
    },
  },
  {
    name: "vLLM bench serve",
    package: "vllm",
    as: "vllm",
    ttft: "TTFT, from 0.33",
    gap: "ITL, from 0.33",
    env: { VLLM_LOGGING_LEVEL: "ERROR", VLLM_NO_USAGE_STATS: "1" },
    command: ({ url, model, streams, requests, tokens, folder }) => [
      "vllm",
      ...["bench", "serve", "--backend", "openai-chat"],
      ...["--base-url", url, "--endpoint", "/v1/chat/completions", "--model", model],
      ...["--tokenizer", join(folder, "tokenizer"), "--dataset-name", "custom"],
      ...["--dataset-path", join(folder, "prompts.jsonl"), "--skip-chat-template"],
      ...["--custom-output-len", String(tokens), "--num-prompts", String(requests)],
      ...["--max-concurrency", String(streams), "--ready-check-timeout-sec", "0"],
      ...["--percentile-metrics", "ttft,tpot,itl,e2el", "--metric-percentiles", "50,99"],
      ...["--disable-tqdm", "--disable-shuffle", "--save-result"],
      ...["--result-dir", folder, "--result-filename", "vllm.json"],
    ],
    figures: (folder) => {
      const report = read(folder, "vllm.json");
      const of = (name: string) =>
        brief(report, [`mean_${name}_ms`, `median_${name}_ms`, `p99_${name}_ms`]);
      return Object.fromEntries(
        ["ttft", "tpot", "itl", "e2el"].map((
          name,
        ) => [`${name.toUpperCase()}, from 0.33`, of(name)]),
      );
    },
  },
  {
    name: "inference-perf", // needs Python 3.12
    package: "inference-perf",
    as: "inference-perf",
    tokens: 30, // its prompts need no network
    ttft: "time to first token",
    gap: "inter token latency",
    command: ({ url, model, streams, requests, folder }) => {
      writeFileSync(
        join(folder, "inference_perf.json"), // which is valid YAML too
        JSON.stringify({
          api: { type: "chat", streaming: true },
          data: { type: "mock" },
          load: {
            type: "concurrent",
            stages: [{ num_requests: requests, concurrency_level: streams }],
            num_workers: 1,
            worker_max_concurrency: streams,
          },
          server: { type: "vllm", model_name: model, base_url: url, ignore_eos: true },
          tokenizer: { pretrained_model_name_or_path: join(folder, "tokenizer") },
          storage: { local_storage: { path: join(folder, "inference-perf-out") } },
        }),
      );
      return ["inference-perf", "--config_file", join(folder, "inference_perf.json")];
    },
    figures: (folder) => {
      const report = read(folder, "inference-perf-out", "summary_lifecycle_metrics.json");
      const of = (name: string) =>
        brief(at(report, "successes", "latency", name), ["mean", "median", "p99"], 1000);
      return {
        "time to first token": of("time_to_first_token"),
        "time per output token": of("time_per_output_token"),
        "inter token latency": of("inter_token_latency"),
        "request latency": of("request_latency"),
      };
    },
  },
];

/** The peer's command in a folder of environments; null if it is not installed there. */
export function peerCommand(peer: Peer, environments: string, run: PeerRun): string[] | null {
  const [command, ...words] = peer.command(run);
  const path = join(environments, peer.package, "bin", command);
  return existsSync(path) ? [path, ...words] : null;
}

/** The version that its own package reports; "?" if it reports none. */
export function peerVersion({ package: name }: Peer, environments: string): string {
  const lib = join(environments, name, "lib");
  const [, version] =
    readdirSync(lib).flatMap((python) => readdirSync(join(lib, python, "site-packages")))
      .map((entry) => /^(.+)-([\d.]+)\.dist-info$/.exec(entry)?.slice(1) ?? [])
      .find(([of]) => of?.replaceAll("_", "-") === name) ?? [];
  return version ?? "?";
}

/** How to install it. */
export function installHint({ package: name }: Peer, environments: string): string {
  const path = join(environments, name);
  return `not installed; python3 -m venv ${path} && ${path}/bin/pip install ${name}`;
}

/** Writes prompts, and a tokenizer of 26 words for peers that cannot start without one. */
export function writePeerInputs(folder: string, prompts: readonly string[]): void {
  const lines = prompts.map((prompt) => `${JSON.stringify({ text: prompt, prompt })}\n`);
  writeFileSync(join(folder, "prompts.jsonl"), lines.join(""));
  mkdirSync(join(folder, "tokenizer"), { recursive: true });
  const vocab: Record<string, number> = { "[UNK]": 0 };
  for (let i = 0; i < 26; i++) vocab[String.fromCharCode(97 + i)] = i + 1;
  const parts: [string, unknown][] = [
    ["tokenizer.json", {
      version: "1.0",
      added_tokens: [],
      pre_tokenizer: { type: "Whitespace" },
      model: { type: "WordLevel", vocab, unk_token: "[UNK]" },
    }],
    ["tokenizer_config.json", {
      tokenizer_class: "PreTrainedTokenizerFast",
      unk_token: "[UNK]",
    }],
  ];
  for (const [name, part] of parts) {
    writeFileSync(join(folder, "tokenizer", name), JSON.stringify(part));
  }
}
