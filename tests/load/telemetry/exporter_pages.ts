/**
 * Pages as exporters write them, with the names, labels and units of their current releases. A page is
 * made for each second i.
 */

const exposition = (rows: readonly (readonly [type: string, line: string])[]) => {
  const seen = new Set<string>();
  return rows.flatMap(([type, line]) => {
    const [name] = line.split(/[{ ]/);
    const head = seen.has(name) ? [] : [`# HELP ${name} Of the device.`, `# TYPE ${name} ${type}`];
    seen.add(name);
    return [...head, line];
  }).join("\n") + "\n";
};

/** dcgm-exporter 4.4 in Kubernetes: its profiling counters, GPU 0 shared by two pods, GPU 1 a MIG board. */
export function dcgmPage(i: number): string {
  const gpu = (n: number, more = "") =>
    `gpu="${n}",UUID="GPU-${n}0000000-aaaa-bbbb-cccc-dddddddddddd",pci_bus_id="00000000:0${n}:00.0",` +
    `device="nvidia${n}",modelName="NVIDIA H100 80GB HBM3",Hostname="gpu-node-3",` +
    `DCGM_FI_DRIVER_VERSION="580.95.05"${more}`;
  const pods = ["a", "b"].map((pod) =>
    gpu(0, `,container="serve",namespace="llm",pod="vllm-${pod}"`)
  );
  const part = gpu(1, `,GPU_I_PROFILE="3g.40gb",GPU_I_ID="2"`);
  const shared = (type: string, name: string, value: number) =>
    pods.map((labels) => [type, `${name}{${labels}} ${value}`] as const);
  return exposition([
    ...shared("gauge", "DCGM_FI_DEV_SM_CLOCK", 1980),
    ...shared("gauge", "DCGM_FI_DEV_MEM_CLOCK", 2619),
    ...shared("gauge", "DCGM_FI_DEV_MEMORY_TEMP", 58),
    ...shared("gauge", "DCGM_FI_DEV_GPU_TEMP", 47),
    ...shared("gauge", "DCGM_FI_DEV_POWER_USAGE", 412.358),
    ...shared("counter", "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", 28_734_921_334 + i * 412_000),
    ...shared("counter", "DCGM_FI_DEV_PCIE_REPLAY_COUNTER", 0),
    ...shared("gauge", "DCGM_FI_DEV_GPU_UTIL", 90 + i),
    ...shared("gauge", "DCGM_FI_DEV_MEM_COPY_UTIL", 61),
    ...shared("gauge", "DCGM_FI_DEV_XID_ERRORS", 0),
    ...shared("gauge", "DCGM_FI_DEV_FB_USED", 70_000),
    ...shared("gauge", "DCGM_FI_PROF_GR_ENGINE_ACTIVE", 0.871),
    ...shared("gauge", "DCGM_FI_PROF_SM_ACTIVE", 0.65),
    ...shared("gauge", "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", 0.25),
    ...shared("gauge", "DCGM_FI_PROF_DRAM_ACTIVE", 0.5),
    ["gauge", `DCGM_FI_PROF_GR_ENGINE_ACTIVE{${part}} 0.125`],
    ["gauge", `DCGM_FI_DEV_FB_USED{${part}} 20000`],
    ["gauge", `DCGM_FI_DEV_POWER_USAGE{${part}} 300`],
  ]);
}

/** AMD's device metrics exporter 1.5 on an MI300X: energy in µJ, memory in MB, clocks by their kind. */
export function amdPage(i: number): string {
  const labels = (more = "") =>
    `card_model="AMD Instinct MI300X",${more}driver_version="6.14.14",gpu_compute_partition_type="spx",` +
    `gpu_id="0",gpu_partition_id="0",hostname="mi300x-0",serial_number="692251001124"`;
  return exposition([
    ["gauge", `gpu_nodes_total{hostname="mi300x-0"} 8`],
    ["gauge", `gpu_power_usage{${labels()}} 588`],
    ["gauge", `gpu_junction_temperature{${labels()}} 66`],
    ["gauge", `gpu_memory_temperature{${labels()}} 51`],
    ["gauge", `gpu_gfx_activity{${labels()}} 97`],
    ["gauge", `gpu_umc_activity{${labels()}} 33`],
    ["gauge", `gpu_used_vram{${labels()}} 150000`],
    ["gauge", `gpu_total_vram{${labels()}} 196592`],
    ["counter", `gpu_energy_consumed{${labels()}} ${8.5e14 + i * 588e6}`],
    ["gauge", `gpu_clock{${labels('clock_index="0",clock_type="system",')}} 2100`],
    ["gauge", `gpu_clock{${labels('clock_index="1",clock_type="system",')}} 2095`],
    ["gauge", `gpu_clock{${labels('clock_index="8",clock_type="memory",')}} 1300`],
    ["gauge", `gpu_clock{${labels('clock_index="9",clock_type="video",')}} 29`],
  ]);
}

/** amd_smi_exporter: what amdsmi says as it says it, the GPU's number in a label that is named like the metric. */
export function amdSmiPage(): string {
  const product = 'productname="Advanced Micro Devices Inc"';
  return exposition([
    ["gauge", `amd_num_gpus{num_gpus=""} 1`],
    ["gauge", `amd_gpu_power{gpu_power="0",${product}} 2.5e+08`],
    ["gauge", `amd_gpu_current_temperature{gpu_current_temperature="0",${product}} 61000`],
    ["gauge", `amd_gpu_SCLK{gpu_SCLK="0",${product}} 1.7e+09`],
    ["gauge", `amd_gpu_use_percent{gpu_use_percent="0",${product}} 88`],
    ["gauge", `amd_gpu_memory_use_percent{gpu_memory_use_percent="0",${product}} 12`],
  ]);
}

/** node_exporter 1.8 and later, with its RAPL collector. */
export function nodePage(i: number): string {
  const path = (zone: string) => `path="/sys/class/powercap/intel-rapl:${zone}"`;
  return exposition([
    ["gauge", `go_goroutines 8`],
    ["counter", `node_cpu_seconds_total{cpu="0",mode="idle"} ${1000 + i * 0.25}`],
    ["counter", `node_cpu_seconds_total{cpu="0",mode="user"} ${500 + i * 0.75}`],
    ["gauge", `node_memory_MemTotal_bytes 6.7109888e+10`],
    ["gauge", `node_memory_MemAvailable_bytes 6.0109888e+10`],
    ["counter", `node_network_receive_bytes_total{device="ens3"} ${i * 1000}`],
    ["counter", `node_network_receive_bytes_total{device="cilium_host"} ${i * 1000}`],
    ["counter", `node_rapl_core_joules_total{index="0",${path("0:0")}} ${i * 30}`],
    ["counter", `node_rapl_dram_joules_total{index="0",${path("0:1")}} ${i * 9}`],
    ["counter", `node_rapl_package_joules_total{index="0",${path("0")}} ${i * 100}`],
    ["counter", `node_rapl_package_joules_total{index="1",${path("1")}} ${i * 80}`],
  ]);
}

/** Triton 25 with TensorRT-LLM: shares of 1, joules, and what runs by labels. */
export function tritonPage(i: number): string {
  const gpu = 'gpu_uuid="GPU-e35ba3d2"';
  const llm = 'model="tensorrt_llm",version="1"';
  const requests = (type: string, value: number): [string, string] => [
    "gauge",
    `nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="${type}",version="1"} ${value}`,
  ];
  return exposition([
    ["counter", `nv_inference_request_success{${llm}} ${i}`],
    ["gauge", `nv_gpu_utilization{${gpu}} 0.75`],
    ["gauge", `nv_gpu_power_usage{${gpu}} 55.137`],
    ["gauge", `nv_gpu_memory_used_bytes{${gpu}} 974913536`],
    ["counter", `nv_energy_consumption{${gpu}} ${9380 + i * 55}`],
    ["gauge", `nv_cpu_utilization 0.5`],
    ["gauge", `nv_cpu_memory_used_bytes 12345`],
    requests("scheduled", 4),
    requests("waiting", 3),
    requests("max", 512),
    ["gauge", `nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="fraction",${llm}} 0.4875`],
    ["gauge", `nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="max",${llm}} 6239`],
  ]);
}
