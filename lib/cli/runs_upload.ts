/** dyno runs upload: sends a coding run to a memory server, or what of it still waits. */
import { existsSync } from "node:fs";
import { join } from "@std/path";
import { InputError } from "../errors.ts";
import { readJsonFile } from "../experiment/json_file.ts";
import { commandWords } from "../run/command_words.ts";
import { findRun } from "../run/directory.ts";
import { hasPending, writePending } from "../run/memory_pending.ts";
import { deliverPending } from "../run/memory_sink.ts";
import { memoryItems } from "../suite/coding/memory_items.ts";
import { EXIT } from "./command.ts";
import { flagHelp, parseFlags, text } from "./flags.ts";
import { memoryLines } from "./memory_lines.ts";
import type { RunDirectory } from "../run/directory.ts";
import type { MemoryItem } from "../run/memory_item.ts";
import type { BenchmarkSummary } from "../suite/coding/summary.ts";
import type { Command, CommandContext } from "./command.ts";

const flags = {
  "memory": text("COMMAND", "the MCP memory server, started as a program and ended afterwards"),
  "runs": text("DIR", "the folder of runs (runs)"),
};

export const command: Command = {
  help: [
    'dyno runs upload RUN --memory "COMMAND …" [flags]',
    "",
    "Stores a coding run, given by its id or its folder, in a memory server: what waits of it in",
    "memory_pending.jsonl, or all of it. What is there already is not stored twice. Exit code: 0 all is",
    "there, 1 something still waits.",
    "",
    ...flagHelp(flags),
  ],

  async run(argv: string[], context: CommandContext): Promise<number> {
    const { values, positional: [run, ...more] } = parseFlags(flags, argv);
    if (run === undefined || more.length) throw new InputError("dyno runs upload takes one run");
    if (values.memory === undefined) {
      throw new InputError('dyno runs upload: --memory "COMMAND …" is missing');
    }
    const server = commandWords(values.memory, "--memory");
    const directory = findRun(run, values.runs ?? "runs");
    if (!hasPending(directory)) writePending(directory, await itemsOf(directory));
    const delivery = await deliverPending(directory, server, { signal: context.signal });
    memoryLines(delivery, directory, context);
    if (context.signal.aborted) return EXIT.interrupted;
    return delivery.waiting === 0 ? EXIT.good : EXIT.failures;
  },
};

async function itemsOf({ path }: RunDirectory): Promise<MemoryItem[]> {
  const file = join(path, "summary.json");
  if (!existsSync(file)) {
    throw new InputError(`${path}: no coding run that is over: summary.json is missing`);
  }
  const { value } = await readJsonFile(file);
  const summary = value as Partial<BenchmarkSummary> | null;
  if (typeof summary?.run_id !== "string" || typeof summary.config !== "object") {
    throw new InputError(`${file}: expected the summary of a coding run`);
  }
  return memoryItems(summary as BenchmarkSummary);
}
