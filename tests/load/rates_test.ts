/**
 * Rates of loads whose truth is known: simulated loops of c places, whose requests are independent, have
 * the rate c / E[time of a request] (the elementary renewal theorem).
 */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { meanInFlight, rateEstimate, rateOf, turnoverOf } from "../../lib/load/rates.ts";
import { isAnswered, outputTokens, promptTokens, summarise } from "../../lib/load/summarise.ts";
import { inFlight, windowOf } from "../../lib/load/window.ts";
import { openRandom, standardNormal } from "../../lib/stats/random.ts";
import { assertConserved } from "./conserved.ts";
import { record } from "./fixture.ts";
import type { StageResults } from "../../lib/load/results.ts";
import type { RequestRecord } from "../../lib/run/request_record.ts";
import type { LoadStage } from "../../lib/load/stages.ts";

const PLACES = 16;
const TTFT_MS = 100;
const PACE_MS = 20;
const CLOSED: LoadStage = {
  warmup: false,
  concurrency: PLACES,
  rate: null,
  times_s: null,
  duration_s: null,
  requests: null,
};

/** How a simulated loop goes; a request takes TTFT_MS and PACE_MS for each token after the first. */
interface Loop {
  tokens: () => number;
  requests?: number;
  duration_s?: number;
  /** After the end of the sending what is still in flight is cut off so soon. */
  grace_s?: number;
  /** Whether the next request fails at its first token. */
  fails?: () => boolean;
  /** Turns of a conversation, and what its user thinks between them. */
  turns?: () => number;
  think_ms?: () => number;
}

const timeOf = (tokens: number) => TTFT_MS + (tokens - 1) * PACE_MS;
const pace = ({ gaps }: RequestRecord) => new Float32Array(gaps).fill(PACE_MS);

function simulate(loop: Loop): RequestRecord[] {
  const { tokens, requests = Infinity, duration_s = Infinity, grace_s = Infinity } = loop;
  const free = new Array<number>(PLACES).fill(0);
  const records: RequestRecord[] = [];
  const cut_ms = (duration_s + grace_s) * 1000;
  for (let taken = 0; taken < requests; taken++) {
    const place = free.indexOf(Math.min(...free));
    if (free[place] >= duration_s * 1000) break;
    let at_ms = free[place];
    const turns = loop.turns?.() ?? 1;
    for (let turn = 0; turn < turns; turn++) {
      const wanted = tokens();
      const failed = loop.fails?.() ?? false;
      const e2e_ms = failed ? TTFT_MS : timeOf(wanted);
      const cut = at_ms + e2e_ms > cut_ms;
      const made = cut ? Math.max(0, 1 + Math.floor((cut_ms - at_ms - TTFT_MS) / PACE_MS)) : wanted;
      records.push(record({
        request: records.length,
        at_ms,
        ttft_ms: TTFT_MS,
        e2e_ms: cut ? cut_ms - at_ms : e2e_ms,
        failure: cut ? "unfinished" : failed ? "http_5xx" : null,
        prompt_tokens: 3 * wanted,
        completion_tokens: wanted,
        token_events: made,
        gaps: Math.max(0, made - 1),
        conversation: loop.turns ? taken : null,
        turn,
      }));
      const last = records[records.length - 1];
      last.t_last_token_ns = last.t_sent_ns! + timeOf(Math.max(1, made)) * 1e6;
      at_ms += e2e_ms;
      if (failed || at_ms >= duration_s * 1000) break;
      if (turn < turns - 1) at_ms += loop.think_ms?.() ?? 0;
    }
    free[place] = at_ms;
  }
  return records;
}

function stageOf(loop: Loop) {
  const records = simulate(loop);
  const end_ns = (loop.duration_s ?? Infinity) * 1e9;
  const window = windowOf(CLOSED, { start_ns: 0, end_ns }, records);
  return { records, window, turnover: turnoverOf(records, window, pace) };
}

/** The same as results; their balance is held. */
function resultsOf(loop: Loop): StageResults {
  const { records, window, turnover } = stageOf(loop);
  const results = summarise(records, {
    name: "simulated",
    window,
    turnovers: [turnover],
    requested_rate_per_s: null,
    slos: [{ metric: "e2e", limit_ms: timeOf(50) }],
    gapsOf: pace,
    warmup: 0,
  });
  assertConserved(results, records);
  return results;
}

const random = openRandom(31);
const normal = standardNormal(random);
const lognormal = () => Math.max(1, Math.ceil(40 * Math.exp(normal())));
/** The mean of the last was summed by Python: 1 + Σ erfc(ln(k/40)/√2)/2 over k ≥ 1. */
const LENGTHS: [name: string, tokens: () => number, mean: number][] = [
  ["fixed", () => 12, 12],
  ["uniform", () => 1 + Math.floor(99 * random()), 50],
  ["heavy-tailed", lognormal, 66.448851],
];

/**
 * As many loops as tell a mean rate to a third of 1 %: the times of the uniform lengths have a coefficient
 * of variation of 0.53, those of the heavy-tailed ones of 1.2.
 */
function loopsOf(name: string, requests: number): number {
  const wanted = { fixed: 1, uniform: 26_000, "heavy-tailed": 130_000 }[name]!;
  return Math.ceil(wanted / requests);
}

Deno.test("a closed loop's rate is c / E[time of a request], from one request a place on", () => {
  for (const [name, tokens, mean] of LENGTHS) {
    const truth = PLACES * 1000 / timeOf(mean);
    for (const a_place of [1, 2, 3, 5, 20]) {
      const requests = a_place * PLACES;
      const loops = loopsOf(name, requests);
      let [sum, tokens_sum] = [0, 0];
      for (let i = 0; i < loops; i++) {
        const { turnover: { ends } } = stageOf({ tokens, requests });
        sum += rateOf([ends], isAnswered)!;
        tokens_sum += rateOf([ends], outputTokens)!;
      }
      const what = `${name}, ${requests} requests`;
      assertAlmostEquals(sum / loops / truth, 1, 0.01, what);
      assertAlmostEquals(tokens_sum / loops / truth / mean, 1, 0.01, `tokens: ${what}`);
    }
  }
});

Deno.test("its 95 % interval holds the truth in 93 to 97 of 100 loops", () => {
  for (const [name, tokens, mean] of LENGTHS) {
    const truth = PLACES * 1000 / timeOf(mean);
    for (const a_place of [1, 3, 20]) {
      let held = 0;
      const loops = name === "fixed" ? 1 : 600;
      for (let i = 0; i < loops; i++) {
        const { turnover: { ends } } = stageOf({ tokens, requests: a_place * PLACES });
        const { low, high } = rateEstimate([ends], isAnswered)!;
        if (low <= truth && truth <= high) held++;
      }
      const what = `${name}, ${a_place} requests a place: ${held} of ${loops}`;
      if (loops === 1) assertEquals(held, 1, what);
      // of 16 requests it is 97.0 %, 93.2 % of heavy-tailed ones (2,500 loops); 600 tell it to 1.4 %
      else assert(held >= 0.93 * loops && held <= (a_place === 1 ? 0.985 : 0.97) * loops, what);
    }
  }
});

Deno.test("a loop that ends by its time: what is in flight then counts until its end", () => {
  for (const [name, tokens, mean] of LENGTHS) {
    const truth = PLACES * 1000 / timeOf(mean);
    const loops = loopsOf(name, 6 * PLACES);
    let sum = 0;
    for (let i = 0; i < loops; i++) {
      const { turnover: { ends } } = stageOf({ tokens, duration_s: 5 * timeOf(mean) / 1000 });
      sum += rateOf([ends], isAnswered)!;
    }
    assertAlmostEquals(sum / loops / truth, 1, 0.01, name);
  }
});

Deno.test("a loop whose last requests are cut off: they lasted at least so long", () => {
  for (const [name, tokens, mean] of LENGTHS) {
    const truth = PLACES * 1000 / timeOf(mean);
    const loops = loopsOf(name, 21 * PLACES);
    let [sum, tokens_sum, unfinished] = [0, 0, 0];
    for (let i = 0; i < loops; i++) {
      const loop = { tokens, duration_s: 20.5 * timeOf(mean) / 1000, grace_s: 0 };
      const { records, turnover: { ends } } = stageOf(loop);
      unfinished += records.filter(({ failure }) => failure === "unfinished").length / loops;
      sum += rateOf([ends], isAnswered)!;
      tokens_sum += rateOf([ends], outputTokens)!;
    }
    assertEquals(Math.round(unfinished), PLACES);
    assertAlmostEquals(sum / loops / truth, 1, 0.01, name);
    assertAlmostEquals(tokens_sum / loops / truth / mean, 1, 0.01, name);
  }
});

Deno.test("failures take time and are no answers; conversations hold their place while they think", () => {
  const fails = () => random() < 0.3;
  const turns = () => 1 + Math.floor(4 * random());
  const think_ms = () => -500 * Math.log(random());
  const failing: Loop = { tokens: LENGTHS[1][1], requests: 160, fails };
  const talking: Loop = { tokens: LENGTHS[1][1], requests: 160, turns, think_ms };
  const rate = (loop: Loop) => {
    resultsOf(loop);
    let sum = 0;
    for (let i = 0; i < 600; i++) sum += rateOf([stageOf(loop).turnover.ends], isAnswered)!;
    return sum / 600;
  };
  // 0.7 answers in 0.3 · 100 ms + 0.7 · E[time]; 2.5 turns in 2.5 · E[time] + 1.5 · 500 ms
  const time_ms = timeOf(50);
  assertAlmostEquals(rate(failing) / (PLACES * 700 / (30 + 0.7 * time_ms)), 1, 0.01);
  assertAlmostEquals(rate(talking) / (PLACES * 2500 / (2.5 * time_ms + 750)), 1, 0.01);
});

Deno.test("fewer requests than places: their count over the time from the first to the last", () => {
  const few = resultsOf({ tokens: () => 12, requests: 5 });
  assertEquals([few.window.kept, few.requests.successful], ["never", 5]);
  assertAlmostEquals(few.requests_per_s!, 5000 / timeOf(12), 1e-9);
  assertAlmostEquals(few.output_tokens_per_s!, 60_000 / timeOf(12), 1e-6);
});

Deno.test("in flight by the rule of the rates: connections that open slowly in a short load", () => {
  // 8 places, 10 requests: the first 8 wait 60 ms for their connections, each then takes 100 to 160 ms
  const first = [100, 110, 120, 130, 140, 150, 155, 160];
  const records = first.map((ms) => ({
    ...record({ at_ms: 60, ttft_ms: 50, e2e_ms: ms, connect_ns: 6e7 }),
    t_ready_ns: 0,
  }));
  records.push(record({ at_ms: 160, ttft_ms: 50, e2e_ms: 130 }));
  records.push(record({ at_ms: 170, ttft_ms: 50, e2e_ms: 125 }));
  const window = windowOf({ ...CLOSED, concurrency: 8 }, { start_ns: 0, end_ns: 1e9 }, records);
  const { ends } = turnoverOf(records, window, pace);
  // places · Σ sent / Σ held: 1,065 + 255 ms in flight of 1,545 + 255 held; the window saw 5.3
  assertAlmostEquals(meanInFlight([ends]), 8 * 1320 / 1800, 1e-9);
  assertAlmostEquals(meanInFlight([ends], true), 8, 1e-9);
  assert(inFlight(records, window).mean < 0.95 * meanInFlight([ends]));

  // a stage behind it: 2 places, each always taken, for 3 s; time between the stages is of none
  const later = Array.from({ length: 60 }, (_, i) => {
    const at_ms = 5000 + 100 * Math.floor(i / 2);
    return { ...record({ at_ms, ttft_ms: 50, e2e_ms: 100 }), t_ready_ns: at_ms * 1e6 };
  });
  const span = { start_ns: 5e9, end_ns: 9e9 };
  const second = turnoverOf(later, windowOf({ ...CLOSED, concurrency: 2 }, span, later), pace).ends;
  assertAlmostEquals(meanInFlight([second]), 2, 1e-9);
  // seconds in flight over seconds of the stages: 1.32 + 6 of 1.8 / 8 + 3
  assertAlmostEquals(meanInFlight([ends, second]), 7.32 / 3.225, 1e-9);
});

Deno.test("a server that fewer requests make faster: the drain is counted at the pace before it", () => {
  // 16 share one stream of 400 tokens/s: while all are there each has 25 a second
  const loops = 60;
  let [sum, drained] = [0, 0];
  for (let i = 0; i < loops; i++) {
    const { records, gaps } = sharedServer(5 * PLACES, () => 20 + Math.floor(161 * random()));
    const window = windowOf(CLOSED, { start_ns: 0, end_ns: Infinity }, records);
    const of = (record: RequestRecord) => gaps.get(record)!;
    sum += rateOf([turnoverOf(records, window, of).ends], isAnswered)!;
    const none = () => new Float32Array();
    drained += rateOf([turnoverOf(records, window, none).ends], isAnswered)!;
  }
  assertAlmostEquals(sum / loops / 4, 1, 0.02); // 400 tokens/s, 100 an answer
  assert(drained / loops / 4 > 1.02, "without the gaps it is too high");
});

/** A server that makes 400 tokens a second, shared by the requests that are there. */
function sharedServer(requests: number, tokens: () => number) {
  const records: RequestRecord[] = [];
  const gaps = new Map<RequestRecord, Float32Array>();
  const there: { at_ms: number; left: number; times_ms: number[] }[] = [];
  let [t_ms, sent] = [0, 0];
  while (sent < requests || there.length > 0) {
    while (there.length < PLACES && sent < requests) {
      there.push({ at_ms: t_ms, left: tokens(), times_ms: [] });
      sent++;
    }
    t_ms += there.length / 0.4; // every request there gets one token
    for (const each of [...there]) {
      each.times_ms.push(t_ms);
      if (--each.left > 0) continue;
      there.splice(there.indexOf(each), 1);
      const { at_ms, times_ms } = each;
      const answer = record({
        at_ms,
        ttft_ms: times_ms[0] - at_ms,
        e2e_ms: t_ms - at_ms,
        completion_tokens: times_ms.length,
        token_events: times_ms.length,
        gaps: times_ms.length - 1,
      });
      records.push(answer);
      gaps.set(answer, Float32Array.from(times_ms.slice(1), (at, i) => at - times_ms[i]));
    }
  }
  return { records, gaps };
}

const OPEN: LoadStage = { ...CLOSED, concurrency: null, rate: { from_per_s: 40, to_per_s: 40 } };

/** An open loop of 40 a second whose server makes so many answers a second, one after the other. */
function openLoop(served_per_s: number, duration_s: number | null, requests: number) {
  let free_ms = 0;
  const records = Array.from({ length: requests }, (_, i) => {
    const at_ms = i * 25;
    const begin_ms = Math.max(at_ms, free_ms);
    free_ms = begin_ms + 1000 / served_per_s;
    return record({ at_ms, ttft_ms: begin_ms - at_ms + 1, e2e_ms: free_ms - at_ms });
  });
  const window = windowOf(
    { ...OPEN, duration_s },
    { start_ns: 0, end_ns: 1e9 * duration_s! },
    records,
  );
  const results = summarise(records, {
    name: "open",
    window,
    turnovers: [turnoverOf(records, window, pace)],
    requested_rate_per_s: 40,
    slos: [],
    gapsOf: pace,
    warmup: 0,
  });
  assertConserved(results, records);
  return results;
}

Deno.test("an open loop: as many a second as were wanted, or as the server can", () => {
  for (const [duration_s, requests] of [[null, 20], [null, 400], [10, 400]] as const) {
    const kept = openLoop(200, duration_s, requests);
    assertAlmostEquals(kept.achieved_rate_per_s, 40, 1e-6);
    assertAlmostEquals(kept.requests_per_s!, 40, 1e-6);
    assertAlmostEquals(kept.output_tokens_per_s!, 440, 1e-5);
    const behind = openLoop(10, duration_s, requests);
    assertAlmostEquals(behind.achieved_rate_per_s, 40, 1e-6);
    assertAlmostEquals(behind.requests_per_s!, 10, 0.1);
    assertAlmostEquals(behind.output_tokens_per_s!, 110, 1.1);
  }
});

Deno.test("a rate whose count nobody knows is unknown, and one of failures is 0", () => {
  const unknown = () => record({ at_ms: 0, completion_tokens: null, prompt_tokens: null });
  const failed = () => record({ at_ms: 0, failure: "http_5xx" });
  const rates = (records: RequestRecord[]) => {
    const window = windowOf({ ...CLOSED, concurrency: 1 }, { start_ns: 0, end_ns: 1e9 }, records);
    const { ends } = turnoverOf(records, window, pace);
    return [rateOf([ends], isAnswered), rateOf([ends], outputTokens), rateOf([ends], promptTokens)];
  };
  assertEquals(rates([unknown()]), [5, null, null]);
  assertEquals(rates([failed()]), [0, 0, 0]);
  // what one of two did not tell is taken to be as of the other
  assertEquals(rates([unknown(), { ...record({ at_ms: 200 }) }]), [5, 55, 50]);
  assertEquals(
    rates([failed(), { ...unknown(), t_ready_ns: 2e8, t_sent_ns: 2e8, t_end_ns: 4e8 }]),
    [
      2.5,
      null,
      null,
    ],
  );
});
