/** A run beside a (fake) GPU: energy, alerts and trace, end to end. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { nativeLibrary } from "../../lib/native/library.ts";
import { dyno } from "../e2e/dyno.ts";
import { buildFakeNvml } from "../native/fixtures.ts";
import { jsonIn, promptTests, temporaryFolder } from "./fixture.ts";
import { writeFileSync } from "node:fs";

const { library } = await nativeLibrary();
const compiler = spawnSync("cc", ["--version"]).status === 0;

Deno.test({
  name:
    "a run beside a GPU: energy by device, token and request; a hot GPU is told; the trace holds all",
  ignore: library === null || !compiler,
  fn: async () => {
    using folder = temporaryFolder();
    const fake = await buildFakeNvml(folder.path);
    await using mock = await MockEndpoint.start({ behaviour: { tokens_per_second: 20 } });
    mock.configure({ default_response: "a b c d e f g h i j k l m n o p q r s t u v w x y z" });
    const suite = join(folder.path, "suite.json");
    const tests = promptTests(4).map((test) => ({
      ...test,
      evaluator: { name: "contains", expected: "z" },
    }));
    writeFileSync(suite, JSON.stringify({ test_suite_id: "gpu", tests }));
    const args = [
      "run",
      suite,
      "--endpoint",
      mock.url,
      "--model",
      "mock",
      "--workers",
      "2",
      "--out",
      folder.path,
    ];
    const env = { DYNO_NVML: fake, DYNO_FAKE_NVML: "devices=1;power_mw=200000;temperature=97" };
    const { code, stdout, stderr } = await dyno([...args, "--json"], { env });
    assertEquals(code, 0, stderr);
    const [run] = JSON.parse(stdout).runs;
    const [gpu] = run.energy.devices;
    assertEquals([gpu.device, gpu.method], ["gpu0", "counter"]);
    // the card draws 200 W in steps of 4 J; where readings come late, the bound that is told is wider
    const drawn_j = 200 * gpu.energy_j / gpu.power_w;
    assert(Math.abs(gpu.energy_j - drawn_j) <= gpu.error_j + 4, JSON.stringify(gpu));
    assert(gpu.power_w > 50 && gpu.power_w < 300, `${gpu.power_w} W`);
    assert(gpu.idle_w !== null && gpu.above_idle_j !== null);
    const { items } = jsonIn(join(run.directory, "results.json"));
    const shared = items.reduce(
      (sum: number, item: { energy_j: number }) => sum + item.energy_j,
      0,
    );
    assert(Math.abs(shared - gpu.energy_j) < 0.1 * gpu.energy_j, `${shared} of ${gpu.energy_j} J`);
    assertEquals(run.energy.j_per_token, gpu.energy_j / (4 * 26));
    const health = jsonIn(join(run.directory, "health.json"));
    assertEquals([health.system_status, health.alerts[0].kind], ["degraded", "temperature"]);
    assertStringIncludes(stderr, "health: gpu0.temperature_celsius: 97 °C");
    const { traceEvents } = JSON.parse(
      (await dyno(["runs", "export", run.directory, "--format", "perfetto"])).stdout,
    );
    const kinds = (ph: string) => traceEvents.filter((event: { ph: string }) => event.ph === ph);
    assertEquals(kinds("X").length, 4);
    assert(kinds("C").some((event: { name: string }) => event.name.startsWith("GPU power")));
    assert(kinds("i").some((event: { name: string }) => event.name.includes("97 °C")));
    assert(process.env.DYNO_NVML === undefined);
  },
});
