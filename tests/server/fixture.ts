/** Servers for tests: in this process or as one of their own, and a client. */
import { join, resolve } from "node:path";
import { Server } from "../../lib/server/serve.ts";
import { DYNO, startDyno } from "../e2e/dyno.ts";
import { assertRunsConserved } from "../load/conserved.ts";
import { until } from "../until.ts";
import type { ServeOptions } from "../../lib/server/serve.ts";
import type { TaskView } from "../../lib/server/tasks/task.ts";
import type { Running } from "../e2e/dyno.ts";

/** The folder of runs of each server, by its address. */
const folders = new Map<string, string>();

/** A server in this process, on a free port. */
export async function serving(path: string, options: Partial<ServeOptions> = {}): Promise<Server> {
  const server = await Server.start({
    host: "127.0.0.1",
    port: 0,
    runs: join(path, "runs"),
    batches: "batches",
    allow: [path],
    allow_commands: false,
    private_callbacks: true,
    key_envs: ["DYNO_TEST_KEY*=http://127.0.0.1:9"],
    allow_endpoints: [],
    max_queue: 1000,
    jobs: 1,
    rate_per_s: 0,
    max_body_bytes: 1 << 20,
    token: undefined,
    webhook_secret: "a secret of the tests",
    command: DYNO,
    onNotice: () => {},
    ...options,
  });
  folders.set(server.url, options.runs ?? join(path, "runs"));
  return server;
}

/** A server as a process of its own. */
export interface ServerProcess {
  url: string;
  process: Running;
}

export async function serveProcess(
  path: string,
  args: string[] = [],
  env: Record<string, string> = {},
): Promise<ServerProcess> {
  const running = startDyno(["serve", "--port", "0", "--rate-limit", "0", ...args], {
    cwd: path,
    env,
  });
  const over = running.finished.then(({ code }) => code);
  const url = await until(async () => {
    const ended = await Promise.race([over, undefined]);
    if (ended !== undefined) throw new Error(`it ended with ${ended}: ${running.said()}`);
    return /dyno serve at (\S+),/.exec(running.said())?.[1];
  });
  const runs = args.indexOf("--runs");
  folders.set(url, resolve(path, runs < 0 ? "runs" : args[runs + 1]));
  return { url, process: running };
}

/** Sends JSON. */
export function post(
  url: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

/** Submits a task that must be taken. */
export async function submit(
  url: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<TaskView> {
  const answer = await post(`${url}/tasks`, body, headers);
  const view = await answer.json();
  if (answer.status !== 202) throw new Error(`${answer.status} ${JSON.stringify(view)}`);
  return view;
}

export async function getJson<T = TaskView>(url: string): Promise<T> {
  const answer = await fetch(url);
  const body = await answer.json();
  if (!answer.ok) throw new Error(`${answer.status} ${JSON.stringify(body)}`);
  return body;
}

/** The task once it has one of these states. Loads that it measured keep the laws of loads. */
export async function taskWhen(
  url: string,
  { task_id }: TaskView,
  ...states: TaskView["status"][]
) {
  const view = await until(async () => {
    const view = await getJson(`${url}/tasks/${task_id}`);
    return states.includes(view.status) && view;
  });
  const measured = view.kind === "load" || view.kind === "sweep";
  if (measured && view.status === "completed") await assertRunsConserved(folders.get(url)!);
  return view;
}

/** The task once it is over. */
export function taskOver(url: string, task: TaskView): Promise<TaskView> {
  return taskWhen(url, task, "completed", "failed", "cancelled");
}

/** An event of a stream. */
export interface Sent {
  id: string | null;
  event: string;
  data: Record<string, unknown>;
}

/** Reads server-sent events to the end of the stream, or until `enough`. */
export async function followed(
  url: string,
  { headers = {}, enough = () => false }: {
    headers?: Record<string, string>;
    enough?: (event: Sent) => boolean;
  } = {},
): Promise<Sent[]> {
  const answer = await fetch(url, { headers });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  const events: Sent[] = [];
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return events;
    text += value;
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const event = sentOf(text.slice(0, end));
      text = text.slice(end + 2);
      if (event === null) continue;
      events.push(event);
      if (enough(event)) {
        await reader.cancel();
        return events;
      }
    }
  }
}

function sentOf(text: string): Sent | null {
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(text)?.[1] ?? null;
  const data = field("data");
  return data === null ? null : { id: field("id"), event: field("event")!, data: JSON.parse(data) };
}
