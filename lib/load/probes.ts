/** Probe requests beside a load: a trickle whose ttft is what one more user would wait, in no other figure. */
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

/** What probes of a load found while it was measured. */
export interface ProbeFigures {
  /** As they were asked for, a second. */
  rate_per_s: number;
  /** Those whose turn lay in the measured windows. */
  requests: number;
  /** Of these, answered whole. */
  answered: number;
  /** Of these, ended by an error. */
  failed: number;
  /** Cut off by the end of the load, or not sent by then. */
  unfinished: number;
  /** Failed ones by class. */
  errors: Partial<Record<FailureClass, number>>;
  /** From sending to the first token; null where none was answered. */
  ttft_ms: Distribution | null;
}

/** A probe is short: it waits for the others, and they hardly for it. */
const INPUT_TOKENS = 16;
const GRACE_S = 5;

/** What probes take over from their load. */
type ProbesOptions =
  & Pick<
    DriveOptions,
    "api" | "body" | "budget" | "costOf" | "session_header" | "signal" | "onAhead"
  >
  & {
    rate_per_s: number;
    /** Of the words of their prompts, which are new to every cache. */
    words: number;
    /** The load's transport: probes go by one of its kind, so that they take no place of the load's. */
    transport: DriveOptions["transport"];
    onRecord(record: RequestRecord): void;
  };

/** The trickle of probes beside one load; none where no rate is asked for. */
export class Probes {
  readonly #options: Omit<ProbesOptions, "rate_per_s"> & { rate_per_s: number | undefined };
  readonly #ending = new AbortController();
  #sent: Promise<{ error: unknown } | null> | null = null;

  constructor(options: Omit<ProbesOptions, "rate_per_s"> & { rate_per_s: number | undefined }) {
    this.#options = options;
  }

  /** Begins to send, at the first call. */
  start(): void {
    const { rate_per_s } = this.#options;
    if (rate_per_s === undefined) return;
    const signal = AbortSignal.any([this.#options.signal, this.#ending.signal]);
    this.#sent ??= sendProbes({ ...this.#options, rate_per_s, signal })
      .then(() => null, (error) => ({ error }));
  }

  /** Sends no more. */
  stop(): void {
    this.#ending.abort();
  }

  /** Waits for those that were sent. @throws what `onRecord` threw. */
  async ended(): Promise<void> {
    const fault = await this.#sent;
    if (fault !== null) throw fault.error;
  }
}

/** Sends probes at equal gaps until the signal is aborted. One that fails is reported as any other. */
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

/** The figures of the probes whose turn lay in a window. */
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
