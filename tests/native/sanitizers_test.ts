/** The C test programs: the library under the sanitizers, and what needs a process of its own. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import type { SamplerLayout } from "../../lib/native/sample_batch.ts";
import type { SamplerStatus } from "../../lib/native/sampler.ts";
import { buildFakeNvml, HOST, run, runWith, temporaryFolder, writeTree } from "./fixtures.ts";
import { selfSigned } from "../endpoint/tls_fixture.ts";
import { until } from "../until.ts";

/** Of the wire's program, in their order. */
const SCENARIOS = [
  "many",
  "ahead",
  "balanced",
  "churn",
  "cancelled",
  "timed out",
  "slow consumer",
  "misbehaving",
  "cut",
  "policies",
  "large",
  "refused",
  "server gone",
  "inherited",
  "stopped",
];

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

Deno.test("ring, sampler, wire and paced server are clean under ASan, UBSan and TSan", async (t) => {
  using folder = temporaryFolder();
  await Deno.chmod(folder.path, 0o755);
  const nvml = await buildFakeNvml(folder.path);
  const host = join(folder.path, "host");
  await writeTree(host, HOST);
  await run("make", "-s", "-j2", `BUILD=${folder.path}`, "sanitize");

  await t.step("ring between two threads: no race, nothing torn, all accounted for", async () => {
    assertMatch(await run(join(folder.path, "ring_buffer_tsan")), /^drained \d+ overruns \d+$/m);
  });

  await t.step("the heap's first is the least after any push, move and removal", async () => {
    assertMatch(await run(join(folder.path, "heap_asan")), /^pushed \d+ moved \d+ removed \d+$/m);
  });

  for (const sanitizer of ["asan", "tsan"]) {
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

    await t.step(`${sanitizer}: the wire: ${SCENARIOS.join(", ")}`, async () => {
      const said = await run(join(folder.path, `wire_${sanitizer}`));
      assertEquals(said.trimEnd().split("\n"), SCENARIOS);
    });

    await t.step(`${sanitizer}: the same by TLS`, async () => {
      const { key, cert } = selfSigned(folder.path, "tls", "IP:127.0.0.1");
      const pem = join(folder.path, "both.pem");
      await Deno.writeTextFile(pem, await Deno.readTextFile(cert) + await Deno.readTextFile(key));
      const said = await run(join(folder.path, `wire_${sanitizer}`), pem);
      assertEquals(said.trimEnd().split("\n"), SCENARIOS);
    });
  }

  const spawn = (options: string, seconds: string, user: { uid?: number; gid?: number } = {}) =>
    new Deno.Command(join(folder.path, "sampler_asan"), {
      args: [options, seconds],
      stdout: "piped",
      stderr: "piped",
      ...user,
    }).spawn();

  await t.step("RAPL says that its counters may not be read, and how to change that", async () => {
    for (const zone of ["intel-rapl:0", "intel-rapl:0:0"]) {
      await Deno.chmod(join(host, "sys/class/powercap", zone, "energy_uj"), 0);
    }
    // Root may read anything: the program must run as somebody else.
    const somebody = Deno.uid() === 0 ? { uid: 65534, gid: 65534 } : {};
    const { layout } = await outcomeOf(spawn(`root=${host} metrics=rapl,cpu`, "0.05", somebody));
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
      const { status } = await outcomeOf(spawn("metrics=memory", "0.1", nobody));
      assertEquals(status.scheduling, "normal");
      assert(status.records > 0);
    },
  });

  await t.step("ticks that a stopped process missed are counted, not made up for", async () => {
    const child = spawn("metrics=memory rate_hz=1000", "0.3");
    // its sampling thread runs
    await until(() => [...Deno.readDirSync(`/proc/${child.pid}/task`)].length > 1);
    child.kill("SIGSTOP");
    await new Promise((resolve) => setTimeout(resolve, 400));
    child.kill("SIGCONT");
    const { status, drained } = await outcomeOf(child);
    assert(status.missed_ticks >= 300, `${status.missed_ticks} missed`);
    assert(status.worst_lateness_ns >= 300e6);
    assert(status.ticks + status.missed_ticks <= status.elapsed_ns / 1e6 + 2);
    assertEquals([status.records, status.overruns], [drained, 0]);
  });

  await t.step("a file of /proc that is longer than a page is read whole", async () => {
    const bytes = Number(await run(join(folder.path, "file_asan"), "/proc/kallsyms"));
    assert(bytes > 10_000);
  });
});
