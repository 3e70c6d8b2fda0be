/** Drives a load: sends questions at their times and records the answers as they come. */
import { CancelledError } from "../execute/scope.ts";
import { sleep } from "../execute/sleep.ts";
import { Reply } from "../endpoint/answer.ts";
import { requestHeaders } from "../endpoint/api.ts";
import { apiForm, encodedBody } from "../endpoint/forms/forms.ts";
import { EndpointChoice } from "../endpoint/endpoint_choice.ts";
import { nowNs } from "../native/clock.ts";
import { LogHistogram } from "../stats/histogram.ts";
import { Ahead } from "./ahead.ts";
import { Cuts } from "./cancel.ts";
import { takenDown } from "./taken_down.ts";
import { loadBody, modelAsked } from "./prompts/load_body.ts";
import { price, recordOf } from "./record.ts";
import { RequestNames } from "./request_names.ts";
import { SessionRun } from "./session_run.ts";
import { commonStart_ns, headStart_ns, placeStart_ns } from "./head_start.ts";
import { numberOf } from "./share.ts";
import { isOpen, timesOf } from "./stages.ts";
import { StopRule } from "./stop_rule.ts";
import { failureClass, isRefusedHere } from "../run/request_record.ts";
import { BUDGET } from "./drive_options.ts";
import type { HttpExchange } from "../endpoint/transport.ts";
import type { Spent } from "../run/budget.ts";
import type { DriveOptions, DriveOutcome } from "./drive_options.ts";
import type { Flight } from "./flight.ts";
import type { LoadPrompt } from "./prompts/session.ts";
import type { LoadStage } from "./stages.ts";
import type { DriveProgress } from "../run/request_record.ts";
import type { StageSpan } from "../run/events.ts";

/** How long before its intended time a request is handed to the transport. */
const LOOKAHEAD_NS = 1e9;
const POLL_MS = 100;
/** After building requests for this long, other work gets a turn. */
const MOST_BUSY_NS = 2e6;
/** A closed loop keeps at least this many requests waiting, so that a free place is filled immediately. */
const LEAST_WAITING = 64;
const NOTHING: Spent = { usd: 0, tokens: 0 };
const UNLIMITED = 0xffffffff;

/** Drives one load. An instance can be used once. */
export class Drive {
  readonly #options: DriveOptions;
  readonly #places: EndpointChoice;
  readonly #names: RequestNames;
  readonly #cuts: Cuts;
  readonly #stop: StopRule;
  readonly #ahead: Ahead;
  readonly #returned: LoadPrompt[] = [];
  /** How long after the kernel received data it was read, over the load so far, ns. */
  readonly lags = new LogHistogram();
  readonly #spans: StageSpan[] = [];
  #outcome: DriveOutcome = { complete: true, stopped_because: null, out_of_prompts: false };
  readonly #progress: DriveProgress;
  /** Requests that the transport has and that have not ended, each with a function that cancels it. */
  readonly #flights = new Map<Flight, () => void>();
  #requests = 0;
  #conversations = 0;
  /** Places of a closed loop that are taken, each by a request, or by a session until it ends. */
  #taken = 0;
  #stageIndex = 0;
  #stageRequests = 0;
  #allBegun = false;
  #nextStart_ns: number | null = null;
  /** When the first request of a closed loop is sent; the requests that start with it are built by then. */
  #release_ns = 0;
  #exhausted = false;
  /** The budget has no room for the requests still to be sent. */
  #unaffordable = false;
  #ending = false;
  /** An error on our side, such as a full disk. */
  #fault: { error: unknown } | null = null;
  #onChange = () => {};

  constructor(options: DriveOptions) {
    this.#options = options;
    this.#places = new EndpointChoice(options.api);
    this.#names = new RequestNames(options.session_header, requestHeaders(options.api));
    this.#cuts = new Cuts(options.cancellations, options.pattern.seed);
    this.#stop = new StopRule(options.stop);
    this.#ahead = new Ahead((most) => this.#tell(() => options.onAhead?.(most)));
    this.#progress = { stage: 0, sent: 0, in_flight: 0, ended: 0, failed: 0, events: 0 };
  }

  progress(): DriveProgress {
    return { ...this.#progress, in_flight: this.#flights.size };
  }

  /** Returns how many requests were sent or are due; the others wait in the transport. */
  inFlight(): number {
    const now_ns = nowNs();
    let due = 0;
    for (const { t_intended_ns } of this.#flights.keys()) {
      if ((t_intended_ns ?? 0) <= now_ns) due++;
    }
    return Math.min(due, this.#limitOf(this.#options.stages[this.#stageIndex]));
  }

  /**
   * Runs the stages in order, then waits for the requests in flight. A server's errors never throw.
   *
   * @throws whatever `onRecord` or `onStage` threw, once nothing is in flight.
   */
  async run(): Promise<DriveOutcome> {
    const { stages, signal } = this.#options;
    let done = 0;
    for (let i = 0; i < stages.length && !this.#over(signal); i++) {
      this.#stageIndex = this.#progress.stage = i;
      this.#stageRequests = 0;
      this.#allBegun = false;
      const start_ns = await this.#startOf(i);
      if (start_ns === null) break;
      const span = { start_ns, end_ns: Infinity };
      this.#spans.push(span);
      this.#tell(() => this.#options.onStage(i, span));
      this.#options.transport.limit(this.#limitOf(stages[i]));
      try {
        if (isOpen(stages[i])) await this.#runOpen(stages[i], start_ns, signal);
        else await this.#runClosed(stages[i], start_ns, signal);
      } catch (error) {
        if (!(error instanceof CancelledError)) throw error;
      }
      const planned_ns = start_ns + (stages[i].duration_s ?? Infinity) * 1e9;
      span.end_ns = Math.max(start_ns, Math.min(nowNs(), planned_ns));
      if (this.#allBegun || nowNs() >= planned_ns) done++;
      this.#nextStart_ns = span.end_ns;
      this.#tell(() => this.#options.onStage(i, span));
      if (!stages[i + 1] || isOpen(stages[i]) || isOpen(stages[i + 1])) {
        await this.#withdraw();
        this.#nextStart_ns = null; // the wait must not make the next stage's first request late
      }
    }
    this.#cutIf(done < stages.length);
    this.#outcome.out_of_prompts = this.#exhausted && this.#returned.length === 0;
    await this.#finish();
    if (this.#fault !== null) throw this.#fault.error;
    return this.#outcome;
  }

  /** Marks the load as incomplete if it was interrupted while planned work was left. */
  #cutIf(isLeft: boolean): void {
    if (isLeft && this.#options.signal.aborted) this.#outcome.complete = false;
  }

  /** Returns when a stage begins; null: interrupted before that was known. */
  async #startOf(i: number): Promise<number | null> {
    const { stages, begin } = this.#options;
    const head_ns = headStart_ns(stages[i], this.#places);
    const isFirst = i === stages.findIndex(({ warmup }) => !warmup);
    return begin && isFirst
      ? await commonStart_ns(begin, head_ns)
      : this.#nextStart_ns ?? nowNs() + head_ns;
  }

  async #runOpen(stage: LoadStage, start_ns: number, signal: AbortSignal): Promise<void> {
    const times = timesOf(stage, this.#options.pattern);
    const last_ns = stage.duration_s === null ? Infinity : start_ns + stage.duration_s * 1e9;
    let turn_ns = nowNs();
    for (let next = times.next(); !next.done; next = times.next()) {
      if (stage.duration_s !== null && Number(next.value) >= stage.duration_s) break;
      const t_ns = start_ns + Number(next.value) * 1e9;
      while (t_ns > nowNs() + LOOKAHEAD_NS) {
        if (this.#over(signal)) return;
        this.#stop.checkSaturation(nowNs(), this.#flights.size);
        await sleep(POLL_MS, signal);
      }
      // a rate too high for this client must not block answers or Ctrl-C
      if (nowNs() - turn_ns > MOST_BUSY_NS) {
        await new Promise((resolve) => setImmediate(resolve));
        turn_ns = nowNs();
        if (turn_ns >= last_ns) break;
      }
      if (stage.requests !== null && this.#stageRequests >= stage.requests) break;
      const prompt = this.#nextPrompt();
      if (prompt === null) break;
      if (this.#over(signal)) return;
      if (!this.#begin(prompt, t_ns)) {
        this.#unaffordable = this.#options.budget.ended = true; // what was handed over is still sent
        break;
      }
    }
    this.#allBegun = stage.duration_s === null;
    const end_ns = stage.duration_s === null ? -Infinity : last_ns;
    const counted = stage.requests !== null || stage.times_s !== null || this.#exhausted ||
      this.#unaffordable;
    while (
      !this.#over(signal) &&
      (nowNs() < end_ns || (stage.duration_s === null && this.#flights.size > 0))
    ) {
      if (counted && this.#flights.size === 0) break;
      this.#stop.checkSaturation(nowNs(), this.#flights.size);
      await sleep(Math.min(POLL_MS, Math.max(1, (end_ns - nowNs()) / 1e6)), signal);
    }
    if (this.#unaffordable) this.#outcome.stopped_because ??= BUDGET;
  }

  async #runClosed(stage: LoadStage, start_ns: number, signal: AbortSignal): Promise<void> {
    const places = stage.concurrency!, { prompts, budget } = this.#options;
    const end_ns = stage.duration_s === null ? Infinity : start_ns + stage.duration_s * 1e9;
    /** Fills the places; returns whether to go on after other work, before the first is due. */
    const fill = (): boolean => {
      const turn_ns = nowNs();
      while (!this.#over(signal) && nowNs() < end_ns) {
        if (turn_ns < start_ns && nowNs() - turn_ns > MOST_BUSY_NS) return true;
        const isFull = stage.requests !== null && this.#stageRequests >= stage.requests;
        const prompt = isFull ? null : this.#nextPrompt();
        this.#allBegun = prompt === null;
        if (prompt === null) return false;
        // a conversation keeps its place between turns
        const alone = prompt.later.length || prompts.branches || budget.limited; // what waits would be sent
        if (this.#taken >= places + (alone ? 0 : Math.max(LEAST_WAITING, places))) {
          this.#returned.push(prompt);
          return false;
        }
        if (!this.#begin(prompt, null)) return false;
      }
      return false;
    };
    this.#onChange = fill;
    this.#release_ns = start_ns;
    while (fill()) await new Promise((resolve) => setImmediate(resolve));
    while (!this.#over(signal) && nowNs() < end_ns && this.#flights.size > 0) {
      await sleep(Math.min(POLL_MS, Math.max(1, (end_ns - nowNs()) / 1e6)), signal);
    }
    this.#onChange = () => {};
    if (this.#options.budget.ended) this.#outcome.stopped_because ??= BUDGET;
  }

  #over(signal: AbortSignal): boolean {
    this.#outcome.stopped_because ??= this.#stop.reason;
    return signal.aborted || this.#outcome.stopped_because !== null || this.#fault !== null;
  }

  #nextPrompt(): LoadPrompt | null {
    const prompt = this.#returned.pop() ?? this.#options.prompts.next();
    if (prompt === null) this.#exhausted = true;
    return prompt;
  }

  /** The most requests in flight. The branches of a session share its place. */
  #limitOf(stage: LoadStage): number {
    return this.#options.prompts.branches && !isOpen(stage)
      ? UNLIMITED
      : stage.concurrency ?? UNLIMITED;
  }

  /** Submits a question, and the questions that its session asks together with it. */
  #begin(prompt: LoadPrompt, t_intended_ns: number | null): boolean {
    const { pattern: { share } } = this.#options;
    const number = prompt.later.length > 0 ? numberOf(this.#conversations++, share) : null;
    const running = number === null ? null : new SessionRun(prompt, number);
    if (!this.#submit(prompt, t_intended_ns, running, 0)) return false;
    for (const due of running?.withFirst() ?? []) {
      this.#submit(due.prompt, t_intended_ns, running, due.step);
    }
    return true;
  }

  /**
   * @param t_intended_ns null in a closed loop: as soon as a place is free.
   * @returns whether the budget has room for it. If not, the prompt is given back.
   */
  #submit(
    prompt: LoadPrompt,
    t_intended_ns: number | null,
    running: SessionRun | null,
    turn: number,
  ): boolean {
    const { api, transport, countTokens, budget } = this.#options;
    const form = apiForm(api), body = loadBody(prompt, this.#options);
    const model = modelAsked(prompt, this.#options);
    // an open loop sends even where the answer's length, and so its cost, is not known
    const reservation = budget.take(() =>
      this.#options.costOf(model).most(body) ?? (t_intended_ns === null ? null : NOTHING)
    );
    if (reservation === null) {
      if (turn === 0) this.#returned.push(prompt);
      return false;
    }
    const request = numberOf(this.#requests++, this.#options.pattern.share);
    const named = this.#names.of(request, prompt.session ?? null, running?.conversation ?? null);
    // only the transport knows which endpoint is least busy when the request is due
    const place = api.several?.balance === "least-in-flight"
      ? null
      : this.#places.next(named.session);
    const flight: Flight = {
      request,
      ...named,
      stage: this.#stageIndex,
      prompt,
      t_intended_ns,
      running,
      turn,
      reply: new Reply(form, running?.needs(turn) || countTokens !== null),
      place,
      body,
      model,
      cut: this.#options.stages[this.#stageIndex].warmup ? null : this.#cuts.of(request),
      cutting: false,
      reservation,
      error: null,
    };
    this.#ahead.begin();
    if (running) running.open++;
    if (turn === 0) this.#stageRequests++;
    if (turn === 0) this.#taken++;
    this.#stop.submitted();
    let cancelSent = () => {};
    const cancel = () => cancelSent();
    this.#flights.set(flight, cancel); // before it is sent, as it may end immediately
    cancelSent = transport.send({
      method: "POST",
      ...this.#places.target(place),
      headers: this.#names.headersOf(named),
      body: encodedBody(body, form),
      timeout_s: Math.min(api.timeout, flight.cut?.after_s ?? Infinity),
      t_send_ns: t_intended_ns ?? this.#releaseOf(this.#stageRequests),
      tls: api.tls,
      connection: this.#options.connections.of(flight),
      eager: this.#cuts.byToken,
    }, {
      ...takenDown(flight, this.#progress, this.lags, cancel),
      onEnd: (exchange, error) => this.#tell(() => this.#ended(flight, exchange, error)),
    });
    return true;
  }

  /** The earliest time of the n-th request of a closed loop; 0: as soon as a place is free. */
  #releaseOf(n: number): number {
    const release_ns = placeStart_ns(this.#release_ns, n, this.#options.stages[this.#stageIndex]);
    return release_ns > nowNs() ? release_ns : 0;
  }

  /** Runs a callback. An error in it ends the load; run() throws it. */
  #tell(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fault ??= { error };
    }
  }

  #ended(flight: Flight, exchange: HttpExchange, error: Error | null): void {
    this.#flights.delete(flight);
    const { api, countTokens, stages, onRecord } = this.#options;
    const never = exchange.t_sent_ns === 0 && error instanceof CancelledError;
    const due = flight.t_intended_ns !== null && flight.t_intended_ns <= nowNs();
    if (never && !due && flight.error === null) {
      flight.reservation.settle(NOTHING);
      this.#ahead.takeBack();
      this.#cutIf(stages[flight.stage].duration_s === null); // otherwise its stage may be over
      if (flight.turn === 0) this.#returned.push(flight.prompt); // its prompt is given back
      this.#leave(flight);
      return;
    }
    const stage = flight.t_intended_ns === null ? this.#stageAt(exchange.t_ready_ns) : flight.stage;
    const record = recordOf(flight, exchange, error, api, countTokens);
    flight.reservation.settle(price(record, flight, api, this.#options.costOf(flight.model)));
    if (this.#options.budget.reached) this.#options.transport.withdraw();
    record.stage = stages.slice(0, stage).filter(({ warmup }) => !warmup).length;
    record.warmup = stages[stage].warmup;
    this.#progress.ended++;
    if (record.t_sent_ns !== null) this.#progress.sent++;
    const refused = isRefusedHere(record), failed = refused || failureClass(record) !== null;
    this.#cutIf(!refused && (record.failure === "unfinished" || record.failure === "unsent"));
    if (failed) this.#progress.failed++;
    this.#stop.ended(failed);
    onRecord(record, flight.reply.tokens.gaps_ms);
    if (record.failure === null) this.#goOn(flight, exchange.t_end_ns);
    this.#leave(flight);
    this.#onChange();
  }

  /** Submits what the session asks next, at its time. */
  #goOn({ prompt, running, turn, reply }: Flight, t_end_ns: number): void {
    if (running === null) return;
    if (this.#ending || this.#over(this.#options.signal)) return this.#cutIf(!running.handedOver);
    for (const due of running.answered(turn, prompt, reply.text, t_end_ns)) {
      if (this.#submit(due.prompt, due.t_ns, running, due.step)) continue;
      this.#options.budget.ended = true;
      this.#outcome.stopped_because ??= BUDGET;
    }
  }

  /** Frees the place of a request that has ended; a session's place is freed with its last request. */
  #leave({ running }: Flight): void {
    if (running === null || --running.open === 0) this.#taken--;
  }

  #stageAt(t_ns: number): number {
    const spans = this.#spans;
    for (let i = spans.length - 1; i > 0; i--) if (spans[i].start_ns <= t_ns) return i;
    return 0;
  }

  /** Takes back the requests that were not sent, and waits for the confirmation. */
  async #withdraw(): Promise<void> {
    this.#options.transport.withdraw();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** Waits for the requests in flight until the grace period ends; Ctrl-C ends the wait immediately. */
  async #finish(): Promise<void> {
    this.#ending = true;
    const { grace_s, signal } = this.#options;
    const until_ns = nowNs() + grace_s * 1e9;
    try {
      while (this.#flights.size > 0 && nowNs() < until_ns && this.#fault === null) {
        await sleep(10, signal);
      }
    } catch { /* interrupted: what is in flight is cut off below */ }
    for (const cancel of [...this.#flights.values()]) cancel();
    const cut_ns = nowNs() + 5e9;
    while (this.#flights.size > 0 && nowNs() < cut_ns) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
