/** The words on the numbers: README has them from lib/measures, as the reports do. */
import { readFileSync } from "node:fs";
import { assertEquals } from "@std/assert";
import { DEFINITIONS, LOAD_DEFINITIONS } from "../../lib/report/definitions.ts";

Deno.test("README's table of what numbers mean is the list's, row by row", () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const [, section] = readme.split("## What the numbers mean");
  const lines = section.split("\n");
  const first = lines.findIndex((line) => line.startsWith("| name"));
  const rows = lines.slice(first + 2, lines.indexOf("", first));
  const cells = rows.map((row) => row.slice(1, -1).split("|").map((cell) => cell.trim()));
  assertEquals(cells, [...DEFINITIONS, ...LOAD_DEFINITIONS].map((term) => [...term]));
});
