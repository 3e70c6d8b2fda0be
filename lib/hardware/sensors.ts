/**
 * Temperatures (hwmon, including NVMe drives) and core frequencies: slow to read, and slow to
 * change.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type PortableField, type PortableSource, SystemFile } from "./source.ts";

const MILLI = 1e-3;

/** hwmon2 before hwmon10: if several sensors have one name, the first keeps it. */
const byNumber = new Intl.Collator("en", { numeric: true }).compare;

/** `temperature.CHIP.LABEL_celsius` for every hwmon sensor; null if there are none. */
export function temperatureSource(root: string): PortableSource | null {
  const folder = join(root, "sys/class/hwmon");
  const chips = (existsSync(folder) ? readdirSync(folder) : []).sort(byNumber);
  const files: SystemFile[] = [];
  const fields: PortableField[] = [];
  for (const chip of chips) {
    const name = textOf(join(folder, chip, "name")) ?? chip;
    for (const entry of readdirSync(join(folder, chip)).sort(byNumber)) {
      const sensor = /^(temp\d+)_input$/.exec(entry)?.[1];
      if (!sensor) continue;
      const label = textOf(join(folder, chip, `${sensor}_label`)) ?? sensor;
      const plain = `temperature.${name}.${label}_celsius`.replace(/[\0- ,"]/g, "_");
      let unique = plain;
      for (let n = 2; fields.some((field) => field.name === unique); n++) unique = `${plain}.${n}`;
      files.push(new SystemFile(join(folder, chip, entry)));
      fields.push({ name: unique, unit: "celsius", kind: "gauge" });
    }
  }
  return readings(files, fields);
}

/** `cpuN.frequency_mhz`, from cpufreq, else from /proc/cpuinfo; null if neither has it. */
export function frequencySource(root: string): PortableSource | null {
  const folder = join(root, "sys/devices/system/cpu");
  const cores = (existsSync(folder) ? readdirSync(folder) : [])
    .filter((name) => /^cpu\d+$/.test(name))
    .filter((name) => existsSync(join(folder, name, "cpufreq/scaling_cur_freq"))).sort(byNumber);
  const files = cores.map((core) => new SystemFile(join(folder, core, "cpufreq/scaling_cur_freq")));
  return readings(files, cores.map(frequencyField)) ?? cpuinfoSource(root);
}

function frequencyField(core: string): PortableField {
  return { name: `${core}.frequency_mhz`, unit: "MHz", kind: "gauge" };
}

/** Virtual machines have no cpufreq, but their kernel prints the frequency that it knows. */
function cpuinfoSource(root: string): PortableSource | null {
  const path = join(root, "proc/cpuinfo");
  if (!existsSync(path)) return null;
  const file = new SystemFile(path);
  const frequencies = () =>
    [...file.text().matchAll(/^cpu MHz\s*:\s*([\d.]+)/gm)].map((match) => Number(match[1]));
  const count = frequencies().length;
  if (count === 0) {
    file.close();
    return null;
  }
  return {
    fields: Array.from({ length: count }, (_, core) => frequencyField(`cpu${core}`)),
    read(values, at) {
      const now = frequencies();
      for (let core = 0; core < count; core++) values[at + core] = now[core] ?? NaN;
    },
    close: () => file.close(),
  };
}

/** One number per file, in thousandths. A sensor that fails temporarily is NaN. */
function readings(files: SystemFile[], fields: PortableField[]): PortableSource | null {
  if (files.length === 0) return null;
  return {
    fields,
    read(values, at) {
      files.forEach((file, i) => {
        try {
          values[at + i] = Number(file.text()) * MILLI;
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
