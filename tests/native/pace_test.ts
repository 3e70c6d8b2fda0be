import { assert, assertEquals } from "@std/assert";
import { nativeLibrary } from "../../lib/native/library.ts";
import { PacedServer } from "../../lib/native/pace.ts";

Deno.test("the paced server tells how long its first events took, and its gaps", async () => {
  const { library, reason } = await nativeLibrary();
  assert(library !== null, `no libdyno: ${reason}`);
  using server = new PacedServer(library, { tokens: 3, delay_us: 30_000, interval_us: 5_000 });
  const { first_p50_ns, first_p99_ns, gap_p50_ns, gap_p99_ns } = server.status();
  assertEquals([first_p50_ns, first_p99_ns, gap_p50_ns, gap_p99_ns], [0, 0, 0, 0]);
  for (let i = 0; i < 3; i++) {
    const response = await fetch(`${server.url}/v1/chat/completions`, {
      method: "POST",
      body: "{}",
    });
    await response.text();
  }
  const told = server.status();
  assertEquals([told.requests, told.events], [3, 9]);
  assert(told.first_p50_ns >= 30e6 && told.first_p99_ns >= told.first_p50_ns); // never before its time
  assert(told.gap_p50_ns > 0 && told.gap_p99_ns >= told.gap_p50_ns);
});
