/** dyno mock: the mock endpoint on its own. */
import { InputError } from "../../errors.ts";
import { errorModes } from "../../mock/faults.ts";
import { loadMockScript, MockEndpoint } from "../../mock/server.ts";
import { didYouMean } from "../../text/nearest.ts";
import { EXIT } from "../ui/command.ts";
import { flagHelp, list, number, parseOnlyFlags, text } from "../ui/flags.ts";
import type { ErrorMode } from "../../mock/faults.ts";
import type { Command, CommandContext } from "../ui/command.ts";

const flags = {
  "port": number("N", "the port (8000); 0 takes a free one", {
    max: 65535,
    whole: true,
  }),
  "host": text("ADDRESS", "the address to listen on (127.0.0.1)"),
  "model": list("NAME", "models that are listed (mock)"),
  "script": text("FILE", "a JSON file that maps prompts to answers"),
  "response": text("TEXT", "the answer to any other prompt"),
  "delay": number("S", "seconds before a reply starts (0)"),
  "tokens-per-second": number("N", "tokens a second in one reply; without it all at once", {
    min: 0.001,
  }),
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
    "An endpoint to test against: chat, completions, streaming, /v1/models, /health. Ctrl-C ends it.",
    "",
    ...flagHelp(flags),
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
      behaviour: {
        ...(values.response === undefined ? {} : { default_response: values.response }),
        delay_s: values.delay ?? 0,
        tokens_per_second: values["tokens-per-second"] ?? null,
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
