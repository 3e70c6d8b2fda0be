/** Made-up images and audio in prompts, different in each, so that no server has cached them. */
import { Buffer } from "node:buffer";
import { crc32, deflateSync } from "node:zlib";
import { wavHead } from "../../endpoint/forms/wav.ts";
import { InputError } from "../../errors.ts";
import { seededRandom } from "../../stats/random.ts";
import { parseDuration } from "../../text/duration.ts";
import type { JsonObject } from "../../json_fields.ts";
import type { PromptSource } from "./prompts.ts";
import type { LoadQuestion } from "./session.ts";

/** The media in each prompt. */
export interface MadeUpMedia {
  /** PNG images with a size in pixels. */
  images: { count: number; width: number; height: number } | null;
  /** Seconds of audio: WAV, 16 kHz, one channel. */
  audio_s: number | null;
}

const MOST_PIXELS = 8192, MOST_IMAGES = 64, LONGEST_AUDIO_S = 600;

/**
 * Reads images, `2@640x480` or `640x480` for one, and the duration of audio.
 *
 * @throws {InputError} another form, or more than a request may carry.
 */
export function parseMedia(images: string | undefined, audio: string | undefined): MadeUpMedia {
  const [, count = "1", width, height] = /^(?:(\d+)@)?(\d+)x(\d+)$/.exec(images?.trim() ?? "") ??
    [];
  if (images !== undefined) {
    const sizes = [width, height].map(Number);
    const fits = sizes.every((size) => size >= 1 && size <= MOST_PIXELS) &&
      Number(count) >= 1 && Number(count) <= MOST_IMAGES;
    if (!fits) {
      throw new InputError(
        `--images: "${images}"; expected WIDTHxHEIGHT or COUNT@WIDTHxHEIGHT in pixels, such as ` +
          `2@512x512; at most ${MOST_IMAGES} of ${MOST_PIXELS} by ${MOST_PIXELS}`,
      );
    }
  }
  const audio_s = audio === undefined ? null : parseDuration(audio, "s");
  if (audio !== undefined && !(audio_s !== null && audio_s > 0 && audio_s <= LONGEST_AUDIO_S)) {
    throw new InputError(
      `--audio: "${audio}"; expected a time above 0 s, such as 5s; at most ${LONGEST_AUDIO_S} s`,
    );
  }
  return {
    images: images === undefined
      ? null
      : { count: Number(count), width: Number(width), height: Number(height) },
    audio_s,
  };
}

/**
 * Adds images and audio after the text of questions, in the chat API's form. Each turn of a
 * conversation has its own; tool results have none.
 *
 * @param seed determines the media: the same seed makes the same media.
 */
export function withMadeUpMedia(
  source: PromptSource,
  media: MadeUpMedia,
  seed: number,
): PromptSource {
  const seeds = seededRandom(seed ^ 0x6d65_6469);
  const { images, audio_s } = media;
  const parts = (random: () => number): JsonObject[] => [
    ...Array.from({ length: images?.count ?? 0 }, () => {
      const data = png(images!.width, images!.height, random).toString("base64");
      return { type: "image_url", image_url: { url: `data:image/png;base64,${data}` } };
    }),
    ...(audio_s === null ? [] : [{
      type: "input_audio",
      input_audio: { data: wav(audio_s, random).toString("base64"), format: "wav" },
    }]),
  ];
  /** The media are made when the question is, and do not depend on when that is. */
  const with_ = <Asked extends LoadQuestion>(ask: () => Asked): () => Asked => {
    const own = Math.floor(seeds() * 2 ** 32);
    return () => {
      const question = ask();
      const content = [{ type: "text", text: question.prompt ?? "" }, ...parts(seededRandom(own))];
      return { ...question, prompt: undefined, messages: [{ role: "user", content }] };
    };
  };
  const named = [
    ...(images === null ? [] : [`${images.count} of ${images.width} × ${images.height} pixels`]),
    ...(audio_s === null ? [] : [`${audio_s} s of sound`]),
  ];
  return {
    ...source,
    name: `${source.name}, with ${named.join(" and ")} each`,
    next: () => {
      const prompt = source.next();
      if (prompt === null) return null;
      const begins = with_(() => prompt);
      const later = prompt.later.map((step) =>
        step.tool ? step : { ...step, ask: with_(step.ask) }
      );
      return { ...begins(), later };
    },
  };
}

/**
 * Side of a square of one colour: such an image compresses about as well as a photograph of the
 * same size.
 */
const SQUARE = 4;

/** Encodes a PNG of random squares (RGB, 8 bits) by the W3C standard. */
function png(width: number, height: number, random: () => number): Buffer {
  const columns = Math.ceil(width / SQUARE);
  const rows: Buffer[] = [];
  for (let y = 0; y < height; y++) {
    if (y % SQUARE !== 0) {
      rows.push(rows.at(-1)!);
      continue;
    }
    const row = Buffer.alloc(1 + 3 * width); // its first byte is the filter type: none
    for (let column = 0; column < columns; column++) {
      const colour = Math.floor(random() * 2 ** 24);
      const end = Math.min(width, (column + 1) * SQUARE);
      for (let at = 1 + 3 * column * SQUARE; at < 1 + 3 * end; at += 3) {
        row[at] = colour >> 16;
        row[at + 1] = colour >> 8;
        row[at + 2] = colour;
      }
    }
    rows.push(row);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(Buffer.concat(rows), { level: 1 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const whole = Buffer.alloc(body.length + 8);
  whole.writeUInt32BE(data.length, 0);
  whole.set(body, 4);
  whole.writeUInt32BE(crc32(body), 4 + body.length);
  return whole;
}

const SAMPLES_PER_S = 16_000;

/** Encodes a WAV of quiet noise: 16-bit PCM, one channel. */
function wav(seconds: number, random: () => number): Buffer {
  const samples = Math.round(seconds * SAMPLES_PER_S);
  const bytes = Buffer.alloc(2 * samples);
  for (let i = 0; i < samples; i++) {
    bytes.writeInt16LE(Math.floor(random() * 8192) - 4096, 2 * i);
  }
  return Buffer.concat([wavHead(SAMPLES_PER_S, 16, bytes.length), bytes]);
}
