/** Batch files: what is filled in, and what is refused with its place. */
import { assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { loadBatch } from "../../lib/settings/batch.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { writeBatch } from "./fixture.ts";

Deno.test("a schedule that says nothing is 14 in 12 hours, one window a day, four days", async () => {
  using place = temporaryFolder();
  const nothing = { evaluations: undefined, period_h: undefined, days: undefined };
  const { schedule, questions } = await loadBatch(writeBatch(place.path, nothing));
  assertEquals(schedule, {
    evaluations: 14,
    period_h: 12,
    windows_per_day: 1,
    days: 4,
    start: "2027-01-10T08:00",
    timezone: "UTC",
    jitter_s: 0,
    seed: 1,
    late_after_s: 60,
    on_late: "run_now",
    on_missed: "skip",
  });
  assertEquals(questions.map(({ industry, id }) => `${industry} ${id}`), [
    "retail one",
    "retail two",
    "retail three",
  ]);
});

Deno.test("what is wrong in a batch file is told with its place", async () => {
  using place = temporaryFolder();
  const twice = Array(2).fill({ provider: "a", model: "b" });
  const wrong: [Record<string, unknown>, Record<string, unknown>, string][] = [
    [{ evaluatons: 3 }, {}, `"evaluatons" is not a field; did you mean "evaluations"?`],
    [{}, { modles: [] }, `"modles" is not a field; did you mean "models"?`],
    [{ timezone: "Europe/Berln" }, {}, "schedule.timezone: no such time zone"],
    [{ start: "2027-02-30T08:00" }, {}, "schedule.start: there is no such day or time"],
    [{ start: "tomorrow" }, {}, "schedule.start: expected a local time such as 2027-03-01T08:00"],
    [{ windows_per_day: 3, period_h: 12 }, {}, "windows_per_day × period_h is more than a day"],
    [{ jitter_s: 3600 }, {}, "schedule.jitter_s: expected less than the time between two slots"],
    [{ on_late: "wait" }, {}, `schedule.on_late: expected "skip" or "run_now"`],
    [{ evaluations: 1e9 }, {}, "schedule.evaluations: more than 100000 slots in all"],
    [{ evaluations: 0 }, {}, "schedule.evaluations"],
    [{}, { name: "../up" }, "name: expected up to 64 letters"],
    [{}, { models: [] }, "models"],
    [{}, { models: twice }, `models[1]: "a b" is there already`],
    [{}, { industries: [{ industry: "x", questions: "none.json" }] }, "none.json: no such file"],
  ];
  for (const [schedule, changes, expected] of wrong) {
    const file = writeBatch(place.path, schedule, changes);
    const error = await assertRejects(() => loadBatch(file), InputError, expected);
    const at = /^.*\.json(:\d+:\d+)?: /.test(error.message);
    assertEquals(at, true, error.message);
  }
});
