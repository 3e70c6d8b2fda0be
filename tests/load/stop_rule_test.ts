/** When a load is stopped before its end. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { StopRule } from "../../lib/load/stop_rule.ts";

/** A load of 20 requests a second, of which so many end each second from `from_s` on. */
function watched(from_s: number, ended_per_s: number): string | null {
  const rule = new StopRule({ error_rate: null, saturation: true });
  let open = 0;
  for (let s = 0; s < 30; s++) {
    for (let i = 0; i < 20; i++, open++) rule.submitted();
    for (let i = 0; i < ended_per_s && s >= from_s; i++, open--) rule.ended(false);
    rule.checkSaturation(s * 1e9, open);
  }
  return rule.reason;
}

Deno.test("a server of slow answers is not saturated while the first ones are under way", () => {
  assertEquals(watched(8, 20), null);
  assertStringIncludes(watched(8, 10)!, "saturated: 50 of 100");
});
