/** Whole numbers for people. */
import { assertEquals } from "@std/assert";
import { grouped } from "../lib/grouped.ts";

Deno.test("whole numbers are written as English writes them", () => {
  for (const count of [0, 7, 999, 1000, 12_345, 123_456, 1_234_567, -1, -999, -123_456, 2 ** 53]) {
    assertEquals(grouped(count), count.toLocaleString("en"));
  }
});
