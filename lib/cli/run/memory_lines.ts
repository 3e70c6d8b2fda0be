/** Stores a run's memories from the command line, and prints the outcome. */
import { pendingPath } from "../../run/memory_pending.ts";
import { type MemoryDelivery, storeMemories } from "../../run/memory_sink.ts";
import { memoryItems } from "../../coding/memory_items.ts";
import { shortPath } from "../../text/short_path.ts";
import type { RunDirectory } from "../../run/directory.ts";
import type { CodingRun } from "../../coding/run_coding.ts";
import type { CommandContext } from "../ui/command.ts";

/**
 * Stores a complete run in a memory server; an error becomes one warning.
 *
 * @returns null for an unfinished run: it is stored when it is complete.
 */
export async function rememberRun(
  { directory, results, summary }: CodingRun,
  command: readonly string[],
  { terminal, signal }: CommandContext,
): Promise<MemoryDelivery | null> {
  if (!results.complete) {
    terminal.say("memory  nothing stored yet: the run is not at its end");
    return null;
  }
  const delivery = await storeMemories(directory, memoryItems(summary), command, { signal });
  memoryLines(delivery, directory, { terminal, signal });
  return delivery;
}

/** Says what was stored, and warns about what was not. */
export function memoryLines(
  { verified, overwritten, acknowledged, waiting, problem }: MemoryDelivery,
  directory: RunDirectory,
  { terminal }: CommandContext,
): void {
  if (waiting === 0) {
    const again = overwritten > 0 ? `; ${overwritten} that the server had overwritten, again` : "";
    terminal.say(
      `memory  ${verified} stored and read back, tags benchmark_run, ${directory.run_id}${again}`,
    );
    return;
  }
  const taken = acknowledged > 0 ? `; it took ${acknowledged} of them` : "";
  terminal.warn(
    `memory: ${waiting} of ${verified + waiting} items wait in ${
      shortPath(pendingPath(directory))
    }: ${problem}${taken}; send them with: dyno runs upload ${
      shortPath(directory.path)
    } --memory "COMMAND"`,
  );
}
