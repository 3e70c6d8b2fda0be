/**
 * Transcription and speech: answers and events as OpenAI's API reference and its Python client 3.57 have
 * them, vLLM's chunks as its own server writes them. Bodies of forms are read by the runtime's parser of
 * multipart/form-data, files of sound were measured by Python's module wave.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { requestHeaders, settleApi } from "../../../lib/endpoint/api.ts";
import { apiForm, encodedBody } from "../../../lib/endpoint/forms/forms.ts";
import { wavHead, wavSeconds } from "../../../lib/endpoint/forms/wav.ts";
import { InputError } from "../../../lib/errors.ts";
import { asked, failureOf, streamed, whole } from "./fixture.ts";

/** What Python's wave writes for 4,000 frames of silence: 16 bits, one channel, 8 kHz: half a second. */
function pythonWav(data_bytes = 8000): Buffer {
  const head = Buffer.from(
    "52494646641f000057415645666d74201000000001000100401f0000803e0000020010006461746100000000",
    "hex",
  );
  head.writeUInt32LE(data_bytes, 40);
  return Buffer.concat([head, Buffer.alloc(8000)]);
}

Deno.test("seconds of a WAV, by its bytes where its head does not know them", () => {
  assertEquals(wavSeconds(pythonWav()), 0.5);
  for (const unknown of [0, 0xffffffff]) assertEquals(wavSeconds(pythonWav(unknown)), 0.5);
  const list = Buffer.from("LIST\x04\x00\x00\x00INFO", "latin1"); // a chunk between
  const file = pythonWav();
  const more = Buffer.concat([file.subarray(0, 36), list, file.subarray(36)]);
  assertEquals(wavSeconds(more), 0.5);
  for (const other of ["", "RIFF", "ID3\x04", "RIFF....AVI "]) {
    assertEquals(wavSeconds(Buffer.from(other)), null);
  }
});

Deno.test("the head of a WAV is Python's", () => {
  assertEquals(wavHead(8000, 16, 8000), pythonWav().subarray(0, 44));
});

Deno.test("a transcript: seconds of usage or of verbose_json, tokens where it tells them", () => {
  const billed = whole("transcription", { text: "Hi.", usage: { type: "duration", seconds: 9 } });
  assertEquals([billed.text, billed.media], ["Hi.", { audio_s: 9 }]);
  assertEquals([billed.prompt_tokens, billed.counted().completion_tokens], [null, null]);
  const verbose = whole("transcription", { task: "transcribe", duration: "8.47", text: "Hi." });
  assertEquals(verbose.media, { audio_s: 8.47 });
  const usage = { type: "tokens", input_tokens: 14, output_tokens: 45, total_tokens: 59 };
  const tokens = whole("transcription", { text: "Hi.", usage });
  assertEquals([tokens.prompt_tokens, tokens.completion_tokens], [14, 45]);
  assertEquals(whole("transcription", { text: "" }).empty, false); // silence
  // as whisper.cpp's server writes what it hears: of silence, of music, after a blank
  for (const text of ["[BLANK_AUDIO]\n", " [Music]\n", " And so my fellow Americans\n"]) {
    assertEquals(whole("transcription", text).text, text);
  }
  for (const other of ['{"text": "cut', '[{"text":', "[[[", "<html>", "\n<html>"]) {
    assertEquals(failureOf(() => whole("transcription", other)), "malformed", other);
  }
  assertEquals(whole("transcription", "1\n00:00:00,000 --> 00:00:02,000\nHi.\n").text.length, 36);
});

Deno.test("a transcript's stream: OpenAI's events, and vLLM's chunks", () => {
  const usage = { type: "tokens", input_tokens: 14, output_tokens: 2, total_tokens: 16 };
  const openai = streamed("transcription", [
    { type: "transcript.text.delta", delta: "I", logprobs: [] },
    { type: "transcript.text.delta", delta: " see" },
    { type: "transcript.text.done", text: "I see", usage },
  ]);
  assertEquals([openai.text, openai.tokens.count], ["I see", 2]);
  assertEquals([openai.prompt_tokens, openai.completion_tokens], [14, 2]);
  const chunk = (content: string, finish_reason: string | null = null) => ({
    id: "trsc-1",
    object: "transcription.chunk",
    choices: [{ delta: { content }, finish_reason, stop_reason: null }],
  });
  const vllm = streamed("transcription", [chunk("I"), chunk(" see"), chunk("", "stop"), "[DONE]"]);
  assertEquals([vllm.text, vllm.finish_reason], ["I see", "stop"]);
  const silence = streamed("transcription", [{ type: "transcript.text.done", text: "" }]);
  assertEquals([silence.tokens.count, silence.empty], [0, false]);
  assertThrows(() => streamed("transcription", [{ type: "transcript.text.delta", delta: "I" }]));
});

Deno.test("a question with sound is a form with a file, to the byte", async () => {
  const sound = pythonWav();
  const input_audio = { data: sound.toString("base64"), format: "wav" };
  const content = [{ type: "text", text: "" }, { type: "input_audio", input_audio }];
  const api = settleApi(
    { endpoint: "http://h/v1/audio/transcriptions", model: "whisper", stream: false },
    () => {},
  );
  const form = apiForm(api);
  const parameters = {
    max_tokens: 5,
    prompt: undefined, // left out, as in JSON
    timestamp_granularities: ["word", "segment"],
    language: "en",
  };
  const fields = form.request({ messages: [{ role: "user", content }], parameters }, api);
  assertEquals(form.asked?.(fields), { audio_s: 0.5 });
  const type = requestHeaders(api)["content-type"];
  const body = encodedBody(fields, form) as Uint8Array<ArrayBuffer>;
  const read = await new Response(body, { headers: { "content-type": type } }).formData();
  assertEquals([...read.keys()], [
    "model",
    "timestamp_granularities[]",
    "timestamp_granularities[]",
    "language",
    "file",
  ]);
  assertEquals(read.get("model"), "whisper");
  assertEquals(read.getAll("timestamp_granularities[]"), ["word", "segment"]);
  const file = read.get("file") as File;
  assertEquals([file.name, file.type], ["audio.wav", "audio/wav"]);
  assert(sound.equals(Buffer.from(await file.arrayBuffer())));
  assertThrows(
    () => asked("http://h/v1/audio/transcriptions", { prompt: "no sound" }),
    InputError,
    "--audio",
  );
});

Deno.test("speech: bytes, and seconds of a WAV alone", () => {
  assertEquals(whole("speech", pythonWav()).media, { bytes: 8044, audio_s: 0.5 });
  const mp3 = whole("speech", Buffer.from("ID3\x04 and more", "latin1"));
  assertEquals(mp3.media, { bytes: 13 });
  assertEquals([mp3.counted().completion_tokens, mp3.tokens.first_ns], [null, null]);
  assertEquals(failureOf(() => whole("speech", new Uint8Array())), "empty_reply");
  assertEquals(
    failureOf(() => whole("speech", { error: { message: "no voice", code: 400 } })),
    "http_4xx",
  );
  assertEquals(failureOf(() => whole("speech", { audio: "?" })), "malformed");
});

Deno.test("speech by events: the first sound is the first token, usage tells the tokens", () => {
  const usage = { input_tokens: 14, output_tokens: 101, total_tokens: 115 };
  const reply = streamed("speech", [
    { type: "speech.audio.delta", audio: "AAAA" },
    { type: "speech.audio.delta", audio: "AAA=" },
    { type: "speech.audio.done", usage },
  ]);
  assertEquals([reply.media, reply.tokens.first_ns], [{ bytes: 5 }, 1e6]);
  assertEquals(reply.counted(), { completion_tokens: 101, token_source: "usage" });
});

Deno.test("a question for speech: a voice, and WAV unless it says otherwise", () => {
  const url = "http://h/v1/audio/speech";
  const body = { model: "m", input: "Hi", voice: "alloy", response_format: "wav" };
  assertEquals(asked(url, { prompt: "Hi", parameters: { max_tokens: 3 } }), { url, body });
  const parameters = { voice: "vivian", response_format: "pcm", speed: 2 };
  assertEquals(asked(url, { prompt: "Hi", parameters }).body, { ...body, ...parameters });
});
