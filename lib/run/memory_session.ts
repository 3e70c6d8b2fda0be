/** Connects to a memory server: calls the tools `remember` and `export_memories`, with time limits. */
import type * as Protocol from "@modelcontextprotocol/sdk/types";
import { messageOf, ToldError } from "../errors.ts";
import { MemoryProcess } from "./memory_process.ts";
import { dynoVersion } from "./version.ts";
import { objectOr, objectsIn } from "../json_fields.ts";
import type { Client } from "@modelcontextprotocol/sdk/client";
import type { MemoryItem } from "./memory_item.ts";

/** The project that separates memories of runs from others, on servers that have projects. */
const PROJECT = "dyno";
/** A server with more pages of tools is assumed to have endless ones. */
const MOST_PAGES = 20;

/** Time limits for a server, milliseconds. */
export interface MemoryBounds {
  /** For a call, and for connecting. */
  call_ms: number;
  /** For everything, including the server's exit. */
  total_ms: number;
}

/** The server cannot be used any longer; the message says why. */
class MemoryServerError extends ToldError {
  override readonly name = "MemoryServerError";
}

/** The server refused a call; the connection still works. */
export class MemoryRefusedError extends ToldError {
  override readonly name = "MemoryRefusedError";
}

/** An open connection. Disposing of it ends the server. */
export class MemorySession implements AsyncDisposable {
  /** Whether stored items can be read back. */
  readonly readable: boolean;
  readonly #calls: Calls;
  readonly #projects: ReadonlySet<string>;

  private constructor(calls: Calls, tools: ReadonlyMap<string, boolean>) {
    this.#calls = calls;
    this.readable = tools.has("export_memories");
    this.#projects = new Set([...tools].filter(([, project]) => project).map(([name]) => name));
  }

  /**
   * Starts a server and connects to it.
   *
   * @throws {MemoryServerError} it does not start, does not answer, or lacks the tool `remember`.
   */
  static async open(
    command: readonly string[],
    { call_ms }: MemoryBounds,
    signal: AbortSignal,
  ): Promise<MemorySession> {
    const { Client } = await import("@modelcontextprotocol/sdk/client");
    const { ErrorCode, JSONRPCMessageSchema, McpError }: typeof Protocol = await import(
      "@modelcontextprotocol/sdk/types.js"
    );
    const server = new MemoryProcess(
      command,
      (line) => JSONRPCMessageSchema.parse(JSON.parse(line)),
    );
    const refused = (error: unknown) =>
      error instanceof McpError &&
      ![ErrorCode.RequestTimeout, ErrorCode.ConnectionClosed].includes(error.code);
    const late = (error: unknown) =>
      error instanceof McpError && error.code === ErrorCode.RequestTimeout;
    const client = new Client({ name: "dyno", version: dynoVersion });
    const calls: Calls = { client, server, call_ms, signal, program: command[0], refused, late };
    try {
      await attempt(calls, "connecting", (options) => client.connect(server, options));
      const tools = await toolsOf(calls);
      if (!tools.has("remember")) {
        throw new MemoryServerError(`${command[0]} has no tool "remember"`);
      }
      return new MemorySession(calls, tools);
    } catch (error) {
      await server.close();
      throw error instanceof MemoryRefusedError ? new MemoryServerError(error.message) : error;
    }
  }

  /**
   * Sends an item to the server.
   *
   * @throws {MemoryRefusedError} it refuses this item.
   * @throws {MemoryServerError} it can accept none.
   */
  async remember(item: MemoryItem, title: string): Promise<void> {
    const { content, category, tags, importance, metadata } = item;
    await this.#call("remember", { title, content, category, tags, importance, metadata });
  }

  /** Returns all memories of the server. @throws {MemoryServerError} it does not return them. */
  async memories(): Promise<MemoryItem[]> {
    try {
      const memories = exportedMemories(await this.#call("export_memories", {}));
      if (memories) return memories;
    } catch (error) {
      throw error instanceof MemoryRefusedError ? new MemoryServerError(error.message) : error;
    }
    throw new MemoryServerError(
      `${this.#calls.program}: export_memories returned no list of memories`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#calls.server.close();
  }

  async #call(name: string, values: Record<string, unknown>): Promise<ToolResult> {
    const project = this.#projects.has(name) ? { project: PROJECT } : {};
    const result: ToolResult & { isError?: unknown } = await attempt(
      this.#calls,
      name,
      (options) =>
        this.#calls.client.callTool(
          { name, arguments: { ...values, ...project } },
          undefined,
          options,
        ),
    );
    if (!result.isError) return result;
    const [block] = Array.isArray(result.content) ? result.content : [];
    const why = String((block as { text?: unknown } | undefined)?.text ?? "no reason given");
    throw new MemoryRefusedError(`${this.#calls.program}: ${name}: ${firstLine(why)}`);
  }
}

/** What calls to one server share. */
interface Calls {
  client: Client;
  server: MemoryProcess;
  call_ms: number;
  signal: AbortSignal;
  program: string;
  refused(error: unknown): boolean;
  late(error: unknown): boolean;
}

/** Makes a call, and reports its failure in plain words. */
async function attempt<T>(
  { server, call_ms, signal, program, refused, late }: Calls,
  what: string,
  call: (options: { timeout: number; signal: AbortSignal }) => Promise<T>,
): Promise<T> {
  try {
    signal.throwIfAborted();
    return await call({ timeout: call_ms, signal });
  } catch (error) {
    if (signal.aborted) throw new MemoryServerError(messageOf(signal.reason));
    if (refused(error)) {
      throw new MemoryRefusedError(`${program}: ${what}: ${firstLine(messageOf(error))}`);
    }
    const { code } = error as { code?: string };
    const why = code === "ENOENT"
      ? "there is no such program"
      : late(error)
      ? `no answer within ${call_ms / 1000} s`
      : firstLine(messageOf(error));
    const symptoms = server.symptoms;
    const where = what === "connecting" ? "" : `${what}: `;
    throw new MemoryServerError(`${program}: ${where}${why}${symptoms ? `; ${symptoms}` : ""}`);
  }
}

/** Returns the server's tools, and whether each accepts a project. */
async function toolsOf(calls: Calls): Promise<Map<string, boolean>> {
  const tools = new Map<string, boolean>();
  let cursor: string | undefined;
  for (let page = 0; page < MOST_PAGES; page++) {
    const listed = await attempt(
      calls,
      "listing its tools",
      (options) => calls.client.listTools({ cursor }, options),
    );
    for (const { name, inputSchema } of listed.tools) {
      tools.set(name, Object.hasOwn(inputSchema.properties ?? {}, "project"));
    }
    cursor = listed.nextCursor;
    if (cursor === undefined) break;
  }
  return tools;
}

function firstLine(text: string): string {
  return text.trim().split("\n")[0].slice(0, 300);
}

const IMPORTANCES = ["low", "normal", "high", "critical"] as const;

/** The part of a tool's result that is used. */
interface ToolResult {
  content?: unknown;
  structuredContent?: unknown;
  [other: string]: unknown;
}

/**
 * Returns the memories of an export: structured, or as JSON in a text (also after a line such as
 * "Exported 3 memories:"), in a list or under `memories`. Tags and metadata may be JSON texts.
 *
 * @returns null if the answer has none of these forms.
 */
export function exportedMemories(result: ToolResult): MemoryItem[] | null {
  const texts = Array.isArray(result.content) ? result.content.map(textOf).join("") : "";
  const list = listOf(result.structuredContent) ?? listOf(jsonIn(texts));
  if (list === null) return /\b(no|0) memories\b/i.test(texts) ? [] : null;
  return objectsIn(list).map(memoryOf);
}

function memoryOf(
  { title, content, category, importance, tags, metadata }: Record<string, unknown>,
): MemoryItem {
  const own = parsed(metadata);
  const words = parsed(tags);
  return {
    title: textFrom(title) ?? "",
    content: textFrom(content) ?? "",
    category: textFrom(category) ?? "learning",
    importance: IMPORTANCES.find((known) => known === importance) ?? "high",
    tags: Array.isArray(words) ? words.map((word) => textFrom(word) ?? "") : [],
    metadata: objectOr(own),
  };
}

/** Returns any value as text; null for null or undefined. */
function textFrom(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  return typeof value === "string" ? value : JSON.stringify(value);
}

function textOf(block: unknown): string {
  const { text } = (block ?? {}) as { text?: unknown };
  return typeof text === "string" ? text : "";
}

function listOf(value: unknown): unknown[] | null {
  if (Array.isArray(value)) return value;
  const { memories } = (value ?? {}) as { memories?: unknown };
  return Array.isArray(memories) ? memories : null;
}

function jsonIn(text: string): unknown {
  const start = text.search(/[[{]/);
  if (start < 0) return null;
  const end = Math.max(text.lastIndexOf("]"), text.lastIndexOf("}"));
  return parsed(text.slice(start, end + 1));
}

/** Returns the value of a JSON text; anything else is returned as it is. */
function parsed(value: unknown): unknown {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value);
  } catch {
    return null;
  }
}
