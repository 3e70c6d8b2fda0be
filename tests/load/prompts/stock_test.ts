/** Made-up prompts of prose and of code, against the text that they are cut from. */
import { assert, assertEquals } from "@std/assert";
import { packageBytes } from "../../../lib/package_files.ts";
import { corpusStock } from "../../../lib/load/prompts/stock.ts";
import { syntheticPrompts } from "../../../lib/load/prompts/synthetic.ts";
import { loadTokenizer } from "../../../lib/load/prompts/tokenizer.ts";

for (const corpus of ["prose", "code"] as const) {
  Deno.test(`${corpus}: passages of the corpus, of the length asked for, none that begin alike`, async () => {
    const whole = new TextDecoder().decode(packageBytes(`experiments/corpus/${corpus}.txt`));
    assert(/^[\x20-\x7e\n]*$/.test(whole) && whole.length > 100_000);
    const tokenizer = await loadTokenizer();
    const { count } = tokenizer;
    const stock = corpusStock(corpus, tokenizer);
    assertEquals(stock.ends.at(-1), whole.length);
    assertEquals(stock.ends.length - 1, count(whole));
    const load = { input: { mean: 300, stddev: 100 }, output: 1, seed: 3, words: 9, stock };
    const prompts = syntheticPrompts(load), again = syntheticPrompts(load);
    const beginnings = new Set<string>();
    for (let i = 0; i < 200; i++) {
      const { prompt, input_tokens } = prompts.next().value;
      assertEquals(again.next().value.prompt, prompt);
      // the passage's ends may meet their neighbours in another token
      assert(Math.abs(count(prompt) - input_tokens) <= 3, `${count(prompt)} of ${input_tokens}`);
      const [, beginning, passage] = /^((?:\w+ ?){4})(.*)$/s.exec(prompt) ?? [];
      beginnings.add(beginning ?? "");
      if (input_tokens > 20) {
        const cut = passage.slice(20, 60);
        assert(whole.includes(cut), JSON.stringify(cut));
      }
    }
    assertEquals(beginnings.size, 200);
  });
}
