/** A request in the form of Anthropic, Gemini or Bedrock, as one in OpenAI's form of chat. */
import { asObject, objectOr, objectsIn } from "../json_fields.ts";

type Json = Record<string, unknown>;

/** One of Anthropic's Messages API; the limit that it demands is checked by the caller. */
export function chatOfMessages(body: Json): Json {
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

/** One of Gemini's generateContent. */
export function chatOfGemini(body: Json, model: string, stream: boolean): Json {
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

/** One of Bedrock's Converse. */
export function chatOfConverse(body: Json, model: string, stream: boolean): Json {
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
