/** Images, sound and files that a suite's messages name by their path, in the chat API's format. */
import { readFileSync, statSync } from "node:fs";
import { basename, extname } from "node:path";
import { InputError, messageOf } from "../errors.ts";
import { asObject, type JsonObject } from "../json_fields.ts";
import { pathBeside } from "./beside.ts";
import type { TestCase } from "../settings/suite.ts";

/** More than servers accept in one request. */
const LARGEST_BYTES = 50_000_000;

const MEDIA_TYPES: Record<string, string> = {
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".gif": "image/gif",
  ".webp": "image/webp",
  ".wav": "audio/wav",
  ".mp3": "audio/mpeg",
  ".flac": "audio/flac",
  ".pdf": "application/pdf",
  ".txt": "text/plain",
  ".json": "application/json",
  ".csv": "text/csv",
};

/**
 * The test with the content of the files that its messages name: `{"type": "image", "path": "cat.png"}`,
 * and likewise `audio` and `file`. The paths must be in the suite's folder or below it.
 *
 * @param where the test's place in its suite, for error messages.
 * @throws {InputError} a file that is missing, too large, of an unknown type, or outside of the folder.
 */
export function withMedia(test: TestCase, directory: string, where: string): TestCase {
  if (!test.messages?.some(({ content }) => Array.isArray(content) && content.some(isNamed))) {
    return test;
  }
  const messages = test.messages.map((message, m) => {
    const { content } = message;
    if (!Array.isArray(content)) return message;
    const parts = content.map((part, p) => {
      if (!isNamed(part)) return part;
      try {
        return mediaPart(part.type, part.path, directory);
      } catch (error) {
        throw new InputError(`${where}.messages[${m}].content[${p}]: path: ${messageOf(error)}`);
      }
    });
    return { ...message, content: parts };
  });
  return { ...test, messages };
}

type Medium = "image" | "audio" | "file";

function isNamed(part: unknown): part is { type: Medium; path: string } {
  const { type, path } = asObject(part) ?? {};
  return typeof path === "string" && ["image", "audio", "file"].includes(String(type));
}

/**
 * A file as a part of a message.
 *
 * @param name its path relative to the folder, inside it.
 * @throws {Error} missing, too large, of an unknown type, or outside of the folder.
 */
export function mediaPart(type: Medium, name: string, directory: string): JsonObject {
  const extension = extname(name).toLowerCase();
  const media = MEDIA_TYPES[extension];
  const kind = media?.split("/")[0];
  if (media === undefined || (type !== "file" && kind !== type)) {
    const known = Object.keys(MEDIA_TYPES).filter((each) =>
      type === "file" || MEDIA_TYPES[each].startsWith(`${type}/`)
    );
    throw new Error(`"${name}" is not a file of type ${type}; expected ${known.join(", ")}`);
  }
  const data = bytesOf(name, directory).toString("base64");
  if (type === "image") {
    return { type: "image_url", image_url: { url: `data:${media};base64,${data}` } };
  }
  if (type === "audio") {
    return { type: "input_audio", input_audio: { data, format: extension.slice(1) } };
  }
  const file = { filename: basename(name), file_data: `data:${media};base64,${data}` };
  return { type: "file", file };
}

function bytesOf(name: string, directory: string) {
  const path = pathBeside(directory, name);
  const { size } = statSync(path);
  if (size > LARGEST_BYTES) {
    throw new Error(`"${name}" has ${size} bytes; at most 50 MB can be sent`);
  }
  return readFileSync(path);
}
