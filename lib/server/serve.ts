/** A server from start to end: resumes tasks, answers requests, ends everything in order. */
import { join, resolve } from "node:path";
import { EndpointGuard } from "../endpoint/ssrf_guard.ts";
import { keyOrigins } from "../endpoint/key_origins.ts";
import { CallbackQueue } from "../notify/queue.ts";
import { checkWritable } from "../run/directory.ts";
import { serverApp } from "./app.ts";
import { isLoopback, tokenFor } from "./auth.ts";
import { HardwareWatch } from "./hardware_watch.ts";
import { listen, type Listening } from "./listen.ts";
import { AllowedPaths } from "./tasks/allowed_paths.ts";
import { sendCallbacks } from "./tasks/callbacks.ts";
import { TaskFeed } from "./tasks/feed.ts";
import { TaskRunner } from "./tasks/runner.ts";
import { TaskStore } from "./tasks/store.ts";
import type { serveSettings } from "../settings/serve.ts";
import type { OutputOf } from "../settings/setting.ts";
import type { ServerObserver } from "./observer.ts";
import type { TaskPolicy } from "./tasks/policy.ts";

export interface ServeOptions extends OutputOf<typeof serveSettings> {
  token: string | undefined;
  /** Signs callbacks; without it they are unsigned. */
  webhook_secret: string | undefined;
  /** The command that starts dyno. */
  command: readonly string[];
  observers?: readonly ServerObserver[];
  metricsText?: () => Promise<{ contentType: string; text: string }>;
  onNotice(line: string): void;
}

/** The app's routes in the notation of OpenAPI, without those that apply to every request. */
function routesOf({ routes }: ReturnType<typeof serverApp>): string[] {
  return routes.filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`);
}

/** The answer to HEAD: the head of GET's answer, with its length if known. */
async function headOf(answer: Response): Promise<Response> {
  const headers = new Headers(answer.headers);
  if (headers.get("content-type")?.startsWith("text/event-stream")) await answer.body?.cancel();
  else {
    let length = 0;
    for await (const chunk of answer.body ?? []) length += chunk.length;
    headers.set("content-length", String(length));
  }
  return new Response(null, { status: answer.status, headers });
}

/** How long running answers may still take when the server stops. */
const GRACE_MS = 5000;

/** A server that listens. */
export class Server implements AsyncDisposable {
  readonly url: string;
  /** Its routes, such as `GET /tasks/{id}`. */
  readonly routes: string[];
  readonly store: TaskStore;
  readonly #stopping: AbortController;
  readonly #listening: Listening;
  readonly #runner: TaskRunner;
  readonly #feed: TaskFeed;
  readonly #callbacks: CallbackQueue;
  readonly #hardware: HardwareWatch;

  private constructor(
    store: TaskStore,
    runner: TaskRunner,
    feed: TaskFeed,
    callbacks: CallbackQueue,
    hardware: HardwareWatch,
    listening: Listening,
    stopping: AbortController,
    routes: string[],
  ) {
    this.routes = routes;
    this.store = store;
    this.#runner = runner;
    this.#feed = feed;
    this.#callbacks = callbacks;
    this.#hardware = hardware;
    this.#listening = listening;
    this.#stopping = stopping;
    this.url = listening.url;
  }

  /**
   * Resumes what an earlier server left, and listens.
   *
   * @throws {InputError} an address that other hosts can reach without a token, a port in use, or a
   * folder that another server uses or that is not writable.
   */
  static async start(options: ServeOptions): Promise<Server> {
    const { host, port, onNotice, observers = [] } = options;
    const runs = resolve(options.runs);
    const token = tokenFor(host, options.token);
    checkWritable(runs);
    const policy: TaskPolicy = {
      paths: new AllowedPaths(options.allow, runs),
      allow_commands: options.allow_commands,
      keys: keyOrigins(options.key_envs),
      endpoints: isLoopback(host) ? null : new EndpointGuard(options.allow_endpoints),
      sweeps: join(runs, "sweeps"),
      batches: resolve(options.batches),
    };
    const store = await TaskStore.open(runs, onNotice);
    const callbacks = await CallbackQueue.open(runs, {
      secret: options.webhook_secret || null,
      allow_private: options.private_callbacks,
      onNotice,
    }).catch((error) => {
      store[Symbol.dispose]();
      throw error;
    });
    const lost = callbacks.givenUp();
    if (lost > 0) {
      onNotice(`${lost} callbacks were given up; they are in ${join(runs, "callbacks", "failed")}`);
    }
    sendCallbacks(store, callbacks);
    const feed = new TaskFeed();
    store.onChange((task) => {
      for (const observer of observers) observer.onTask?.(task);
      feed.tell(task);
    });
    const runner = new TaskRunner({
      store,
      policy,
      runs,
      jobs: options.jobs,
      command: options.command,
      onRunEvent: (task, event) => {
        for (const observer of observers) observer.onRunEvent?.(task, event);
      },
      onProgress: (task) => feed.tell(task),
      onNotice,
    });
    const hardware = new HardwareWatch(onNotice);
    const stopping = new AbortController();
    const app = serverApp({
      ...options,
      runs,
      batches: resolve(options.batches),
      hardware,
      token,
      store,
      runner,
      feed,
      policy,
      observers,
      signal: stopping.signal,
    });
    try {
      const answer = async (request: Request, remote: string) => {
        if (request.method !== "HEAD") return await app.fetch(request, { remote });
        const { url, headers, signal } = request;
        return await headOf(await app.fetch(new Request(url, { headers, signal }), { remote }));
      };
      const listening = await listen(answer, { host, port });
      await runner.start();
      const routes = routesOf(app);
      return new Server(store, runner, feed, callbacks, hardware, listening, stopping, routes);
    } catch (error) {
      await callbacks[Symbol.asyncDispose]();
      store[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Stops the server: no new requests are accepted; running tasks save their work and are queued
   * again.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    this.#feed.close();
    const closed = this.#listening.close(GRACE_MS);
    await this.#runner.stop();
    await closed;
    await this.#callbacks[Symbol.asyncDispose]();
    await this.#hardware[Symbol.asyncDispose]();
    this.store[Symbol.dispose]();
  }
}
