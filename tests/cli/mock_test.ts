/** dyno mock's flags, as they reach its endpoint. */
import { assertEquals, assertMatch } from "@std/assert";
import { dyno, startDyno } from "../e2e/dyno.ts";
import { until } from "../until.ts";

/** Starts dyno mock, asks the same prompt twice; the cached tokens that it told, null for none. */
async function cachedTokens(...flags: string[]): Promise<(number | null)[]> {
  const mock = startDyno(["mock", "--port", "0", ...flags]);
  try {
    await until(() => /mock endpoint at (\S+)/.test(mock.said()));
    const [, url] = /mock endpoint at (\S+)/.exec(mock.said())!;
    const ask = async () => {
      const body = JSON.stringify({ model: "m", prompt: "w ".repeat(65) });
      const { usage } = await (await fetch(`${url}/v1/completions`, { method: "POST", body }))
        .json();
      return usage.prompt_tokens_details?.cached_tokens ?? null;
    };
    return [await ask(), await ask()];
  } finally {
    mock.kill("SIGINT");
    await mock.finished;
  }
}

Deno.test("dyno mock --prefix-cache: with blocks, with its own number of them, and without", async () => {
  assertEquals(await cachedTokens("--prefix-cache", "--model", "m"), [0, 64]);
  assertEquals(await cachedTokens("--prefix-cache", "3"), [0, 48]);
  assertEquals(await cachedTokens(), [null, null]);
  const { code, stderr } = await dyno(["mock", "--prefix-cache", "some"]);
  assertEquals(code, 2);
  assertMatch(stderr, /--prefix-cache: "some" is not valid; expected a whole number from 1/);
});
