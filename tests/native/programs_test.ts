/** The C test programs without a sanitizer: what needs a process of its own. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import type { SamplerLayout } from "../../lib/native/sample_batch.ts";
import type { SamplerStatus } from "../../lib/native/sampler.ts";
import { HOST, run, temporaryFolder, writeTree } from "./fixtures.ts";

interface Outcome {
  layout: SamplerLayout;
  status: SamplerStatus;
  drained: number;
}

async function outcomeOf(child: Deno.ChildProcess): Promise<Outcome> {
  const { stdout, stderr } = await child.output();
  assertEquals(new TextDecoder().decode(stderr), "");
  return JSON.parse(new TextDecoder().decode(stdout));
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

Deno.test("programs", async (t) => {
  using folder = temporaryFolder();
  await Deno.chmod(folder.path, 0o755);
  await run("make", "-s", `BUILD=${folder.path}`, "programs");
  const sample = (options: string, seconds: string, user: { uid?: number; gid?: number } = {}) =>
    new Deno.Command(join(folder.path, "sampler_plain"), {
      args: [options, seconds],
      stdout: "piped",
      stderr: "piped",
      ...user,
    }).spawn();

  await t.step("RAPL says that its counters may not be read, and how to change that", async () => {
    const host = join(folder.path, "host");
    await writeTree(host, HOST);
    for (const zone of ["intel-rapl:0", "intel-rapl:0:0"]) {
      await Deno.chmod(join(host, "sys/class/powercap", zone, "energy_uj"), 0);
    }
    // Root may read anything: the program must run as somebody else.
    const somebody = Deno.uid() === 0 ? { uid: 65534, gid: 65534 } : {};
    const { layout } = await outcomeOf(sample(`root=${host} metrics=rapl,cpu`, "0.05", somebody));
    const rapl = layout.sources.find((source) => source.name === "rapl")!;
    assertEquals(rapl.available, false);
    assert(rapl.note!.includes("permission denied") && rapl.note!.includes("chmod a+r"));
    assert(layout.fields.some((field) => field.name === "cpu.busy_s"));
  });

  await t.step({
    name: "without the right to SCHED_FIFO the sampler runs on, and says so",
    ignore: Deno.uid() !== 0, // the other steps then run so
    fn: async () => {
      const nobody = { uid: 65534, gid: 65534 };
      const { status } = await outcomeOf(sample("metrics=memory", "0.1", nobody));
      assertEquals(status.scheduling, "normal");
      assert(status.records > 0);
    },
  });

  await t.step("ticks that a stopped process missed are counted, not made up for", async () => {
    const child = sample("metrics=memory rate_hz=1000", "0.3");
    await pause(100);
    child.kill("SIGSTOP");
    await pause(400);
    child.kill("SIGCONT");
    const { status, drained } = await outcomeOf(child);
    assert(status.missed_ticks >= 300, `${status.missed_ticks} missed`);
    assert(status.worst_lateness_ns >= 300e6);
    assert(status.ticks + status.missed_ticks <= status.elapsed_ns / 1e6 + 2);
    assertEquals([status.records, status.overruns], [drained, 0]);
  });

  await t.step("a file of /proc that is longer than a page is read whole", async () => {
    const bytes = Number(await run(join(folder.path, "file_plain"), "/proc/kallsyms"));
    assert(bytes > 10_000);
  });
});
