/** dyno mock: the mock endpoint on its own. */
import { InputError } from "../../errors.ts";
import { errorModes } from "../../mock/faults.ts";
import { BLOCK_TOKENS } from "../../mock/prefix_cache.ts";
import { loadMockScript, MockEndpoint } from "../../mock/server.ts";
import { didYouMean } from "../../text/nearest.ts";
import { EXIT } from "../ui/command.ts";
import { flagHelp, list, number, parseOnlyFlags, text } from "../ui/flags.ts";
import type { ErrorMode } from "../../mock/faults.ts";
import type { Command, CommandContext } from "../ui/command.ts";

/** A prefix cache of 65,536 tokens. */
const BLOCKS = 4096;

const flags = {
  "port": number("N", "the port (8000); 0 takes a free one", {
    max: 65535,
    whole: true,
  }),
  "host": text("ADDRESS", "the address to listen on (127.0.0.1)"),
  "model": list("NAME", "models that are served and no others; without it any, with mock listed"),
  "script": text("FILE", "a JSON file that maps prompts to answers"),
  "response": text("TEXT", "the answer to any other prompt"),
  "delay": number("S", "seconds before a reply starts (0)"),
  "tokens-per-second": number("N", "tokens a second in one reply; without it all at once", {
    min: 0.001,
  }),
  "prefill-tokens-per-second": number(
    "N",
    "prompt tokens a second before a reply starts, but for those that the prefix cache has",
    { min: 0.001 },
  ),
  "prefix-cache": {
    ...number("[BLOCKS]", `keep so many blocks of ${BLOCK_TOKENS} prompt tokens (${BLOCKS})`, {
      min: 1,
      max: 1e6,
      whole: true,
    }),
    bare: String(BLOCKS),
  },
  "fault": text("NAME", "a fault, see below"),
  "fault-rate": number("SHARE", "the share of requests that the fault hits, 0 to 1 (1)"),
  "retry-after": text("WHEN", "the Retry-After header of rate_limit: seconds or a date (1)"),
  "seed": number("N", "chooses which requests the fault hits (1)", { whole: true }),
};

const width = Math.max(...errorModes.map(({ name }) => name.length));

export const command: Command = {
  flags,
  help: [
    "dyno mock [flags]",
    "",
    "An endpoint to test against: chat, completions, responses, embeddings, /v1/models, /health.",
    "Ctrl-C ends it.",
    "",
    ...flagHelp(flags),
    "",
    "A token is a word. With --prefix-cache, usage tells cached tokens, /metrics has vLLM's names, and",
    "POST /reset_prefix_cache empties the cache.",
    "",
    "Faults:",
    ...errorModes.map(({ name, description }) => `  ${name.padEnd(width)}  ${description}`),
  ],

  async run(argv: string[], { terminal, signal }: CommandContext): Promise<number> {
    const values = parseOnlyFlags("dyno mock", flags, argv);
    const script = values.script === undefined ? undefined : await loadMockScript(values.script);
    await using mock = await MockEndpoint.start({
      host: values.host,
      port: values.port ?? 8000,
      model: values.model,
      seed: values.seed,
      script,
      prefix_cache_blocks: values["prefix-cache"],
      behaviour: {
        ...(values.response === undefined ? {} : { default_response: values.response }),
        delay_s: values.delay ?? 0,
        tokens_per_second: values["tokens-per-second"] ?? null,
        prefill_tokens_per_second: values["prefill-tokens-per-second"] ?? null,
        error_mode: values.fault === undefined ? null : faultNamed(values.fault),
        fault_rate: values["fault-rate"] ?? 1,
        retry_after: values["retry-after"] ?? "1",
      },
    });
    terminal.say(`mock endpoint at ${mock.url}`);
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve(); // by Ctrl-C while it was being started
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    return EXIT.interrupted;
  },
};

function faultNamed(name: string): ErrorMode {
  const names = errorModes.map((mode) => mode.name);
  const found = names.find((known) => known === name);
  if (found === undefined) {
    const hint = didYouMean(name, names) || "; dyno mock --help lists them";
    throw new InputError(`--fault: "${name}" is not a fault${hint}`);
  }
  return found;
}
