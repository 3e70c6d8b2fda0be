/**
 * The checks that verify_npm.ts and verify_single.ts share: what every form of dyno must do when
 * nothing else is installed.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import process from "node:process";

/** A step failed. */
class Failed extends Error {
  override readonly name = "Failed";
}

/** @throws {Failed} the condition is false; the message has `what` and the actual output. */
export function expect(holds: boolean, what: string, said: unknown): void {
  if (!holds) {
    throw new Failed(`${what}: ${typeof said === "string" ? said : JSON.stringify(said)}`);
  }
}

/** A program that runs until it is ended; `end` returns its exit code. */
export interface Started {
  url: string;
  /** Ends it by SIGTERM, or by a signal to its whole group, like a terminal's Ctrl-C. */
  end(signal?: "SIGTERM" | "SIGINT to its group"): Promise<number | null>;
}

/** How to start a program, and where its process is once it runs. */
export interface Launch {
  words: string[];
  cwd: string;
  env: Record<string, string>;
  /**
   * Finds the process to end from the one that was started; it leads a group. Default: the process
   * itself.
   */
  pidOf?(pid: number): number;
}

/** Starts a program; returns its standard error once that matches `ready`, and a way to end it. */
export async function startedBy(launch: Launch, ready: RegExp): Promise<Started> {
  const { words: [program, ...args], cwd, env, pidOf = (pid) => pid } = launch;
  const stdio = ["ignore", "ignore", "pipe"] as ["ignore", "ignore", "pipe"];
  const child = spawn(program, args, { cwd, env, stdio, detached: true }); // in a separate group
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  let said = "";
  const url = await new Promise<string | undefined>((resolve) => {
    child.stderr.on("data", (bytes) => {
      said += bytes;
      const [, url] = ready.exec(said) ?? [];
      if (url !== undefined) resolve(url);
    });
    child.stderr.once("end", () => resolve(undefined));
  });
  if (url === undefined) throw new Failed(`${args.join(" ")}: ${said}`);
  let asked = false;
  const end: Started["end"] = (signal = "SIGTERM") => {
    const pid = asked ? 0 : pidOf(child.pid!);
    // child.kill would be reported as its end
    if (!asked) signal === "SIGTERM" ? process.kill(pid, signal) : process.kill(-pid, "SIGINT");
    asked = true;
    return ended;
  };
  return { url, end };
}

/** A user who has this form of dyno, in a separate folder. */
export interface User {
  readonly folder: string;
  /** A folder with the experiments that are part of dyno. */
  readonly experiments: string;
  /** Runs dyno, which must succeed; returns standard output. */
  dyno(...args: string[]): string;
  /** Starts dyno. */
  started(ready: RegExp, ...args: string[]): Promise<Started>;
}

/** The findings of dyno doctor, by name. */
export function findingsOf(user: User): Map<string, { works: boolean; detail: string }> {
  const { findings } = JSON.parse(user.dyno("doctor", "--json"));
  return new Map(findings.map((one: { name: string }) => [one.name, one]));
}

/** A name, and a condition that must hold. */
export type Check<Who extends User> = [
  name: string,
  check: (user: Who) => Promise<void> | void,
];

/** Runs checks one at a time and prints how long each took. */
export async function runChecks<Who extends User>(user: Who, checks: Check<Who>[]): Promise<void> {
  for (const [name, check] of checks) {
    const started = performance.now();
    await check(user);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    process.stderr.write(`works: ${name} (${seconds} s)\n`);
  }
}

/** Starts dyno's mock endpoint. */
export function mockOf(user: User, tokens_per_s = 200): Promise<Started> {
  const args = ["mock", "--port", "0", "--tokens-per-second", String(tokens_per_s)];
  return user.started(/mock endpoint at (\S+)/, ...args);
}

/** Waits up to half a minute until the list is not empty, and returns it. */
async function begun(look: () => string[]): Promise<string[]> {
  for (let tries = 0; tries < 300; tries++) {
    const found = look();
    if (found.length > 0) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Failed("a load has not begun within half a minute");
}

/** The order matters: "past runs" counts the runs of earlier checks. */
export const FORM_CHECKS: Check<User>[] = [
  ["quickstart", (user) => {
    const [suite, load] = user.dyno("quickstart", "--json").trim().split("\n").map((line) =>
      JSON.parse(line)
    );
    const [asked] = suite.runs ?? [suite];
    expect(asked.aggregate.avg_hit_rate > 0.5, "quickstart's suite", asked.aggregate);
    expect(load.runs[0].complete === true, "quickstart's load", load.runs[0]);
    const assets = join(user.folder, "runs/sweeps/smoke/report/assets");
    const pictures = existsSync(assets) ? readdirSync(assets) : [];
    expect(pictures.some((name) => name.endsWith(".png")), "the sweep's pictures", pictures);
  }],
  ["a load", async (user) => {
    const { url, end } = await mockOf(user);
    try {
      const told = user.dyno(
        ...["load", "--endpoint", `${url}/v1`, "--concurrency", "4", "--requests", "20", "--json"],
      );
      const [{ transport, stages }] = JSON.parse(told).runs;
      expect(transport === "wire", "the native wire is not in use", transport);
      expect(stages[0].requests.successful > 10, "requests", stages[0].requests);
    } finally {
      await end();
    }
  }],
  ["the sampler", (user) => {
    const { performance } = JSON.parse(user.dyno("sample", "--duration", "1", "--json"));
    expect(performance.samples > 50, "samples", performance);
  }],
  ["sweeps: the simulator, and dyno itself", async (user) => {
    const smoke = join(user.experiments, "smoke.json");
    const swept = JSON.parse(user.dyno("sweep", "--config", smoke, "--jobs", "2", "--json"));
    expect(swept.ended === 8 && swept.failed === 0, "sweep", swept);
    user.dyno("collect", "--exp_dir", swept.exp_dir);
    user.dyno("report", "--exp_dir", swept.exp_dir);
    const { url, end } = await mockOf(user);
    try {
      const common_args = { endpoint: `${url}/v1`, requests: 8 };
      const jobs = { name: "jobs", kind: "load", common_args, matrix: { concurrency: [1, 2] } };
      writeFileSync(join(user.folder, "jobs.json"), JSON.stringify(jobs));
      const ran = JSON.parse(user.dyno("sweep", "--config", "jobs.json", "--json"));
      expect(ran.ended === 2 && ran.failed === 0, "a sweep of loads", ran);
    } finally {
      await end();
    }
  }],
  ["the server: a task, its events, its end", async (user) => {
    const mock = await mockOf(user);
    const server = await user.started(/dyno serve at ([^\s,]+)/, "serve", "--port", "0");
    try {
      const task = { kind: "suite", suite: "quickstart", endpoint: `${mock.url}/v1` };
      const answer = await fetch(`${server.url}/tasks`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(task),
      });
      const { task_id } = await answer.json();
      expect(answer.status === 202, "POST /tasks", answer.status);
      const events = await (await fetch(`${server.url}/tasks/${task_id}/events`)).text();
      expect(events.includes('"status":"completed"'), "a task's events", events);
      const metrics = await (await fetch(`${server.url}/metrics`)).text();
      expect(/^dyno_\w+/m.test(metrics), "metrics", metrics.slice(0, 200));
      const page = await (await fetch(`${server.url}/`)).text();
      const charts = await fetch(`${server.url}/dashboard/echarts.js`);
      expect(charts.status === 200 && page.includes("dyno"), "the dashboard", charts.status);
      await charts.body?.cancel();
      const code = await server.end();
      expect(code === 0, "the end of dyno serve", code);
    } finally {
      await Promise.all([server.end(), mock.end()]);
    }
  }],
  ["past runs", (user) => {
    const runs = JSON.parse(user.dyno("runs", "list", "--json"));
    expect(runs.length === 4, "runs list", runs);
    user.dyno("runs", "show", "latest");
  }],
  ["Ctrl-C in the middle of a load", async (user) => {
    const mock = await mockOf(user);
    const out = join(user.folder, "stopped");
    const load = ["load", "--endpoint", `${mock.url}/v1`, "--duration", "60", "--out", out];
    const running = await user.started(/load on mock at (\S+)/, ...load, "--concurrency", "4");
    try {
      const [journal] = await begun(() =>
        existsSync(out)
          ? readdirSync(out, { recursive: true, encoding: "utf8" }).filter((name) =>
            name.endsWith("events.jsonl") &&
            /"ended":[1-9]/.test(readFileSync(join(out, name), "utf8"))
          )
          : []
      );
      const run = join(out, dirname(journal));
      const code = await running.end("SIGINT to its group");
      expect(code === 130, "the exit code after Ctrl-C", code);
      const files = readdirSync(run);
      expect(!files.includes("run.lock"), "run.lock is left", files);
      const { complete, total } = JSON.parse(
        readFileSync(join(run, "results.json"), "utf8"),
      );
      expect(complete === false && total.requests.successful > 0, "what was saved", total.requests);
    } finally {
      await Promise.all([running.end(), mock.end()]);
    }
  }],
];
