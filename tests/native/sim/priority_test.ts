/**
 * The DAG priority, recomputed from the trace by the contract's own words: 1.0 * remaining critical
 * path + 0.5 / (1 + slack) + 0.1 * age, the greatest first. Nothing here is shared with native/sim.
 */
import { assert } from "@std/assert";
import { Simulator } from "./simulator.ts";
import type { TraceEvent } from "./simulator.ts";

const CHAIN = [
  ...["Plan", "LoadPDF", "Chunk", "Embed"],
  ...["SimilaritySearch", "ExtractEvidence", "Aggregate", "DecideNext"],
];
const RESOURCES = ["llm", "io", "cpu", "embed", "cpu", "llm", "cpu", "llm"];
const FIRST_P50_MS = 100;
/** The simulator learns its p50 in buckets: relative width, and the slack's term, which is below 0.5 ms. */
const TOLERANCE = 0.02;

interface Waiting {
  type: number;
  workflow: number;
  bornMs: number;
}

/** Shares of starts whose node had, within the tolerance, the greatest priority of those that waited. */
function checkPriorities(trace: readonly TraceEvent[]): { starts: number; choices: number } {
  const durations = CHAIN.map((): number[] => []);
  const born = new Map<string, number>();
  const waiting = new Map<string, Waiting>();
  const key = ({ args }: TraceEvent) => `${args.workflow}/${args.node}`;
  const p50 = (type: number) => {
    const sorted = [...durations[type]].sort((a, b) => a - b);
    return sorted[Math.ceil(sorted.length / 2) - 1] ?? FIRST_P50_MS;
  };
  let starts = 0, choices = 0;
  for (const event of trace) {
    const { name, ts, args } = event;
    const nowMs = ts / 1000, type = CHAIN.indexOf(args.type);
    if (name === "NodeQueued") {
      if (!born.has(key(event))) born.set(key(event), nowMs);
      waiting.set(key(event), { type, workflow: args.workflow, bornMs: born.get(key(event))! });
    } else if (name === "AttemptFinish" && args.tier === 0) {
      durations[type].push(args.ran_ms);
    } else if (name === "WorkflowDone") {
      for (const [place, node] of waiting) {
        if (node.workflow === args.workflow) waiting.delete(place);
      }
    } else if (name === "AttemptStart" && !args.hedge) {
      const medians = CHAIN.map((_, at) => p50(at));
      const priority = (node: Waiting) =>
        medians.slice(node.type).reduce((sum, ms) => sum + ms, 0) + 0.1 * (nowMs - node.bornMs);
      const own = waiting.get(key(event))!;
      waiting.delete(key(event));
      const rivals = [...waiting.values()]
        .filter((node) => RESOURCES[node.type] === RESOURCES[own.type]);
      starts++;
      if (rivals.length > 0) choices++;
      for (const rival of rivals) {
        const [mine, theirs] = [priority(own), priority(rival)];
        assert(
          theirs <= mine * (1 + TOLERANCE) + 1,
          `${JSON.stringify(event)}: ${mine} < ${theirs}`,
        );
      }
    }
  }
  return { starts, choices };
}

Deno.test("the dag priority is what the contract says", async () => {
  using simulator = await Simulator.open();
  for (const seed of ["1", "2", "3"]) {
    const { trace } = await simulator.report(
      ...["--workflows", "8", "--pdfs", "4", "--subqueries", "2", "--iters", "2"],
      ...["--policy", "dag_cheapest", "--enable_model_routing", "--seed", seed],
    );
    const { starts, choices } = checkPriorities(trace);
    assert(choices > starts / 4, `${choices} of ${starts} starts had a rival`);
  }
});
