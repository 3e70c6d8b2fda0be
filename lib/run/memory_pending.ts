/** memory_pending.jsonl: what a memory server is still to be given, one item a line. */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { checkJson, parseJson } from "../settings/json_file.ts";
import { readLines } from "../formats/json_lines.ts";
import { writeFileAtomic } from "../write.ts";
import type { RunDirectory } from "./directory.ts";
import type { MemoryItem } from "./memory_item.ts";

/** An item that waits. */
export interface PendingMemory extends MemoryItem {
  /** A server took it that cannot be read back: it is not sent to such a one again. */
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

/** Where the items of a run wait. */
export function pendingPath({ path }: RunDirectory): string {
  return join(path, "memory_pending.jsonl");
}

/** Whether any item of a run waits. */
export function hasPending(directory: RunDirectory): boolean {
  return existsSync(pendingPath(directory));
}

/** The items that wait. @throws {InputError} a damaged line, by its number. */
export async function readPending(directory: RunDirectory): Promise<PendingMemory[]> {
  const path = pendingPath(directory);
  const items: PendingMemory[] = [];
  for await (const { line, number } of readLines(path)) {
    items.push(checkJson(parseJson(`${path}, line ${number}`, line), pendingSchema));
  }
  return items;
}

/**
 * Replaces the items that wait; without any the file is removed.
 *
 * @throws {InputError} a full disk, or the like.
 */
export function writePending(directory: RunDirectory, items: readonly PendingMemory[]): void {
  const path = pendingPath(directory);
  if (items.length === 0) rmSync(path, { force: true });
  else writeFileAtomic(path, items.map((item) => JSON.stringify(item) + "\n"));
}
