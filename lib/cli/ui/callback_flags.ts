/** Flags that report a run's end to a callback URL, and the reporting. */
import process from "node:process";
import { InputError } from "../../errors.ts";
import { text, toggle, type Values } from "./flags.ts";
import type { Payload } from "../../notify/payload.ts";
import type { CommandContext } from "./command.ts";
import type { Callbacks } from "./command.ts";

export const callbackFlags = {
  "callback-url": text(
    "URL",
    "gets a POST when a run ends and when 80 % of a budget is spent; DYNO_WEBHOOK_SECRET signs it",
  ),
  "allow-private-callbacks": toggle("let --callback-url be a private or loopback address"),
};

/** How long a command waits for a receiver at its end; the next command sends what is left. */
const PATIENCE_MS = 20_000;

/**
 * Runs a command's work with its callback URL, and waits for the receiver at the end.
 *
 * @param out the folder of runs, where undelivered callbacks are kept.
 * @throws {InputError} the URL is not allowed for callbacks; thrown before the work.
 */
export async function withCallbacks<T>(
  values: Values<typeof callbackFlags>,
  out: string,
  context: CommandContext,
  work: (context: CommandContext) => Promise<T>,
): Promise<T> {
  const { terminal } = context;
  const url = values["callback-url"];
  const allow_private = values["allow-private-callbacks"] ?? false;
  if (url === undefined) {
    if (allow_private) throw new InputError("--allow-private-callbacks: only with --callback-url");
    return await work(context);
  }
  await checkUrl(url, allow_private);
  const { alertPayload, endPayload } = await import("../../notify/payload.ts");
  const { CallbackQueue } = await import("../../notify/queue.ts");
  const secret = process.env.DYNO_WEBHOOK_SECRET || null;
  if (secret === null) terminal.warn("DYNO_WEBHOOK_SECRET is not set: the callback is unsigned");
  await using queue = await CallbackQueue.open(out, {
    secret,
    allow_private,
    onNotice: (line) => terminal.warn(line),
  });
  const add = (payload: Payload) => queue.add(url, payload);
  try {
    const callbacks: Callbacks = {
      ended: (end) => add(endPayload({ ...end, task_id: null })),
      alert: (message) => add(alertPayload({ task_id: null, run_id: null, message })),
    };
    return await work({ ...context, callbacks });
  } finally {
    const left = await queue.settled(AbortSignal.timeout(PATIENCE_MS));
    if (left > 0) {
      terminal.warn(
        `--callback-url: ${left} not delivered yet; kept in ${out}/callbacks for the next command ` +
          "with --callback-url, or dyno serve",
      );
    }
  }
}

async function checkUrl(url: string, allow_private: boolean): Promise<void> {
  const { callbackUrl, checkedAddress, RefusedAddressError } = await import(
    "../../notify/callback_url.ts"
  );
  try {
    await checkedAddress(callbackUrl(url, allow_private), allow_private);
  } catch (error) {
    if (error instanceof RefusedAddressError) {
      throw new InputError(`--callback-url ${url}: ${error.message}`);
    }
  }
}
