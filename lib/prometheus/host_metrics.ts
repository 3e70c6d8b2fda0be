/** Metrics of the host, from the newest hardware samples of current runs. */
import { hostname } from "node:os";
import { asExporter, GPU_METRICS } from "./gpu_metrics.ts";
import type { SampleBatch } from "../native/sample_batch.ts";
import type { SamplesDescription } from "../hardware/samples.ts";
import type { CounterFamily, Families, GaugeFamily } from "./families.ts";
import type { Labels } from "./family.ts";

/** The last record in a session's samples. */
export interface NewestSample {
  description: SamplesDescription;
  batch: SampleBatch;
}

/** How fields of the samples are exposed. A named group of the pattern is the label with that name. */
interface Rule {
  field: RegExp;
  name: string;
  help: string;
  factor?: number;
}

/** Fields without a rule are left out. A name that ends in _total is a counter. */
const RULES: readonly Rule[] = [
  {
    field: /^cpu\.(?<mode>\w+)_s$/,
    name: "host_cpu_seconds_total",
    help: "CPU time of all cores by mode; busy holds all but idle and iowait.",
  },
  {
    field: /^cpu(?<cpu>\d+)\.(?<mode>\w+)_s$/,
    name: "host_core_seconds_total",
    help: "CPU time of each core by mode.",
  },
  {
    field: /^cpu(?<cpu>\d+)\.frequency_mhz$/,
    name: "host_cpu_frequency_hertz",
    help: "Clock frequency of each core.",
    factor: 1e6,
  },
  {
    field: /^memory\.(?<kind>\w+)_bytes$/,
    name: "host_memory_bytes",
    help: "Memory of the host by kind: total, available, free, cached, …",
  },
  {
    field: /^pressure\.(?<resource>[a-z]+)_(?<share>some|full)_s$/,
    name: "host_pressure_seconds_total",
    help: "Time in which some or all tasks waited for a resource.",
  },
  {
    field: /^disk\.(?<device>.+)\.read_bytes$/,
    name: "host_disk_read_bytes_total",
    help: "Bytes read from disks.",
  },
  {
    field: /^disk\.(?<device>.+)\.written_bytes$/,
    name: "host_disk_written_bytes_total",
    help: "Bytes written to disks.",
  },
  {
    field: /^disk\.(?<device>.+)\.busy_s$/,
    name: "host_disk_io_time_seconds_total",
    help: "Time in which a disk was busy.",
  },
  {
    field: /^network\.(?<device>.+)\.received_bytes$/,
    name: "host_network_receive_bytes_total",
    help: "Bytes received from the network.",
  },
  {
    field: /^network\.(?<device>.+)\.sent_bytes$/,
    name: "host_network_transmit_bytes_total",
    help: "Bytes sent to the network.",
  },
  {
    field: /^temperature\.(?<sensor>.+?)_celsius(?:\.\d+)?$/,
    name: "host_temperature_celsius",
    help: "Temperatures by sensor; where several share a name, the last.",
  },
  {
    field: /^rapl\.(?<domain>.+)\.energy_j$/,
    name: "host_rapl_joules_total",
    help: "Energy by RAPL domain, since sampling began.",
  },
  {
    field: /^process\.(?<process>\w+)\.cpu_s$/,
    name: "process_cpu_seconds_total",
    help: "CPU time of the processes that are followed.",
  },
  {
    field: /^process\.(?<process>\w+)\.rss_bytes$/,
    name: "process_resident_memory_bytes",
    help: "Resident memory of the processes that are followed.",
  },
  {
    field: /^cgroup\.cpu_s$/,
    name: "cgroup_cpu_seconds_total",
    help: "CPU time of the control group.",
  },
  {
    field: /^cgroup\.throttled_s$/,
    name: "cgroup_throttled_seconds_total",
    help: "Time in which the control group's CPU limit held it back.",
  },
  {
    field: /^cgroup\.memory_bytes$/,
    name: "cgroup_memory_bytes",
    help: "Memory of the control group.",
  },
];

/** GPU_I_PROFILE and GPU_I_ID are only for MIG parts. */
const GPU_LABELS = [
  ...["gpu", "UUID", "pci_bus_id", "device", "GPU_I_PROFILE", "GPU_I_ID", "Hostname"],
] as const;
/** `modelName` of DCGM's exporter is not a good label by Prometheus' own rules; see `gpu_info` instead. */
const GPU_FIELD = /^gpu(?<gpu>\d+(?:\.mig\d+)?)\.(?<metric>\w+)$/;

type HostFamily = CounterFamily | GaugeFamily;

/** A value in a sample, and its family. */
interface Told {
  name: string;
  make: () => HostFamily;
  labels: Labels;
  value: number;
}

/** A series and its value. */
interface ToldSeries {
  family: HostFamily;
  labels: Labels;
  value: number;
}

/** Exposes only the newest samples, so that no outdated series stays. */
export class HostMetrics {
  readonly #families: Families;
  readonly #made = new Map<string, HostFamily>();
  #told = new Map<string, ToldSeries>();

  constructor(families: Families) {
    this.#families = families;
  }

  /** Replaces all exposed values. If several samples have the same value, the last one counts. */
  tell(samples: Iterable<NewestSample>): void {
    const told = new Map<string, ToldSeries>();
    for (const sample of samples) {
      for (const { name, make, labels, value } of this.#values(sample)) {
        const family = this.#family(name, make);
        told.set(`${name} ${JSON.stringify(labels)}`, { family, labels, value });
      }
    }
    for (const [key, { family, labels }] of this.#told) {
      if (!told.has(key)) family.drop(labels);
    }
    for (const [key, { family, labels, value }] of told) {
      if (this.#told.get(key)?.value === value) continue;
      const series = family.of(labels);
      series.reset();
      series.inc("set" in series ? value : Math.max(0, value));
    }
    this.#told = told;
  }

  *#values({ description, batch }: NewestSample): Generator<Told> {
    for (const gpu of description.gpus ?? []) {
      const help = "Which GPU is which, and whether its power is that of a moment or a mean.";
      const power = gpu.power_kind ?? "unknown"; // which power DCGM_FI_DEV_POWER_USAGE is
      const names = [...GPU_LABELS, "model_name", "power"];
      const make = () => this.#families.gauge("gpu_info", help, names);
      const labels = {
        ...gpuLabels(gpu.series, description),
        model_name: gpu.name ?? "unknown",
        power,
      };
      yield { name: "gpu_info", make, labels, value: 1 };
    }
    const devices = new Map<string, Map<string, number>>();
    for (const [i, { name }] of description.fields.entries()) {
      const value = batch.value(0, i);
      if (value === null) continue;
      const { gpu, metric } = GPU_FIELD.exec(name)?.groups ?? {};
      if (gpu !== undefined) {
        const device = devices.get(`gpu${gpu}`) ?? new Map<string, number>();
        devices.set(`gpu${gpu}`, device.set(metric, value));
        continue;
      }
      const told = this.#host(name, value);
      if (told) yield told;
    }
    for (const [series, fields] of devices) yield* this.#gpu(series, fields, description);
  }

  *#gpu(
    series: string,
    fields: ReadonlyMap<string, number>,
    description: SamplesDescription,
  ): Generator<Told> {
    const labels = gpuLabels(series, description);
    for (const [metric, value] of asExporter(fields)) {
      if (!Object.hasOwn(GPU_METRICS, metric)) continue;
      const { name, help, factor, kind } = GPU_METRICS[metric];
      const make = () =>
        kind === "counter"
          ? this.#families.foreignCounter(name, help, GPU_LABELS)
          : this.#families.foreignGauge(name, help, GPU_LABELS);
      yield { name, make, labels, value: value * factor };
    }
  }

  #host(field: string, value: number): Told | null {
    for (const rule of RULES) {
      const match = rule.field.exec(field);
      if (!match) continue;
      const labels: Labels = { ...match.groups };
      const { name, help, factor = 1 } = rule;
      const make = () =>
        name.endsWith("_total")
          ? this.#families.counter(name, help, Object.keys(labels))
          : this.#families.gauge(name, help, Object.keys(labels));
      return { name, make, labels, value: value * factor };
    }
    return null;
  }

  #family(name: string, make: () => HostFamily): HostFamily {
    const family = this.#made.get(name) ?? make();
    this.#made.set(name, family);
    return family;
  }
}

/** As in DCGM's exporter, a MIG part has its device's labels, plus its profile and instance. */
function gpuLabels(series: string, { gpus }: SamplesDescription): Labels {
  const [device] = series.split(".");
  const known = (name: string) => gpus?.find((gpu) => gpu.series === name);
  const gpu = device.slice("gpu".length);
  const part = series === device ? undefined : known(series);
  return {
    gpu,
    UUID: known(device)?.uuid ?? "unknown",
    pci_bus_id: known(device)?.pci_bus_id ?? "unknown",
    device: `nvidia${gpu}`,
    ...(series !== device && {
      GPU_I_PROFILE: / MIG (\S+)$/.exec(part?.name ?? "")?.[1] ?? "unknown",
      GPU_I_ID: String(part?.gpu_instance ?? series.slice(series.indexOf(".mig") + 4)),
    }),
    Hostname: hostname(),
  };
}
