/** A real Prometheus and its promtool, for the tests. */
import { join } from "@std/path";
import { freePorts } from "../free_ports.ts";

const PATIENCE_MS = 90_000;

/** The queries of run_analysis.md, as they stand there. */
export const DOCUMENTED = [
  "rate(smi_bench_task_duration_seconds_sum[5m]) / rate(smi_bench_task_duration_seconds_count[5m])",
  `sum(rate(smi_bench_task_requests_total{status="success"}[5m])) / ` +
  `sum(rate(smi_bench_task_requests_total[5m]))`,
  "smi_bench_active_tasks",
];

/** Where a program lies; null where it is not installed. */
function program(name: string): string | null {
  for (const folder of (Deno.env.get("PATH") ?? "").split(":")) {
    const path = join(folder, name);
    try {
      if (Deno.statSync(path).isFile) return path;
    } catch { /* not here */ }
  }
  return null;
}

export const promtool = () => program("promtool");
export const prometheus = () => program("prometheus");

/** What `promtool check metrics` complains of; empty when all is well. */
export async function checkMetrics(text: string): Promise<string> {
  const child = new Deno.Command(promtool()!, {
    args: ["check", "metrics"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  return code === 0 ? said : `exit code ${code}: ${said}`;
}

/** A vector of an instant query. */
export interface QueryResult {
  metric: Record<string, string>;
  value: [number, string];
}

/** A Prometheus that scrapes each second. */
export class Prometheus implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #said: Promise<string>;
  readonly url: string;

  private constructor(child: Deno.ChildProcess, url: string) {
    this.#child = child;
    this.#said = new Response(child.stderr).text();
    this.url = url;
  }

  /** Starts one on a free port, with its data in `folder`, and waits until it is ready. */
  static async start(folder: string, targets: string[]): Promise<Prometheus> {
    const [port] = await freePorts(1);
    const config = join(folder, "prometheus.yml");
    const jobs = [{ job_name: "dyno", static_configs: [{ targets }] }];
    const global = { scrape_interval: "1s", scrape_timeout: "1s" };
    Deno.writeTextFileSync(config, JSON.stringify({ global, scrape_configs: jobs })); // YAML, too
    const child = new Deno.Command(prometheus()!, {
      args: [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(folder, "data")}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const server = new Prometheus(child, `http://127.0.0.1:${port}`);
    for (let tries = 0; !await server.#ready(); tries++) {
      if (tries > 200) throw new Error(`Prometheus is not ready: ${await server.#end()}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return server;
  }

  /** @throws {Error} what Prometheus finds wrong with the query. */
  async query(query: string): Promise<QueryResult[]> {
    const { result } = await this.#get(`/api/v1/query?query=${encodeURIComponent(query)}`);
    return result;
  }

  /** The values of a label of a family. */
  async labelValues(family: string, label: string): Promise<string[]> {
    return await this.#get(`/api/v1/label/${label}/values?match[]=${encodeURIComponent(family)}`);
  }

  // deno-lint-ignore no-explicit-any
  async #get(path: string): Promise<any> {
    const response = await fetch(this.url + path);
    const { status, data, error } = await response.json();
    if (status !== "success") throw new Error(`${path}: ${error}`);
    return data;
  }

  async #ready(): Promise<boolean> {
    try {
      const response = await fetch(`${this.url}/-/ready`);
      await response.body?.cancel();
      return response.ok;
    } catch {
      return false;
    }
  }

  async #end(): Promise<string> {
    try {
      this.#child.kill("SIGTERM");
    } catch { /* it is gone */ }
    await this.#child.status;
    return await this.#said;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
  }
}

/** Asks until every query has found a number; gives those that did not in time. */
export async function unanswered(server: Prometheus, queries: Iterable<string>): Promise<string[]> {
  const pending = new Set(queries);
  const end = performance.now() + PATIENCE_MS;
  while (pending.size > 0 && performance.now() < end) {
    for (const query of pending) {
      const found = await server.query(query);
      if (found.some(({ value }) => Number.isFinite(Number(value[1])))) pending.delete(query);
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  return [...pending];
}
