/** Tables that go through a pipe to a terminal: what it would obey (ECMA-48's C0 and C1, bidi controls) is written out. */
import { assert, assertEquals } from "@std/assert";
import { parseCsv, spreadsheetRow } from "../../lib/formats/csv.ts";
import { markdownCode, markdownTable } from "../../lib/formats/markdown.ts";

const HOSTILE = [
  "\x1b[2J\x1b[Hcleared",
  "\x1b]52;c;ZXZpbA==\x07",
  "\x1b]8;;http://evil.example\x1b\\link",
  "\x9b31mred",
  "good\rEVIL",
  "\u202egnp.exe",
  "\x00\x08\x7f",
];
// deno-lint-ignore no-control-regex
const OBEYED = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]|\r(?!\n)/;

Deno.test("no cell of CSV or Markdown holds what a terminal obeys", () => {
  for (const text of HOSTILE) {
    const row = spreadsheetRow([text, { answer: text }, "plain"]);
    assert(!OBEYED.test(row), JSON.stringify(row));
    assertEquals(parseCsv("x", row)[0].length, 3);
    const table = markdownTable(["model", text], [[text, "1"]], () => true);
    assert(!OBEYED.test(table + markdownCode(text)), JSON.stringify(table));
  }
  assertEquals(spreadsheetRow(["a\tb\r\nc"]), '"a\tb\r\nc"\r\n');
});
