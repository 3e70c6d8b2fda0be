import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import type { SamplerStatus } from "../../lib/native/sampler.ts";
import { buildFakeNvml, HOST, run, runWith, temporaryFolder, writeTree } from "./fixtures.ts";

Deno.test("ring and sampler are clean under ASan, UBSan and TSan", async (t) => {
  using folder = temporaryFolder();
  const nvml = await buildFakeNvml(folder.path);
  const host = join(folder.path, "host");
  await writeTree(host, HOST);
  await run("make", "-s", "-j2", `BUILD=${folder.path}`, "sanitize");

  await t.step("ring between two threads: no race, nothing torn, all accounted for", async () => {
    assertMatch(await run(join(folder.path, "ring_tsan")), /^drained \d+ overruns \d+$/m);
  });

  for (const sanitizer of ["asan", "ubsan", "tsan"]) {
    const sample = async (options: string[], script: string) => {
      const program = join(folder.path, `sampler_${sanitizer}`);
      const environment = { DYNO_NVML: nvml, DYNO_FAKE_NVML: script };
      const asked = `rate_hz=2000 ${options.join(" ")}`;
      return JSON.parse(await runWith(environment, program, asked, "0.5"));
    };
    const lost = "devices=2;mig=1;lost=1@0.2;processes=1:5";

    await t.step(`${sanitizer}: this host, a GPU lost on the way`, async () => {
      const { status, drained } = await sample([`pids=${Deno.pid}`], lost);
      assertEquals(drained, (status as SamplerStatus).records);
      assertEquals((status as SamplerStatus).ended.map(({ series }) => series), ["gpu1"]);
    });

    await t.step(`${sanitizer}: a fixture's host with GPM`, async () => {
      const metrics = "metrics=cpu,cores,memory,pressure,disk,network,process,cgroup," +
        "frequency,temperature,rapl,gpu,gpm";
      const { status, layout } = await sample([`root=${host}`, "pids=4242", metrics], "");
      assert((status as SamplerStatus).records > 0);
      assert(layout.sources.every((source: { available: boolean }) => source.available));
    });
  }
});
