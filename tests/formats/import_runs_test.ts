/** Other programs' results as run directories: whole, once, safe, and nothing else touched. */
import { Buffer } from "node:buffer";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { importRuns } from "../../lib/formats/import_runs.ts";
import { readForeign } from "../../lib/formats/read_foreign.ts";
import { readImportRecord, readUnmapped } from "../../lib/run/imported.ts";
import { withRunIndex } from "../../lib/run/index.ts";
import { takeLock } from "../../lib/run/lock.ts";
import { readRunDirectory } from "../../lib/run/read_run.ts";
import { runs as command } from "../run/runs_fixture.ts";
import { copyFixture, fixture, FIXTURES, FORMS, temporary, write } from "./fixtures.ts";
import type { ImportedRun } from "../../lib/formats/import_runs.ts";
import type { ReadRun } from "../../lib/run/summary.ts";

const KODERZ = "koderz/bench_abc123de_20260131_234512.json";

const outcomes = (runs: readonly ImportedRun[]) => [...new Set(runs.map(({ outcome }) => outcome))];
const foldersIn = (root: string) =>
  existsSync(root) ? readdirSync(root).filter((name) => !name.startsWith("index.sqlite")) : [];

/** Everything below a folder: contents and times. */
function state(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => `${path} ${statSync(path).mtimeMs} ${readFileSync(path, "hex")}`)
    .sort();
}

/** A run but for where it lies and what it is called there. */
function essence({ summary, items }: Pick<ReadRun, "summary" | "items">) {
  return { summary: { ...summary, path: "", run_id: "" }, items };
}

Deno.test("every form becomes a run directory that reads as what was read", async (t) => {
  for (const form of FORMS) {
    await t.step(form, async () => {
      using folder = temporary();
      const before = state(fixture(form));
      const { runs: read } = await readForeign(fixture(form));
      const { runs } = await importRuns([fixture(form)], folder.path);
      assertEquals([runs.length, outcomes(runs)], [read.length, ["new"]]);
      for (const [i, { run_id, source }] of runs.entries()) {
        const path = join(folder.path, run_id);
        const kept = await readRunDirectory(path);
        assertEquals(kept.warnings, []);
        assertEquals(essence(kept), essence(read[i]));
        assertEquals(readUnmapped(path), JSON.parse(JSON.stringify(read[i].unmapped)));
        const record = readImportRecord(path);
        assertEquals([record?.form, record?.run_id], [form, read[i].summary.run_id]);
        assertEquals(record?.path, source.path);
        assert(record!.files.length > 0);
        assert(record!.files.every(({ path, sha256 }) => existsSync(path) && sha256.length === 64));
      }
      assertEquals(state(fixture(form)), before);
    });
  }
});

Deno.test("the index has imported runs, with their figures; every query answers", async () => {
  using folder = temporary();
  const root = join(folder.path, "runs");
  const { runs: read } = await importRuns([FIXTURES], root);
  const listed = await withRunIndex(root, (index) => index.list());
  assertEquals(listed.length, read.length);
  assertEquals(new Set(listed.map(({ source_form }) => source_form)), new Set(FORMS));
  for (const { run_id, kind, items_total } of listed) {
    for (const query of ["show", "analyze", "cost", "failing"]) {
      const { code, out } = await command(root, query, run_id, "--json");
      assert(code === 0 && out.length > 0, `${query} ${run_id}`);
    }
    const { out } = await command(root, "export", run_id, "--format", "json");
    const { results, zero_shot, iterative } = JSON.parse(out);
    const answers = results ?? [...zero_shot.results, ...iterative.results];
    assert(answers.length <= items_total);
    if (kind === "load") continue;
    assertEquals((await command(root, "compare", run_id, run_id, "--json")).code, 0);
  }
  const events =
    JSON.parse((await command(root, "show", "phase2_1234567890", "--json")).out).events;
  assertEquals(events.at(-1).event, "run_finished");
  const loads = JSON.parse((await command(root, "compare", "serve", "b1", "--json")).out);
  const [{ metrics }] = loads.summary.comparisons;
  assertEquals(metrics.find((m: { metric: string }) => m.metric === "ttft_p50_ms").first, 125);
  assertEquals((await command(root, "gate", "--baseline", "serve", "--candidate", "b1")).code, 4);
  await assertRejects(
    () => command(root, "compare", "appended_1", "serve"),
    InputError,
    "no single requests",
  );
  const fits = await command(root, "difficulty", "--suite", "HumanEval", "--json");
  assert(JSON.parse(fits.out).length > 0);
});

Deno.test("importing again, also from elsewhere, adds nothing", async () => {
  using folder = temporary();
  const root = join(folder.path, "runs");
  await importRuns([FIXTURES], root);
  const before = foldersIn(root);
  assertEquals(outcomes((await importRuns([FIXTURES], root)).runs), ["there"]);
  cpSync(fixture("koderz"), join(folder.path, "copy"), { recursive: true });
  const again = await importRuns([join(folder.path, "copy"), fixture("koderz")], root);
  assertEquals([again.runs.length, outcomes(again.runs)], [4, ["there"]]);
  assertEquals(foldersIn(root), before);
});

Deno.test("a run whose source has changed is written anew in its folder, and keeps its tags", async () => {
  using folder = temporary();
  const root = join(folder.path, "runs"), source = join(folder.path, "one.json");
  const value = JSON.parse(readFileSync(fixture(KODERZ), "utf8"));
  writeFileSync(source, JSON.stringify(value));
  const [first] = (await importRuns([source], root)).runs;
  const metadata = join(root, first.run_id, "run_metadata.json");
  const edited = JSON.parse(readFileSync(metadata, "utf8"));
  writeFileSync(metadata, JSON.stringify({ ...edited, tags: ["keep"] }));
  await withRunIndex(root, (index) => index.read([first.run_id]));
  value.results[0].success = !value.results[0].success;
  writeFileSync(source, JSON.stringify(value));
  const { runs } = await importRuns([source], root);
  assertEquals(runs.map(({ run_id, outcome }) => [run_id, outcome]), [[first.run_id, "changed"]]);
  const [listed] = await withRunIndex(root, (index) => index.list());
  assertEquals([listed.passed, listed.tags], [1, ["keep"]]);
  // another run of the same name gets a folder of its own
  value.results[0].cost = 9;
  writeFileSync(join(folder.path, "other.json"), JSON.stringify(value));
  const [other] = (await importRuns([join(folder.path, "other.json")], root)).runs;
  assertEquals([other.run_id, other.outcome], [`${first.run_id}_2`, "new"]);
});

Deno.test("a dry run tells what it would do, and does nothing", async () => {
  using folder = temporary();
  const root = join(folder.path, "runs");
  const told = JSON.parse((await command(root, "import", FIXTURES, "--dry-run", "--json")).out);
  assertEquals([existsSync(root), told.dry_run, told.changed, told.there], [false, true, 0, 0]);
  const done = JSON.parse((await command(root, "import", FIXTURES, "--json")).out);
  assertEquals({ ...done, dry_run: true }, told);
  assertEquals(foldersIn(root).length, told.new);
  assert(told.runs.some(({ unmapped }: ImportedRun) => unmapped.includes("metadata.rpc_url")));
});

Deno.test("names that lead elsewhere, mean something else, or are taken", async () => {
  using folder = temporary();
  const root = join(folder.path, "below/runs");
  const plain = JSON.parse(readFileSync(fixture(KODERZ), "utf8"));
  const names = [
    "../../../escaped",
    "/etc/passwd",
    "latest~1",
    "archive",
    "index.sqlite",
    ".hidden",
  ];
  names.push(
    "__proto__",
    "..",
    "a\u0000b\u001b[31m",
    "x".repeat(4000),
    "C:\\windows",
    "Same",
    "same",
  );
  mkdirSync(join(folder.path, "in"));
  for (const [i, run_id] of names.entries()) {
    const text = JSON.stringify({ ...plain, run_id, duration_seconds: i });
    writeFileSync(join(folder.path, "in", `${i}.json`), text);
  }
  const { runs } = await importRuns([join(folder.path, "in")], root);
  assertEquals([runs.length, outcomes(runs)], [names.length, ["new"]]);
  assertEquals(foldersIn(root).length, names.length);
  assertEquals(readdirSync(folder.path).sort(), ["below", "in"]);
  assertEquals(readdirSync(join(folder.path, "below")), ["runs"]);
  for (const { run_id } of runs) {
    assertMatch(run_id, /^[\p{L}\p{N}_-][\p{L}\p{N}._-]{0,200}$/u);
    assert(!/^(latest|archive$|index)/.test(run_id));
    assertEquals((await command(root, "show", run_id)).code, 0);
  }
});

Deno.test("a folder of runs may be a link", async () => {
  using folder = temporary();
  mkdirSync(join(folder.path, "real"));
  symlinkSync(join(folder.path, "real"), join(folder.path, "runs"));
  await importRuns([fixture(KODERZ)], join(folder.path, "runs"));
  assertEquals(foldersIn(join(folder.path, "real")), [basename(KODERZ, ".json")]);
});

Deno.test("an import that was killed leaves nothing behind; two at once are refused", async () => {
  using folder = temporary();
  const root = join(folder.path, "runs");
  write(root, { ".import_bench_x/results.json": "{" });
  assertEquals(await withRunIndex(root, (index) => index.list()), []);
  const unlock = takeLock(join(root, "import.lock"));
  await assertRejects(() => importRuns([fixture(KODERZ)], root), InputError, "import is going on");
  unlock();
  await importRuns([fixture(KODERZ)], root);
  assertEquals(foldersIn(root), [basename(KODERZ, ".json")]);
});

Deno.test("keys and command lines do not carry secrets over", async () => {
  using folder = temporary();
  const root = join(folder.path, "runs"), from = copyFixture("smi_bench", folder.path);
  const path = join(from, "logs/phase2_1234567890/run_metadata.json");
  const metadata = JSON.parse(readFileSync(path, "utf8"));
  metadata.argv.push("--api-key", "sk-one-secret", "--api-key=sk-two-secret", "--seed", "42");
  metadata.headers = { Authorization: "Bearer sk-three-secret", "X-Api-Key": "sk-four-secret" };
  writeFileSync(path, JSON.stringify(metadata));
  const events = join(from, "logs/phase2_1234567890/events.jsonl");
  const line = JSON.stringify({ t: 1, event: "agent_effective_config", api_key: "sk-five-secret" });
  writeFileSync(events, `${line}\n${readFileSync(events, "utf8")}{"torn`);
  await importRuns([from], root);
  const written = state(root).join("\n");
  assertEquals(written.includes(Buffer.from("secret").toString("hex")), false);
  const unmapped = readUnmapped(join(root, "phase2_1234567890")).metadata as { argv: string[] };
  assertEquals(unmapped.argv.slice(-5), ["--api-key", "***", "--api-key=***", "--seed", "42"]);
});

Deno.test("what is no result: one path is refused, of several the others are imported", async () => {
  using folder = temporary();
  const root = join(folder.path, "runs"), notes = join(folder.path, "notes.md");
  writeFileSync(notes, "# notes\n");
  await assertRejects(() => importRuns([notes], root), InputError, "known forms");
  const absent = join(folder.path, "absent");
  await assertRejects(() => importRuns([absent], root), InputError, "no such file");
  assertEquals(existsSync(root), false);
  const { runs, warnings } = await importRuns([notes, absent, fixture(KODERZ)], root);
  assertEquals([runs.length, warnings.length], [1, 2]);
  mkdirSync(join(folder.path, "empty"));
  const nothing = await command(root, "import", join(folder.path, "empty"));
  assertEquals(nothing.code, 2);
  assertMatch(nothing.said, /no run in a known form.*\n.*nothing was imported/);
  const own = await command(root, "import", root);
  assertEquals(own.code, 2);
  assertMatch(own.said, /a run of dyno already/);
});

Deno.test("a damaged imported run is failed, with a warning, until it is imported again", async () => {
  using folder = temporary();
  const [{ run_id }] = (await importRuns([fixture(KODERZ)], folder.path)).runs;
  const path = join(folder.path, run_id, "results.json");
  for (const text of ["", "{", '{"items": 3}', '{"items": [null, 5, {}], "figures": "x"}', "[]"]) {
    writeFileSync(path, text);
    const { summary } = await readRunDirectory(join(folder.path, run_id));
    assert(summary.status !== "complete", text);
    const { code } = await command(folder.path, "list");
    assertEquals(code, 0);
  }
  const { runs } = await importRuns([fixture(KODERZ)], folder.path);
  assertEquals(runs.map((run) => [run.run_id, run.outcome]), [[run_id, "changed"]]);
  assertEquals((await readRunDirectory(join(folder.path, run_id))).summary.status, "complete");
});

Deno.test("importers and readers at once: one imports, and no run is ever seen half", async () => {
  using folder = temporary();
  const root = join(folder.path, "runs");
  for (let n = 0; n < 20; n++) {
    cpSync(fixture("koderz"), join(folder.path, `in/${n}`), { recursive: true });
  }
  for (let n = 0; n < 20; n++) {
    const path = join(folder.path, `in/${n}`, basename(KODERZ));
    writeFileSync(path, readFileSync(path, "utf8").replace("_234512", `_2345${n + 20}`));
  }
  let going = true;
  const reader = async () => {
    while (going) {
      const listed = await withRunIndex(root, (index) => index.list());
      for (const { warnings, items_total } of listed) {
        assertEquals([warnings, items_total > 0], [[], true]);
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  const readers = Array.from({ length: 4 }, reader);
  const imports = await Promise.allSettled(
    Array.from({ length: 5 }, () => importRuns([join(folder.path, "in")], root)),
  );
  going = false;
  await Promise.all(readers);
  const refused = imports.filter((result) => result.status === "rejected");
  assert(refused.every(({ reason }) => /import is going on/.test(reason.message)), `${refused[0]}`);
  assert(refused.length < imports.length);
  assertEquals(foldersIn(root).length, 21, "the comparative run is the same 20 times");
});
