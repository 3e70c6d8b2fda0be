/** Image generation: answers and events as OpenAI's API reference and its Python client 3.57 have them. */
import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { asked, failureOf, streamed, whole } from "./fixture.ts";

const b64_json = Buffer.from("0123456789").toString("base64");
const usage = {
  input_tokens: 50,
  output_tokens: 272,
  total_tokens: 322,
  input_tokens_details: { text_tokens: 10, image_tokens: 40 },
};

Deno.test("images are counted, their bytes where they are there, tokens where usage tells them", () => {
  const two = whole("images", { created: 1, data: [{ b64_json }, { b64_json }], usage });
  assertEquals(two.media, { images: 2, bytes: 20 });
  assertEquals([two.prompt_tokens, two.completion_tokens], [50, 272]);
  const linked = whole("images", { created: 1, data: [{ url: "https://x/y.png" }] });
  assertEquals(linked.media, { images: 1 });
  assertEquals([linked.prompt_tokens, linked.counted().completion_tokens], [null, null]);
  assertEquals(linked.tokens.first_ns, null);
});

Deno.test("a stream of images: partial ones are no images, and there is no first token", () => {
  const reply = streamed("images", [
    { type: "image_generation.partial_image", b64_json: "AAAA", partial_image_index: 0 },
    { type: "image_generation.completed", b64_json, size: "1024x1024", usage },
  ]);
  assertEquals(reply.media, { images: 1, bytes: 10 });
  assertEquals([reply.tokens.count, reply.choices.count], [0, 1]);
  assertEquals(reply.completion_tokens, 272);
});

Deno.test("no image is an empty reply, and something else malformed", () => {
  assertEquals(failureOf(() => whole("images", { created: 1, data: [] })), "empty_reply");
  assertEquals(failureOf(() => whole("images", { created: 1, data: [{}] })), "empty_reply");
  assertEquals(failureOf(() => whole("images", { choices: [] })), "malformed");
  const refused = { error: { code: "moderation_blocked", type: "image_generation_user_error" } };
  assertEquals(failureOf(() => whole("images", refused)), "http_5xx");
});

Deno.test("a question for images", () => {
  const question = { prompt: "a cat", parameters: { max_tokens: 128, n: 2, size: "1024x1024" } };
  assertEquals(asked("http://h/v1/images/generations", question), {
    url: "http://h/v1/images/generations",
    body: { model: "m", prompt: "a cat", n: 2, size: "1024x1024" },
  });
});
