/** dyno integration: runs scenarios of models and packages as tasks of a server. */
import { randomBytes } from "node:crypto";
import process from "node:process";
import { dirname, join, resolve } from "node:path";
import {
  boundKeys,
  checkKeyOfFile,
  keyOriginsText,
  keyUsesOf,
} from "../../endpoint/key_origins.ts";
import { InputError, messageOf } from "../../errors.ts";
import { CancelledError } from "../../execute/scope.ts";
import { ownCommand } from "../../execute/own_program.ts";
import { endpointOf, loadIntegration, stepsOf } from "../../integration/config.ts";
import { runScenarios, type StepOutcome } from "../../integration/run_scenarios.ts";
import { TaskClient } from "../../integration/task_client.ts";
import { WebhookReceiver } from "../../integration/webhook_receiver.ts";
import { loadMockScript } from "../../mock/script.ts";
import { MockEndpoint } from "../../mock/server.ts";
import { packageFile } from "../../package_files.ts";
import { writeFileAtomic } from "../../write.ts";
import { isLoopback } from "../../server/auth.ts";
import { serveSettings } from "../../settings/serve.ts";
import { Server } from "../../server/serve.ts";
import { AllowedPaths } from "../../server/tasks/allowed_paths.ts";
import { placedInFile } from "../../settings/placed_error.ts";
import { EXIT } from "../ui/command.ts";
import { keyFlag } from "../ui/flags.ts";
import { flagHelp, list, otherwise, parseFlags, text, toggle, type Values } from "../ui/flags.ts";
import { comparisonLines, Progress, stepLines, summaryLine } from "./integration_lines.ts";
import { shortPath } from "../../text/short_path.ts";
import type { IntegrationConfig, ScenarioStep } from "../../integration/config.ts";
import type { Command, CommandContext } from "../ui/command.ts";

const flags = {
  "server": text("URL", "a running server; without it, one is started"),
  "scenario": list("NAME", "only these scenarios; several by commas or repeated"),
  "callback-host": otherwise(
    "127.0.0.1",
    text("ADDRESS", "where the server reaches this host for callbacks"),
  ),
  "out": otherwise("runs", text("DIR", "the folder of runs of a server that is started")),
  "report": text("FILE", "writes a report as JSON"),
  "json": toggle("the report on standard output"),
  ...keyFlag,
};

export const command: Command = {
  flags,
  help: [
    "dyno integration [FILE] [flags]",
    "",
    "Submits the scenarios of a file to a server as tasks, one after the other, follows their events, and",
    "judges each: one package, several, several models, and an end that must arrive at a callback URL.",
    "Without a file: experiments/integration.json, on the built-in mock endpoint. Exit code: 0 all passed,",
    "1 some did not, 2 wrong input, 130 interrupted (the running task is cancelled).",
    "",
    ...flagHelp(flags),
    "",
    "Environment: DYNO_SERVE_TOKEN for a server that asks for it; with DYNO_WEBHOOK_SECRET, the server's,",
    "signatures of callbacks are checked.",
    "",
    "  dyno integration",
    "  dyno integration models.json --server http://127.0.0.1:8787 --report integration.json",
  ],

  async run(argv: string[], context: CommandContext): Promise<number> {
    const { values, positional } = parseFlags(flags, argv);
    if (positional.length > 1) {
      throw new InputError(`dyno integration takes one file, ${positional.length} given`);
    }
    const path = positional[0] ?? bundled();
    const config = await loadIntegration(path);
    const steps = stepsOf(config, values.scenario ?? null);
    if (values.server !== undefined) checkServer(values.server, config, steps);
    else await checkSuite(path, config, values.out);
    return await withParts(path, config, steps, values, context);
  },
};

async function withParts(
  path: string,
  config: IntegrationConfig,
  steps: readonly ScenarioStep[],
  values: Values<typeof flags>,
  context: CommandContext,
): Promise<number> {
  const { terminal, signal } = context;
  const given = process.env.DYNO_WEBHOOK_SECRET || null;
  const secret = given ?? (values.server === undefined ? randomBytes(24).toString("hex") : null);
  const { script, ...behaviour } = config.mock;
  await using mock = steps.some(({ model }) => endpointOf(config, model) === null)
    ? await MockEndpoint.start({
      model: config.models.map(({ model }) => model),
      script: script === undefined ? undefined : await loadMockScript(join(dirname(path), script)),
      behaviour,
    })
    : null;
  await using receiver = steps.some(({ webhook }) => webhook)
    ? await WebhookReceiver.start(values["callback-host"], secret)
    : null;
  await using own = values.server === undefined
    ? await startServer(path, config, values, secret, context)
    : null;
  const token = own ? null : process.env.DYNO_SERVE_TOKEN || null;
  const client = new TaskClient(own?.url ?? values.server!, token);
  await client.check(signal);
  const at = own ? `a new server, runs in ${shortPath(values.out)}` : client.url;
  terminal.say(`${steps.length} tasks on ${at}${mock ? ", answers of the mock endpoint" : ""}`);
  const outcomes: StepOutcome[] = [];
  const progress = new Progress(terminal);
  let interrupted = false;
  try {
    await runScenarios(steps, {
      config,
      client,
      mock_url: mock?.url ?? null,
      receiver,
      onStep: (step) => progress.begin(step),
      onSubmitted: (task) => progress.submitted(task),
      onMetrics: (metrics) => progress.metrics(metrics),
      onOutcome: (outcome) => {
        outcomes.push(outcome);
        stepLines(outcome, terminal.paint).forEach((line) => terminal.say(line));
      },
    }, signal);
  } catch (error) {
    if (!(error instanceof CancelledError)) throw error;
    interrupted = true;
  }
  comparisonLines(outcomes, terminal.paint).forEach((line) => terminal.say(line));
  terminal.say();
  terminal.say(summaryLine(outcomes, steps.length));
  const passed = !interrupted && outcomes.every((outcome) => outcome.passed);
  const exit_code = interrupted ? EXIT.interrupted : passed ? EXIT.good : EXIT.failures;
  const report = JSON.stringify({ server: own ? null : client.url, exit_code, tasks: outcomes });
  if (values.report !== undefined) writeFileAtomic(values.report, report + "\n");
  if (values.json) terminal.print(report);
  return exit_code;
}

/** The folders that a started server may read: the scenarios' folder and the current one. */
function rootsOf(path: string): string[] {
  return [dirname(resolve(path)), "."];
}

/** Checks before anything is started. @throws {InputError} the suite does not exist. */
async function checkSuite(path: string, { suite }: IntegrationConfig, runs: string): Promise<void> {
  try {
    new AllowedPaths(rootsOf(path), runs).resolve(suite);
  } catch (error) {
    throw await placedInFile(new InputError(`${path}: suite: ${messageOf(error)}`), path);
  }
}

/** Starts a server for these scenarios only; file names are relative to the scenarios' file. */
async function startServer(
  path: string,
  config: IntegrationConfig,
  { out: runs, "key-env": given }: Values<typeof flags>,
  secret: string | null,
  { terminal }: CommandContext,
): Promise<Server> {
  const keys = boundKeys(given);
  const uses = config.models.flatMap((model) => endpointOf(config, model) ?? []);
  for (const use of uses) checkKeyOfFile(path, use, keys);
  const settings = {
    port: 0,
    runs,
    allow: rootsOf(path),
    private_callbacks: true,
    key_envs: keyOriginsText(uses.flatMap(keyUsesOf)),
    rate_per_s: 0,
  };
  return await Server.start({
    ...serveSettings.parse(settings),
    token: undefined,
    webhook_secret: secret ?? undefined,
    command: ownCommand(),
    onNotice: (line) => terminal.say(terminal.paint.dim(line)),
  });
}

/** Refuses a mock endpoint here for a server elsewhere, which cannot reach it. */
function checkServer(
  server: string,
  config: IntegrationConfig,
  steps: readonly ScenarioStep[],
): void {
  const url = URL.canParse(server) ? new URL(server) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new InputError(`--server "${server}": expected an http or https URL`);
  }
  const alone = steps.find(({ model }) => endpointOf(config, model) === null);
  if (isLoopback(url.hostname) || alone === undefined) return;
  throw new InputError(
    `--server ${server}: the file has no endpoint for "${alone.model.model}", and that server cannot ` +
      "reach the mock endpoint of this host; give an endpoint or provider in the file",
  );
}

function bundled(): string {
  const folder = packageFile("experiments/");
  if (folder !== null) return join(folder, "integration.json");
  throw new InputError("dyno integration: give a file; dyno's own files are not on a disk here");
}
