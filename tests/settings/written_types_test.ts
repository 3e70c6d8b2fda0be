/** The written types of files say the same as the schemas that check them: `deno check` tests this. */
import { assertEquals } from "@std/assert";
import type { z } from "zod";
import { loadSettingsSchema } from "../../lib/settings/load.ts";
import { suiteSchema } from "../../lib/settings/suite.ts";
import { priceTableSchema } from "../../lib/run/prices.ts";
import type { LoadSettings } from "../../lib/settings/load_settings.ts";
import type { Suite } from "../../lib/settings/suite.ts";
import type { Price } from "../../lib/run/prices.ts";

/** Whether two types are one, optional fields included. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;

type Row = z.infer<typeof priceTableSchema>["prices"][number];

const SAME: [
  Same<Suite, z.infer<typeof suiteSchema>>,
  Same<LoadSettings, z.infer<typeof loadSettingsSchema>>,
  Same<Price, Row>,
] = [true, true, true];

Deno.test("a file that fits the written types fits the schema", () => {
  const suite: Suite = {
    test_suite_id: "s",
    tests: [{ id: "a", name: "A", category: "c", prompt: "?", evaluator: { name: "exact" } }],
  };
  const settings: LoadSettings = { concurrency: 2, stages: [{ rate: [1, 2], duration_s: 3 }] };
  const price: Price = { model: "m", input: 1, output: 2, date: "2027-01-31", source: "http://a/" };
  assertEquals(suiteSchema.parse(suite), suite);
  assertEquals(loadSettingsSchema.parse(settings), settings);
  assertEquals(priceTableSchema.shape.prices.parse([price]), [price]);
  assertEquals(SAME.length, 3);
});
