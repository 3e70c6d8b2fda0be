/** How a run stands by its journal: what was under way when it was killed, counted by hand. */
import { assertEquals } from "@std/assert";
import { fold } from "../../lib/run/fold.ts";
import { runState } from "../../lib/run/run_state.ts";
import type { Recorded, RunEvent } from "../../lib/run/events.ts";

function stateOf(events: object[]) {
  const timed = events.map((event, i) => ({ t: 1_800_000_000 + i, mono_ns: null, ...event }));
  const { cut_off, under_way, ended } = fold(runState, timed as unknown as Recorded<RunEvent>[]);
  return [cut_off, under_way, ended];
}

const started = { event: "package_started" }, finished = { event: "package_finished" };
const begun = { event: "run_started", planned: 4 }, resumed = { event: "run_resumed", planned: 4 };

Deno.test("tests that were under way at each kill are counted; those of an interruption are not", () => {
  assertEquals(stateOf([begun, started, started, finished]), [0, 1, null]);
  const killed = [begun, started, started, finished, resumed, started];
  assertEquals(stateOf(killed), [1, 1, null]);
  assertEquals(stateOf([...killed, started, resumed, started, finished]), [3, 0, null]);
  assertEquals(stateOf([...killed, finished, { event: "run_finished" }]), [1, 0, "complete"]);
  const stopped = [begun, started, started, { event: "run_interrupted" }, resumed];
  assertEquals(stateOf([...stopped, started, finished]), [0, 0, null]);
});

Deno.test("requests in flight of a load that was killed are counted once it is summed up", () => {
  const sent = [{ event: "load_started" }, { event: "load_progress", in_flight: 3 }];
  const over = { event: "load_finished", complete: false };
  assertEquals(stateOf([...sent, over]), [3, 0, "interrupted"]);
  assertEquals(stateOf([...sent, { event: "load_measured" }, over]), [0, 0, "interrupted"]);
});
