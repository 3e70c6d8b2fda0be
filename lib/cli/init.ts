/** dyno init: writes a first file, with comments, that works immediately. */
import { existsSync } from "node:fs";
import { InputError } from "../errors.ts";
import { mockSettings } from "../settings/mock.ts";
import { writeFileAtomic } from "../write.ts";
import { EXIT } from "./ui/command.ts";
import { choice, flagHelp, parseFlags, text, toggle } from "./ui/flags.ts";
import type { Command, CommandContext } from "./ui/command.ts";

const KINDS = ["suite", "load", "sweep"] as const;
type Kind = typeof KINDS[number];

/** A mock for a load streams its answers token by token, so that each has a tpot to judge. */
const MOCK_PACE = "--delay 0.1 --tokens-per-second 50";

/** Where dyno mock answers when it is started without flags. */
const MOCK_PORT = String(mockSettings.parse({}).port);
const ENDPOINT = `http://127.0.0.1:${MOCK_PORT}/v1`;

/** The answers from which the file is made. */
interface Answers {
  kind: Kind;
  name: string;
  endpoint: string;
  model: string;
  file: string;
}

const flags = {
  "name": text("NAME", "what the suite, load or sweep is called (first)"),
  "endpoint": text("URL", `the server that is asked (${ENDPOINT})`),
  "model": text("NAME", "the model; without it, the only one that the server has"),
  "file": text("FILE", "where it is written (NAME.yaml)"),
  "force": toggle("overwrite an existing file"),
};

export const command: Command = {
  flags,
  words: [...KINDS],
  help: [
    "dyno init [suite|load|sweep] [flags]",
    "",
    "Writes a file with comments that runs at once: tests for a model, a load on a server, or a sweep of",
    "a program. In a terminal it asks for what no flag says, five questions at most.",
    "",
    ...flagHelp(flags),
    "",
    "  dyno init load --endpoint http://127.0.0.1:8000/v1 && dyno load first.yaml",
    "  dyno init sweep && dyno sweep --config first.yaml",
  ],

  async run(argv: string[], { terminal }: CommandContext): Promise<number> {
    const { values, positional } = parseFlags(flags, argv);
    if (positional.length > 1) throw new InputError("dyno init takes one kind of file");
    const asks = terminal.live && argv.length === 0;
    const asked = async (question: string, otherwise: string) =>
      asks ? await terminal.ask(`${question} [${otherwise}] `) || otherwise : otherwise;
    const kind = kindOf(positional[0] ?? await asked(`what? ${KINDS.join(", ")}`, "suite"));
    const name = values.name ?? await asked("what is it called?", "first");
    const local = kind === "sweep";
    const answers: Answers = {
      kind,
      name,
      endpoint: values.endpoint ??
        (local ? "" : await asked("which server?", ENDPOINT)),
      model: values.model ?? (local ? "" : await asked("which model? empty: its only one", "")),
      file: values.file ?? await asked("in which file?", `${name.replace(/[^\w.-]+/g, "_")}.yaml`),
    };
    if (!/\.ya?ml$/.test(answers.file)) {
      throw new InputError(`--file: "${answers.file}": expected a name that ends in .yaml`);
    }
    if (existsSync(answers.file) && !values.force) {
      throw new InputError(`${answers.file}: exists already; --force overwrites it`);
    }
    writeFileAtomic(answers.file, FILES[kind](answers));
    terminal.say(`${answers.file} is written. Run it:`);
    terminal.out(nextCommand(answers));
    const port = portOfMock(answers.endpoint);
    if (port !== null) {
      const [pace, alike] = kind === "suite"
        ? ["", " (it answers every prompt alike, so these tests fail)"]
        : [` ${MOCK_PACE}`, ""];
      const at = port === MOCK_PORT ? "" : ` --port ${port}`;
      terminal.say(`without a server: dyno mock${at}${pace}, in another terminal${alike}`);
    }
    return EXIT.good;
  },
};

/** The port at which a mock on this host answers for an endpoint; null for other hosts' endpoints. */
function portOfMock(endpoint: string): string | null {
  const { protocol, hostname, port } = URL.parse(endpoint) ?? {};
  const isHere = /^(127\.|localhost$|\[::1\]$)/.test(hostname ?? "");
  return protocol === "http:" && isHere ? port || "80" : null;
}

function kindOf(given: string): Kind {
  const word = given.trim().toLowerCase();
  try {
    return choice(KINDS, "").parse(word);
  } catch (expected) {
    throw new InputError(`dyno init: "${word}": expected ${expected}`);
  }
}

function nextCommand({ kind, endpoint, model, file }: Answers): string {
  if (kind === "sweep") return `dyno sweep --config ${file}`;
  if (kind === "load") return `dyno load ${file}`;
  return `dyno run ${file} --endpoint ${endpoint}${model ? ` --model ${model}` : ""}`;
}

/** Quotes a text for YAML if it needs quotes. */
const quoted = (text: string) => JSON.stringify(text);

const FILES: Record<Kind, (answers: Answers) => string> = {
  suite: ({ name }) =>
    `# Tests for a model. Each has a prompt and an evaluator that judges the answer.
# Every field: dyno schema suite. Evaluators: docs/evaluators.md.
test_suite_id: ${quoted(name)}
tests:
  - id: sum_01 # must differ from test to test
    name: Sum of two prices
    category: arithmetic # results are shown by category
    prompt: A notebook costs 3.75 and a pen 1.40. What do both cost together?
    parameters: { max_tokens: 200, temperature: 0 } # go into the request as they are
    evaluator: { name: numeric, expected: 5.15, tolerance: 0.01 } # the number it settles on
  - id: shell_01
    name: List files
    category: shell
    prompt: Which command lists the files of a folder?
    evaluator: { name: contains, expected: ls }
  - id: shell_02
    name: One word
    category: shell
    prompt: Which command prints the working folder? Answer with the command alone.
    # a program of yours may judge: { name: command, command: [python3, judge.py] }
    evaluator: { name: exact, expected: pwd }
`,
  load: ({ name, endpoint, model }) =>
    `# A load on a server. Every field: dyno schema load. A flag goes before what is here.
kind: load
name: ${quoted(name)}
endpoint: ${quoted(endpoint)}
${model ? `model: ${quoted(model)}` : "# model: NAME # needed where the server has several"}
duration_s: 10s # of each load; a minute or more for figures that others can rely on
input_tokens: 256 # prompts are made up, each different, so that no cache knows them
output_tokens: 64
slo: ["ttft:500", "tpot:50"] # of each request, ms: dyno help slo
matrix: # every combination is a run: this one gives the curve of latency over throughput
  concurrency: [1, 4, 16] # requests in flight; rate: [2, 8] for requests a second
`,
  sweep: ({ name }) =>
    `# A program for every combination of settings and seeds. Every field: dyno schema sweep.
name: ${quoted(name)}
# Your program: {NAME} is a setting, {seed} the seed, {out_dir} a folder of the run's own.
# What it writes to {out_dir}/summary.csv (a head and one row) is in the table of all runs.
command:
  - sh
  - -c
  - echo score > {out_dir}/summary.csv; echo $(({size} * {factor} + {seed})) >> {out_dir}/summary.csv
matrix:
  size: [1, 2, 4]
  factor: [10]
  seeds: [1, 2] # each combination runs once with each
jobs: 2 # runs at a time
timeout_s: 60
# then: dyno collect --exp_dir bench_runs/${name} and dyno report --exp_dir bench_runs/${name}
`,
};
