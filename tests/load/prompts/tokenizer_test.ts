/** The tokenizer against known tokens, and on text that could trip it. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { loadTokenizer } from "../../../lib/load/prompts/tokenizer.ts";
import { seededRandom } from "../../../lib/stats/random.ts";

Deno.test("known texts have their known tokens, and come back", async () => {
  const tokenizer = await loadTokenizer();
  // OpenAI's cookbook, "How to count tokens with tiktoken", o200k_base.
  assertEquals(tokenizer.encode("antidisestablishmentarianism"), [
    493,
    129901,
    376,
    160388,
    21203,
    2367,
  ]);
  assertEquals(tokenizer.count("2 + 2 = 4"), 7);
  assertEquals(tokenizer.count("お誕生日おめでとう"), 8);
  assertEquals(tokenizer.count(""), 0);
  for (
    const text of ["How many tokens?", "naïve 🤖\n\n\tfn(x) => x²", "\uFEFFa", "a".repeat(5000)]
  ) {
    assertEquals(tokenizer.decode(tokenizer.encode(text)), text);
    assertEquals(tokenizer.encode(text).length, tokenizer.count(text));
  }
  assertEquals(tokenizer.count("How many tokens?"), 4);
});

Deno.test("a part of a character shows as such and leaves nothing for later texts", async () => {
  const { decode, encode } = await loadTokenizer();
  const [first, ...rest] = encode("🤖");
  assert(rest.length > 0, "one character of several tokens");
  assertEquals(decode([first]), "\uFFFD");
  assertEquals(decode(encode("a")), "a");
  assertEquals(decode([first, ...rest]), "🤖");
});

Deno.test("special tokens in a text are plain text", async () => {
  const tokenizer = await loadTokenizer();
  const text = "a<|endoftext|>b<|im_start|>";
  assertEquals(tokenizer.decode(tokenizer.encode(text)), text);
  assert(tokenizer.count(text) > 8);
});

Deno.test("ids outside the vocabulary are refused", async () => {
  const { decode, vocabulary_size } = await loadTokenizer();
  assertEquals(typeof decode([vocabulary_size - 1]), "string");
  for (const id of [-1, 0.5, vocabulary_size, 199_999]) {
    assertThrows(() => decode([1, id]), RangeError, `token ${id}: expected`);
  }
});

Deno.test("a sample is of whole texts, from all of the vocabulary, by seed", async () => {
  const tokenizer = await loadTokenizer();
  const ids = tokenizer.sample(2000, seededRandom(1));
  assertEquals(tokenizer.sample(2000, seededRandom(1)), ids);
  for (const id of ids) assert(!tokenizer.decode([id]).includes("\uFFFD"), `token ${id}`);
  assert(Math.min(...ids) < 1000 && Math.max(...ids) > tokenizer.vocabulary_size - 1000);
  assert(new Set(ids).size > 1950);
});

Deno.test("one letter over and over, as of a model that does not stop, is counted in linear time", async () => {
  const tokenizer = await loadTokenizer();
  // the package alone, on what it can take in time
  const { countTokens } = await import("gpt-tokenizer/encoding/o200k_base");
  for (const piece of ["a", "中", "!", " ", "é", "😀", "ab"]) {
    const text = `So ${piece.repeat(3000 / piece.length)}, so`;
    assert(Math.abs(tokenizer.count(text) - countTokens(text)) <= 3, piece);
    assertEquals(tokenizer.decode(tokenizer.encode(text)), text);
    assert(tokenizer.count(piece.repeat(200_000)) > 100, piece); // took minutes
  }
  const words = "Plain words, 1234 of them. ".repeat(2000);
  assertEquals(tokenizer.count(words), countTokens(words));
});
