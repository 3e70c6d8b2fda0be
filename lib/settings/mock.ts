/** The settings of the built-in mock endpoint: of dyno mock, and of files that ask for it. */
import { z } from "zod";
import { about, count, nonEmpty, positive, seconds } from "./setting.ts";

/** Tokens of a block of the prefix cache, vLLM's default. */
export const BLOCK_TOKENS = 16;
/** A prefix cache of 65,536 tokens. */
const BLOCKS = 4096;

/** What dyno mock listens on and answers. */
export const mockSettings = z.strictObject({
  /** The port; 0 takes a free one. */
  port: z.int().min(0).max(65_535).default(8000).register(about, {
    help: "the port; 0 takes a free one",
    placeholder: "N",
  }),
  /** The address to listen on. */
  host: nonEmpty.default("127.0.0.1").register(about, {
    help: "the address to listen on",
    placeholder: "ADDRESS",
  }),
  /** Speaks TLS, with a certificate made for it. */
  tls: z.boolean().default(false).register(about, {
    help: "speak TLS, with a certificate made for it; its file is named at the start",
  }),
  /** Models that are served and no others. */
  model: z.array(z.string()).optional().register(about, {
    help: "models that are served and no others; without it any, with mock listed",
    placeholder: "NAME",
    short: "m",
  }),
  /** Path of the script of answers; in a file, relative to it. */
  script: nonEmpty.optional().register(about, {
    help: "a JSON file that maps prompts to answers",
    placeholder: "FILE",
  }),
  /** The answer to any other prompt. */
  response: z.string().optional().register(about, { help: "the answer to any other prompt" }),
  /** Before a reply starts: seconds, or a text such as "50ms". */
  delay_s: seconds({ named: true }).default(0).register(about, { help: "before a reply starts" }),
  /** In one reply; without it all at once. */
  tokens_per_second: positive.optional().register(about, {
    help: "tokens a second in one reply; without it all at once",
    placeholder: "N",
  }),
  /** Prompt tokens that are computed before the reply starts. */
  prefill_tokens_per_second: positive.optional().register(about, {
    help: "prompt tokens a second before a reply starts, but for those that the prefix cache has",
    placeholder: "N",
  }),
  /** Blocks of prompt tokens that are kept; without it there is no prefix cache. */
  prefix_cache: count.max(1e6).optional().register(about, {
    help: `keep so many blocks of ${BLOCK_TOKENS} prompt tokens (${BLOCKS})`,
    placeholder: "[BLOCKS]",
    bare: String(BLOCKS),
  }),
  /** A fault of its catalogue. */
  fault: nonEmpty.optional().register(about, { help: "a fault, see below", placeholder: "NAME" }),
  /** The share of requests that the fault hits. */
  fault_rate: z.number().min(0).max(1).default(1).register(about, {
    help: "the share of requests that the fault hits, 0 to 1",
    placeholder: "SHARE",
  }),
  /** The Retry-After header of rate_limit. */
  retry_after: nonEmpty.default("1").register(about, {
    help: "the Retry-After header of rate_limit: seconds or a date",
    placeholder: "WHEN",
  }),
  /** Chooses which requests the fault hits. */
  seed: z.int().min(0).default(1).register(about, {
    help: "chooses which requests the fault hits",
    placeholder: "N",
  }),
});

/** The mock endpoint as files ask for it: paths in it are relative to the file. */
export const mockPart = mockSettings.pick({ script: true, delay_s: true, tokens_per_second: true });
