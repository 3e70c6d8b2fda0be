/** OpenAI's audio APIs: transcription of sound, and speech from a text. */
import { Buffer } from "node:buffer";
import { InputError } from "../../errors.ts";
import { asObject, type JsonObject, objectsIn } from "../../json_fields.ts";
import { textIn } from "../json.ts";
import { Said } from "../said.ts";
import { usageIn } from "../usage.ts";
import { CHAT } from "./choices.ts";
import { type ApiForm, type Encoding, promptOf, withoutLimit } from "./form.ts";
import { wavSeconds } from "./wav.ts";
import type { Question } from "../question.ts";

/** A file among the fields, with its bytes in base64. */
interface FormFile {
  file_name: string;
  content_type: string;
  base64: string;
}

/** A random boundary for each process, which no file is likely to contain. */
const BOUNDARY = `dyno-${crypto.randomUUID()}`;

/** Encodes files as files, texts unchanged, each item of a list as a field, and other values as JSON. */
const MULTIPART: Encoding = {
  content_type: `multipart/form-data; boundary=${BOUNDARY}`,
  encode(fields: JsonObject): Uint8Array {
    const parts: Buffer[] = [];
    const part = (head: string, content: Buffer) =>
      parts.push(Buffer.from(`--${BOUNDARY}\r\n${head}\r\n\r\n`), content, Buffer.from("\r\n"));
    for (const [name, given] of Object.entries(fields)) {
      for (const value of Array.isArray(given) ? given : [given]) {
        if (value === undefined) continue; // as in JSON
        const field = `content-disposition: form-data; name="${
          Array.isArray(given) ? `${name}[]` : name
        }"`;
        const { file_name, content_type, base64 } = asObject(value) ?? {};
        if (typeof base64 === "string") {
          const file = `${field}; filename="${file_name}"\r\ncontent-type: ${content_type}`;
          part(file, Buffer.from(base64, "base64"));
        } else part(field, Buffer.from(typeof value === "string" ? value : JSON.stringify(value)));
      }
    }
    return Buffer.concat([...parts, Buffer.from(`--${BOUNDARY}--\r\n`)]);
  },
};

/** The sound of a question: the only sound among the parts of its messages. */
function soundOf({ messages = [] }: Question, endpoint: string): FormFile {
  const sounds = messages.flatMap((message) =>
    objectsIn(asObject(message)?.content).flatMap(({ input_audio }): FormFile[] => {
      const { data, format } = asObject(input_audio) ?? {};
      return typeof data === "string" && typeof format === "string"
        ? [{ file_name: `audio.${format}`, content_type: `audio/${format}`, base64: data }]
        : [];
    })
  );
  if (sounds.length === 1) return sounds[0];
  throw new InputError(
    sounds.length > 1
      ? `${endpoint}: this endpoint takes one sound, and this question has ${sounds.length}`
      : `${endpoint}: this endpoint takes sound, and this question has none: give --audio TIME, or rows with ` +
        '"audio_filepath", or messages with an "input_audio" part',
  );
}

/** Seconds that a transcription's server reports that it has heard; billed seconds are whole numbers. */
function heardSeconds({ usage, duration }: JsonObject): number | undefined {
  const told = asObject(usage)?.seconds ?? duration;
  const seconds = typeof told === "string" ? Number(told) : told;
  return typeof seconds === "number" && seconds > 0 ? seconds : undefined;
}

/** Reads a transcript. For silence it is empty, but still an answer. */
function saidInTranscript(json: JsonObject): Said {
  const said = new Said();
  said.has_choice = said.is_answer = typeof json.text === "string";
  said.add("text", textIn(json.text));
  said.addUsage(usageIn(json.usage));
  said.media.audio_s = heardSeconds(json);
  return said;
}

/** Reads OpenAI's events, or vLLM's, which are chunks of a chat. */
function saidInTranscriptEvent(json: JsonObject, sofar: boolean): Said {
  if (Array.isArray(json.choices)) {
    const said = CHAT.event(json, sofar);
    said.is_answer = said.finished;
    return said;
  }
  const said = new Said();
  if (json.type === "transcript.text.delta") {
    said.has_choice = true;
    said.add("text", textIn(json.delta));
  } else if (json.type === "transcript.text.done") {
    const whole = saidInTranscript(json);
    if (!sofar) said.add("text", whole.text);
    said.is_answer = true;
    said.addUsage(whole.usage);
    said.media = whole.media;
    said.finish(null);
  }
  return said;
}

/** Transcription and translation: a file of sound in, a text out. */
export const TRANSCRIPTION: ApiForm = {
  path: /\/audio\/(transcriptions|translations)$/,
  says: "text",
  converses: false,
  needs_sound: true,
  encoding: MULTIPART,
  request: (question, { endpoint, model, stream }) => {
    const file = soundOf(question, endpoint);
    return { model, ...(stream ? { stream } : {}), ...withoutLimit(question.parameters), file };
  },
  asked: ({ file }) => {
    const { base64 } = file as FormFile;
    return { audio_s: wavSeconds(Buffer.from(base64, "base64")) ?? undefined };
  },
  event: saidInTranscriptEvent,
  body: saidInTranscript,
  // response_format text, srt or vtt
  text: (text) => saidInTranscript({ text }),
  list: "text",
  kept: (raw, { choices: _, ...rest }) => ({ ...raw, ...rest }),
  whole: (raw, { text }) => ({ ...raw, text }),
};

/** A voice that the API has, because the API requires one. */
const VOICE = "alloy";

/** Reads an event of `stream_format: "sse"`. */
function saidInSpeechEvent(json: JsonObject): Said {
  const said = new Said();
  if (json.type === "speech.audio.delta") {
    said.has_choice = true;
    const bytes = Buffer.byteLength(textIn(json.audio) || textIn(json.delta), "base64");
    said.has_token = bytes > 0;
    said.media.bytes = bytes;
  } else if (json.type === "speech.audio.done") {
    said.addUsage(usageIn(json.usage));
    said.finish(null);
  }
  return said;
}

/** Speech: a text in, a file of sound out. */
export const SPEECH: ApiForm = {
  path: /\/audio\/speech$/,
  says: "sound",
  converses: false,
  accept: "*/*",
  request: (question, target) => ({
    model: target.model,
    input: promptOf(question, target),
    voice: VOICE,
    response_format: "wav", // its duration is known
    ...withoutLimit(question.parameters),
  }),
  event: saidInSpeechEvent,
  body: () => new Said(),
  file: (bytes) => {
    const said = new Said();
    said.is_answer = bytes.length > 0;
    said.media = { bytes: bytes.length, audio_s: wavSeconds(bytes) ?? undefined };
    return said;
  },
  list: "sound",
  kept: (raw) => raw,
  whole: (raw) => raw,
};
