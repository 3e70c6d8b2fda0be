/**
 * Prometheus pages beside a load. Names and units are those of dcgm-exporter's default-counters.csv, of
 * AMD's device metrics exporter and of node_exporter; figures are worked out by hand.
 */
import { createServer } from "node:http";
import { once } from "node:events";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { PortableTransport } from "../../../lib/endpoint/portable/portable.ts";
import { InputError } from "../../../lib/errors.ts";
import { parseExposition } from "../../../lib/load/server/prometheus_text.ts";
import { readingOf } from "../../../lib/load/server/server_reading.ts";
import { summariseServer } from "../../../lib/load/server/server_metrics.ts";
import { pageLines, PageLog } from "../../../lib/load/telemetry/page_log.ts";
import { PageRecorder } from "../../../lib/load/telemetry/page_recorder.ts";
import { readTelemetry, telemetryFigures } from "../../../lib/load/telemetry/telemetry.ts";
import { telemetryRows } from "../../../lib/load/telemetry/telemetry_rows.ts";
import { runDirectoryAt } from "../../../lib/run/directory.ts";
import type { RunDirectory } from "../../../lib/run/directory.ts";
import { measureLoad } from "../../../lib/load/run_loads.ts";
import { MockEndpoint } from "../../../lib/mock/server.ts";
import { temporaryFolder } from "../../suite/fixture.ts";
import { until } from "../../until.ts";
import { amdPage, amdSmiPage, dcgmPage, nodePage, tritonPage } from "./exporter_pages.ts";

const S = 1e9;
const PAGE = "http://host:9400/metrics";

async function withRun(act: (directory: RunDirectory) => Promise<void> | void): Promise<void> {
  const path = mkdtempSync(join(tmpdir(), "dyno-telemetry-"));
  try {
    await act(runDirectoryAt(path));
  } finally {
    rmSync(path, { recursive: true });
  }
}

/** Writes readings of a page, a second apart, from second 0. */
function write(directory: RunDirectory, texts: readonly string[], page = PAGE): void {
  using log = new PageLog(directory);
  texts.forEach((text, i) => log.add(page, i * S, parseExposition(text).samples));
}

const figureOf = (directory: RunDirectory, from_s: number, to_s: number) => {
  const all = telemetryFigures(readTelemetry(directory).known, from_s * S, to_s * S);
  return (name: string, device = "") =>
    all.find((figure) => figure.name === name && figure.device === device) ?? null;
};

Deno.test("DCGM: two GPUs, memory in MiB, energy in mJ, unchanged values stand", () =>
  withRun((directory) => {
    const page = (util: number, energy_mj: number) =>
      `DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="GPU-a"} ${util}
DCGM_FI_DEV_GPU_UTIL{gpu="1",UUID="GPU-b"} 7
DCGM_FI_DEV_FB_USED{gpu="0",UUID="GPU-a"} 2
DCGM_FI_DEV_POWER_USAGE{gpu="0",UUID="GPU-a"} 250.5
DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu="0",UUID="GPU-a"} ${energy_mj}
`;
    // 250 J a second
    write(directory, [10, 20, 30, 40, 50].map((util, i) => page(util, 1e6 + i * 250_000)));
    const figure = figureOf(directory, 1, 3);
    assertEquals(figure("gpu_usage_percent", "GPU 0")?.mean, 30); // 20, 30, 40
    assertEquals(figure("gpu_usage_percent", "GPU 0")?.max, 40);
    assertEquals(figure("gpu_usage_percent", "GPU 1")?.mean, 7);
    assertEquals(figure("gpu_memory_used_bytes", "GPU 0")?.mean, 2 * 1024 * 1024);
    assertEquals(figure("gpu_power_w", "GPU 0")?.mean, 250.5);
    assertAlmostEquals(figure("energy_j", "GPU 0")!.increase!, 500, 1e-6);
    // a window between readings: half a second's share at each end
    const half = figureOf(directory, 0.5, 3.5);
    assertAlmostEquals(half("energy_j", "GPU 0")!.increase!, 750, 1e-6);
    // one that readings do not cover is unknown
    assertEquals(figureOf(directory, 3, 9)("energy_j", "GPU 0")?.increase, null);
  }));

Deno.test("a counter that falls is unknown; a part of a board has no power of its own", () =>
  withRun((directory) => {
    const page = (energy_mj: number) =>
      `DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu="0"} ${energy_mj}
DCGM_FI_DEV_FB_USED{gpu="0",GPU_I_ID="1",GPU_I_PROFILE="1g.10gb"} 3
DCGM_FI_DEV_POWER_USAGE{gpu="0",GPU_I_ID="1",GPU_I_PROFILE="1g.10gb"} 300
DCGM_FI_DEV_GPU_TEMP{gpu="1"} NaN
`;
    write(directory, [100, 200, 50, 90].map(page));
    const figure = figureOf(directory, 0, 3);
    assertEquals(figure("energy_j", "GPU 0")?.increase, null);
    assertEquals(figure("gpu_memory_used_bytes", "GPU 0/1")?.max, 3 * 1024 * 1024);
    assertEquals(figure("gpu_power_w", "GPU 0/1"), null);
    assertEquals(figure("gpu_temperature_c", "GPU 1")?.mean, null);
  }));

Deno.test("AMD: the package's own power before the average, with and without a prefix", () =>
  withRun((directory) => {
    const page = `gpu_package_power{gpu_id="0"} 500
gpu_average_package_power{gpu_id="0"} 400
amd_gpu_average_package_power{gpu_id="1"} 60
gpu_gfx_activity{gpu_id="0"} 99
gpu_energy_consumed{gpu_id="0"} `;
    write(directory, [0, 1, 2].map((i) => `${page}${i * 5e8}\n`));
    const figure = figureOf(directory, 0, 2);
    assertEquals(figure("gpu_power_w", "GPU 0")?.mean, 500);
    assertEquals(figure("gpu_power_w", "GPU 1")?.mean, 60);
    assertEquals(figure("gpu_usage_percent", "GPU 0")?.mean, 99);
    assertAlmostEquals(figure("energy_j", "GPU 0")!.increase!, 1000, 1e-6);
  }));

Deno.test("a node: CPU of all cores, memory in use, each byte of the network once", () =>
  withRun((directory) => {
    // two cores, together 2 s a second: 0.5 s busy
    const page = (i: number) =>
      `node_cpu_seconds_total{cpu="0",mode="idle"} ${100 + i}
node_cpu_seconds_total{cpu="1",mode="idle"} ${50 + 0.25 * i}
node_cpu_seconds_total{cpu="1",mode="iowait"} ${0.25 * i}
node_cpu_seconds_total{cpu="1",mode="user"} ${7 + 0.5 * i}
node_memory_MemTotal_bytes 1000
node_memory_MemAvailable_bytes ${400 - i}
node_network_receive_bytes_total{device="eth0"} ${i * 10}
node_network_receive_bytes_total{device="eth1"} ${i * 5}
node_network_receive_bytes_total{device="lo"} ${i * 1000}
node_network_receive_bytes_total{device="docker0"} ${i * 1000}
`;
    write(directory, [0, 1, 2, 3].map(page));
    const figure = figureOf(directory, 1, 3);
    assertAlmostEquals(figure("cpu_usage_percent")!.mean!, 25, 1e-9);
    assertEquals(figure("memory_used_bytes")?.max, 603);
    assertAlmostEquals(figure("network_received_bytes")!.increase!, 30, 1e-9);
  }));

/** Of an exporter's page a second apart: figures of seconds 0 to 2, and the names that are in none. */
const exporters: [string, (i: number) => string, Record<string, number>, string[]][] = [
  ["dcgm-exporter", dcgmPage, {
    "gpu_usage_percent GPU 0": 91, // of two pods once: 90, 91, 92
    "gpu_memory_busy_percent GPU 0": 61,
    "gpu_sm_active_percent GPU 0": 65,
    "gpu_tensor_active_percent GPU 0": 25,
    "gpu_dram_active_percent GPU 0": 50,
    "gpu_memory_used_bytes GPU 0": 70_000 * 1024 * 1024,
    "gpu_power_w GPU 0": 412.358,
    "gpu_temperature_c GPU 0": 47,
    "gpu_memory_temperature_c GPU 0": 58,
    "gpu_clock_mhz GPU 0": 1980,
    "gpu_memory_clock_mhz GPU 0": 2619,
    "energy_j GPU 0": 824,
    "gpu_usage_percent GPU 1/2": 12.5, // a part of a board: no more is known of it
    "gpu_memory_used_bytes GPU 1/2": 20_000 * 1024 * 1024,
  }, ["DCGM_FI_DEV_PCIE_REPLAY_COUNTER", "DCGM_FI_DEV_XID_ERRORS"]],
  ["AMD's device metrics exporter", amdPage, {
    "gpu_usage_percent GPU 0": 97,
    "gpu_memory_busy_percent GPU 0": 33,
    "gpu_memory_used_bytes GPU 0": 150_000 * 1024 * 1024,
    "gpu_power_w GPU 0": 588,
    "gpu_temperature_c GPU 0": 66,
    "gpu_memory_temperature_c GPU 0": 51,
    "gpu_clock_mhz GPU 0": 2100,
    "gpu_memory_clock_mhz GPU 0": 1300,
    "energy_j GPU 0": 1176,
  }, ["gpu_nodes_total", "gpu_total_vram"]],
  ["amd_smi_exporter", amdSmiPage, {
    "gpu_usage_percent GPU 0": 88,
    "gpu_memory_busy_percent GPU 0": 12,
    "gpu_power_w GPU 0": 250,
    "gpu_temperature_c GPU 0": 61,
    "gpu_clock_mhz GPU 0": 1700,
  }, ["amd_num_gpus"]],
  ["node_exporter", nodePage, {
    "cpu_usage_percent": 75,
    "memory_used_bytes": 7e9,
    "network_received_bytes": 2000,
    "energy_j CPU package 0": 200,
    "energy_j CPU package 1": 160,
    "energy_j DRAM 0": 18,
  }, ["go_goroutines", "node_rapl_core_joules_total"]],
  ["Triton", tritonPage, {
    "gpu_usage_percent GPU GPU-e35ba3d2": 75,
    "gpu_power_w GPU GPU-e35ba3d2": 55.137,
    "gpu_memory_used_bytes GPU GPU-e35ba3d2": 974_913_536,
    "energy_j GPU GPU-e35ba3d2": 110,
    "cpu_usage_percent": 50,
    "memory_used_bytes": 12_345,
  }, ["nv_inference_request_success"]],
];

for (const [name, page, expected, others] of exporters) {
  Deno.test(`${name}: every series that matters has its unit, the others are told by name`, () =>
    withRun((directory) => {
      write(directory, [0, 1, 2].map(page));
      const read = readTelemetry(directory);
      const figures = telemetryFigures(read.known, 0, 2 * S);
      assertEquals(
        Object.fromEntries(figures.map(({ name, device, mean, increase }) => [
          [name, device].filter(Boolean).join(" "),
          Number((mean ?? increase)!.toPrecision(9)),
        ])),
        expected,
      );
      assertEquals(read.others, others);
      // on the run's clock: a value for each reading
      for (const { points } of read.known) {
        assertEquals(points.map(([t_ns]) => t_ns), [0, S, 2 * S]);
      }
    }));
}

Deno.test("a page of several hosts: each device by its host, none added to another's", () =>
  withRun((directory) => {
    const page = ["a", "b"].map((instance, i) =>
      `DCGM_FI_DEV_POWER_USAGE{gpu="0",Hostname="${instance}"} ${100 + i}
node_memory_MemTotal_bytes{instance="${instance}"} ${1000 + i}
node_memory_MemAvailable_bytes{instance="${instance}"} 400
`
    ).join("");
    write(directory, [page, page]);
    const figure = figureOf(directory, 0, 1);
    assertEquals(figure("gpu_power_w", "GPU 0 at a")?.mean, 100);
    assertEquals(figure("gpu_power_w", "GPU 0 at b")?.mean, 101);
    assertEquals(figure("memory_used_bytes", "b")?.mean, 601);
  }));

Deno.test("a torn last line is dropped, and every value is in the table when it changed", () =>
  withRun(async (directory) => {
    const pages = ['up 1\nx{a="b"} 1\n', 'up 1\nx{a="b"} 2\n', 'up 0\nx{a="b"} 2\n'];
    write(directory, pages);
    appendFileSync(join(directory.path, "telemetry.jsonl"), '{"page":"http://h","t_ns":4,"val');
    assertEquals([...pageLines(directory)].length, 4); // a declaration, three readings
    const clock_anchor = { unix_s: 1000, mono_ns: "0" };
    writeFileSync(directory.metadata, JSON.stringify({ clock_anchor }));
    const { rows } = await telemetryRows([directory]);
    assertEquals(
      rows.map(({ time_unix_s, name, labels, value }) => [time_unix_s, name, labels, value]),
      [
        [1000, "up", "{}", 1],
        [1000, "x", '{"a":"b"}', 1],
        [1001, "x", '{"a":"b"}', 2],
        [1002, "up", "{}", 0],
      ],
    );
  }));

Deno.test("pages are read at once, at intervals and at the end; one that fails troubles no other", () =>
  withRun(async (directory) => {
    let asked = 0;
    const server = createServer((request, response) => {
      if (request.url === "/flaky" && ++asked > 1) {
        response.writeHead(500).end("no");
      } else if (request.url === "/none") response.writeHead(404).end();
      else if (request.url === "/html") response.end("<html></html>");
      else response.end(`DCGM_FI_DEV_GPU_UTIL{gpu="0"} ${performance.now()}\nother 1\n`);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { signal } = new AbortController();
    try {
      await using transport = new PortableTransport();
      const told: [string, string][] = [
        ["no url", '"no url" is not an http or https URL'],
        [`${url}/html`, `${url}/html: the answer is no Prometheus text`],
        [`${url}/none`, `${url}/none: HTTP 404 (most servers have their metrics at /metrics)`],
        ["http://127.0.0.1:9/metrics", "http://127.0.0.1:9"],
      ];
      for (const [wrong, why] of told) {
        await assertRejects(
          () => PageRecorder.open([wrong], [], transport, signal),
          InputError,
          `--server-metrics: ${why}`,
        );
      }
      using log = new PageLog(directory);
      const urls = [`${url}/good`, `${url}/flaky`];
      await using pages = await PageRecorder.open(urls, ["DCGM_*"], transport, signal);
      pages.start(log, 20, signal);
      await until(() => pages.counts[0].readings > 4 && pages.counts[1].failures > 2);
      await pages.stop(log, signal);
      const [good, flaky] = pages.counts;
      assertEquals([good.failures, flaky.readings], [0, 1]);
      assert(flaky.last_failure!.includes("HTTP 500"));
      const [series] = readTelemetry(directory).known.filter(({ page }) => page.endsWith("/good"));
      assertEquals(series.points.length, good.readings);
      assert(series.points.every(([t_ns], i) => i === 0 || t_ns > series.points[i - 1][0]));
      const names = [...pageLines(directory)].flatMap((line) =>
        "series" in line ? line.series.map(({ name }) => name) : []
      );
      assertEquals(new Set(names), new Set(["DCGM_FI_DEV_GPU_UTIL"]));
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }));

Deno.test("where the endpoint shows no metrics, a recorded page of its server is read as the server's", async () => {
  using folder = temporaryFolder();
  await using router = await MockEndpoint.start();
  await using engine = await MockEndpoint.start({ prefix_cache_blocks: 64 });
  const { results } = await measureLoad("behind a router", {
    ...{ endpoint: router.url, model: "mock", concurrency: 1, requests: 3, sample_rate_hz: 0 },
    server_metrics: [new URL("/metrics", engine.url).href],
  }, { out: folder.path, signal: new AbortController().signal });
  assertEquals(results.server?.name, "vllm");
  assert(results.server!.readings.length > 0);
  assertEquals(results.telemetry!.figures, []); // none of a GPU or a host
});

Deno.test("speculative decoding: accepted of drafted, and tokens a step", () => {
  // vLLM: 100 drafts of 3 tokens, 210 of them accepted: 70 %, and 1 + 2.1 tokens a step
  const page = (drafts: number) =>
    parseExposition(
      `vllm:spec_decode_num_drafts_total{engine="0"} ${drafts}
vllm:spec_decode_num_draft_tokens_total{engine="0"} ${drafts * 3}
vllm:spec_decode_num_accepted_tokens_total{engine="0"} ${drafts * 2.1}
`,
    ).samples;
  const readings = [0, 100].map((drafts, i) => readingOf("vllm", page(drafts), i * S));
  const summary = summariseServer(readings, 0, S);
  assertAlmostEquals(summary.draft_acceptance!, 0.7, 1e-12);
  assertAlmostEquals(summary.accepted_length!, 3.1, 1e-12);
  const stated = (rate: number, length: number) => {
    const labels = '{engine_type="unified",model_name="m",tp_rank="0"}';
    const text =
      `sglang:spec_accept_rate${labels} ${rate}\nsglang:spec_accept_length${labels} ${length}\n`;
    const reading = readingOf("sglang", parseExposition(text).samples, 0);
    const { draft_acceptance, accepted_length } = summariseServer([reading], 0, S);
    return [draft_acceptance, accepted_length];
  };
  assertEquals(stated(0.75, 2.5), [0.75, 2.5]);
  assertEquals(stated(0, 0), [undefined, undefined]); // it drafts nothing
});
