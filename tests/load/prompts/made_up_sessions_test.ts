/** Times that sessions wait, as they are written and drawn. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { InputError } from "../../../lib/errors.ts";
import { sessionsOf } from "../../../lib/load/prompts/made_up_sessions.ts";
import { drawWaits } from "../../../lib/load/prompts/made_up_sessions.ts";
import { openRandom } from "../../../lib/stats/random.ts";

function draw(given: number | string, count = 20_000): number[] {
  const next_s = drawWaits(given, "--think-time", openRandom(5));
  return Array.from({ length: count }, next_s);
}

const meanOf = (values: number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;

Deno.test("times are fixed, normal or uniform, as lengths are", () => {
  assertEquals(draw(1.5, 2), [1.5, 1.5]);
  assertEquals(draw("500ms", 2), [0.5, 0.5]);
  assertEquals(draw(" 1h30m ", 1), [5400]);
  const uniform = draw("500ms-2s");
  assert(Math.min(...uniform) >= 0.5 && Math.max(...uniform) <= 2);
  assertAlmostEquals(meanOf(uniform), 1.25, 3.3 * (1.5 / Math.sqrt(12)) / Math.sqrt(20_000));
  for (const form of ["10s:2s", "10s ± 2s"]) {
    const normal = draw(form);
    assertAlmostEquals(meanOf(normal), 10, 3.3 * 2 / Math.sqrt(20_000));
    assertAlmostEquals(Math.sqrt(meanOf(normal.map((x) => (x - 10) ** 2))), 2, 0.04);
  }
  const clipped = draw("1s:1s");
  assertEquals(Math.min(...clipped), 0);
  // of a standard normal distribution 15.87 % are below −1
  const share = clipped.filter((x) => x === 0).length / clipped.length;
  assertAlmostEquals(share, 0.1587, 0.009);
});

Deno.test("what is no time, or goes backwards, is refused with its flag", () => {
  const refused = ["", "soon", "2s-1s", "1s:", "-1s", "1s-2s-3s", "2d", "1s..2s"];
  for (const text of refused) {
    assertThrows(() => draw(text), InputError, `--think-time: "${text}"`);
  }
  assertThrows(() => draw("5000:100"), InputError, "--think-time: ");
});

Deno.test("turns, tool calls and both waits are drawn by the seed, each by itself", () => {
  const settings = {
    turns: "2-6",
    tool_calls: "0-3",
    think_time_s: "1s-2s",
    tool_time_s: "10ms:5ms",
    seed: 7,
  };
  const drawn = (more: Partial<typeof settings> = {}) => {
    const { turns, tool_calls, think_s, tool_s } = sessionsOf({ ...settings, ...more });
    const ten = (next: () => number) => Array.from({ length: 10 }, next);
    return { turns: ten(turns), calls: ten(tool_calls), think: ten(think_s), tool: ten(tool_s) };
  };
  const first = drawn();
  assertEquals(drawn(), first);
  assert(first.turns.every((n) => n >= 2 && n <= 6) && new Set(first.turns).size > 1);
  assert(first.calls.every((n) => n >= 0 && n <= 3) && new Set(first.calls).size > 1);
  const other = drawn({ turns: "3" });
  assertEquals([other.calls, other.think, other.tool], [first.calls, first.think, first.tool]);
  assert(drawn({ seed: 8 }).think[0] !== first.think[0]);
  assertThrows(
    () => drawn({ turns: "0-3" }),
    InputError,
    "--turns.min: 0; expected a whole number of turns from 1",
  );
  assertThrows(() => drawn({ tool_calls: "x" }), InputError, "is not a number of tool calls");
});
