/** Where theory has an answer, the simulator must come to the same: M/M/c. */
import { assert } from "@std/assert";
import { interval95, Simulator } from "./simulator.ts";

const REPLICATIONS = 20;
const WARM_UP = 2_000;
const SERVICE_MS = 1_000;
const CONSTANT_MS = 7; // the seven other nodes, a millisecond each

/** The share of arrivals that must wait, for c servers under an offered load. */
function erlangC(c: number, load: number): number {
  let blocking = 1; // Erlang B, by its recursion
  for (let k = 1; k <= c; k++) blocking = load * blocking / (k + load * blocking);
  return c * blocking / (c - load * (1 - blocking));
}

/** Embed is the only queue: everything else takes a millisecond and has room for all. */
function singleQueue(c: number): string {
  const constant = { latency: { kind: "constant", ms: 1 } };
  const others = [
    ...["Plan", "LoadPDF", "Chunk", "SimilaritySearch"],
    ...["ExtractEvidence", "Aggregate", "DecideNext"],
  ];
  return JSON.stringify({
    budget: 1,
    in_flight_max: 1e6,
    local: { io: 1e6, cpu: 1e6 },
    nodes: {
      ...Object.fromEntries(others.map((name) => [name, constant])),
      Embed: { latency: { kind: "exponential", mean_ms: SERVICE_MS } },
    },
    providers: {
      embed_provider: { tiers: [{ concurrency: c }] },
      llm_provider: { tiers: [{ concurrency: 1e6 }] },
    },
  });
}

/** Servers, their load, and the fewest workflows by which the intervals are narrow enough to tell. */
const QUEUES = [[1, 0.7, 6_000], [4, 0.8, 15_000], [8, 0.85, 30_000]];
/** In the long suite the intervals are narrower. */
const LONG = Deno.env.get("DYNO_TEST_LONG") !== undefined;

for (const [c, utilization, fewest] of QUEUES) {
  const workflows = LONG ? 30_000 : fewest;
  Deno.test(`M/M/${c} at ${utilization}: waits are Erlang's`, async () => {
    using simulator = await Simulator.open();
    const config = simulator.write("queue.json", singleQueue(c));
    const rate = c * utilization / (SERVICE_MS / 1000);
    const flags = [
      ...["--config", config, "--arrival_rate", `${rate}`, "--workflows", `${workflows}`],
      ...["--pdfs", "1", "--iters", "1", "--subqueries", "1", "--policy", "fifo_cheapest"],
      ...["--heavy_tail_prob", "0", "--trace", "none"],
    ];
    const waits = [], busy = [], p95s = [], inFlight = [];
    const reports = await Promise.all(
      Array.from({ length: REPLICATIONS }, (_, i) => simulator.report(...flags, `--seed=${i + 1}`)),
    );
    for (const report of reports) {
      let sum = 0;
      for (const line of report.bytes("workflows.csv").trimEnd().split("\n").slice(1)) {
        const [id, makespan] = line.split(",");
        if (Number(id) >= WARM_UP) sum += Number(makespan) - CONSTANT_MS - SERVICE_MS;
      }
      waits.push(sum / (workflows - WARM_UP));
      const [embed] = report.rows("tiers.csv");
      busy.push(Number(embed.utilization));
      inFlight.push(Number(embed.in_flight_avg));
      p95s.push(Number(embed.queue_wait_p95_ms));
    }
    const waiting = erlangC(c, c * utilization);
    const spare = (c - c * utilization) / SERVICE_MS; // departures less arrivals a millisecond
    const expected: [string, number, number[], number][] = [
      ["mean wait", waiting / spare, waits, 0.07],
      ["p95 of waits", Math.log(waiting / 0.05) / spare, p95s, 0.07],
      ["utilization", utilization, busy, 0.02],
      ["in flight", c * utilization, inFlight, 0.02],
    ];
    for (const [what, theory, values, width] of expected) {
      const { mean, half } = interval95(values);
      const said = `${what}: ${mean.toFixed(4)} +- ${half.toFixed(4)}, theory ${theory.toFixed(4)}`;
      if (Deno.env.get("SIM_FIGURES")) Deno.stderr.writeSync(new TextEncoder().encode(`${said}\n`));
      assert(Math.abs(mean - theory) <= half, said);
      assert(half <= width * theory, `${said}: too wide to tell`);
    }
  });
}
