/** A calibration on a busy host does not take a good one's place without a word. */
import { assertEquals } from "@std/assert";
import { hostname } from "node:os";
import { keepCalibration, readCalibration } from "../../lib/load/calibration_file.ts";
import { temporaryFolder } from "../suite/fixture.ts";

const of = (ceiling_events_per_s: number, cores = 4) => ({
  schema_version: 1 as const,
  hostname: hostname(),
  cores,
  measured_at: new Date(ceiling_events_per_s).toISOString(),
  transport: "wire" as const,
  scheduling: null,
  cells: [],
  ceiling_events_per_s,
});

Deno.test("a worse calibration is told and not kept, a better one and another host's are", () => {
  using place = temporaryFolder();
  const before = Deno.env.get("XDG_CACHE_HOME");
  Deno.env.set("XDG_CACHE_HOME", place.path);
  try {
    const kept = () => readCalibration()?.ceiling_events_per_s;
    assertEquals([keepCalibration(of(10_000)), kept()], [null, 10_000]);
    for (const worse of [0, 5000, 7999]) {
      assertEquals([keepCalibration(of(worse))?.ceiling_events_per_s, kept()], [10_000, 10_000]);
    }
    for (const [ceiling, cores] of [[9000, 4], [12_000, 4], [1000, 2]]) {
      assertEquals([keepCalibration(of(ceiling, cores)), kept()], [null, ceiling]);
    }
  } finally {
    if (before === undefined) Deno.env.delete("XDG_CACHE_HOME");
    else Deno.env.set("XDG_CACHE_HOME", before);
  }
});
