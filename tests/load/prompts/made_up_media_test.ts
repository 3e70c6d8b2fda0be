/**
 * Made-up images and sound: read as the PNG and WAV standards have them, by zlib alone. (Pillow and Python's
 * wave module read the same files when this was made.)
 */
import { Buffer } from "node:buffer";
import { crc32, inflateSync } from "node:zlib";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { settleApi } from "../../../lib/endpoint/api.ts";
import { requestBody } from "../../../lib/endpoint/forms/forms.ts";
import { InputError } from "../../../lib/errors.ts";
import { parseMedia, withMadeUpMedia } from "../../../lib/load/prompts/made_up_media.ts";
import { fixedPrompt, madeUpPrompts } from "../../../lib/load/prompts/prompts.ts";
import type { LoadQuestion } from "../../../lib/load/prompts/session.ts";

/** The chunks of a PNG, their checksums held. */
function chunksOf(png: Buffer): Map<string, Buffer> {
  assertEquals([...png.subarray(0, 8)], [137, 80, 78, 71, 13, 10, 26, 10]);
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < png.length;) {
    const length = png.readUInt32BE(at);
    const body = png.subarray(at + 4, at + 8 + length);
    assertEquals(png.readUInt32BE(at + 8 + length), crc32(body));
    chunks.set(body.subarray(0, 4).toString(), body.subarray(4));
    at += 12 + length;
  }
  return chunks;
}

type Part = { image_url?: { url: string }; input_audio?: { data: string; format: string } };

function partsOf(images: string | undefined, audio: string | undefined, seed: number): Part[] {
  const source = withMadeUpMedia(fixedPrompt("Look.", 5), parseMedia(images, audio), seed);
  const [{ content }] = source.next()!.messages as { content: Part[] }[];
  assertEquals(content[0], { type: "text", text: "Look." } as Part);
  return content.slice(1);
}

Deno.test("images are PNGs of the size asked for, each another one; the same seed, the same", () => {
  const urls = partsOf("2@33x18", undefined, 7).map(({ image_url }) => image_url!.url);
  assertEquals(urls.length, 2);
  assert(urls[0] !== urls[1]);
  assertEquals(partsOf("2@33x18", undefined, 7)[0].image_url!.url, urls[0]);
  for (const url of urls) {
    const [, data] = /^data:image\/png;base64,(.*)$/.exec(url) ?? [];
    const chunks = chunksOf(Buffer.from(data, "base64"));
    const header = chunks.get("IHDR")!;
    assertEquals([header.readUInt32BE(0), header.readUInt32BE(4)], [33, 18]);
    assertEquals([...header.subarray(8)], [8, 2, 0, 0, 0]); // 8 bits, RGB, not interlaced
    const pixels = inflateSync(chunks.get("IDAT")!);
    assertEquals(pixels.length, 18 * (1 + 3 * 33));
    for (let row = 0; row < 18; row++) assertEquals(pixels[row * 100], 0); // no filter
    assert(chunks.has("IEND"));
  }
});

Deno.test("each turn has its own image, a tool's result none; asked late or early, the same", () => {
  const [turns, calls] = [2, 1].map((n) => () => n);
  const none = () => 0;
  const sessions = { name: "2 turns", turns, tool_calls: calls, think_s: none, tool_s: none };
  const make = () => {
    const load = { input: 8, output: 1, seed: 1, words: 5 };
    const source = withMadeUpMedia(madeUpPrompts(load, sessions), parseMedia("8x8", undefined), 7);
    return [source.next()!, source.next()!];
  };
  const image = ({ messages }: LoadQuestion) => {
    const [{ content }] = (messages ?? [{}]) as { content?: Part[] }[];
    return content?.[1].image_url?.url;
  };
  const asked = make().map((first) => [first, ...first.later.map(({ ask }) => ask())].map(image));
  // a turn, its tool, a turn, its tool
  assertEquals(asked.map((each) => each.map((url) => url !== undefined)), [
    [true, false, true, false],
    [true, false, true, false],
  ]);
  assertEquals(new Set(asked.flat()).size, 5);
  const late = make().toReversed()
    .map((first) => [...first.later.toReversed().map(({ ask }) => ask()), first].map(image));
  assertEquals(late.toReversed().map((each) => each.toReversed()), asked);
});

Deno.test("sound is a WAV of the length asked for", () => {
  const [{ input_audio }] = partsOf(undefined, "250ms", 1);
  const bytes = Buffer.from(input_audio!.data, "base64");
  assertEquals([input_audio!.format, bytes.toString("latin1", 0, 4)], ["wav", "RIFF"]);
  assertEquals(bytes.toString("latin1", 8, 16), "WAVEfmt ");
  // PCM, one channel, 16 kHz, 32,000 bytes a second, 2 bytes a sample, 16 bits
  assertEquals(
    [20, 22, 32, 34].map((at) => bytes.readUInt16LE(at)).concat(bytes.readUInt32LE(24)),
    [1, 1, 2, 16, 16_000],
  );
  assertEquals([bytes.readUInt32LE(40), bytes.length], [2 * 4000, 44 + 2 * 4000]);
});

Deno.test("each API has its own form for them; one without any refuses", () => {
  const source = withMadeUpMedia(fixedPrompt("Look.", 5), parseMedia("8x8", "1s"), 1);
  const question = source.next()!;
  const body = (path: string) =>
    requestBody(question, settleApi({ endpoint: `http://h${path}`, model: "m" }, () => {}));
  const types = (content: unknown) => (content as { type: string }[]).map(({ type }) => type);
  const chat = body("/v1/chat/completions").messages as { content: unknown }[];
  assertEquals(types(chat[0].content), ["text", "image_url", "input_audio"]);
  const input = body("/v1/responses").input as { content: { image_url?: unknown }[] }[];
  assertEquals(types(input[0].content), ["input_text", "input_image", "input_audio"]);
  assertEquals(typeof input[0].content[1].image_url, "string");
  const { parts } = (body("/v1beta/models/m:generateContent").contents as { parts: object[] }[])[0];
  assertEquals(parts.map((part) => Object.keys(part)), [["text"], ["inlineData"], ["inlineData"]]);
  assertThrows(() => body("/v1/messages"), InputError, "input_audio");
  assertThrows(() => body("/v1/completions"), InputError, "/v1/chat/completions");
});

Deno.test("wrong sizes and times are told with what is expected", () => {
  for (const images of ["512", "0x5", "9000x10", "65@8x8", "2x3x4", "-1x4", ""]) {
    assertThrows(() => parseMedia(images, undefined), InputError, "--images", images);
  }
  for (const audio of ["0", "-5s", "soon", "1h"]) {
    assertThrows(() => parseMedia(undefined, audio), InputError, "--audio", audio);
  }
});
