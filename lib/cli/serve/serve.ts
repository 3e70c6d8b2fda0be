/** dyno serve: tasks over HTTP. */
import process from "node:process";
import { ownCommand } from "../../execute/own_program.ts";
import { openMetrics } from "../../prometheus/open_metrics.ts";
import { MetricsObserver } from "../../server/metrics_observer.ts";
import { Server } from "../../server/serve.ts";
import { EXIT } from "../ui/command.ts";
import { flagHelp, list, number, parseOnlyFlags, text, toggle } from "../ui/flags.ts";
import { shortPath } from "../../text/short_path.ts";
import type { Command, CommandContext } from "../ui/command.ts";

const flags = {
  "port": number("N", "the port (8787); 0 takes a free one", { max: 65_535, whole: true }),
  "host": text("ADDRESS", "the address to listen on (127.0.0.1); others need DYNO_SERVE_TOKEN"),
  "runs": text("DIR", "the folder of runs (runs); tasks are kept in its folder server"),
  "batches": text("DIR", "the folder of batches that the dashboard shows (batches)"),
  "jobs": number("N", "tasks at the same time (1); more disturb each other's measurements", {
    min: 1,
    max: 256,
    whole: true,
  }),
  "max-queue": number("N", "tasks that may wait (1000); more are refused for a while", {
    min: 1,
    whole: true,
  }),
  "allow": list("DIR", "folders whose files tasks may name (the working folder)"),
  "allow-commands": toggle("let suites and sweeps run programs that they name"),
  "allow-private-callbacks": toggle("let callbacks go to private and loopback addresses"),
  "key-env": list("NAME", "variables that may hold a task's API key; NAME* is a beginning"),
  "rate-limit": number("N", "requests a second from one address (100); 0 is no limit"),
  "max-body": number("BYTES", "the longest body of a request (1048576)", { min: 1, whole: true }),
  "metrics-prefix": text("NAME", "what the names at /metrics begin with (dyno)"),
};

export const command: Command = {
  flags,
  help: [
    "dyno serve [flags]",
    "",
    "Runs suites, loads, sweeps and slots of batches that are submitted over HTTP, one after the other,",
    "and tells how they come along; /metrics is for Prometheus. Tasks survive a restart: what waited is",
    "run, what ran goes on. Ctrl-C ends it: running tasks save what they have and go on when it is started",
    "again.",
    "",
    ...flagHelp(flags),
    "",
    "Environment: DYNO_SERVE_TOKEN is what clients send as Authorization: Bearer …, and",
    "DYNO_WEBHOOK_SECRET signs callbacks. With OTEL_DENO=true its tasks send OpenTelemetry spans.",
    "",
    "  dyno serve --jobs 2",
    "  curl -s localhost:8787/tasks -H 'content-type: application/json' -d '{",
    '    "kind": "suite", "suite": "quickstart", "endpoint": "http://127.0.0.1:8000/v1"}\'',
    "  curl -sN localhost:8787/tasks/TASK_ID/events",
  ],

  async run(argv: string[], { terminal, signal }: CommandContext): Promise<number> {
    const values = parseOnlyFlags("dyno serve", flags, argv);
    const runs = values.runs ?? "runs";
    {
      await using metrics = await openMetrics({ prefix: values["metrics-prefix"] });
      await using observer = new MetricsObserver(metrics, runs);
      await using server = await Server.start({
        host: values.host ?? "127.0.0.1",
        port: values.port ?? 8787,
        runs,
        batches: values.batches,
        allow: values.allow ?? ["."],
        allow_commands: values["allow-commands"] ?? false,
        private_callbacks: values["allow-private-callbacks"] ?? false,
        key_envs: values["key-env"] ?? [],
        max_queue: values["max-queue"] ?? 1000,
        jobs: values.jobs ?? 1,
        rate_per_s: values["rate-limit"] ?? 100,
        max_body_bytes: values["max-body"] ?? 1 << 20,
        token: process.env.DYNO_SERVE_TOKEN,
        webhook_secret: process.env.DYNO_WEBHOOK_SECRET,
        command: ownCommand(),
        observers: [observer],
        metricsText: () => metrics.text(),
        onNotice: (line) => terminal.say(terminal.paint.dim(line)),
      });
      const waiting = server.store.queued().length;
      terminal.say(
        `dyno serve at ${terminal.paint.accent(server.url)}, runs in ${shortPath(runs)}`,
      );
      if (!process.env.DYNO_WEBHOOK_SECRET) {
        terminal.say(terminal.paint.dim("DYNO_WEBHOOK_SECRET is not set: callbacks are unsigned"));
      }
      if (waiting > 0) terminal.say(`${waiting} tasks of an earlier server wait`);
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve(); // by Ctrl-C while it was being started
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
    return EXIT.good;
  },
};
