/** Gemini's generateContent: its stream's events and whole answers have the same form. */
import { parsed, textIn } from "../json.ts";
import { asObject, type JsonObject, objectsIn } from "../../json_fields.ts";
import { Said } from "../said.ts";
import { geminiUsage } from "../usage.ts";
import { geminiBody } from "./gemini_request.ts";
import type { ApiForm, SaidParts } from "./form.ts";

/** Reads an event or a whole answer. */
function saidInCandidates(json: JsonObject): Said {
  const said = new Said();
  said.addUsage(geminiUsage(json.usageMetadata));
  const candidates = objectsIn(json.candidates);
  candidates.forEach((candidate, i) => {
    said.has_choice = true;
    const first = typeof candidate.index === "number" ? candidate.index === 0 : i === 0;
    for (const part of objectsIn(asObject(candidate.content)?.parts)) addPart(said, part, first);
    const reason = textIn(candidate.finishReason);
    if (reason !== "" && reason !== "FINISH_REASON_UNSPECIFIED") said.finish(reason);
  });
  // a refused prompt has no candidate
  const blocked = textIn(asObject(json.promptFeedback)?.blockReason);
  if (candidates.length === 0 && blocked !== "") said.finish(blocked);
  return said;
}

function addPart(said: Said, part: JsonObject, first: boolean): void {
  const { text, thought, functionCall, inlineData } = part;
  said.add(first ? thought === true ? "reasoning" : "text" : "others", textIn(text));
  const call = asObject(functionCall);
  if (call !== null) {
    const { id, name, args } = call;
    said.addCall({
      place: null,
      // each call arrives whole; its id tells two calls apart
      id: textIn(id) || `call_${crypto.randomUUID()}`,
      name: textIn(name),
      arguments: JSON.stringify(args ?? {}),
      kind: "function",
    });
  }
  said.has_token ||= asObject(inlineData) !== null;
}

/** An answer as the API returns it without streaming. */
function candidatesOf(raw: JsonObject, said: SaidParts): JsonObject {
  const { text, reasoning, calls, finish_reason } = said;
  const parts = [
    ...(reasoning === "" ? [] : [{ text: reasoning, thought: true }]),
    ...(text === "" ? [] : [{ text }]),
    ...calls.map(({ name, arguments: words }) => ({ functionCall: { name, args: parsed(words) } })),
  ];
  const candidate = { content: { role: "model", parts }, finishReason: finish_reason, index: 0 };
  return { ...raw, candidates: [candidate] };
}

const PATH = /\/models\/(?<model>[^/:]+):(?:streamGenerateContent|generateContent)$/;

/** The URL has the model and says whether to stream. */
function setUrl(url: URL, model: string, stream: boolean): void {
  const base = url.pathname.replace(/\/+$/, "").replace(PATH, "") || "/v1beta";
  const method = stream ? "streamGenerateContent" : "generateContent";
  url.pathname = `${base}/models/${encodeURIComponent(model.replace(/^models\//, ""))}:${method}`;
  if (stream) url.searchParams.set("alt", "sse");
  else url.searchParams.delete("alt");
}

/** generateContent, where every event is a complete body. */
export const GEMINI: ApiForm = {
  path: PATH,
  says: "text",
  converses: true,
  request: ({ prompt, messages, parameters = {} }) =>
    geminiBody(messages ?? [{ role: "user", content: prompt }], parameters),
  setUrl,
  event: saidInCandidates,
  body: saidInCandidates,
  list: "candidates",
  kept: (raw, { candidates: _, ...rest }) => ({ ...raw, ...rest }),
  whole: candidatesOf,
};
