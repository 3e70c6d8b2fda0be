/** The compiler for fuzzing. */
import { spawnSync } from "node:child_process";
import process from "node:process";

const PROGRAM = "int LLVMFuzzerTestOneInput(void) { return 0; }";
const PARAMETERS = ["-fsanitize=fuzzer,address,undefined", "-x", "c", "-", "-o", "/dev/null"];

/** A clang that can build fuzzers, which is with its runtime libraries; null when there is none. */
export function fuzzingClang(): string | null {
  const clang = process.env.CLANG ?? "clang";
  const { status } = spawnSync(clang, PARAMETERS, { input: PROGRAM });
  return status === 0 ? clang : null;
}
