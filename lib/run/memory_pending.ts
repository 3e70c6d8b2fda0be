/** memory_pending.jsonl: items still to be sent to a memory server, one a line. */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { checkJson, parseJson } from "../settings/json_file.ts";
import { readLines } from "../formats/json_lines.ts";
import { writeFileAtomic } from "../write.ts";
import type { RunDirectory } from "./directory.ts";
import type { MemoryItem } from "./memory_item.ts";

/** An item still to be sent. */
export interface PendingMemory extends MemoryItem {
  /** Whether a server that cannot be read back accepted it. It is not sent to such a server again. */
  acknowledged?: boolean;
}

const pendingSchema: z.ZodType<PendingMemory> = z.object({
  title: z.string(),
  content: z.string(),
  category: z.string(),
  tags: z.array(z.string()),
  importance: z.enum(["low", "normal", "high", "critical"]),
  metadata: z.record(z.string(), z.unknown()),
  acknowledged: z.boolean().optional(),
});

/** Path of a run's pending items. */
export function pendingPath({ path }: RunDirectory): string {
  return join(path, "memory_pending.jsonl");
}

/** Whether a run has pending items. */
export function hasPending(directory: RunDirectory): boolean {
  return existsSync(pendingPath(directory));
}

/** Reads the pending items. @throws {InputError} a damaged line, with its number. */
export async function readPending(directory: RunDirectory): Promise<PendingMemory[]> {
  const path = pendingPath(directory);
  const items: PendingMemory[] = [];
  for await (const { line, number } of readLines(path)) {
    items.push(checkJson(parseJson(`${path}, line ${number}`, line), pendingSchema));
  }
  return items;
}

/**
 * Replaces the pending items; if there are none, the file is removed.
 *
 * @throws {InputError} the file cannot be written, e.g. on a full disk.
 */
export function writePending(directory: RunDirectory, items: readonly PendingMemory[]): void {
  const path = pendingPath(directory);
  if (items.length === 0) rmSync(path, { force: true });
  else writeFileAtomic(path, items.map((item) => JSON.stringify(item) + "\n"));
}
