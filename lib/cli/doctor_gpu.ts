/**
 * dyno doctor --gpu: what this host's GPUs really answer, printed and written to a file to send.
 */
import { arch, release } from "node:os";
import { messageOf } from "../errors.ts";
import { checkGpus } from "../hardware/gpu_check.ts";
import { nativeLibrary } from "../native/library.ts";
import { dynoCommit, dynoVersion } from "../run/version.ts";
import { writeFileAtomic } from "../write.ts";
import { percentText } from "../text/percent.ts";
import type { EnergyComparison, GpuCheck, GpuCheckOptions } from "../hardware/gpu_check.ts";
import type { NvmlCall } from "../native/nvml.ts";
import type { Terminal } from "./ui/terminal.ts";

/**
 * Examines the GPUs, prints the result, and writes it to `out`. Without a GPU it says so and writes
 * nothing.
 */
export async function examineGpus(
  terminal: Terminal,
  options: GpuCheckOptions & { out: string; json: boolean },
): Promise<void> {
  const { library, reason } = await nativeLibrary((line) => terminal.say(line));
  let found: GpuCheck;
  try {
    if (library === null) {
      throw new Error(`NVML is read through libdyno, which is missing: ${reason}`);
    }
    terminal.say("asking NVML, then watching the GPUs at rest and under a load …");
    found = await checkGpus(library, options);
  } catch (error) {
    const why = messageOf(error);
    if (options.json) terminal.out(JSON.stringify({ gpu: null, reason: why }));
    terminal.say(`no GPU to examine: ${why}`);
    return;
  }
  const report = {
    schema_version: 1,
    dyno: dynoVersion,
    commit: await dynoCommit(),
    kernel: release(),
    arch: arch(),
    ...found,
  };
  writeFileAtomic(options.out, JSON.stringify(report, null, 1) + "\n");
  if (options.json) terminal.out(JSON.stringify(report));
  for (const line of lines(found)) terminal.say(line);
  terminal.say(
    `written to ${options.out}: it has no UUID, host name or process; please send it to us`,
  );
}

function lines(
  { driver_version, nvml_version, gpus, error, failed, ...found }: GpuCheck,
): string[] {
  return [
    `driver ${driver_version ?? "unknown"}, NVML ${nvml_version ?? "unknown"}`,
    ...(error ? [`no devices: ${error}`] : []),
    ...failed.map(({ series, error }) => `${series}: ${error}`),
    ...gpus.flatMap(({ series, name }) => [
      "",
      `${series}  ${name ?? "without a name"}`,
      ...found.calls.filter(({ device }) => device === series).map(callLine),
    ]),
    "",
    `load: ${found.load.said}`,
    ...found.energy.map(energyLine),
    `NVML took ${percentText(found.nvml_share, 2)} of the time`,
    ...Object.entries(found.update_period_ms).map(([name, ms]) =>
      `${name} changes every ${ms.toFixed(0)} ms`
    ),
  ];
}

function callLine({ call, code, name, value, type, us }: NvmlCall): string {
  const answer = code === 0
    ? `${value ?? "answered"}${type ? ` (${type})` : ""}`
    : `${code} ${name}`;
  return `  ${call.padEnd(52)} ${answer.padEnd(28)} ${us.toFixed(0)} us`;
}

function energyLine(energy: EnergyComparison): string {
  const { device, phase, span_s, counter_j, counter_error_j, integrated_j } = energy;
  const counter = counter_j === null
    ? "no energy counter"
    : `${counter_j.toFixed(1)} ± ${counter_error_j!.toFixed(1)} J by its counter`;
  const powers = Object.entries(integrated_j).map(([field, joules]) => {
    const ratio = counter_j ? `, ${(joules / counter_j).toFixed(3)} of it` : "";
    return `${joules.toFixed(1)} J by ${field}${ratio}`;
  });
  return `${device} ${phase}, ${span_s.toFixed(1)} s: ${[counter, ...powers].join("; ")}`;
}
