/**
 * Replays a trace with nothing but the rules, and compares what it adds up to with the report.
 * It knows no policy's inner workings: only what no schedule may break.
 */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import type { Report, TraceEvent } from "./simulator.ts";

export interface TierRules {
  concurrency: number;
  tokensPerS?: number;
  burst?: number;
  price: number;
  timeoutMs?: number;
  maxRetries: number;
}

export interface Rules {
  workflows: number;
  pdfs: number;
  iters: number;
  subqueries: number;
  budget: number;
  inFlightMax: number;
  /** Nodes start in the order in which they became ready. */
  oldestFirst: boolean;
  escalation: boolean;
  hedging: boolean;
  tiers: Record<string, TierRules[]>;
}

const RESOURCES: Record<string, string> = {
  Plan: "llm_provider",
  LoadPDF: "io",
  Chunk: "cpu",
  Embed: "embed_provider",
  SimilaritySearch: "cpu",
  ExtractEvidence: "llm_provider",
  Aggregate: "cpu",
  DecideNext: "llm_provider",
};
const CRITICAL = new Set(["Plan", "Aggregate", "DecideNext", "ExtractEvidence"]);
const NANO = 1e9;

interface Running {
  start: number;
  provider: string;
  tier: number;
  hedge: boolean;
}

interface NodeState {
  place: string;
  type: string;
  order: number;
  queuedAt: number | null; // while it waits
  failures: number;
  attempts: number;
  running: Map<number, Running>;
  finished: boolean;
  gone: boolean;
}

interface WorkflowState {
  nodes: Map<number, NodeState>;
  byPlace: Map<string, NodeState>;
  cost: number; // in billionths
  retries: number;
  cancellations: number;
  hedges: number;
  wastedNs: number;
  makespan: number;
  done: boolean;
}

interface TierState {
  rules: TierRules;
  running: number;
  busyNs: number;
  tokens: number; // in billionths
  refilledAt: number;
  waits: number[];
}

class Replay {
  readonly workflows = new Map<number, WorkflowState>();
  readonly tiers = new Map<string, TierState[]>();
  readonly waiting = new Map<string, Set<NodeState>>();
  #now = 0;
  #inFlight = 0;
  #order = 0;
  #hedge: TraceEvent | null = null;

  constructor(readonly rules: Rules) {
    for (const [provider, tiers] of Object.entries(rules.tiers)) {
      this.waiting.set(provider, new Set());
      this.tiers.set(
        provider,
        tiers.map((tier) => ({
          rules: tier,
          running: 0,
          busyNs: 0,
          tokens: (tier.burst ?? 0) * NANO,
          refilledAt: 0,
          waits: [],
        })),
      );
    }
  }

  get now(): number {
    return this.#now;
  }

  see(event: TraceEvent): void {
    const now = Math.round(event.ts * 1000);
    assert(now >= this.#now, "time runs forward");
    if (now > this.#now) this.#settled();
    this.#now = now;
    if (this.#hedge) assertEquals(event.name, "AttemptStart", "a hedge starts at once");
    switch (event.name) {
      case "NodeQueued":
        return this.#queued(event);
      case "AttemptStart":
        return this.#started(event);
      case "HedgeLaunched":
        this.#hedge = event;
        return;
      case "AttemptFinish":
      case "AttemptFail":
      case "AttemptCancel":
        return this.#ended(event);
      case "WorkflowDone":
        return this.#done(event);
      default:
        throw new Error(`unknown event ${event.name}`);
    }
  }

  #workflow({ args }: TraceEvent): WorkflowState {
    let workflow = this.workflows.get(args.workflow);
    if (!workflow) {
      workflow = {
        nodes: new Map(),
        byPlace: new Map(),
        cost: 0,
        retries: 0,
        cancellations: 0,
        hedges: 0,
        wastedNs: 0,
        makespan: 0,
        done: false,
      };
      this.workflows.set(args.workflow, workflow);
    }
    assert(!workflow.done, "nothing happens to a workflow that is done");
    return workflow;
  }

  #predecessors(type: string, iter: number, pdf: number, subquery: number): string[] {
    const { pdfs, subqueries } = this.rules;
    switch (type) {
      case "Plan":
        return iter === 0 ? [] : [`DecideNext ${iter - 1} -1 -1`];
      case "LoadPDF":
        return [`Plan ${iter} -1 -1`];
      case "Chunk":
        return [`LoadPDF ${iter} ${pdf} -1`];
      case "Embed":
        return [`Chunk ${iter} ${pdf} -1`];
      case "SimilaritySearch":
        return [`Embed ${iter} ${pdf} -1`];
      case "ExtractEvidence":
        return [`SimilaritySearch ${iter} ${pdf} ${subquery}`];
      case "DecideNext":
        return [`Aggregate ${iter} -1 -1`];
      default: {
        if (subqueries === 0) return [`Plan ${iter} -1 -1`];
        const all = [];
        for (let p = 0; p < pdfs; p++) {
          for (let q = 0; q < subqueries; q++) all.push(`ExtractEvidence ${iter} ${p} ${q}`);
        }
        return all;
      }
    }
  }

  #queued(event: TraceEvent): void {
    const workflow = this.#workflow(event);
    const { type, iter, pdf, subquery, failures } = event.args;
    let node = workflow.nodes.get(event.args.node);
    if (!node) {
      assert(iter < this.rules.iters && pdf < this.rules.pdfs && subquery < this.rules.subqueries);
      for (const place of this.#predecessors(type, iter, pdf, subquery)) {
        assert(workflow.byPlace.get(place)?.finished, `${type} waits for ${place}`);
      }
      node = {
        place: `${type} ${iter} ${pdf} ${subquery}`,
        type,
        order: this.#order++,
        queuedAt: null,
        failures: 0,
        attempts: 0,
        running: new Map(),
        finished: false,
        gone: false,
      };
      assert(!workflow.byPlace.has(node.place), "a node exists once");
      workflow.byPlace.set(node.place, node);
      workflow.nodes.set(event.args.node, node);
    } else {
      assert(node.failures > 0 && node.running.size === 0 && !node.finished, "queued again");
      workflow.retries++;
    }
    assertEquals(node.failures, failures);
    assertEquals(node.queuedAt, null);
    node.queuedAt = this.#now;
    this.waiting.get(RESOURCES[type])!.add(node);
  }

  #started(event: TraceEvent): void {
    const workflow = this.#workflow(event);
    const { args } = event;
    const node = workflow.nodes.get(args.node)!;
    const tier = this.tiers.get(args.provider)![args.tier];
    assertEquals(args.provider, RESOURCES[node.type]);
    assertEquals(args.attempt, node.attempts++);
    assert(!node.finished);
    if (args.hedge) this.#checkHedge(event, workflow, node);
    else this.#checkStart(event, node, tier);

    tier.running++;
    assert(tier.running <= tier.rules.concurrency, "the tier's slots");
    this.#takeToken(tier);
    workflow.cost += Math.round(tier.rules.price * NANO);
    assert(workflow.cost <= Math.round(this.rules.budget * NANO), "the workflow's budget");
    assertEquals(Math.round(args.workflow_cost * NANO), workflow.cost);
    if (node.running.size === 0) this.#inFlight++;
    assert(this.#inFlight <= this.rules.inFlightMax, "nodes in flight");
    node.running.set(args.attempt, {
      start: this.#now,
      provider: args.provider,
      tier: args.tier,
      hedge: args.hedge,
    });
  }

  #checkHedge({ args }: TraceEvent, workflow: WorkflowState, node: NodeState): void {
    const launched = this.#hedge;
    this.#hedge = null;
    assert(launched && this.rules.hedging && CRITICAL.has(node.type), "hedging is on");
    assertEquals([launched.args.node, launched.args.tier], [args.node, args.tier]);
    assertEquals(node.running.size, 1, "one straggler, one hedge");
    const [[number, straggler]] = node.running;
    assertEquals(number, launched.args.straggler);
    assert(!straggler.hedge && straggler.tier !== args.tier, "another tier");
    workflow.hedges++;
  }

  #checkStart({ args }: TraceEvent, node: NodeState, tier: TierState): void {
    assert(!this.#hedge);
    assertEquals(node.running.size, 0);
    assert(node.queuedAt !== null, "it waited");
    tier.waits.push(this.#now - node.queuedAt);
    node.queuedAt = null;
    const waiting = this.waiting.get(args.provider)!;
    waiting.delete(node);
    // A dearer tier may go to a younger node: not everyone may or can take it.
    if (this.rules.oldestFirst && args.tier === 0) {
      for (const other of waiting) assert(other.order > node.order, "the oldest first");
    }
    if (this.rules.escalation && CRITICAL.has(node.type)) return;
    const cheaper = this.tiers.get(args.provider)!.slice(0, args.tier);
    assert(!cheaper.some((other) => this.#hasRoom(other)), "the cheapest tier with room");
  }

  #takeToken(tier: TierState): void {
    const { tokensPerS, burst } = tier.rules;
    if (!tokensPerS) return;
    const refill = (this.#now - tier.refilledAt) * tokensPerS;
    tier.tokens = Math.min(burst! * NANO, tier.tokens + refill);
    tier.refilledAt = this.#now;
    assert(tier.tokens >= NANO, `a token: ${tier.tokens / NANO}`);
    tier.tokens -= NANO;
  }

  #ended({ name, args }: TraceEvent): void {
    const workflow = this.#workflow({ name, args, ts: 0 });
    const node = workflow.nodes.get(args.node)!;
    const attempt = node.running.get(args.attempt);
    assert(attempt, "what ends has started");
    assertEquals([args.provider, args.tier], [attempt.provider, attempt.tier]);
    node.running.delete(args.attempt);
    if (node.running.size === 0) this.#inFlight--;
    const tier = this.tiers.get(attempt.provider)![attempt.tier];
    const ran = this.#now - attempt.start;
    assertEquals(Math.round(args.ran_ms * 1e6), ran);
    tier.running--;
    tier.busyNs += ran;
    const timeout = (tier.rules.timeoutMs ?? Infinity) * 1e6;
    assert(ran <= timeout, "the timeout");
    if (name === "AttemptFinish") {
      assert(ran >= 1e6 && !node.finished);
      node.finished = true;
      return;
    }
    workflow.wastedNs += ran;
    if (name === "AttemptCancel") {
      workflow.cancellations++;
      return;
    }
    if (args.reason === "timeout") assertEquals(ran, timeout);
    node.failures++;
    if (node.failures > tier.rules.maxRetries && node.running.size === 0) node.gone = true;
  }

  #done(event: TraceEvent): void {
    const workflow = this.#workflow(event);
    const { args } = event;
    const nodes = [...workflow.nodes.values()];
    assert(nodes.every((node) => node.running.size === 0), "nothing runs on");
    for (const node of nodes) this.waiting.get(RESOURCES[node.type])!.delete(node);
    const gone = nodes.some((node) => node.gone);
    if (!args.failed) {
      const last = Math.max(...nodes.map(({ place }) => Number(place.split(" ")[1])));
      assert(workflow.byPlace.get(`DecideNext ${last} -1 -1`)?.finished && !gone);
    } else if (args.reason === "retries exhausted") {
      assert(gone);
    } else {
      assertEquals(args.reason, "budget exhausted");
      const prices = Object.values(this.rules.tiers).map(([cheapest]) => cheapest.price);
      const left = Math.round(this.rules.budget * NANO) - workflow.cost;
      assert(left < Math.round(Math.max(...prices) * NANO), "something was unaffordable");
    }
    workflow.makespan = args.makespan_ms;
    workflow.done = true;
  }

  /** Between two moments: nobody waits for what is free. */
  #settled(): void {
    if (this.#inFlight >= this.rules.inFlightMax) return;
    for (const [provider, waiting] of this.waiting) {
      if (waiting.size === 0) continue;
      assert(!this.#hasRoom(this.tiers.get(provider)![0]), `${provider} is idle while nodes wait`);
    }
  }

  #hasRoom({ rules, running, tokens, refilledAt }: TierState): boolean {
    const refill = (this.#now - refilledAt) * (rules.tokensPerS ?? 0);
    const token = !rules.tokensPerS || tokens + refill >= NANO;
    return running < rules.concurrency && token;
  }
}

function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
}

/** Throws at the first event that breaks a rule, and where the report disagrees with the trace. */
export function checkTrace(report: Report, rules: Rules): Replay {
  const replay = new Replay(rules);
  let last: TraceEvent | null = null;
  try {
    for (const event of report.trace) replay.see(last = event);
  } catch (error) {
    throw new Error(`${(error as Error).message}\nat ${JSON.stringify(last)}`, { cause: error });
  }
  assertEquals(replay.workflows.size, rules.workflows);
  const rows = report.rows("workflows.csv");
  assertEquals(rows.length, rules.workflows);
  for (const row of rows) {
    const workflow = replay.workflows.get(Number(row.workflow_id))!;
    assert(workflow.done);
    assertEquals(
      [row.makespan_ms, row.cost, row.retries, row.cancellations, row.hedges_launched],
      [
        workflow.makespan.toFixed(6),
        (workflow.cost / NANO).toFixed(9),
        ...[workflow.retries, workflow.cancellations, workflow.hedges].map(String),
      ],
    );
    assertAlmostEquals(Number(row.wasted_ms), workflow.wastedNs / 1e6, 1e-5);
  }
  for (const row of report.rows("tiers.csv")) {
    const { rules: { concurrency }, busyNs, waits } =
      replay.tiers.get(row.provider)![Number(row.tier_id)];
    assertAlmostEquals(Number(row.in_flight_avg), busyNs / replay.now, 1e-6);
    assertAlmostEquals(Number(row.utilization), busyNs / replay.now / concurrency, 1e-6);
    const wait = quantile(waits, 0.95) / 1e6;
    assertAlmostEquals(Number(row.queue_wait_p95_ms), wait, 0.01 * wait + 1e-6);
  }
  return replay;
}
