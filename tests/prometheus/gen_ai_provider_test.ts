/** Names of providers: those of OpenTelemetry's registry of gen_ai attributes, version 1.37. */
import { assertEquals } from "@std/assert";
import { genAiProvider } from "../../lib/prometheus/gen_ai_provider.ts";

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
