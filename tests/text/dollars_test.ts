import { assertEquals } from "@std/assert";
import { dollars } from "../../lib/text/dollars.ts";

Deno.test("dollars: four decimals, and more where a cost would look like none", () => {
  const cases: [number, string][] = [
    [0, "$0.0000"],
    [1.5, "$1.5000"],
    [0.0123, "$0.0123"],
    [0.00042, "$0.00042"],
    [6.2e-6, "$0.0000062"],
    [1e-12, "$0.0000000000010"],
    [1234.5, "$1234.5000"],
  ];
  for (const [value, shown] of cases) assertEquals([value, dollars(value)], [value, shown]);
});
