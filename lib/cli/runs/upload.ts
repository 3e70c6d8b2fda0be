/** dyno runs upload: sends runs to object storage, an experiment tracker, or a memory server. */
import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { InputError } from "../../errors.ts";
import { readJsonFile } from "../../settings/json_file.ts";
import { commandWords } from "../../run/command_words.ts";
import { type RunDirectory, runDirectoryAt } from "../../run/directory.ts";
import { hasPending, writePending } from "../../run/memory_pending.ts";
import { deliverPending } from "../../run/memory_sink.ts";
import { resolveRun } from "../../run/find_run.ts";
import { StorageError } from "../../upload/storage.ts";
import { uploadTarget } from "../../upload/target.ts";
import { uploadFolder, type UploadProgress, type UploadResult } from "../../upload/upload.ts";
import { memoryItems } from "../../coding/memory_items.ts";
import { startedSweepAt } from "../../sweep/tree.ts";
import { EXIT } from "../ui/command.ts";
import { flagHelp, otherwise, parseFlags, text, toggle, type Values } from "../ui/flags.ts";
import { memoryLines } from "../run/memory_lines.ts";
import { ProgressLine, progressText } from "../ui/progress_line.ts";
import { withRuns } from "./query.ts";
import { toTrackers } from "./upload_tracked.ts";
import { shownSize } from "./removal.ts";
import { counted } from "../../text/grouped.ts";
import type { MemoryItem } from "../../run/memory_item.ts";
import type { BenchmarkSummary } from "../../coding/summary.ts";
import type { Command, CommandContext } from "../ui/command.ts";

const flags = {
  "to": text("PLACE", "s3://bucket/prefix or gs://bucket/prefix"),
  "sweep": text("DIR", "the folder of a sweep, such as bench_runs/smoke"),
  "dry-run": toggle("only says what would be sent"),
  "json": toggle("with --to: one JSON object a folder on standard output"),
  "mlflow": text("URL", "an MLflow tracking server, such as http://127.0.0.1:5000"),
  "wandb": text("DIR", "a folder for offline runs of Weights & Biases"),
  "experiment": otherwise("dyno", text("NAME", "MLflow's experiment, or W&B's project")),
  "memory": text("COMMAND", "the MCP memory server, started as a program and ended afterwards"),
  "runs": text("DIR", "the folder of runs (runs)"),
};

type Given = Values<typeof flags>;

export const command: Command = {
  flags,
  help: [
    "dyno runs upload RUN … | FOLDER … | --sweep DIR --to s3://bucket/prefix [flags]",
    "dyno runs upload RUN … --mlflow URL | --wandb DIR [flags]",
    'dyno runs upload RUN --memory "COMMAND …" [flags]',
    "",
    "--to sends runs, a sweep or any folder to S3, to a storage that speaks its protocol, or to Google",
    "Cloud Storage, as PLACE/<the folder's name>/…. What is there with the same checksum is not sent",
    "again, and a large file continues where an earlier upload was cut off. A run in use is refused; in a",
    "sweep or a folder it is left out. Links are not followed out of the folder.",
    "",
    "The environment holds the key. S3: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN,",
    "AWS_REGION, and AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL for another storage. Google: GS_ACCESS_KEY_ID",
    "and GS_SECRET_ACCESS_KEY of an HMAC key.",
    "",
    "--mlflow logs a run's settings, figures and report to a tracking server; its key is in",
    "MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD. A run that is there",
    "already is not logged twice. --wandb writes a folder that 'wandb sync' sends.",
    "",
    "--memory stores a coding run in a memory server: what waits of it in memory_pending.jsonl, or all",
    "of it. What is there already is not stored twice.",
    "",
    "Exit code: 0 all is there, 1 something is missing or still waits.",
    "",
    ...flagHelp(flags),
    "",
    "  dyno runs upload latest --to s3://results/dyno",
    "  dyno runs upload --sweep bench_runs/smoke --to gs://results/sweeps --dry-run",
  ],

  async run(argv: string[], context: CommandContext): Promise<number> {
    const { values, positional } = parseFlags(flags, argv);
    const { to, memory, mlflow, wandb, experiment, runs = "runs" } = values;
    const isTracked = mlflow !== undefined || wandb !== undefined;
    if ([to !== undefined, memory !== undefined, isTracked].filter(Boolean).length > 1) {
      throw new InputError(
        "dyno runs upload: --to, --memory, or --mlflow and --wandb, not several at once",
      );
    }
    if (isTracked) {
      return await toTrackers({ mlflow, wandb, experiment, runs }, positional, context);
    }
    if (values.to !== undefined) return await toStorage(values.to, values, positional, context);
    if (values.memory === undefined) {
      throw new InputError(
        "dyno runs upload: where to? give --to s3://bucket/prefix, --mlflow URL, --wandb DIR or " +
          '--memory "COMMAND …"',
      );
    }
    return await toMemory(values.memory, values, positional, context);
  },
};

async function toStorage(
  to: string,
  values: Given,
  names: readonly string[],
  context: CommandContext,
): Promise<number> {
  const { terminal, signal } = context;
  uploadTarget(to); // checked before anything is searched for
  const dry_run = values["dry-run"] === true;
  let whole = true;
  for (const folder of await foldersOf(values, names, context)) {
    try {
      using line = new ProgressLine(terminal);
      const started_ms = performance.now();
      const result = await uploadFolder(folder, {
        to,
        signal,
        dry_run,
        onFile: (name, progress) =>
          line.show(
            (bar) => sentText(name, progress, started_ms, bar),
            done(progress) === progress.files,
          ),
      });
      terminal.say(resultText(result, dry_run));
      if (result.missing_key !== null) {
        terminal.say(terminal.paint.dim(
          `${result.missing_key} is not set: dyno did not check what is there already`,
        ));
      }
      leftOut(result).forEach((said) => terminal.warn(said));
      if (result.in_use.length > 0) whole = false;
      if (values.json) terminal.out(JSON.stringify(result));
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      terminal.say(`${terminal.paint.bad("error:")} ${error.message}`);
      terminal.say("the same command continues where this one ended");
      return EXIT.failures;
    }
  }
  return whole ? EXIT.good : EXIT.failures;
}

/** The folders to upload: a sweep's folder, runs by name, others by path. */
async function foldersOf(
  { sweep, runs }: Given,
  names: readonly string[],
  { terminal }: CommandContext,
): Promise<string[]> {
  if ((sweep === undefined) === (names.length === 0)) {
    throw new InputError("dyno runs upload takes runs or folders, or else --sweep DIR");
  }
  if (sweep !== undefined) {
    return [resolve(startedSweepAt(sweep).path)];
  }
  const isFolder = (name: string) => statSync(name, { throwIfNoEntry: false })?.isDirectory();
  const folders = names.filter(isFolder).map((name) => resolve(name));
  const ids = names.filter((name) => !isFolder(name));
  if (ids.length === 0) return folders;
  const found = await withRuns(runs, terminal, async (index) => {
    const paths: string[] = [];
    for (const id of ids) paths.push(await resolveRun(index, id));
    return paths;
  });
  return [...new Set([...folders, ...found])];
}

function done({ sent, present }: UploadProgress): number {
  return sent + present;
}

function sentText(
  name: string,
  progress: UploadProgress,
  started_ms: number,
  bar: boolean,
): string {
  const elapsed_s = (performance.now() - started_ms) / 1000;
  const left = progress.files - done(progress);
  const rate_per_s = done(progress) === 0 ? null : done(progress) / Math.max(elapsed_s, 1e-3);
  return progressText({
    noun: "files",
    done: done(progress),
    total: progress.files,
    rate_per_s,
    left_s: rate_per_s && left / rate_per_s,
    more: [shownSize(progress.sent_bytes), name],
  }, bar);
}

function resultText(result: UploadResult, dry_run: boolean): string {
  const { sent, sent_bytes, present, files, to } = result;
  if (files === 0) return `${to}: no files to send`;
  const what = dry_run ? "would send" : "sent";
  const rest = present > 0 ? `; ${present} there already` : "";
  return sent === 0
    ? `${to}: all ${files} files are there already`
    : `${to}: ${what} ${sent} of ${counted(files, "file")}, ${shownSize(sent_bytes)}${rest}`;
}

function leftOut({ in_use, no_files }: UploadResult): string[] {
  const told = (names: readonly string[]) =>
    names.slice(0, 5).join(", ") + (names.length > 5 ? `, … ${names.length - 5} more` : "");
  return [
    ...(in_use.length ? [`left out, in use by a running process: ${told(in_use)}`] : []),
    ...(no_files.length
      ? [`left out, links out of the folder or no plain files: ${told(no_files)}`]
      : []),
  ];
}

async function toMemory(
  memory: string,
  values: Given,
  [run, ...more]: readonly string[],
  context: CommandContext,
): Promise<number> {
  for (const flag of ["sweep", "dry-run", "json"] as const) {
    if (values[flag]) throw new InputError(`dyno runs upload: --${flag} goes only with --to`);
  }
  if (run === undefined || more.length) {
    throw new InputError("dyno runs upload --memory takes one run");
  }
  const server = commandWords(memory, "--memory");
  const [folder] = await foldersOf(values, [run], context);
  const directory = runDirectoryAt(folder);
  if (!hasPending(directory)) writePending(directory, await itemsOf(directory));
  const delivery = await deliverPending(directory, server, { signal: context.signal });
  memoryLines(delivery, directory, context);
  if (context.signal.aborted) return EXIT.interrupted;
  return delivery.waiting === 0 ? EXIT.good : EXIT.failures;
}

async function itemsOf({ path }: RunDirectory): Promise<MemoryItem[]> {
  const file = join(path, "summary.json");
  if (!existsSync(file)) {
    throw new InputError(`${path}: not a finished coding run: summary.json is missing`);
  }
  const { value } = await readJsonFile(file);
  const summary = value as Partial<BenchmarkSummary> | null;
  if (typeof summary?.run_id !== "string" || typeof summary.config !== "object") {
    throw new InputError(`${file}: expected the summary of a coding run`);
  }
  return memoryItems(summary as BenchmarkSummary);
}
