import { assertEquals } from "@std/assert";
import { costText, dollars, exactUsd } from "../../lib/text/dollars.ts";

Deno.test("dollars: four decimals, and more where a cost would look like none", () => {
  const cases: [number, string][] = [
    [0, "$0.0000"],
    [1.5, "$1.5000"],
    [0.0123, "$0.0123"],
    [0.00042, "$0.00042"],
    [6.2e-6, "$0.0000062"],
    [1e-12, "$0.000000000001"],
    [2.5e-5, "$0.000025"],
    [0.0014735, "$0.00147"],
    [-0.0003, "-$0.0003"],
    [1234.5, "$1234.5000"],
  ];
  for (const [value, shown] of cases) assertEquals([value, dollars(value)], [value, shown]);
});

Deno.test("a sum of dollars is what a person adds up to", () => {
  let sum = 0;
  for (let i = 0; i < 1e5; i++) sum = exactUsd(sum + 0.0000003);
  assertEquals(sum, 0.03);
  assertEquals(exactUsd(0.0018814499999999998), 0.00188145);
});

Deno.test("a total says how many requests are not in it", () => {
  assertEquals([costText(null, 3), costText(0.5, 0), costText(0.5, 3)], [
    "unknown",
    "$0.5000",
    "$0.5000 + 3 unknown",
  ]);
});
