/**
 * Plain words in what people read: the pages, and the texts of commands and reports. The list has
 * each turn of phrase that was replaced, and what is said in its place.
 */
import { readdirSync } from "node:fs";
import { assertEquals } from "@std/assert";
import { pageAt, pages, ROOT } from "./docs_pages.ts";

/** What is not said, and what is. */
const INSTEAD: [RegExp, string][] = [
  [/\b(?:told|tells?|telling) of\b/, "reports, says, lists"],
  [/\b(?:is|are) told\b/, "receives, is shown"],
  [/\banew\b/, "again"],
  [
    /(?<!\b(?:fell|falls?|are|is|lies|were|left|nothing|file|programs|replicas|server|timer) )\bbehind\b/,
    "after",
  ],
  [/\bwho has a checkout\b/, "in a clone"],
  [
    /(?<!\bthere )\b(?:is|are|was|were) no (?!longer\b|more\b|such\b|better\b|other\b|limit\b)[a-z]/,
    "is not a",
  ],
  [/\bof (?:its|their|one's) own\b/, "its own, separate"],
  [/\bg(?:o|oes|one|oing) on with\b/, "continue"],
  [/\bin the place of\b/, "instead of"],
  [/\bmend(?:s|ed|ing)?\b/, "fix"],
  [/\breckon(?:s|ed|ing)?\b/, "compute"],
  [/\bnought\b|\bwhilst\b|\bhence\b|\bthereof\b|\bwherein\b/, "a usual word"],
  [/\bso many of\b|\bat most so many\b|\bafter so long\b/, "this many, this long"],
  [/\b(?:is|are) over\b(?! (?:problems|runs|seeds|blocks))/, "finished, has ended"],
  [/\bhow they come along\b/, "their progress"],
  [/\bis at work\b|\bat work on\b/, "is working on"],
  [
    /\b(?:recogniz|summariz|canceled|canceling)/,
    "British spelling, as in the code",
  ],
  [/\bexpected a number from\b/, "a number, at least 0.1 and at most 6"],
  [/\bnumbers? from -?\d[\d.]*(?![\d.]| to\b)/, "a number, at least 0"],
  [/\bin no (?:figure|rate|latency|score|goodput|cost)\b/, "excluded from"],
  [/(?<!^")\bunsure\b/, "not enough requests to decide"],
  [/\bCPU unknown %|\bat most unknown\b/, "CPU: not sampled"],
  [/\bnot a field that is read\b/, "unknown field, ignored"],
  [/\bleaves finished runs\b/, "skips finished runs"],
];

/** Folders and files whose texts people see. */
const TEXTS = [
  "lib/cli",
  "lib/report",
  "lib/run",
  "lib/sweep",
  "lib/schedule",
  "lib/compare",
  "lib/settings",
  "lib/hardware",
  "lib/execute",
  "lib/native",
  "lib/notify",
  "lib/upload",
  "lib/prometheus",
  "lib/integration",
  "lib/mock",
  "lib/endpoint",
  "lib/load",
  "lib/suite",
  "lib/coding",
  "lib/server",
  "lib/formats",
  "lib/measures",
  "lib/stats",
  "lib/text",
];

/** Not read: words that answers of models have, and backticks within regular expressions. */
const UNREAD = ["lib/suite/evaluators/choice_words.ts", "lib/coding/extract/extract_code.ts"];

/** The texts of a program's file: its strings, without comments (those of Python within them either). */
function stringsIn(source: string): string[] {
  const code = source.replaceAll(/\/\*[^]*?\*\//g, "").replaceAll(/(^|[^:"'`\\])\/\/[^\n]*/g, "$1");
  const all = code.match(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\[^])*`/g) ?? [];
  return all.filter((text) => !/^"\.\.?\//.test(text)).map((text) =>
    text.replaceAll(/"""[^]*?"""|(?<=^|[\s)])# [^\n]*/g, "")
  );
}

/** The comments of a program's file, each as one text; code in them is left out. */
function commentsIn(source: string): string[] {
  const all =
    source.match(/^\s*\/\*[^]*?\*\/|(?:^|(?<=[;,{}()\w]) )\s*\/\/ .*(?:\n\s*\/\/ .*)*/gm) ?? [];
  return all.map((text) =>
    text.replaceAll(/```[^]*?```|`[^`\n]*`|"[^"\n]*"/g, "…").replaceAll(
      /\s*\n\s*(?:\*|\/\/)?\s*/g,
      " ",
    )
  );
}

function oddities(where: string, texts: readonly string[]): string[] {
  return texts.flatMap((text) =>
    INSTEAD.flatMap(([odd, usual]) => {
      const found = odd.exec(text);
      return found ? [`${where}: "${found[0]}" (${usual}): ${text.slice(0, 150)}`] : [];
    })
  );
}

Deno.test("the pages are in plain words", () => {
  const written = [...pages(), "CHANGELOG.md", "CONTRIBUTING.md"]
    .filter((path) => !["docs/cli.md", "docs/configuration.md"].includes(path));
  assertEquals(
    written.flatMap((path) => oddities(path, pageAt(path).split("\n"))),
    [],
  );
});

Deno.test("commands and reports speak in plain words", () => {
  const found = TEXTS.flatMap((folder) =>
    readdirSync(`${ROOT}/${folder}`, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts") && !UNREAD.includes(`${folder}/${name}`))
      .flatMap((name) => oddities(`${folder}/${name}`, stringsIn(pageAt(`${folder}/${name}`))))
  );
  assertEquals(found, []);
});

Deno.test("comments are in plain words", () => {
  const found = ["lib", "native"].flatMap((folder) =>
    readdirSync(`${ROOT}/${folder}`, { recursive: true, encoding: "utf8" })
      .filter((name) => /\.(?:ts|js|c|h)$/.test(name))
      .flatMap((name) => oddities(`${folder}/${name}`, commentsIn(pageAt(`${folder}/${name}`))))
  );
  assertEquals(found, []);
});
