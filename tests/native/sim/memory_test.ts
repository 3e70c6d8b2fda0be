/** What is over is forgotten: memory follows the workflows that live, not those that ever did. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Simulator } from "./simulator.ts";

/** Two doubles of each workflow stay, for the percentiles of its makespan and cost. */
const KEPT_BYTES = 16;
const KIB = 1024;

Deno.test("memory is bounded by live workflows", async (t) => {
  using simulator = await Simulator.open();
  const count = Number(Deno.env.get("SIM_WORKFLOWS") ?? 200_000);

  /** Address space a run may use; it fails where it wants more. */
  async function within(kib: number, ...more: string[]) {
    const flags = [
      ...["--workflows", `${count}`, "--pdfs", "1", "--iters", "1", "--subqueries", "1"],
      ...["--enable_model_routing", "--trace", "none", "--out_dir", "many", ...more],
    ];
    const { code, stdout, stderr } = await new Deno.Command("bash", {
      args: ["-c", `ulimit -v ${kib} && exec "$@"`, "bash", simulator.program, ...flags],
      cwd: simulator.folder,
    }).output();
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, stdout: decode(stdout), stderr: decode(stderr) };
  }

  const few = 8 * KIB; // libraries and the live ones
  const kept = 3 * KEPT_BYTES * count / KIB; // an array that doubles is there twice meanwhile
  const enough = few + Math.ceil(kept);

  await t.step(`${count} workflows in the memory of a few, and two numbers of each`, async () => {
    const { code, stdout } = await within(enough, "--arrival_rate", "1");
    assertEquals(code, 0);
    const live = Number(stdout.match(/live_workflows_peak=(\d+)/)?.[1]);
    assert(live > 0 && live < 1000, `${live} at a time`);
  });

  await t.step("all at once they do not fit there: that is said, and ends the run", async () => {
    const { code, stderr } = await within(enough);
    assertEquals(code, 1);
    assertMatch(stderr, /^Error: out of memory/);
  });
});
