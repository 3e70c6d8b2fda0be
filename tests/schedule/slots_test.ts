/** When slots are due: exactly, on days on which clocks change too. */
import { assert, assertEquals } from "@std/assert";
import { localOf, localText, localTime, momentOf } from "../../lib/schedule/local_time.ts";
import { slotsOf, spacingMs } from "../../lib/schedule/slots.ts";
import { timelinessOf } from "../../lib/schedule/run_batch.ts";
import type { Schedule } from "../../lib/settings/batch.ts";

const SPACING_MS = 12 * 3_600_000 / 14;

function schedule(changes: Partial<Schedule> = {}): Schedule {
  return {
    evaluations: 14,
    period_h: 12,
    windows_per_day: 1,
    days: 4,
    timezone: "UTC",
    jitter_s: 0,
    seed: 1,
    late_after_s: 60,
    on_late: "run_now",
    on_missed: "skip",
    ...changes,
  };
}

function slotsFrom(start: string, changes: Partial<Schedule> = {}) {
  const made = schedule({ start, ...changes });
  return slotsOf(made, momentOf(localOf(start), made.timezone));
}

const utc = (unix_ms: number) => new Date(unix_ms).toISOString();

Deno.test("14 in 12 hours are 51 min 25.714 s apart, and no rounding adds up", () => {
  assertEquals(spacingMs(schedule()), SPACING_MS);
  assertEquals(SPACING_MS.toFixed(3), "3085714.286"); // 51 min 25.714 s
  const slots = slotsFrom("2027-01-10T08:00");
  assertEquals(slots.length, 56);
  assertEquals(slots.slice(0, 4).map(({ due_ms }) => utc(due_ms)), [
    "2027-01-10T08:00:00.000Z",
    "2027-01-10T08:51:25.714Z",
    "2027-01-10T09:42:51.429Z",
    "2027-01-10T10:34:17.143Z",
  ]);
  assertEquals(utc(slots[13].due_ms), "2027-01-10T19:08:34.286Z");
  assertEquals(utc(slots[14].due_ms), "2027-01-11T08:00:00.000Z");
  slots.forEach(({ due_ms, day, slot }, i) => {
    const exact = Date.parse("2027-01-10T08:00Z") + (day - 1) * 86_400_000 + (i % 14) * SPACING_MS;
    assertEquals(due_ms, Math.round(exact));
    assertEquals(slot, i + 1);
  });
});

Deno.test("4,480 records come of one window a day, 8,960 of two", () => {
  assertEquals(slotsFrom("2027-01-10T08:00").length * 80, 4480);
  const two = slotsFrom("2027-01-10T08:00", { windows_per_day: 2 });
  assertEquals(two.length * 80, 8960);
  assertEquals(two.map(({ window }) => window).slice(12, 16), [1, 1, 2, 2]);
  assertEquals(utc(two[14].due_ms), "2027-01-10T20:00:00.000Z");
  const gaps = two.slice(1).map(({ due_ms }, i) => due_ms - two[i].due_ms);
  assert(gaps.every((gap) => Math.abs(gap - SPACING_MS) <= 1), "round the clock without a seam");
});

Deno.test("a window starts at its local time on both sides of a change of clocks", () => {
  const cases: [string, string, string[]][] = [
    // Europe/Berlin goes to UTC+2 on 28 March 2027 and back on 31 October 2027
    ["Europe/Berlin", "2027-03-27T08:00", ["2027-03-27T07:00", "2027-03-28T06:00"]],
    ["Europe/Berlin", "2027-10-30T08:00", ["2027-10-30T06:00", "2027-10-31T07:00"]],
    // America/New_York goes to UTC-4 on 14 March 2027 and back on 7 November 2027
    ["America/New_York", "2027-03-13T08:00", ["2027-03-13T13:00", "2027-03-14T12:00"]],
    ["America/New_York", "2027-11-06T08:00", ["2027-11-06T12:00", "2027-11-07T13:00"]],
  ];
  for (const [timezone, start, expected] of cases) {
    const slots = slotsFrom(start, { timezone, days: 2 });
    assertEquals(slots.length, 28);
    assertEquals([slots[0], slots[14]].map(({ due_ms }) => utc(due_ms).slice(0, 16)), expected);
    assertEquals(
      [slots[0], slots[14]].map(({ due_ms }) => localText(localTime(due_ms, timezone)).slice(11)),
      ["08:00:00", "08:00:00"],
    );
  }
});

Deno.test("after a first day that leaves the start's time out, later days have it", () => {
  // 02:30 of 28 March 2027 is not there in Berlin: 03:30 (UTC+2); then 02:30 (UTC+2), by zdump
  const slots = slotsFrom("2027-03-28T02:30", { timezone: "Europe/Berlin", days: 2 });
  assertEquals([slots[0], slots[14]].map(({ due_ms }) => utc(due_ms).slice(0, 16)), [
    "2027-03-28T01:30",
    "2027-03-29T00:30",
  ]);
});

Deno.test("within a window that a change of clocks falls into, slots stay evenly apart", () => {
  for (const start of ["2027-03-27T20:00", "2027-10-30T20:00"]) { // over the night of the change
    const slots = slotsFrom(start, { timezone: "Europe/Berlin", days: 1 });
    const gaps = slots.slice(1).map(({ due_ms }, i) => due_ms - slots[i].due_ms);
    assert(gaps.every((gap) => Math.abs(gap - SPACING_MS) <= 1), `${start}: ${gaps}`);
  }
});

Deno.test("round the clock, a day of 23 hours overlaps nothing and a day of 25 loses nothing", () => {
  const zones = { "Europe/Berlin": ["03-27", "10-30"], "America/New_York": ["03-13", "11-06"] };
  for (const [timezone, [spring, autumn]] of Object.entries(zones)) {
    for (const day of [spring, autumn]) {
      const slots = slotsFrom(`2027-${day}T08:00`, { timezone, windows_per_day: 2 });
      assertEquals(slots.length, 112);
      const gaps = slots.slice(1).map(({ due_ms }, i) => due_ms - slots[i].due_ms);
      assert(gaps.every((gap) => gap >= SPACING_MS - 1), `${timezone} ${day}`);
      const wide = gaps.filter((gap) => gap > SPACING_MS + 1);
      // in autumn the next window waits for its local time, an hour later
      assertEquals(wide.length, day === autumn ? 1 : 0);
      for (const gap of wide) assert(Math.abs(gap - SPACING_MS - 3_600_000) <= 1);
    }
  }
});

Deno.test("local times that come twice are the first, those left out are an hour later", () => {
  const at = (text: string, zone: string) => utc(momentOf(localOf(text), zone)).slice(0, 16);
  assertEquals(at("2027-03-28T02:30", "Europe/Berlin"), "2027-03-28T01:30"); // 03:30 summer time
  assertEquals(at("2027-10-31T02:30", "Europe/Berlin"), "2027-10-31T00:30"); // in summer time
  assertEquals(at("2027-03-14T02:30", "America/New_York"), "2027-03-14T07:30");
  assertEquals(at("2027-11-07T01:30", "America/New_York"), "2027-11-07T05:30");
  assertEquals(at("2027-06-01T12:00", "Asia/Kathmandu"), "2027-06-01T06:15");
  assertEquals(at("2027-10-03T02:15", "Australia/Lord_Howe"), "2027-10-02T15:45"); // half an hour
  assertEquals(at("2027-06-01", "Pacific/Kiritimati"), "2027-05-31T10:00");
  for (const zone of ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Tehran"]) {
    for (let day = 0; day < 365; day++) { // every hour of a year reads as itself
      const unix_ms = Date.UTC(2027, 0, 1 + day, day % 24, 17);
      const local_ms = localTime(unix_ms, zone);
      assertEquals(localTime(momentOf(local_ms, zone), zone), local_ms, `${zone} ${utc(unix_ms)}`);
    }
  }
});

Deno.test("jitter is drawn by the seed, and moves a slot to later within its bounds", () => {
  const plain = slotsFrom("2027-01-10T08:00");
  const jittered = slotsFrom("2027-01-10T08:00", { jitter_s: 600, seed: 7 });
  assertEquals(slotsFrom("2027-01-10T08:00", { jitter_s: 600, seed: 7 }), jittered);
  const moved = jittered.map(({ due_ms }, i) => due_ms - plain[i].due_ms);
  assert(moved.every((ms) => ms >= 0 && ms <= 600_000));
  assert(new Set(moved).size > 50);
  const other = slotsFrom("2027-01-10T08:00", { jitter_s: 600, seed: 8 });
  assert(other.some(({ due_ms }, i) => due_ms !== jittered[i].due_ms));
  assert(jittered.slice(1).every(({ due_ms }, i) => due_ms > jittered[i].due_ms));
});

Deno.test("a slot is on time, late, and missed when the next one's time has come", () => {
  const [first, second] = slotsFrom("2027-01-10T08:00");
  const at = (ms: number) => timelinessOf(first, first.due_ms + ms, 60);
  assertEquals([at(-1), at(0), at(60_000)], [null, "on_time", "on_time"]);
  assertEquals([at(60_001), at(SPACING_MS - 1)], ["late", "late"]);
  assertEquals(timelinessOf(first, second.due_ms, 60), "missed");
  const last = slotsFrom("2027-01-10T08:00").at(13)!; // the night follows
  assertEquals(timelinessOf(last, last.due_ms + SPACING_MS + 1, 60), "missed");
});
