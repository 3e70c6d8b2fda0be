/** Converts requests of other APIs to OpenAI's chat or completions form. */
import { asObject, objectOr, objectsIn } from "../json_fields.ts";
import { CONVERSE_PATH, decoded, GEMINI_PATH, KSERVE_PATH } from "./form.ts";
import type { TextApi } from "./form.ts";

type Json = Record<string, unknown>;

/** By form; those that are missing are already in OpenAI's form. */
export const IN_OPENAI: Partial<Record<TextApi, (body: Json, path: string) => Json>> = {
  messages: chatOfMessages,
  gemini: (body, path) => {
    const [, model, method] = GEMINI_PATH.exec(path)!;
    return chatOfGemini(body, decoded(model), method === "streamGenerateContent");
  },
  converse: (body, path) => {
    const [, model, method] = CONVERSE_PATH.exec(path)!;
    return chatOfConverse(body, decoded(model), method === "converse-stream");
  },
  kserve: ({ text_input, parameters, ...rest }, path) => {
    const [, model, method] = KSERVE_PATH.exec(path)!;
    const stream = method === "generate_stream";
    return { ...rest, ...objectOr(parameters), prompt: text_input, model: decoded(model), stream };
  },
  kserve_infer: ({ inputs }, path) => {
    const tensors = objectsIn(inputs).map(({ name, data }) => [name, [data].flat(Infinity)[0]]);
    const { text_input, ...rest } = Object.fromEntries(tensors) as Json;
    return { ...rest, prompt: text_input, model: decoded(KSERVE_PATH.exec(path)![1]) };
  },
  tgi: ({ inputs, parameters, stream }, path) => {
    const { max_new_tokens, details, ...rest } = objectOr(parameters);
    const streams = path === "/" ? stream === true : path.endsWith("_stream");
    const limit = max_new_tokens ?? null;
    return { ...rest, prompt: inputs, max_tokens: limit, details, stream: streams };
  },
  llamacpp: ({ n_predict, ...rest }) => ({
    ...rest,
    ...(typeof n_predict === "number" && n_predict >= 0 ? { max_tokens: n_predict } : {}),
  }),
};

/** A request to Anthropic's Messages API; the caller checks the token limit that it requires. */
function chatOfMessages(body: Json): Json {
  const { system, tools, tool_choice, stop_sequences, ...rest } = body;
  const choice = asObject(tool_choice);
  return {
    ...rest,
    messages: [
      ...(system === undefined ? [] : [{ role: "system", content: system }]),
      ...(Array.isArray(body.messages) ? body.messages : []),
    ],
    ...(tools === undefined ? {} : {
      tools: objectsIn(tools).map(({ name, input_schema }) => ({
        type: "function",
        function: { name, parameters: input_schema },
      })),
    }),
    ...(choice === null ? {} : {
      tool_choice: choice.type === "tool"
        ? { function: { name: choice.name } }
        : choice.type === "any"
        ? "required"
        : choice.type,
    }),
    ...(stop_sequences === undefined ? {} : { stop: stop_sequences }),
  };
}

/** A request to Gemini's generateContent. */
function chatOfGemini(body: Json, model: string, stream: boolean): Json {
  const config = objectOr(body.generationConfig ?? body.generation_config);
  const mode = objectOr(objectOr(body.toolConfig).functionCallingConfig);
  const names = Array.isArray(mode.allowedFunctionNames) ? mode.allowedFunctionNames : [];
  const messages = [
    ...(body.systemInstruction === undefined
      ? []
      : [{ role: "system", content: partsIn(body.systemInstruction) }]),
    ...objectsIn(body.contents).map((content) => ({
      role: content.role === "model" ? "assistant" : "user",
      content: partsIn(content),
    })),
  ];
  const tools = objectsIn(body.tools).flatMap((tool) => objectsIn(tool.functionDeclarations));
  return {
    model,
    stream,
    messages,
    ...(config.maxOutputTokens === undefined ? {} : { max_tokens: config.maxOutputTokens }),
    ...(config.candidateCount === undefined ? {} : { n: config.candidateCount }),
    ...(config.responseMimeType === "application/json"
      ? {
        response_format: {
          type: "json_schema",
          json_schema: { schema: config.responseJsonSchema ?? config.responseSchema ?? {} },
        },
      }
      : {}),
    ...(tools.length === 0 ? {} : {
      tools: tools.map(({ name, parameters, parametersJsonSchema }) => ({
        type: "function",
        function: { name, parameters: parameters ?? parametersJsonSchema },
      })),
    }),
    ...(mode.mode === "ANY"
      ? { tool_choice: names.length > 0 ? { function: { name: names[0] } } : "required" }
      : {}),
  };
}

/** A request to Bedrock's Converse. */
function chatOfConverse(body: Json, model: string, stream: boolean): Json {
  const { maxTokens, stopSequences } = objectOr(body.inferenceConfig);
  const { tools, toolChoice } = objectOr(body.toolConfig);
  const choice = objectOr(toolChoice);
  return {
    model,
    stream,
    messages: [
      ...(body.system === undefined ? [] : [{ role: "system", content: body.system }]),
      ...(Array.isArray(body.messages) ? body.messages : []),
    ],
    ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }),
    ...(stopSequences === undefined ? {} : { stop: stopSequences }),
    ...(tools === undefined ? {} : {
      tools: objectsIn(tools).map((tool) => {
        const { name, inputSchema } = objectOr(tool.toolSpec);
        return { type: "function", function: { name, parameters: objectOr(inputSchema).json } };
      }),
    }),
    ...("any" in choice
      ? { tool_choice: "required" }
      : "tool" in choice
      ? { tool_choice: { function: { name: objectOr(choice.tool).name } } }
      : {}),
  };
}

function partsIn(content: unknown): unknown {
  return objectsIn(objectOr(content).parts);
}
