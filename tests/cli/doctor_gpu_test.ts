/**
 * dyno doctor --gpu as a process, on a fake NVML whose power and energy are known, with a stand-in for
 * PyTorch that only waits.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { dyno } from "../e2e/dyno.ts";
import { buildFakeNvml, temporaryFolder } from "../native/fixtures.ts";
import type { EnergyComparison } from "../../lib/hardware/gpu_check.ts";
import type { NvmlCall } from "../../lib/native/nvml.ts";

const TORCH = `
import time
__version__ = "0"
float16 = None
class cuda:
    is_available = staticmethod(lambda: True)
    device_count = staticmethod(lambda: 1)
    synchronize = staticmethod(lambda place: time.sleep(0.01))
device = lambda kind, i: i
randn = lambda *size, **how: 1
mm = lambda a, b: 1
`;

async function doctorOn(script: string, torch: string | null) {
  using folder = temporaryFolder();
  const out = join(folder.path, "answers.json");
  mkdirSync(join(folder.path, "torch"));
  writeFileSync(join(folder.path, "torch/__init__.py"), torch ?? "raise ImportError('none here')");
  const { code, stdout, stderr } = await dyno(
    ["doctor", "--gpu", "--duration", "1s", "--out", out],
    {
      env: {
        DYNO_NVML: await buildFakeNvml(folder.path),
        DYNO_FAKE_NVML: script,
        PYTHONPATH: folder.path,
      },
    },
  );
  assertEquals(code, 0, stderr);
  const text = existsSync(out) ? readFileSync(out, "utf8") : null;
  return { said: stdout + stderr, text, answers: text === null ? null : JSON.parse(text) };
}

Deno.test("every call is made once and told with its code; the energy of three ways is compared", async () => {
  const { said, text, answers } = await doctorOn("card=a100;power_mw=200000", TORCH);
  const calls: NvmlCall[] = answers.calls;
  const of = (call: string) => calls.filter((each) => each.call === call);
  assert(calls.length > 50);
  assertEquals(calls.length, new Set(calls.map(({ call }) => call)).size);
  assertEquals(of("nvmlDeviceGetPowerUsage").map(({ name, value }) => [name, value]), [[
    "SUCCESS",
    200000,
  ]]);
  assertEquals(of("nvmlDeviceGetFieldValues 185").map(({ code, name }) => [code, name]), [[
    3,
    "NOT_SUPPORTED",
  ]]);
  assertEquals(of("nvmlDeviceGetFieldValues 197").map(({ type }) => type), ["u32"]);
  assertMatch(said, /nvmlDeviceGetFieldValues 185 +3 NOT_SUPPORTED/);
  assertMatch(said, /nvmlDeviceGetPowerUsage +200000 /);
  const energy: EnergyComparison[] = answers.energy;
  assertEquals(energy.map(({ device, phase }) => [device, phase]), [["gpu0", "rest"], [
    "gpu0",
    "load",
  ]]);
  for (const { span_s, counter_j, counter_error_j, integrated_j } of energy) {
    assert(span_s >= 0.9);
    assertAlmostEquals(counter_j!, 200 * span_s, counter_error_j! + 4); // 200 W, in steps of 20 ms
    assertEquals(Object.keys(integrated_j), ["power_instant_w", "power_w"]);
    assertAlmostEquals(integrated_j.power_instant_w, 200 * span_s, 1e-6);
  }
  assertStringIncludes(said, "multiplies matrices on 1 device(s)");
  assert(!text!.includes("GPU-0-0"), "no UUID leaves the host");
});

Deno.test("without PyTorch the rest is compared, and the load's absence is said", async () => {
  const { said, answers } = await doctorOn("devices=2;bad_handle=1:15", null);
  assertEquals(answers.energy.map(({ phase }: EnergyComparison) => phase), ["rest"]);
  assertEquals(answers.load.ran, false);
  assertMatch(said, /load: PyTorch cannot be imported: none here/);
  assertMatch(said, /gpu1: nvmlDeviceGetHandleByIndex_v2: GPU is lost \(GPU_IS_LOST\)/);
});

Deno.test("without a GPU that is said, and nothing is written", async () => {
  using folder = temporaryFolder();
  const out = join(folder.path, "answers.json");
  for (
    const [env, why] of [
      [{ DYNO_NVML: "/nowhere/libnvidia-ml.so.1" }, "no GPU to examine: NVML: /nowhere"],
      [
        { DYNO_NVML: await buildFakeNvml(folder.path), DYNO_FAKE_NVML: "init=9" },
        "no GPU to examine: NVML: nvmlInit_v2: Driver Not Loaded (DRIVER_NOT_LOADED)",
      ],
    ] as [Record<string, string>, string][]
  ) {
    const { code, stderr } = await dyno(["doctor", "--gpu", "--out", out], { env });
    assertEquals(code, 0);
    assertStringIncludes(stderr, why);
    assert(!existsSync(out));
  }
});
