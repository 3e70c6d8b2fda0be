/** The words on the numbers: docs/metrics.md has them from lib/measures, as the reports do. */
import { readFileSync } from "node:fs";
import { assertEquals } from "@std/assert";
import { DEFINITIONS, LOAD_DEFINITIONS } from "../../lib/report/definitions.ts";

Deno.test("the table of docs/metrics.md is the list's, row by row", () => {
  const page = readFileSync(new URL("../../docs/metrics.md", import.meta.url), "utf8");
  const [, section] = page.split("## Definitions");
  const lines = section.split("\n");
  const first = lines.findIndex((line) => line.startsWith("| name"));
  const rows = lines.slice(first + 2, lines.indexOf("", first));
  const cells = rows.map((row) => row.slice(1, -1).split("|").map((cell) => cell.trim()));
  assertEquals(cells, [...DEFINITIONS, ...LOAD_DEFINITIONS].map((term) => [...term]));
});
