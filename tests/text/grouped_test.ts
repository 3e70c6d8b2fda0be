/** Numbers with commas, as the language's own rules have them. */
import { assertEquals } from "@std/assert";
import { grouped, inDigits } from "../../lib/text/grouped.ts";

Deno.test("numbers are written as toLocaleString writes them", () => {
  const values = [0, 7, 999, 1000, 12_345, 999_999, 1e6, 123_456_789, 1.005, 0.05, 1234.5678, 2.5];
  for (const value of [...values, ...values.map((each) => 0 - each)]) {
    for (const digits of [0, 1, 3, 4]) {
      const fraction = { minimumFractionDigits: digits, maximumFractionDigits: digits };
      assertEquals(grouped(value, digits), value.toLocaleString("en", fraction));
    }
  }
});

Deno.test("a figure has its digits, and no powers of ten", () => {
  const right: [number, number, string][] = [
    [10346.78, 4, "10,347"],
    [1234567, 3, "1,234,567"],
    [999.96, 4, "1000"],
    [123.4, 3, "123"],
    [99.96, 3, "100"],
    [0.01234, 3, "0.0123"],
    [-2345.6, 4, "-2,346"],
    [1.234e-7, 3, "0.000000123"],
    [5.551e-17, 4, "0"],
    [0, 4, "0"],
  ];
  for (const [value, digits, text] of right) assertEquals(inDigits(value, digits), text);
});
