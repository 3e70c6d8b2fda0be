/** Sampling without permission for FFI: Deno then refuses /proc as well, but not its own view of the host. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path";

const PROGRAM = fromFileUrl(new URL("./denied_program.ts", import.meta.url));

for (const flags of [["--allow-all", "--deny-ffi"], ["--allow-sys"]]) {
  Deno.test(`${flags.join(" ")}: CPU and memory are sampled, the rest is said to be missing`, async () => {
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--no-check", ...flags, PROGRAM],
      stdin: "null",
    }).output();
    const [out, error] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assertMatch(out, /^\{/, error);
    const { kind, cpu_usage_percent, memory_used_gb, unavailable } = JSON.parse(out);
    assertEquals(kind, "portable");
    assert(cpu_usage_percent > 0 && cpu_usage_percent <= 100, `${cpu_usage_percent} %`);
    assert(memory_used_gb > 0);
    assertMatch(unavailable.join("\n"), /libdyno: not used/);
    assertMatch(unavailable.join("\n"), /^network: /m);
  });
}
