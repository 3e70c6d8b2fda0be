/** The fixtures of the importers, and folders that are gone when a test is over. */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { ExportedFile } from "../../lib/formats/exported_file.ts";
import { readForeign } from "../../lib/formats/read_foreign.ts";
import type { ReadRun, RunSummary } from "../../lib/run/summary.ts";

/** Where the fixtures are: a folder for each form, named as it. */
export const FIXTURES = fileURLToPath(new URL("../fixtures/import", import.meta.url));

/** The forms that have fixtures. */
export const FORMS = readdirSync(FIXTURES).sort() as RunSummary["source_form"][];

/** The path of a fixture. */
export function fixture(name: string): string {
  return join(FIXTURES, name);
}

/** All files of the fixtures. */
export function fixtureFiles(form = ""): string[] {
  return readdirSync(fixture(form), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(FIXTURES, join(entry.parentPath, entry.name)))
    .sort();
}

/** An empty folder. */
export function temporary(): Disposable & { path: string } {
  const path = realpathSync(mkdtempSync(join(tmpdir(), "dyno-import-")));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Copies the fixtures of a form into a folder. */
export function copyFixture(form: string, folder: string): string {
  const copy = join(folder, form);
  cpSync(fixture(form), copy, { recursive: true });
  return copy;
}

/** Writes files below a folder. */
export function write(folder: string, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

/** The runs of an export, read again. */
export async function readExport(files: ExportedFile[]): Promise<ReadRun[]> {
  using folder = temporary();
  write(folder.path, Object.fromEntries(files.map(({ path, text }) => [path, text])));
  const { runs, warnings } = await readForeign(folder.path);
  if (warnings.length > 0) throw new Error(warnings.join("\n"));
  return runs;
}

/** The run of that id. */
export function runNamed(runs: readonly ReadRun[], run_id: string): ReadRun {
  const run = runs.find(({ summary }) => summary.run_id === run_id);
  if (!run) throw new Error(`${run_id} is not among ${runs.map((run) => run.summary.run_id)}`);
  return run;
}
