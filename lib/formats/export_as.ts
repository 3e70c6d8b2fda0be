/** Writes a run in another program's format. */
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

/** The formats that {@linkcode exportAs} can write. */
export const EXPORT_FORMS: readonly string[] = [...WRITERS.keys()];

/**
 * The files of a run in a format. Data that the format has no field for is omitted; unmapped data
 * that was read from the same format is written back. Nothing is written to disk.
 *
 * @throws {InputError} the format can only be read.
 */
export function exportAs(form: SourceForm, run: ExportableRun): ExportedFile[] {
  const write = WRITERS.get(form);
  if (write) return write(run);
  throw new InputError(`${form}: not a form to export to; expected ${EXPORT_FORMS.join(", ")}`);
}
