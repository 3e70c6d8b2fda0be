import { assertEquals } from "@std/assert";
import { percentEstimate, percentText } from "../../lib/text/percent.ts";

Deno.test("a share in percent: few are not none, what is unknown is a dash", () => {
  const said: [number | null | undefined, string][] = [
    [0.873, "87.3 %"],
    [1, "100.0 %"],
    [0, "0.0 %"],
    [0.01, "1.0 %"],
    [0.0099, "0.99 %"],
    [0.0004, "0.04 %"],
    [-0.25, "-25.0 %"],
    [0.07, "7.0 %"], // 0.07 * 100 is 7.000000000000001
    [null, "–"],
    [undefined, "–"],
  ];
  for (const [share, text] of said) assertEquals(percentText(share), text);
  assertEquals([percentText(0.873, 0), percentText(0.0004, 2)], ["87 %", "0.04 %"]);
});

Deno.test("a share with its interval", () => {
  const estimate = { value: 0.873, low: 0.8014, high: 0.92 };
  assertEquals(percentEstimate(estimate), "87.3 % [80.1, 92.0]");
  assertEquals(percentEstimate(estimate, 0), "87.3 % [80, 92]");
});
