/** dyno serve: runs tasks over HTTP. */
import process from "node:process";
import { ownCommand } from "../../execute/own_program.ts";
import { EXIT } from "../ui/command.ts";
import { serveSettings } from "../../settings/serve.ts";
import { flagHelp, parseOnlyFlags, text } from "../ui/flags.ts";
import { flagsOf, settingsIn } from "../ui/setting_flags.ts";
import { shortPath } from "../../text/short_path.ts";
import { aborted } from "../../execute/sleep.ts";
import type { Command, CommandContext } from "../ui/command.ts";

const flags = {
  ...flagsOf(serveSettings),
  "metrics-prefix": text("NAME", "the prefix of the names at /metrics (dyno)"),
};

export const command: Command = {
  flags,
  help: [
    "dyno serve [flags]",
    "",
    "Runs suites, loads, sweeps and slots of batches that are submitted over HTTP, one after the other,",
    "and reports their progress; /metrics is for Prometheus. Tasks survive a restart: what waited is",
    "run, what ran continues. Ctrl-C ends it: running tasks save what they have and continue when it starts",
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
    const settings = serveSettings.parse(settingsIn(serveSettings, values));
    const { runs } = settings;
    const { openMetrics } = await import("../../prometheus/open_metrics.ts");
    const { MetricsObserver } = await import("../../server/metrics_observer.ts");
    const { Server } = await import("../../server/serve.ts");
    {
      await using metrics = await openMetrics({ prefix: values["metrics-prefix"] });
      await using observer = new MetricsObserver(metrics, runs);
      await using server = await Server.start({
        ...settings,
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
      if (!process.env.DYNO_SERVE_TOKEN) {
        terminal.say(
          terminal.paint.dim("DYNO_SERVE_TOKEN is not set: any user of this host may send tasks"),
        );
      }
      if (!process.env.DYNO_WEBHOOK_SECRET) {
        terminal.say(terminal.paint.dim("DYNO_WEBHOOK_SECRET is not set: callbacks are unsigned"));
      }
      if (waiting > 0) terminal.say(`${waiting} tasks of an earlier server wait`);
      await aborted(signal);
    }
    return EXIT.good;
  },
};
