/** dyno doctor: what works on this host, and how to get what does not. */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { clockSource } from "../native/clock.ts";
import { nativeLibrary } from "../native/library.ts";
import { Nvml } from "../native/nvml.ts";
import { tlsLibrary } from "../native/wire.ts";
import { NativeSampler } from "../native/sampler.ts";
import { messageOf } from "../errors.ts";
import { readCalibration } from "../load/calibration_file.ts";
import { nativeProgram } from "../native/program.ts";
import { isCompiled, underDeno } from "../package_files.ts";
import { describeHost, runtimeName } from "../run/metadata.ts";
import { dynoCommit, dynoVersion } from "../run/version.ts";
import { Sandbox } from "../coding/sandbox/sandbox.ts";
import { EXIT } from "./ui/command.ts";
import { examineGpus } from "./doctor_gpu.ts";
import { flagHelp, otherwise, parseOnlyFlags, text, time, toggle } from "./ui/flags.ts";
import type { NativeLibrary } from "../native/ffi.ts";
import type { Command, CommandContext } from "./ui/command.ts";

/** Something that a host has or lacks. */
interface Finding {
  name: string;
  works: boolean;
  /** What was found, or why it is missing and how to get it. */
  detail: string;
}

const flags = {
  "gpu": toggle("examine the GPUs instead: every call of NVML, energy and power under a load"),
  "duration": otherwise(10, time("of the load of --gpu; python3 needs PyTorch for it")),
  "out": otherwise("dyno-gpu.json", text("FILE", "what --gpu writes")),
  "json": toggle("one JSON object on standard output"),
};

/** How long the idle GPUs are watched. */
const REST_S = 3;

export const command: Command = {
  flags,
  help: [
    "dyno doctor [--json]",
    "dyno doctor --gpu [--duration TIME] [--out FILE] [--json]",
    "",
    "Tries what dyno can use on this host: the clock, libdyno and its compiler, what can be sampled, the",
    "GPUs, the sandbox of coding benchmarks, the simulator, Slurm. Says how to get what is missing.",
    "Always exits with 0: dyno runs without all of them.",
    "",
    ...flagHelp(flags),
  ],

  async run(argv: string[], { terminal }: CommandContext): Promise<number> {
    const values = parseOnlyFlags("dyno doctor", flags, argv);
    if (values.gpu) {
      const { duration: load_s, out, json = false } = values;
      await examineGpus(terminal, { rest_s: Math.min(REST_S, load_s), load_s, out, json });
      return EXIT.good;
    }
    const findings = await examine();
    if (values.json) terminal.out(JSON.stringify({ host: describeHost(), findings }));
    const width = Math.max(...findings.map(({ name }) => name.length));
    for (const { name, works, detail } of findings) {
      const mark = works ? terminal.paint.good("yes") : terminal.paint.warn("no ");
      terminal.say(`${name.padEnd(width)}  ${mark}  ${detail}`);
    }
    return EXIT.good;
  },
};

async function examine(): Promise<Finding[]> {
  const monotonic = clockSource === "CLOCK_MONOTONIC";
  const compiler = ["cc", "gcc", "clang"].map(onPath).find((path) => path !== null) ?? null;
  const sbatch = onPath("sbatch");
  const notices: string[] = [];
  const { library, origin, reason } = await nativeLibrary((line) => notices.push(line));
  return [
    { name: "dyno", works: true, detail: await version() },
    finding("clock", monotonic, clockSource, "only this process's own: permit FFI (-A)"),
    finding("compiler", compiler !== null, compiler ?? "", "apt-get install gcc libc6-dev"),
    finding(
      "libdyno",
      library !== null,
      [`${origin}: ${library?.path}`, ...notices].join("; "),
      reason ?? "",
    ),
    ...(library === null ? [] : [openssl(library)]),
    ...(library === null ? [] : sources(library)),
    ...(library === null ? [] : gpus(library)),
    await sandbox(),
    await simulator(),
    calibration(),
    finding("Slurm", sbatch !== null, sbatch ?? "", "sweeps on a cluster start on its login node"),
  ];
}

async function version(): Promise<string> {
  const commit = await dynoCommit();
  return `${dynoVersion}${commit ? ` (${commit})` : ""} on ${runtimeName()}`;
}

/** The TLS library that the wire uses. */
function openssl(library: NativeLibrary): Finding {
  const name = "OpenSSL";
  try {
    return { name, works: true, detail: `${tlsLibrary(library)}: https in the native thread` };
  } catch (error) {
    const detail = `${messageOf(error)}; https uses the runtime's own sockets`;
    return { name, works: false, detail: `${detail} (apt-get install libssl3)` };
  }
}

/** Whether untrusted programs can be run here. */
async function sandbox(): Promise<Finding> {
  try {
    await using opened = await Sandbox.open({ sandbox: "bubblewrap", workers: 1 });
    return { name: "sandbox", works: true, detail: opened.description };
  } catch (error) {
    const instead = underDeno() && !isCompiled() ? "; Pyodide steps in, for Python only" : "";
    return { name: "sandbox", works: false, detail: messageOf(error) + instead };
  }
}

async function simulator(): Promise<Finding> {
  try {
    return { name: "simulator", works: true, detail: await nativeProgram("agent_sched_sim") };
  } catch (error) {
    return { name: "simulator", works: false, detail: messageOf(error) };
  }
}

function calibration(): Finding {
  const known = readCalibration();
  return finding(
    "calibration",
    known !== null,
    `of ${known?.measured_at}, by ${known?.transport}`,
    "dyno calibrate measures how well this host measures; loads then cite it",
  );
}

function finding(name: string, works: boolean, found: string, missing: string): Finding {
  return { name, works, detail: works ? found : missing };
}

function onPath(program: string): string | null {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path)) ?? null;
}

const POWER = { instant: "that of the moment", average: "the mean of a second" };

function sources(library: NativeLibrary): Finding[] {
  using sampler = new NativeSampler(library, { rateHz: 10 });
  return sampler.layout.sources.map(({ name, where, available, note }) =>
    finding(`sample ${name}`, available, note ? `${where}; ${note}` : where, note ?? where)
  );
}

function gpus(library: NativeLibrary): Finding[] {
  try {
    using nvml = new Nvml(library);
    const { driver_version, error, failed } = nvml.description;
    return [
      ...(error === null ? [] : [finding("NVML", false, "", error)]),
      ...failed.map(({ series, error }) => finding(series, false, "", error)),
      ...nvml.gpus.map(({ series, name, absent, power_kind }) => {
        const without = Object.keys(absent);
        const lacks = without.length ? `; not offered: ${without.join(", ")}` : "";
        const power = power_kind === null ? "" : `; power is ${POWER[power_kind]}`;
        return finding(series, true, `${name}, driver ${driver_version}${power}${lacks}`, "");
      }),
    ];
  } catch (error) {
    return [finding("NVML", false, "", messageOf(error))];
  }
}
