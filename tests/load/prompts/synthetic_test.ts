/** Synthetic prompts against the tokenizer: exact counts, and shared only what is to be shared. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { InputError } from "../../../lib/errors.ts";
import { arrivalTimes } from "../../../lib/load/arrival.ts";
import { COMMON_WORDS } from "../../../lib/load/prompts/common_words.ts";
import { syntheticPrompts } from "../../../lib/load/prompts/synthetic.ts";
import type { SyntheticLoad, SyntheticPrompt } from "../../../lib/load/prompts/synthetic.ts";
import { drawLengths, parseTokenLengths } from "../../../lib/load/prompts/token_lengths.ts";
import type { TokenLengths } from "../../../lib/load/prompts/token_lengths.ts";
import { loadTokenizer } from "../../../lib/load/prompts/tokenizer.ts";
import { openRandom } from "../../../lib/stats/random.ts";

/** With words of the lengths' seed, unless a test tells them. */
function take(
  load: Omit<SyntheticLoad, "words"> & { words?: number },
  n: number,
): SyntheticPrompt[] {
  const prompts = syntheticPrompts({ words: load.seed, ...load });
  return Array.from({ length: n }, () => prompts.next().value);
}

const firstWords = (prompt: string, n: number) => prompt.split(" ").slice(0, n).join(" ");

Deno.test("each word is one token, with a space before it and without", async () => {
  const { count } = await loadTokenizer();
  assertEquals(COMMON_WORDS.length, 400);
  assertEquals(new Set(COMMON_WORDS).size, 400);
  assertEquals(COMMON_WORDS.filter((word) => count(word) !== 1 || count(` ${word}`) !== 1), []);
});

Deno.test("200 prompts have exactly the tokens that they are said to have", async () => {
  const { count } = await loadTokenizer();
  for (const prefix_share of [0, 0.5]) {
    const input = { mean: 300, stddev: 250, min: 4 };
    const prompts = take(
      { input, output: { min: 1, max: 9 }, prefix_share, prefixes: 3, seed: 1 },
      200,
    );
    for (const { prompt, input_tokens } of prompts) assertEquals(count(prompt), input_tokens);
    assert(prompts.some(({ input_tokens }) => input_tokens === 4), "the shortest is among them");
  }
  const [long] = take({ input: 150_000, output: 1, seed: 1 }, 1); // longer than the stock of words
  assertEquals(count(long.prompt), 150_000);
});

Deno.test("10,000 prompts of 16 tokens are distinct, at any share of prefixes", () => {
  for (const prefix_share of [0, 0.5, 1]) {
    const prompts = take({ input: 16, output: 1, prefix_share, seed: 2 }, 10_000);
    assertEquals(new Set(prompts.map(({ prompt }) => prompt)).size, 10_000);
  }
  const shortest = take({ input: 4, output: 1, seed: 2 }, 100_000);
  assertEquals(new Set(shortest.map(({ prompt }) => prompt)).size, 100_000);
});

Deno.test("without shared prefixes, prompts differ from the beginning", () => {
  const prompts = take({ input: { mean: 64, stddev: 30 }, output: 1, seed: 3 }, 10_000)
    .map(({ prompt }) => prompt);
  assertEquals(new Set(prompts.map((prompt) => firstWords(prompt, 4))).size, 10_000);
  for (let i = 0; i < 10_000; i += 400) {
    const row = prompts.slice(i, i + 400).map((prompt) => firstWords(prompt, 1));
    assertEquals(new Set(row).size, row.length, "400 in a row differ in the first word");
  }
});

Deno.test("shared prefixes have their share of each prompt, and no more is shared", () => {
  const prompts = take(
    { input: { min: 100, max: 200 }, output: 1, prefix_share: 0.6, prefixes: 5, seed: 4 },
    2000,
  );
  const groups = Map.groupBy(prompts, ({ prompt }) => firstWords(prompt, 60));
  assertEquals(groups.size, 5);
  assertEquals(new Set([...groups.keys()].map((begin) => firstWords(begin, 1))).size, 5);
  for (const group of groups.values()) {
    assert(group.length > 300 && group.length < 500, `${group.length} of 2000 in one of five`);
    const longest = group.reduce((a, b) => a.prefix_tokens > b.prefix_tokens ? a : b).prompt;
    const beyond = group.map(({ prompt, input_tokens, prefix_tokens }) => {
      assertEquals(prefix_tokens, Math.round(0.6 * input_tokens));
      assertEquals(firstWords(prompt, prefix_tokens), firstWords(longest, prefix_tokens));
      return prompt.split(" ").slice(prefix_tokens, prefix_tokens + 4).join(" ");
    });
    assertEquals(new Set(beyond).size, group.length);
  }
});

Deno.test("the last 4 tokens are a prompt's own even at a share of 1", () => {
  const prompts = take({ input: 40, output: 1, prefix_share: 1, seed: 5 }, 1000);
  assertEquals(new Set(prompts.map(({ prompt }) => firstWords(prompt, 36))).size, 1);
  assertEquals(prompts[0].prefix_tokens, 36);
});

Deno.test("the same seed gives the same prompts, another seed others", () => {
  const load = { input: { mean: 100, stddev: 30 }, output: { mean: 50, stddev: 9 } };
  const prompts = take({ ...load, seed: 6 }, 500);
  assertEquals(take({ ...load, seed: 6 }, 500), prompts);
  const begins = new Set(prompts.map(({ prompt }) => firstWords(prompt, 4)));
  const others = take({ ...load, seed: 7 }, 500);
  assert(
    others.every(({ prompt }) => !begins.has(firstWords(prompt, 4))),
    "a warm cache is of no use",
  );
  const shared = take({ ...load, seed: 6, prefix_share: 0.5, prefixes: 9 }, 500);
  assertEquals(
    shared.map((p) => [p.input_tokens, p.output_tokens]),
    prompts.map((p) => [p.input_tokens, p.output_tokens]),
    "lengths do not depend on prefixes",
  );
  const anew = take({ ...load, seed: 6, words: 9 }, 500);
  assert(anew.every(({ prompt }) => !begins.has(firstWords(prompt, 4))));
  assertEquals(
    anew.map((p) => [p.input_tokens, p.output_tokens]),
    prompts.map((p) => [p.input_tokens, p.output_tokens]),
    "nor on the words",
  );
});

Deno.test("lengths are independent of arrivals of the same seed", () => {
  const n = 10_000;
  const prompts = take({ input: { min: 4, max: 1003 }, output: 1, seed: 8 }, n);
  const times = arrivalTimes({ arrival: "poisson", rate_per_s: 1, seed: 8 });
  let before_s = 0, covariance = 0;
  for (const { input_tokens } of prompts) {
    const t_s = times.next().value;
    covariance += (t_s - before_s - 1) * (input_tokens - 503.5) / 288.7 / n;
    before_s = t_s;
  }
  assert(Math.abs(covariance) < 3.3 / Math.sqrt(n), `correlation ${covariance}`);
});

const draw = (lengths: TokenLengths, n = 20_000, least = 1) => {
  const next = drawLengths(lengths, "input", least, openRandom(9));
  return Array.from({ length: n }, next);
};
const meanOf = (values: number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;

Deno.test("normal, uniform and fixed lengths are what they say", () => {
  assertEquals(new Set(draw(512)), new Set([512]));
  assertEquals(new Set(draw({ mean: 99.6 })), new Set([100]));
  const normal = draw({ mean: 512, stddev: 100 });
  assertAlmostEquals(meanOf(normal), 512, 3.3 * 100 / Math.sqrt(20_000));
  assertAlmostEquals(Math.sqrt(meanOf(normal.map((x) => (x - 512) ** 2))), 100, 2);
  const clipped = draw({ mean: 100, stddev: 100, min: 50, max: 150 });
  assertEquals([Math.min(...clipped), Math.max(...clipped)], [50, 150]);
  const below = clipped.filter((x) => x === 50).length / clipped.length;
  assertAlmostEquals(below, 0.3104, 0.011); // Φ(−0.495): what rounds to 50 or less
  assertEquals(Math.min(...draw({ mean: 5, stddev: 9 }, 1000, 4)), 4, "clipped at the least");
  const counts = new Map<number, number>();
  for (const x of draw({ min: 3, max: 6 })) counts.set(x, (counts.get(x) ?? 0) + 1);
  assertEquals([...counts.keys()].sort(), [3, 4, 5, 6]);
  for (const count of counts.values()) assert(Math.abs(count - 5000) < 3.3 * 61.2, `${count}`);
});

Deno.test("lengths in a flag", () => {
  const parse = (text: string) => parseTokenLengths(text, "--input-tokens");
  assertEquals(parse("512"), 512);
  assertEquals(parse("512±128"), { mean: 512, stddev: 128 });
  assertEquals(parse(" 512 : 128 "), { mean: 512, stddev: 128 });
  assertEquals(parse("100-200"), { min: 100, max: 200 });
  const refused: [string, string][] = [
    ["", '--input-tokens: "" is not a token count; give 512'],
    ["many", '"many" is not a token count'],
    ["-5", '"-5" is not a token count'],
    ["1.5", '"1.5" is not a token count'],
    ["0", "--input-tokens: 0; expected a whole number of tokens from 1"],
    ["0:5", "--input-tokens.mean: 0; expected"],
    ["200-100", "--input-tokens.max: 100; expected a whole number of tokens from 200"],
    ["99999999999", "--input-tokens: 99999999999; expected"],
  ];
  for (const [text, message] of refused) assertThrows(() => parse(text), InputError, message);
});

Deno.test("settings outside their range are refused at the call, by name", () => {
  const good = { input: 16, output: 1, seed: 1, words: 1 };
  const refused: [Partial<SyntheticLoad>, string][] = [
    [{ input: 3 }, "input: 3; expected a whole number of tokens from 4"],
    [{ input: { min: 2, max: 9 } }, "input.min: 2"],
    [{ input: { mean: 10, stddev: -1 } }, "input.stddev: -1"],
    [{ input: { mean: NaN } }, "input.mean: NaN"],
    [{ output: 0 }, "output: 0; expected"],
    [{ prefix_share: 1.5 }, "prefix_share: 1.5"],
    [{ prefixes: 0 }, "prefixes: 0"],
    [{ seed: -1 }, "seed: -1"],
  ];
  for (const [wrong, message] of refused) {
    assertThrows(() => syntheticPrompts({ ...good, ...wrong }), InputError, message);
  }
});
