/** The settings of the built-in mock endpoint, for dyno mock and for files that use it. */
import { z } from "zod";
import { about, count, nonEmpty, positive, seconds } from "./setting.ts";

/** Tokens per block of the prefix cache, vLLM's default. */
export const BLOCK_TOKENS = 16;
/** Blocks of a prefix cache with 65,536 tokens. */
const BLOCKS = 4096;

/** Where dyno mock listens, and how it answers. */
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
  /** Uses TLS, with a certificate that it creates. */
  tls: z.boolean().default(false).register(about, {
    help: "speak TLS, with a certificate made for it; its file is named at the start",
  }),
  /** The only models that it serves. */
  model: z.array(z.string()).optional().register(about, {
    help: "serve only these models; without it, any, and mock is the one listed",
    placeholder: "NAME",
    short: "m",
  }),
  /** Path of the script of answers; in a file, relative to that file. */
  script: nonEmpty.optional().register(about, {
    help: "a JSON file that maps prompts to answers",
    placeholder: "FILE",
  }),
  /** The answer to any other prompt. */
  response: z.string().optional().register(about, { help: "the answer to any other prompt" }),
  /** The delay before a reply starts: seconds, or a text such as "50ms". */
  delay_s: seconds({ named: true }).default(0).register(about, { help: "before a reply starts" }),
  /** Output tokens per second within one reply; without it, all come together. */
  tokens_per_second: positive.optional().register(about, {
    help: "tokens a second in one reply; without it, all at once",
    placeholder: "N",
  }),
  /** Prompt tokens per second that are processed before the reply starts. */
  prefill_tokens_per_second: positive.optional().register(about, {
    help: "prompt tokens a second before a reply starts, but for those that the prefix cache has",
    placeholder: "N",
  }),
  /** Blocks of prompt tokens that the prefix cache keeps; without it there is no prefix cache. */
  prefix_cache: count.max(1e6).optional().register(about, {
    help: `keep this many blocks of ${BLOCK_TOKENS} prompt tokens (${BLOCKS})`,
    placeholder: "[BLOCKS]",
    bare: String(BLOCKS),
  }),
  /** A fault from its catalogue. */
  fault: nonEmpty.optional().register(about, { help: "a fault, see below", placeholder: "NAME" }),
  /** The share of requests with the fault. */
  fault_rate: z.number().min(0).max(1).default(1).register(about, {
    help: "the share of requests that the fault hits, 0 to 1",
    placeholder: "SHARE",
  }),
  /** The Retry-After header of rate_limit. */
  retry_after: nonEmpty.default("1").register(about, {
    help: "the Retry-After header of rate_limit: seconds or a date",
    placeholder: "WHEN",
  }),
  /** The seed that chooses the requests with the fault. */
  seed: z.int().min(0).default(1).register(about, {
    help: "chooses which requests the fault hits",
    placeholder: "N",
  }),
});

/** The mock endpoint's settings in a file; paths are relative to the file. */
export const mockPart = mockSettings.pick({ script: true, delay_s: true, tokens_per_second: true });
