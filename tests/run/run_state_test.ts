/** How a run stands by its journal, counted by hand. */
import { assertEquals } from "@std/assert";
import { fold } from "../../lib/run/fold.ts";
import { runState } from "../../lib/run/run_state.ts";
import type { Recorded, RunEvent } from "../../lib/run/events.ts";

function stateOf(events: object[]) {
  const timed = events.map((event, i) => ({ t: 1_800_000_000 + i, mono_ns: null, ...event }));
  const { under_way, ended } = fold(runState, timed as unknown as Recorded<RunEvent>[]);
  return [under_way, ended];
}

const started = { event: "package_started" }, finished = { event: "package_finished" };
const begun = { event: "run_started", planned: 4 }, resumed = { event: "run_resumed", planned: 4 };

Deno.test("tests are under way from their start to their end, or to their session's", () => {
  assertEquals(stateOf([begun, started, started, finished]), [1, null]);
  const killed = [begun, started, started, finished, resumed, started];
  assertEquals(stateOf(killed), [1, null]);
  assertEquals(stateOf([...killed, finished, { event: "run_finished" }]), [0, "complete"]);
  const stopped = [begun, started, started, { event: "run_interrupted" }, resumed];
  assertEquals(stateOf([...stopped, started, finished]), [0, null]);
});

Deno.test("a load's requests are under way until it is over", () => {
  const sent = [{ event: "load_started" }, { event: "load_progress", in_flight: 3 }];
  assertEquals(stateOf(sent), [3, null]);
  assertEquals(stateOf([...sent, { event: "load_measured" }]), [0, null]);
  assertEquals(stateOf([...sent, { event: "load_finished", complete: false }]), [0, "interrupted"]);
});
