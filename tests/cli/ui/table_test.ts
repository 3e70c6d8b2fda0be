/** Tables and help texts where there is little room. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { commands } from "../../../lib/cli/main.ts";
import { choice, flagHelp, parseOnlyFlags, toggle } from "../../../lib/cli/ui/flags.ts";
import { tableLines } from "../../../lib/cli/ui/table.ts";
import { textWidth } from "../../../lib/text/width.ts";
import { InputError } from "../../../lib/errors.ts";
import type { Command } from "../../../lib/cli/ui/command.ts";
import type { Column } from "../../../lib/cli/ui/table.ts";
import type { Palette } from "../../../lib/cli/ui/terminal.ts";

const same = (text: string) => text;
const bare: Palette = { bold: same, dim: same, good: same, bad: same, warn: same, accent: same };
const COLUMNS: Column[] = [
  { title: "Run ID", align: "left" },
  { title: "Model", align: "left", cut: true },
  { title: "Tokens", align: "right" },
];
const ROWS = [["bench_1", "a model of 日本 with a long name", "1,200"], null, [
  "bench_22",
  "b",
  "3",
]];

Deno.test("a table in a narrow terminal: columns closer, then texts cut, never ids and numbers", () => {
  const whole = tableLines(COLUMNS, ROWS, bare);
  assertEquals(tableLines(COLUMNS, ROWS, { ...bare, columns: 200 }), whole);
  const width = Math.max(...whole.map(textWidth));
  for (const columns of [width - 1, width - 5, 30]) {
    const lines = tableLines(COLUMNS, ROWS, { ...bare, columns });
    assert(lines.every((line) => textWidth(line) <= columns), lines.join("\n"));
    assert(lines[2].startsWith("bench_1 ") && lines[2].endsWith(" 1,200"), lines[2]);
  }
  assert(tableLines(COLUMNS, ROWS, { ...bare, columns: 30 })[2].includes("…"));
});

Deno.test("a table too wide for any cut comes in parts, each with the first column, nothing lost", () => {
  const columns = ["stage", "ok", "p50", "p99", "p50", "p99"].map((title, i): Column => ({
    title,
    align: i === 0 ? "left" : "right",
    ...(i > 1 ? { group: i < 4 ? "ttft ms" : "gap ms" } : {}),
  }));
  const rows = [["8 in flight", "1111", "22.78", "95.59", "3.09", "32.16"]];
  assertEquals(tableLines(columns, rows, { ...bare, columns: 30 }), [
    "                     ttft ms",
    "stage         ok   p50   p99",
    "────────────────────────────",
    "8 in flight 1111 22.78 95.59",
    "",
    "                  gap ms",
    "stage         p50    p99",
    "────────────────────────",
    "8 in flight  3.09  32.16",
  ]);
  // a group that has no room comes in parts, too
  for (const room of [20, 12]) {
    const lines = tableLines(columns, rows, { ...bare, columns: room });
    for (const cell of rows[0]) assert(lines.some((line) => line.includes(cell)), lines.join("\n"));
  }
});

Deno.test("flags in a help text: long ones on a line of their own, words behind them", () => {
  const words = Array.from({ length: 12 }, (_, i) => `metric_${i}`);
  const lines = flagHelp({ a: toggle("short"), metric: choice(words, "what to follow") });
  assertEquals(lines[0], "  --a            short");
  assert(lines[1].startsWith("  --metric WORD  what to follow: metric_0"), lines[1]);
  assert(lines.join(" ").includes("metric_11"));
  assert(lines.every((line) => line.length <= 100));
});

Deno.test("no help of any command is wider than 110 columns", async () => {
  const check = async (name: string, { help, subcommands }: Command) => {
    for (const line of help) assert(textWidth(line) <= 110, `${name}: ${line}`);
    for (const [word, { load }] of Object.entries(subcommands ?? {})) {
      await check(`${name} ${word}`, (await load()).command);
    }
  };
  for (const [name, { load }] of Object.entries(commands)) {
    await check(name, (await load()).command);
  }
});

Deno.test("where all arguments are flags, another one is refused", () => {
  const error = assertThrows(() => parseOnlyFlags("dyno doctor", { json: toggle("") }, ["x"]));
  assert(error instanceof InputError);
  assertEquals(error.message, '"x": dyno doctor takes only flags');
});
