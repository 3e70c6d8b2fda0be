/** Times of a request, from stamps written by hand; the right values are worked out beside them. */
import { assertEquals } from "@std/assert";
import { latencies, TokenStamps, tpotMs } from "../../lib/endpoint/latency.ts";
import type { Stamps } from "../../lib/endpoint/latency.ts";

const MS = 1e6;
const stamps: Stamps = {
  t_intended_ns: 900 * MS,
  t_ready_ns: 990 * MS,
  t_sent_ns: 1000 * MS,
  t_first_token_ns: 1100 * MS,
  t_last_token_ns: 1250 * MS,
  t_end_ns: 1300 * MS,
  connect_ns: 8 * MS,
  completion_tokens: 11,
};

Deno.test("each time as the dictionary has it", () => {
  assertEquals(latencies(stamps), {
    ttft_ms: 100, // 1100 − 1000
    ttft_intended_ms: 200, // 1100 − 900
    tpot_ms: 15, // (1250 − 1100) / (11 − 1)
    e2e_ms: 300, // 1300 − 1000
    e2e_intended_ms: 400, // 1300 − 900
    normalized_latency_ms: 300 / 11,
    lateness_ms: 2, // 1000 − 990, of which 8 went into connecting
  });
});

Deno.test("what never came leaves unknown what is made of it, and nothing else", () => {
  const whole = latencies({ ...stamps, t_first_token_ns: null, t_last_token_ns: null });
  assertEquals([whole.ttft_ms, whole.ttft_intended_ms, whole.tpot_ms], [null, null, null]);
  assertEquals([whole.e2e_ms, whole.lateness_ms], [300, 2]);
  const unsent = latencies({ ...stamps, t_sent_ns: null });
  assertEquals([unsent.ttft_ms, unsent.e2e_ms, unsent.lateness_ms], [null, null, null]);
  const uncounted = latencies({ ...stamps, completion_tokens: null });
  assertEquals([uncounted.tpot_ms, uncounted.normalized_latency_ms], [null, null]);
  assertEquals(latencies({ ...stamps, completion_tokens: 0 }).normalized_latency_ms, null);
  assertEquals(latencies({ ...stamps, connect_ns: 99 * MS }).lateness_ms, 0);
});

Deno.test("tpot needs two token times that differ: twenty tokens at once tell none", () => {
  assertEquals(latencies({ ...stamps, t_last_token_ns: 1100 * MS }).tpot_ms, null);
  const known: [number | null, number | null, number | null][] = [
    [150, 11, 15],
    [150, 2, 150],
    [150, 1, null],
    [0, 20, null],
    [-5, 20, null],
    [null, 20, null],
    [150, null, null],
  ];
  for (const [decode_ms, tokens, tpot] of known) assertEquals(tpotMs(decode_ms, tokens), tpot);
});

Deno.test("gaps lie between token events; all at one time have none", () => {
  const at = (...times_ms: number[]) => {
    const tokens = new TokenStamps();
    for (const t_ms of times_ms) tokens.add(t_ms * MS);
    return tokens;
  };
  assertEquals([...at(10, 13, 13, 20).gaps_ms], [3, 0, 7]);
  assertEquals(at(10, 13, 13, 20).gap_max_ms, 7);
  for (const none of [at(), at(10), at(10, 10, 10)]) {
    assertEquals([none.gaps_ms.length, none.gap_max_ms], [0, null]);
  }
  const many = at(...Array.from({ length: 1000 }, (_, i) => i * i));
  assertEquals([...many.gaps_ms], Array.from({ length: 999 }, (_, i) => 2 * i + 1));
});
