/** dyno mock: runs the mock endpoint. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { InputError } from "../../errors.ts";
import { errorModes } from "../../mock/faults/catalogue.ts";
import { didYouMean } from "../../text/nearest.ts";
import { EXIT } from "../ui/command.ts";
import { mockSettings } from "../../settings/mock.ts";
import { flagHelp, parseOnlyFlags } from "../ui/flags.ts";
import { flagsOf } from "../ui/setting_flags.ts";
import { aborted } from "../../execute/sleep.ts";
import type { KeyAndCertificate } from "../../mock/certificate.ts";
import type { ErrorMode } from "../../mock/faults/catalogue.ts";
import type { Command, CommandContext } from "../ui/command.ts";

const flags = flagsOf(mockSettings);

const width = Math.max(...errorModes.map(({ name }) => name.length));

export const command: Command = {
  flags,
  help: [
    "dyno mock [flags]",
    "",
    "An endpoint to test against: chat, completions, responses, embeddings, Anthropic's /v1/messages,",
    "Gemini's generateContent, Azure's /openai/deployments/NAME/…, Bedrock's /model/NAME/converse, TGI's",
    "/generate, llama.cpp's /completion, Triton's /v2/models/NAME/generate and /infer, /v1/audio, /v1/images,",
    "/v1/models, /health.",
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
    const { host, port, tls, model, seed, script, response, fault, prefix_cache, ...behaviour } =
      mockSettings.parse(values);
    const { loadMockScript, MockEndpoint } = await import("../../mock/server.ts");
    using certificate = tls ? await CertificateFile.make(host) : null;
    await using mock = await MockEndpoint.start({
      host,
      port,
      tls: certificate?.pair,
      model,
      seed,
      script: script === undefined ? undefined : await loadMockScript(script),
      prefix_cache_blocks: prefix_cache,
      behaviour: {
        ...behaviour,
        ...(response === undefined ? {} : { default_response: response }),
        error_mode: fault === undefined ? null : faultNamed(fault),
      },
    });
    terminal.say(`mock endpoint at ${mock.url}`);
    if (certificate) terminal.say(`its certificate: --ca ${certificate.path}`);
    await aborted(signal);
    return EXIT.interrupted;
  },
};

/** A certificate file that exists while the endpoint runs. */
class CertificateFile implements Disposable {
  readonly pair: KeyAndCertificate;
  readonly #folder = mkdtempSync(join(tmpdir(), "dyno-mock-"));
  readonly path = join(this.#folder, "certificate.pem");

  private constructor(pair: KeyAndCertificate) {
    this.pair = pair;
    writeFileSync(this.path, pair.cert);
  }

  static async make(host: string): Promise<CertificateFile> {
    const { makeCertificate } = await import("../../mock/certificate.ts");
    const names = ["localhost", "127.0.0.1", "::1", hostname(), host];
    return new CertificateFile(makeCertificate([...new Set(names)]));
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true });
  }
}

function faultNamed(name: string): ErrorMode {
  const names = errorModes.map((mode) => mode.name);
  const found = names.find((known) => known === name);
  if (found === undefined) {
    const hint = didYouMean(name, names) || "; dyno mock --help lists them";
    throw new InputError(`--fault: "${name}" is not a fault${hint}`);
  }
  return found;
}
