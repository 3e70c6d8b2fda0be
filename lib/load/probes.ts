/**
 * Probe requests: a slow stream of requests next to a load. Their ttft is what one more user would
 * see; they count in no other figure.
 */
import { openTransport } from "../endpoint/open_transport.ts";
import { latencies } from "../endpoint/latency.ts";
import { failureClass } from "../run/request_record.ts";
import { distribution } from "../stats/quantile.ts";
import { Connections } from "./connections.ts";
import { Drive } from "./drive.ts";
import { madeUpPrompts } from "./prompts/prompts.ts";
import type { FailureClass } from "../endpoint/errors.ts";
import type { RequestRecord } from "../run/request_record.ts";
import type { Distribution } from "../stats/quantile.ts";
import type { DriveOptions } from "./drive_options.ts";

/** The results of a load's probes. */
export interface ProbeFigures {
  /** The rate in the settings, per second. */
  rate_per_s: number;
  /** Probes whose intended time was in the measured windows. */
  requests: number;
  /** Of these, those with a complete answer. */
  answered: number;
  /** Of these, those that failed. */
  failed: number;
  /** Of these, those cut off by the end of the load, or not sent by then. */
  unfinished: number;
  /** Failed probes by class. */
  errors: Partial<Record<FailureClass, number>>;
  /** Time from sending to the first token; null where none was answered. */
  ttft_ms: Distribution | null;
}

/** Probes are short, so that they hardly delay the load's own requests. */
const INPUT_TOKENS = 16;
const GRACE_S = 5;

/** The options that probes share with their load. */
type ProbesOptions =
  & Pick<
    DriveOptions,
    "api" | "body" | "budget" | "costOf" | "session_header" | "signal" | "onAhead"
  >
  & {
    rate_per_s: number;
    /** Seed of the words in their prompts, which no cache has seen. */
    words: number;
    /**
     * The load's transport. Probes use another one of its kind, so that they take none of the
     * load's places.
     */
    transport: DriveOptions["transport"];
    onRecord(record: RequestRecord): void;
  };

/** Sends the probes of one load; none where the load has no probe rate. */
export class Probes {
  readonly #options: Omit<ProbesOptions, "rate_per_s"> & { rate_per_s: number | undefined };
  readonly #ending = new AbortController();
  #sent: Promise<{ error: unknown } | null> | null = null;

  constructor(options: Omit<ProbesOptions, "rate_per_s"> & { rate_per_s: number | undefined }) {
    this.#options = options;
  }

  /** Starts sending; later calls do nothing. */
  start(): void {
    const { rate_per_s } = this.#options;
    if (rate_per_s === undefined) return;
    const signal = AbortSignal.any([this.#options.signal, this.#ending.signal]);
    this.#sent ??= sendProbes({ ...this.#options, rate_per_s, signal })
      .then(() => null, (error) => ({ error }));
  }

  /** Stops sending. */
  stop(): void {
    this.#ending.abort();
  }

  /** Waits for the probes that were sent. @throws whatever `onRecord` threw. */
  async ended(): Promise<void> {
    const fault = await this.#sent;
    if (fault !== null) throw fault.error;
  }
}

/** Sends probes at equal intervals until the signal is aborted. A failed one is reported like any other. */
async function sendProbes(
  { rate_per_s, words, transport, signal, ...options }: ProbesOptions,
): Promise<void> {
  const { name } = transport;
  const only = name === "wire" || name === "portable" ? name : undefined;
  await using own = await openTransport({ only });
  const rate = { from_per_s: rate_per_s, to_per_s: rate_per_s };
  const endless = { concurrency: null, times_s: null, duration_s: null, requests: null };
  const drive = new Drive({
    ...options,
    transport: own,
    stages: [{ warmup: false, rate, ...endless }],
    pattern: { arrival: "constant", seed: 1 },
    prompts: madeUpPrompts({ input: INPUT_TOKENS, output: 1, seed: 1, words }),
    ignore_eos: false,
    grace_s: GRACE_S,
    stop: { error_rate: null, saturation: false },
    cancellations: [],
    connections: new Connections("pooled"),
    countTokens: null,
    signal,
    onStage: () => {},
    onRecord: (record) => options.onRecord({ ...record, gaps: 0 }),
  });
  await drive.run();
}

/** Returns the figures of the probes whose intended time was in a window. */
export function probeFigures(
  rate_per_s: number,
  records: readonly RequestRecord[],
  { start_ns, end_ns }: { start_ns: number; end_ns: number },
): ProbeFigures {
  const inside = records.filter(({ t_intended_ns }) =>
    t_intended_ns >= start_ns && t_intended_ns <= end_ns
  );
  const answered = inside.filter(({ failure }) => failure === null);
  const errors: ProbeFigures["errors"] = {};
  for (const record of inside) {
    const failure = failureClass(record);
    if (failure !== null) errors[failure] = (errors[failure] ?? 0) + 1;
  }
  const failed = inside.filter((record) => failureClass(record) !== null).length;
  return {
    rate_per_s,
    requests: inside.length,
    answered: answered.length,
    failed,
    unfinished: inside.length - answered.length - failed,
    errors,
    ttft_ms: distribution(answered.flatMap((record) => latencies(record).ttft_ms ?? [])),
  };
}
