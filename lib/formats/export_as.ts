/** Writing a run in another program's form. */
import { InputError } from "../errors.ts";
import type { SourceForm } from "../run/summary.ts";
import { exportBatchEval } from "./batch_eval.ts";
import { exportTestRunner } from "./benchmark_test_runner.ts";
import type { ExportableRun, ExportedFile } from "./exported_file.ts";
import { exportKoderz } from "./koderz_document.ts";
import { exportSmi } from "./smi_bench.ts";

const WRITERS = new Map<string, (run: ExportableRun) => ExportedFile[]>([
  ["koderz", exportKoderz],
  ["benchmark_test_runner", exportTestRunner],
  ["batch_eval", exportBatchEval],
  ["smi_bench", exportSmi],
]);

/** The forms that {@linkcode exportAs} writes. */
export const EXPORT_FORMS: readonly string[] = [...WRITERS.keys()];

/**
 * The files of a run in a form. What the form has no place for is left out; what was read from the
 * same form and not mapped is written back. Nothing is written to disk.
 *
 * @throws {InputError} a form that is only read.
 */
export function exportAs(form: SourceForm, run: ExportableRun): ExportedFile[] {
  const write = WRITERS.get(form);
  if (write) return write(run);
  throw new InputError(`${form}: not a form to export to; expected ${EXPORT_FORMS.join(", ")}`);
}
