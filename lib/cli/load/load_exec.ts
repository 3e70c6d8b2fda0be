/** dyno load exec: the command that a shard's process runs. */
import process from "node:process";
import { InputError } from "../../errors.ts";
import { runShard } from "../../load/shards/shard.ts";
import { EXIT } from "../ui/command.ts";
import { number, parseFlags, text } from "../ui/flags.ts";
import type { CommandContext } from "../ui/command.ts";

const flags = {
  "folder": text("PATH", "the folder of the load's shards"),
  "index": number("N", "the shard's number", { whole: true }),
};

/** Sends one shard's part of a load. @throws {InputError} there is no such shard. */
export async function loadExec(
  argv: string[],
  { terminal, signal }: CommandContext,
): Promise<number> {
  const { values: { folder, index: given } } = parseFlags(flags, argv);
  // an Indexed Job of Kubernetes sets it in the environment
  const index = given ?? Number(process.env.JOB_COMPLETION_INDEX ?? NaN);
  if (folder === undefined || !Number.isInteger(index)) {
    throw new InputError("dyno load exec: needs --folder and --index; dyno load --shards calls it");
  }
  const run = await runShard(folder, index, (line) => terminal.say(line), signal);
  if (signal.aborted) return EXIT.interrupted;
  return run.results.total.requests.successful === 0 ? EXIT.failures : EXIT.good;
}
