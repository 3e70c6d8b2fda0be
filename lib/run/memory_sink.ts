/** Stores a run's memories in a memory server (MCP over stdio); a faulty server does no harm. */
import { messageOf } from "../errors.ts";
import { CancelledError, Scope } from "../execute/scope.ts";
import { takeLock } from "./lock.ts";
import { MemoryIndex, type MemoryItem, runOf, titleAt } from "./memory_item.ts";
import { hasPending, type PendingMemory, readPending, writePending } from "./memory_pending.ts";
import { type MemoryBounds, MemoryRefusedError, MemorySession } from "./memory_session.ts";
import type { RunDirectory } from "./directory.ts";

const BOUNDS: MemoryBounds = { call_ms: 10_000, total_ms: 60_000 };
/** The part of the total time that is reserved for ending the server. */
const ENDING_MS = 2_000;
/** How often an item is sent if it is not found afterwards. */
const MOST_ATTEMPTS = 3;

/** The result of sending a run's items. */
export interface MemoryDelivery {
  /** Items read back complete, whether sent now or stored earlier. */
  verified: number;
  /** Memories of other runs that the server overwrote meanwhile; they are sent again like the items. */
  overwritten: number;
  /** Pending items that a server accepted, but that cannot be read back. */
  acknowledged: number;
  /** Items still pending in the run directory. */
  waiting: number;
  /** Why items are pending; null where none are. */
  problem: string | null;
}

export interface DeliveryOptions {
  signal?: AbortSignal;
  bounds?: Partial<MemoryBounds>;
}

/**
 * Saves a run's items as pending, replacing earlier ones, then sends them to the server. Never
 * throws: problems are in the result.
 */
export async function storeMemories(
  directory: RunDirectory,
  items: readonly MemoryItem[],
  command: readonly string[],
  options: DeliveryOptions = {},
): Promise<MemoryDelivery> {
  try {
    const earlier = hasPending(directory) ? await readPending(directory) : [];
    const others = earlier.filter((item) => runOf(item) !== directory.run_id);
    writePending(directory, [...items, ...others]);
    return await deliverPending(directory, command, options);
  } catch (error) {
    const waiting = items.length;
    return { verified: 0, overwritten: 0, acknowledged: 0, waiting, problem: messageOf(error) };
  }
}

/**
 * Sends the pending items of a run directory to the server. Items that the server already has are
 * not sent; sent items are read back; lost ones are sent again; those found are no longer pending.
 *
 * @throws {InputError} the items cannot be read or written, or another process is sending them.
 */
export async function deliverPending(
  directory: RunDirectory,
  command: readonly string[],
  { signal, bounds }: DeliveryOptions = {},
): Promise<MemoryDelivery> {
  const unlock = takeLock(directory.lock);
  try {
    const { call_ms, total_ms } = { ...BOUNDS, ...bounds };
    await using scope = new Scope(signal);
    const ends_ms = performance.now() + total_ms - Math.min(ENDING_MS, total_ms / 2);
    using _ = abortAt(scope, ends_ms, `the server is not done after ${total_ms / 1000} s`);
    const delivery = new Delivery(directory, await readPending(directory), ends_ms - call_ms);
    let problem: string | null = null;
    try {
      await using session = await MemorySession.open(
        command,
        { call_ms, total_ms },
        scope.signal,
      );
      problem = await delivery.run(session);
    } catch (error) {
      problem = messageOf(error);
    }
    return delivery.outcome(problem);
  } finally {
    unlock();
  }
}

function abortAt(scope: Scope, at_ms: number, why: string): Disposable {
  const timer = setTimeout(
    () => scope.abort(new CancelledError(why)),
    Math.max(0, at_ms - performance.now()),
  );
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

/** One delivery of pending items. */
class Delivery {
  readonly #directory: RunDirectory;
  #total: number;
  #overwritten = 0;
  /** Nothing is sent after this time, so that what was sent can be read back. */
  readonly #last_send_ms: number;
  #waiting: PendingMemory[];
  /** Memories that were once found, and that must not get lost. */
  #guarded: MemoryItem[] = [];
  #refusal: string | null = null;

  constructor(directory: RunDirectory, items: PendingMemory[], last_send_ms: number) {
    this.#directory = directory;
    this.#total = items.length;
    this.#waiting = items;
    this.#last_send_ms = last_send_ms;
  }

  /** @returns why items are still pending; null where none are. */
  async run(session: MemorySession): Promise<string | null> {
    if (!session.readable) {
      await this.#send(session, this.#waiting.filter(({ acknowledged }) => !acknowledged), 0, true);
      return this.#refusal ??
        'the server has no tool "export_memories": what it took could not be verified';
    }
    const others = (await this.#readBack(session)).filter((memory) => {
      const run = runOf(memory);
      return run !== null && run !== this.#directory.run_id;
    });
    this.#guarded.push(...others);
    for (let attempt = 0; attempt < MOST_ATTEMPTS && this.#waiting.length > 0; attempt++) {
      const whole = await this.#send(session, this.#waiting, attempt);
      await this.#readBack(session);
      if (!whole) return this.#waiting.length > 0 ? "the server is too slow" : null;
    }
    if (this.#waiting.length === 0) return null;
    return this.#refusal ?? "the server took them, but did not keep them whole";
  }

  outcome(problem: string | null): MemoryDelivery {
    const waiting = this.#waiting.length;
    const acknowledged = this.#waiting.filter((item) => item.acknowledged).length;
    return {
      verified: this.#total - waiting,
      acknowledged,
      waiting,
      overwritten: this.#overwritten,
      problem: waiting > 0 ? problem : null,
    };
  }

  /** @returns whether there was time to send all items. */
  async #send(
    session: MemorySession,
    items: readonly PendingMemory[],
    attempt: number,
    mark = false,
  ): Promise<boolean> {
    for (const [i, item] of items.entries()) {
      if (i > 0 && performance.now() > this.#last_send_ms) return false;
      const { acknowledged: _, ...plain } = item;
      try {
        await session.remember(item, titleAt(plain, attempt));
        if (mark) this.#keep(this.#waiting.map((it) => it === item ? acknowledged(it) : it));
      } catch (error) {
        if (!(error instanceof MemoryRefusedError)) throw error;
        this.#refusal = error.message;
      }
    }
    return true;
  }

  /**
   * Removes the items that are found complete. Memories that were found before and are now missing
   * become pending: the server took an item for an update of one and overwrote it.
   */
  async #readBack(session: MemorySession): Promise<MemoryItem[]> {
    const memories = await session.memories();
    const index = new MemoryIndex(memories);
    const missing = this.#waiting.filter((item) => !index.has(item));
    const found = this.#waiting.filter((item) => !missing.includes(item));
    const lost = this.#guarded.filter((item) => !index.has(item));
    this.#guarded = this.#guarded.filter((item) => !lost.includes(item)).concat(found);
    this.#overwritten += lost.length;
    this.#total += lost.length;
    if (found.length + lost.length > 0) this.#keep([...missing, ...lost]);
    return memories;
  }

  #keep(items: PendingMemory[]): void {
    this.#waiting = items;
    writePending(this.#directory, items);
  }
}

function acknowledged(item: PendingMemory): PendingMemory {
  return { ...item, acknowledged: true };
}
