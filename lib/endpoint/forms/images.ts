/** OpenAI's image generation: a text in, images out. */
import { Buffer } from "node:buffer";
import { objectsIn } from "../../json_fields.ts";
import { textIn } from "../json.ts";
import { Said } from "../said.ts";
import { usageIn } from "../usage.ts";
import { promptOf, withoutLimit } from "./form.ts";
import type { JsonObject } from "../../json_fields.ts";
import type { ApiForm } from "./form.ts";

/** Adds the images that arrived; the size of an image at a URL is unknown. */
function add(said: Said, images: readonly JsonObject[]): void {
  const sizes = images.map(({ b64_json }) =>
    typeof b64_json === "string" ? Buffer.byteLength(b64_json, "base64") : null
  );
  const known = sizes.every((size) => size !== null);
  said.is_answer = images.length > 0;
  said.media = {
    images: images.length,
    ...(known ? { bytes: sizes.reduce((sum: number, size) => sum + size!, 0) } : {}),
  };
}

function saidInBody(json: JsonObject): Said {
  const said = new Said();
  said.addUsage(usageIn(json.usage));
  said.has_choice = Array.isArray(json.data);
  add(
    said,
    objectsIn(json.data).filter(({ b64_json, url }) =>
      textIn(b64_json) !== "" || textIn(url) !== ""
    ),
  );
  return said;
}

/** Reads an event of a stream, which a request asks for with `stream` and `partial_images`. */
function saidInEvent(json: JsonObject): Said {
  const said = new Said();
  const type = textIn(json.type);
  if (type.endsWith(".partial_image")) said.has_choice = true;
  if (!type.endsWith(".completed")) return said;
  said.addUsage(usageIn(json.usage));
  add(said, [json]);
  said.finish(null);
  return said;
}

/** Image generation. */
export const IMAGES: ApiForm = {
  path: /\/images\/generations$/,
  says: "images",
  converses: false,
  request: (question, target) => ({
    model: target.model,
    prompt: promptOf(question, target),
    ...withoutLimit(question.parameters),
  }),
  event: saidInEvent,
  body: saidInBody,
  list: "data",
  kept: (raw, json) => ({ ...raw, ...json }),
  whole: (raw) => raw,
};
