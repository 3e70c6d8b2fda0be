/** Times as people write them. Right values: Go's time.ParseDuration (its documentation and tests), and arithmetic. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { durationText, parseDuration, unitSlip } from "../../lib/text/duration.ts";

Deno.test("units, several of them, and plain numbers in the unit that is documented", () => {
  const seconds: [string, number][] = [
    ["0", 0],
    ["5s", 5],
    ["30s", 30],
    ["1478s", 1478],
    ["5.0s", 5],
    ["5.6s", 5.6],
    ["5.s", 5],
    [".5s", 0.5],
    ["12us", 12e-6],
    ["12µs", 12e-6],
    ["13ms", 13e-3],
    ["14s", 14],
    ["15m", 900],
    ["16h", 57_600],
    ["3h30m", 12_600],
    ["10.5s", 10.5],
    ["4m10.5s", 250.5],
    ["1h2m3s4ms", 3723.004],
    ["10m", 600],
    ["10min", 600],
    ["1d", 86_400],
    ["1 h 30 min", 5400],
    ["2.5", 2.5],
    ["1e3", 1000],
    [" 7s ", 7],
  ];
  for (const [text, value] of seconds) assertEquals(parseDuration(text, "s"), value, text);
  const ms: [string, number][] = [["300", 300], ["300ms", 300], ["0.3s", 300], ["1.1ms", 1.1]];
  for (const [text, value] of ms) assertEquals(parseDuration(text, "ms"), value, text);
});

Deno.test("what is no time is none", () => {
  const wrong = [
    "",
    " ",
    "-5s",
    "-1",
    "3000s.",
    ".",
    "s",
    "1x",
    "1 2",
    "1s1",
    "5s1h",
    "1m1m",
    "1,5s",
  ];
  for (
    const text of [...wrong, "Infinity", "NaN", "0x10", "1e999", "9".repeat(400) + "h", "1..2s"]
  ) {
    assertEquals(parseDuration(text, "s"), null, text);
  }
});

Deno.test("a plain number that looks like milliseconds is asked about, one of seconds is not", () => {
  for (const slip of [1000, 2000, 2500, 5000, 10_000, 30_000, 60_000, 120_000, 600_000]) {
    assertStringIncludes(unitSlip(slip) ?? "", `${slip}ms`);
  }
  for (const meant of [0, 0.5, 30, 90, 600, 999, 1200, 1800, 3600, 7200, 36_000, 86_400]) {
    assertEquals(unitSlip(meant), null);
  }
});

Deno.test("seconds as a person says them", () => {
  const texts: [number, string][] = [[8, "8 s"], [185, "3 min 5 s"], [7800, "2 h 10 min"]];
  for (const [seconds, text] of texts) assertEquals(durationText(seconds), text);
});
