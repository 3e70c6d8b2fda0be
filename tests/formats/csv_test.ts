/**
 * CSV. Right values are those of Python 3.11's csv.reader(newline="") on the same bytes, written down on
 * 2026-11-30, but for an open quote, which is an error here, and empty lines, which are left out.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { csvLine, csvRows, parseCsv, readCsv, spreadsheetRow } from "../../lib/formats/csv.ts";
import { temporaryFolder } from "../suite/fixture.ts";

/** The pieces of a text, each of so many characters. */
async function* inPieces(text: string, size: number): AsyncGenerator<string> {
  for (let i = 0; i < text.length; i += size) yield await text.slice(i, i + size);
}

const cases: [string, string[][]][] = [
  ["", []],
  ["\n\r\n", []],
  ["a,b\n1,2", [["a", "b"], ["1", "2"]]],
  ["a,b\r\n1,\r\n", [["a", "b"], ["1", ""]]],
  [",\n", [["", ""]]],
  ['""\n', [[""]]],
  ['""\r\n', [[""]]],
  ['"x, ""y""\r\nz",2\r\n', [['x, "y"\r\nz', "2"]]],
  ['a"b,c""\n', [['a"b', 'c""']]],
  ['"a"b,"c" "d"\n', [["ab", 'c "d"']]],
  ['"a\r"\r\n', [["a\r"]]],
  ['""",\n""",é\n', [['",\n"', "é"]]],
  [" a , b \n", [[" a ", " b "]]],
];

Deno.test("rows are those of Python's reader, whole and in pieces of any size", async () => {
  for (const [text, rows] of cases) {
    assertEquals(parseCsv("t", text), rows, JSON.stringify(text));
    for (const size of [1, 2, 3, 5]) {
      const read = await Array.fromAsync(csvRows("t", inPieces("\uFEFF" + text, size)));
      assertEquals(read, rows, `${JSON.stringify(text)} in pieces of ${size}`);
    }
  }
});

Deno.test("an open quote and a row without end are errors that name file and row", async () => {
  assertThrows(() => parseCsv("t.csv", 'a,b\n1,"2\n'), InputError, "t.csv: row 2: a quote is not");
  const endless = async function* () {
    for (;;) yield await "x".repeat(1 << 20);
  };
  await assertRejects(
    () => Array.fromAsync(csvRows("t.csv", endless())),
    InputError,
    "t.csv: row 1: too long a row",
  );
});

Deno.test("what is written is read again, from a file too", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "t.csv");
  const long = "x".repeat(70_000) + '",\n"';
  const cells = ["a", "", "b,c", 'say "x"', "two\nlines", "\r", "ü", " ", '"', long];
  assertEquals(parseCsv("t", csvLine(cells) + csvLine([1, null, true, -2.5e-7])), [
    cells,
    ["1", "", "true", "-2.5e-7"],
  ]);
  assertEquals(parseCsv("t", spreadsheetRow(["=1", "＝1", { a: [1] }, null, false, 'q"'])), [
    ["'=1", "'＝1", '{"a":[1]}', "", "false", 'q"'],
  ]);
  writeFileSync(path, csvLine(["n", "long"]) + csvLine([1, long]) + csvLine([2, null]));
  assertEquals(await Array.fromAsync(readCsv(path)), [{ n: "1", long }, { n: "2", long: "" }]);
  await assertRejects(() => Array.fromAsync(readCsv(path + "x")), InputError, "no such file");
});
