/** Random texts where people write small languages: commands, ids, tags, globs, stages, limits. */
import { assert, assertEquals } from "@std/assert";
import { parse } from "@std/csv/parse";
import fc from "fast-check";
import { didYouMean } from "../../lib/text/nearest.ts";
import { localOf, localText } from "../../lib/schedule/local_time.ts";
import { parseSlo, sloText } from "../../lib/load/slo.ts";
import { parseStages, stageName } from "../../lib/load/stages.ts";
import { parseTokenLengths } from "../../lib/load/prompts/token_lengths.ts";
import { selectRange } from "../../lib/coding/problems/select_range.ts";
import { commandWords } from "../../lib/run/command_words.ts";
import { safeFileName, uniqueFileNames } from "../../lib/run/file_names.ts";
import { guarded, spreadsheetRow, unguarded } from "../../lib/formats/csv.ts";
import { printable } from "../../lib/text/printable.ts";
import { PriceTable } from "../../lib/run/prices.ts";
import { Redactor } from "../../lib/run/redact.ts";
import { isRunId } from "../../lib/run/run_id.ts";
import { checkedTags } from "../../lib/run/tags.ts";
import { found, orComplaint, property, texts } from "./fuzzing.ts";

const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;

property(
  "words that are quoted for a shell come back",
  fc.array(texts(), { minLength: 1 }),
  (words) => {
    if (words[0] === "") return;
    assertEquals(commandWords(words.map(quoted).join(" "), "--memory"), words);
  },
);

property("a command's words", texts("a", " ", "'", '"', "\\", "\n", "$"), async (text) => {
  const words = await orComplaint(() => commandWords(text, "--memory"));
  if (words) assert(words[0].length > 0);
});

property(
  "file names stay in their folder and differ",
  fc.array(texts("..", "/", "A", "a")),
  (names) => {
    const files = uniqueFileNames(names.map((name, i) => ({ id: `${i}`, name })));
    assertEquals(new Set(files.map((file) => file.toLowerCase())).size, names.length);
    for (const file of [...files, ...names.map(safeFileName)]) {
      assert(/^[\p{L}\p{N}_-][\p{L}\p{N}._-]*$/u.test(file), file);
      assert(new TextEncoder().encode(file).length <= 255, file);
    }
  },
);

property(
  "run ids hold nothing that leads elsewhere",
  texts("bench_", "0123abcd", "_", "20260131"),
  (id) => {
    if (isRunId(id)) assert(/^[a-z0-9_]+$/.test(id));
  },
);

property("tags", fc.array(texts("a", ".", "/", "-")), async (tags) => {
  const kept = await orComplaint(() => checkedTags(tags, "--tag"));
  for (const tag of kept ?? []) assert(tags.includes(tag) && !/[\s,]/.test(tag) && tag !== "");
});

property(
  "a row of CSV is read back, and no cell of it is a formula",
  fc.array(texts("=", "+", "-", "@", "\t", "\r", "\n", '"', ",", " ", "a", "'"), { minLength: 2 }),
  (cells) => {
    const text = spreadsheetRow(cells);
    const [row] = parse(text) as string[][];
    for (const [i, cell] of cells.entries()) {
      // what a terminal would obey is written out, a lone carriage return too
      const written = cell.split("\r\n").map((line) => printable(line, false)).join("\r\n");
      assertEquals(row[i], guarded(written).replaceAll("\r\n", "\n"));
      assert(!/^[\s]*[=+\-@|%]/.test(row[i]), JSON.stringify(row[i]));
      // deno-lint-ignore no-control-regex
      assert(!/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]/.test(row[i]), JSON.stringify(row[i]));
    }
    assertEquals(row.length, cells.length);
  },
);

property("a guard against formulas comes off again", texts("=", "'", "+", " ", "a"), (text) => {
  assertEquals(unguarded(guarded(text)), text);
});

const price = { input: 1, output: 1, date: "2026-01-31", source: "https://example.org" };

property(
  "prices by glob",
  fc.tuple(texts("*", "a", "b", "gpt"), texts("a", "b", "gpt", "/", "*")),
  ([glob, model]) => {
    const table = new PriceTable("prices", [{ ...price, model: glob || "*" }]);
    const fits = table.priceOf(model) !== null;
    if (glob === "*") assert(fits);
    if (!glob.includes("*") && glob) {
      const same = (name: string) => name.toLowerCase() === glob.toLowerCase();
      if (same(model)) assert(fits);
    }
  },
);

property(
  "stages",
  texts(
    "rate",
    "concurrency",
    "=",
    "..",
    ":",
    "1",
    "30",
    "0",
    ".5",
    "9".repeat(400),
    "Infinity",
    "s",
    "m",
    ",",
    " ",
    ";",
    "e",
  ),
  async (text) => {
    for (const stage of await orComplaint(() => parseStages(text)) ?? []) {
      assert(Number.isFinite(stage.duration_s) && stage.duration_s! > 0);
      if (stage.rate) {
        const { from_per_s, to_per_s } = stage.rate;
        assert(Number.isFinite(from_per_s + to_per_s) && Math.max(from_per_s, to_per_s) > 0);
      }
      if (stage.concurrency !== null) assert(Number.isSafeInteger(stage.concurrency));
      stageName(stage, { arrival: "poisson", burstiness: 1, seed: 1 });
    }
  },
);

for (const text of found<string>("stages")) {
  Deno.test(`found before, stages: ${text.slice(0, 40)}`, async () => {
    assertEquals(await orComplaint(() => parseStages(text)), null);
  });
}

property(
  "objectives",
  texts("ttft", "tpot", "e2e", ":", "5", "00", ".", "e", "Infinity"),
  async (text) => {
    const slo = await orComplaint(() => parseSlo(text));
    if (slo) assert(Number.isFinite(slo.limit_ms) && sloText(slo).includes(slo.metric));
  },
);

for (const text of found<string>("slos")) {
  Deno.test(`found before, objectives: ${text}`, async () => {
    assertEquals(await orComplaint(() => parseSlo(text)), null);
  });
}

property(
  "lengths in tokens",
  texts("normal", "uniform", "(", ")", ",", "5", "0", ":", "-"),
  async (text) => {
    await orComplaint(() => parseTokenLengths(text, "--input-tokens"));
  },
);

property("ranges of places", texts("0", "7", "-", ",", " ", "10"), async (text) => {
  const chosen = await orComplaint(() =>
    selectRange(["a", "b", "c", "d", "e", "f", "g", "h"], text)
  );
  assert(chosen === null || (chosen.length > 0 && chosen.every((place) => place !== undefined)));
});

property("local times", texts("2026", "-", "01", "31", "T", "08", ":", "00"), (text) => {
  const time = localOf(text);
  if (Number.isFinite(time)) localText(time);
});

property("names that were meant", fc.tuple(texts(), fc.array(texts())), ([name, known]) => {
  didYouMean(name, known);
});

property(
  "a secret is in no text that was redacted, as it is or as JSON has it",
  fc.tuple(texts("a", "b", '"', "\\", "\n", "*"), texts("a", "b", "*"), texts("a", "b", "*")),
  ([secret, before, behind]) => {
    if (secret.length < 6 || "***".includes(secret)) return;
    const redactor = new Redactor();
    redactor.learn(secret);
    for (const shown of [secret, JSON.stringify(secret), JSON.stringify({ [secret]: [secret] })]) {
      const text = redactor.redact(before + shown + behind);
      assert(!text.includes(secret), `${text} holds ${secret}`);
    }
  },
);

Deno.test("found before, prices: many stars are no puzzle", () => {
  const table = new PriceTable("prices", [{ ...price, model: `${"*a".repeat(40)}*b` }]);
  assertEquals(table.priceOf("a".repeat(10_000)), null);
  assertEquals(table.priceOf(`X/${"a".repeat(50)}B`)?.input, 1);
});

Deno.test("found before, secrets: the mask makes no secret", () => {
  const redactor = new Redactor();
  redactor.learn("secret*");
  assert(!redactor.redact("secretsecret*").includes("secret*"));
});
