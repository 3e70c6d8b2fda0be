/**
 * Markdown and JUnit. Each text below was rendered on 2026-11-30 by markdown-it-py 4 (commonmark, with
 * tables) in a paragraph and in a table's cell: its words came out as they are here, with no element.
 */
import { assertEquals } from "@std/assert";
import { junitXml } from "../../lib/formats/junit.ts";
import { markdownCode, markdownTable, markdownText } from "../../lib/formats/markdown.ts";

const texts: [string, string][] = [
  ["llm_provider, tier_0", "llm_provider, tier_0"],
  ["8.5 [4.5, 12.5]", "8.5 [4.5, 12.5]"],
  ["_a_ and __b__", "\\_a\\_ and \\_\\_b\\_\\_"],
  ["*a* `b` <b>c</b>", "\\*a\\* \\`b\\` \\<b\\>c\\</b\\>"],
  ["[x](http://y) ![x](y) [x][y]", "[x\\](http://y) ![x\\](y) [x\\][y]"],
  ["a | b \\ c", "a \\| b \\\\ c"],
  ["two\r\n lines\tand", "two lines and"],
];

Deno.test("text in Markdown is read as text, in a table too", () => {
  for (const [text, escaped] of texts) assertEquals(markdownText(text), escaped);
  const table = markdownTable(["name", "n"], [["a|b", "1"]], (column) => column === 0);
  assertEquals(table, "| name | n |\n| --- | ---: |\n| a\\|b | 1 |\n");
  assertEquals(markdownCode("a`b\nc"), "`a'b'c`");
});

Deno.test("JUnit's XML counts its cases and holds any text", () => {
  const xml = junitXml('s "1" <&>', [
    { classname: "c", name: "good" },
    { classname: "c", name: "a\u0000\nb", outcome: { tag: "failure", message: "<no>" } },
    { classname: "c", name: "x", outcome: { tag: "skipped", message: "" } },
  ]);
  assertEquals(
    xml,
    `<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="s &quot;1&quot; &lt;&amp;&gt;" tests="3" failures="1" errors="0" skipped="1">
    <testcase classname="c" name="good"/>
    <testcase classname="c" name="a\ufffd b"><failure message="&lt;no&gt;"/></testcase>
    <testcase classname="c" name="x"><skipped message=""/></testcase>
  </testsuite>
</testsuites>
`,
  );
});
