/** A client for a server's tasks: submits them and follows their events. */
import { randomUUID } from "node:crypto";
import { Buffer } from "node:buffer";
import { InputError, messageOf, ToldError } from "../errors.ts";
import { fetchWhole, LargeAnswerError } from "../fetch_whole.ts";
import { EventSplitter } from "../endpoint/sse.ts";
import { retried, retryAfterSeconds } from "../endpoint/retry.ts";
import { throwIfAborted } from "../execute/scope.ts";
import { sleep } from "../execute/sleep.ts";
import { asObject, type JsonObject, objectAt, parsedObject, textAt } from "../json_fields.ts";
import { isOver, type TaskView } from "../server/tasks/task.ts";
import type { TaskMetrics } from "../run/events.ts";

/** How long to repeat requests to a server that does not answer. */
const PATIENCE_MS = 60_000;
const PAUSE_S = 1;
/** The longest pause that a server may request. */
const LONGEST_PAUSE_S = 3600;

/** Time limit for the answer to a cancellation. */
const CANCEL_MS = 5000;

/** The same limit as for files that are read as a whole. */
const LARGEST_RESULTS_BYTES = 512 << 20;

/** The server refused a task. */
export class TaskRefusedError extends ToldError {
  override readonly name = "TaskRefusedError";
}

/** The client of one server. */
export class TaskClient {
  readonly url: string;
  readonly #headers: Record<string, string>;

  /** @param token the server's token; null if it needs none. */
  constructor(url: string, token: string | null) {
    this.url = url.replace(/\/+$/, "");
    this.#headers = token === null ? {} : { authorization: `Bearer ${token}` };
  }

  /** @throws {InputError} there is no dyno server, or it needs another token. */
  async check(signal: AbortSignal): Promise<void> {
    let said: string;
    try {
      const { status, text } = await fetchWhole(`${this.url}/info`, {
        headers: this.#headers,
        signal,
      });
      if (status === 200 && parsedObject(text)?.name === "dyno") return;
      said = status === 401
        ? "it wants a token; export DYNO_SERVE_TOKEN"
        : `it answered HTTP ${status} and is not a dyno server`;
    } catch (error) {
      throwIfAborted(signal);
      said = `no answer (${messageOf(error)}); dyno serve starts one`;
    }
    throw new InputError(`--server ${this.url}: ${said}`);
  }

  /**
   * Submits a task exactly once, even if the request must be repeated.
   *
   * @throws {TaskRefusedError} the server does not accept it.
   */
  async submit(task: unknown, signal: AbortSignal): Promise<TaskView> {
    const headers = {
      ...this.#headers,
      "content-type": "application/json",
      "idempotency-key": randomUUID(),
    };
    const request = { method: "POST", headers, body: JSON.stringify(task) };
    const { status, text } = await retried(
      () => this.#ask("/tasks", signal, (url) => fetchWhole(url, { ...request, signal })),
      ({ status, headers }) => {
        const asked_s = retryAfterSeconds(headers.get("retry-after"), Date.now());
        if (status === 202 || asked_s === null) return null;
        return Math.min(Math.max(asked_s, PAUSE_S), LONGEST_PAUSE_S);
      },
      signal,
    );
    if (status === 202) return JSON.parse(text);
    const why = textAt(objectAt(parsedObject(text), "error"), "message") ?? `HTTP ${status}`;
    throw new TaskRefusedError(why);
  }

  /**
   * Follows a task's events until it ends; an interrupted stream is resumed.
   *
   * @param onMetrics called with the metrics so far, when they change.
   */
  async follow(
    task_id: string,
    onMetrics: (metrics: TaskMetrics) => void,
    signal: AbortSignal,
  ): Promise<TaskView> {
    const path = `/tasks/${task_id}`;
    const splitter = () =>
      new EventSplitter((text) => {
        const event: JsonObject = JSON.parse(text);
        // changes of the task have a task_id, events of its run have a name
        if (!("task_id" in event) && !("event" in event)) onMetrics(event as TaskMetrics);
      });
    for (;;) {
      const answer = await this.#ask(
        `${path}/events`,
        signal,
        (url) => fetch(url, { headers: this.#headers, redirect: "manual", signal }),
      );
      const events = splitter();
      try {
        for await (const bytes of answer.body ?? []) events.push(Buffer.from(bytes));
      } catch {
        throwIfAborted(signal);
      }
      const view = await this.#get<TaskView>(path, signal);
      if (isOver(view)) return view;
      await sleep(PAUSE_S * 1000, signal);
    }
  }

  /** The results.json of a task's run; null if there is none. */
  async results(task_id: string, signal: AbortSignal): Promise<JsonObject | null> {
    const answer = await this.#get<JsonObject>(`/tasks/${task_id}/results`, signal);
    return asObject(answer.results);
  }

  /** Cancels a task; one that has ended is not changed. */
  async cancel(task_id: string): Promise<void> {
    const signal = AbortSignal.timeout(CANCEL_MS);
    const options = { method: "DELETE", headers: this.#headers, signal };
    await fetchWhole(`${this.url}/tasks/${task_id}`, options).catch(() => {}); // the server may have gone
  }

  async #get<T>(path: string, signal: AbortSignal): Promise<T> {
    const options = { headers: this.#headers, signal };
    const { status, text } = await this.#ask(
      path,
      signal,
      (url) => fetchWhole(url, options, LARGEST_RESULTS_BYTES),
    );
    if (status === 200) return JSON.parse(text);
    throw new Error(`${this.url}${path}: HTTP ${status}`);
  }

  /** An answer; the request is repeated while the server does not answer. */
  async #ask<Answer extends object>(
    path: string,
    signal: AbortSignal,
    ask: (url: string) => Promise<Answer>,
  ): Promise<Answer> {
    const end_ms = performance.now() + PATIENCE_MS;
    const answer = await retried(
      () =>
        ask(this.url + path).catch((error: unknown) => {
          throwIfAborted(signal);
          if (error instanceof LargeAnswerError) throw error;
          return messageOf(error);
        }),
      (answer) => typeof answer === "string" && performance.now() <= end_ms ? PAUSE_S : null,
      signal,
    );
    if (typeof answer !== "string") return answer;
    throw new Error(`${this.url}${path}: no answer: ${answer}`);
  }
}
