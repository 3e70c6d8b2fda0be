/** What a row shows where there is not room for all of it. */
import { assert, assertEquals } from "@std/assert";
import { fittedParts, textWidth } from "../../lib/text/width.ts";

Deno.test("a row without room leaves out whole parts from its end, and cuts only names", () => {
  const row = "52/60 tests · 39.0/s · 0 s left · 2 in flight";
  assertEquals(fittedParts(row, 45), row);
  assertEquals(fittedParts(row, 44), "52/60 tests · 39.0/s · 0 s left");
  assertEquals(fittedParts(row, 20), "52/60 tests · 39.0/s");
  assertEquals(fittedParts(row, 19), "52/60 tests");
  const named = "3/9 tests · geography: which river runs through Vienna";
  assertEquals(fittedParts(named, 30), "3/9 tests · geography: which …");
  assertEquals(fittedParts(named, 18), "3/9 tests");
  assertEquals(fittedParts("reads lag 0.09 ms · CPU 0.11 of 2 cores", 30), "reads lag 0.09 ms");
  // colours end where the row does
  const bad = "errors \x1b[31m5 timeout · 2 http_5xx\x1b[39m";
  assertEquals(fittedParts(bad, 20), "errors \x1b[31m5 timeout\x1b[0m");
  for (let room = 11; room < 60; room++) {
    for (const each of [row, named]) assert(textWidth(fittedParts(each, room)) <= room);
  }
});
