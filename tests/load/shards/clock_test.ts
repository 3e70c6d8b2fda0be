/** What is proven of a clock by messages, tried with clocks whose offset is known. */
import { assert, assertEquals } from "@std/assert";
import { offsetOf } from "../../../lib/load/shards/clock.ts";
import type { ClockExchange } from "../../../lib/load/shards/clock.ts";

/** Exchanges with a clock that is `offset` ahead, under delays of up to `most` each way. */
function exchanges(offset: number, most: number, count: number): ClockExchange[] {
  let t = 1e9;
  return Array.from({ length: count }, () => {
    const [there, work, back] = [0, 1, 2].map(() => Math.floor(Math.random() * most));
    const exchange: ClockExchange = [
      t,
      t + there + offset,
      t + there + work + offset,
      t + there + work + back,
    ];
    t += 4 * most;
    return exchange;
  });
}

Deno.test("the offset lies within its bound, and more exchanges make the bound narrower", () => {
  for (let i = 0; i < 500; i++) {
    const offset = Math.floor((Math.random() - 0.5) * 1e15);
    const all = exchanges(offset, 1e6, 32);
    let before = Infinity;
    for (const count of [1, 4, 32]) {
      const { offset_ns, error_ns } = offsetOf(all.slice(0, count))!;
      assert(Math.abs(offset_ns - offset) <= error_ns + 1, `${offset}: ${offset_ns} ± ${error_ns}`);
      assert(error_ns <= before);
      before = error_ns;
    }
  }
});

Deno.test("delays that are all on one side are in the bound, as an estimate from the mean would not be", () => {
  // the way there takes 10 ms, the way back nothing: half of it is not known
  assertEquals(offsetOf([[0, 10e6 + 7, 10e6 + 7, 10e6]]), { offset_ns: 5e6 + 7, error_ns: 5e6 });
});

Deno.test("exchanges that contradict one another tell nothing", () => {
  assertEquals(offsetOf([]), null);
  assertEquals(offsetOf([[0, 10, 10, 20], [1000, 2010, 2010, 1020]]), null); // it was set by 1,000
});
