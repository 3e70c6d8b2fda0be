/** Temperatures (hwmon, which NVMe devices have too) and core frequencies: slow to read, slow to change. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "@std/path";
import { SystemFile } from "./source.ts";
import type { SampleField, SampleSource } from "./source.ts";

/** `temperature_<chip>_<label>` of every hwmon sensor; null where there is none. */
export function temperatureSource(root: string): SampleSource | null {
  const folder = join(root, "sys/class/hwmon");
  const chips = existsSync(folder) ? readdirSync(folder).sort() : [];
  const files: SystemFile[] = [];
  const fields: SampleField[] = [];
  for (const chip of chips) {
    const name = textOf(join(folder, chip, "name")) ?? chip;
    for (const entry of readdirSync(join(folder, chip)).sort()) {
      const sensor = /^(temp\d+)_input$/.exec(entry)?.[1];
      if (!sensor) continue;
      const label = textOf(join(folder, chip, `${sensor}_label`)) ?? sensor;
      files.push(new SystemFile(join(folder, chip, entry)));
      const plain = `temperature_${name}_${label}`.toLowerCase().replace(/[^a-z0-9]+/g, "_");
      const taken = fields.some((field) => field.name === plain);
      fields.push({ name: taken ? `${plain}_${chip}` : plain, unit: "celsius", source: entry });
    }
  }
  return readings(files, fields, 1e-3);
}

/** `frequency_<n>` of every core, from cpufreq, else from /proc/cpuinfo; null where neither tells. */
export function frequencySource(root: string): SampleSource | null {
  const folder = join(root, "sys/devices/system/cpu");
  const cores = (existsSync(folder) ? readdirSync(folder) : [])
    .flatMap((name) => /^cpu(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number).sort((a, b) => a - b);
  const files: SystemFile[] = [];
  const fields: SampleField[] = [];
  for (const core of cores) {
    const path = join(folder, `cpu${core}`, "cpufreq/scaling_cur_freq");
    if (!existsSync(path)) continue;
    files.push(new SystemFile(path));
    fields.push({ name: `frequency_${core}`, unit: "MHz", source: "scaling_cur_freq" });
  }
  return readings(files, fields, 1e-3) ?? cpuinfoSource(root);
}

/** Virtual machines have no cpufreq; their kernel prints the frequency that it knows. */
function cpuinfoSource(root: string): SampleSource | null {
  const path = join(root, "proc/cpuinfo");
  if (!existsSync(path)) return null;
  const file = new SystemFile(path);
  const frequencies = () =>
    [...file.text().matchAll(/^cpu MHz\s*:\s*([\d.]+)/gm)].map((m) => +m[1]);
  const count = frequencies().length;
  if (count === 0) {
    file.close();
    return null;
  }
  return {
    fields: Array.from({ length: count }, (_, core): SampleField => ({
      name: `frequency_${core}`,
      unit: "MHz",
      source: "/proc/cpuinfo",
    })),
    read(values, at) {
      const now = frequencies();
      for (let core = 0; core < count; core++) values[at + core] = now[core] ?? NaN;
    },
    close: () => file.close(),
  };
}

/** One number a file, scaled. A sensor that fails for now is NaN. */
function readings(files: SystemFile[], fields: SampleField[], scale: number): SampleSource | null {
  if (files.length === 0) return null;
  return {
    fields,
    read(values, at) {
      files.forEach((file, i) => {
        try {
          values[at + i] = Number(file.text()) * scale;
        } catch {
          values[at + i] = NaN;
        }
      });
    },
    close: () => files.forEach((file) => file.close()),
  };
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return null;
  }
}
