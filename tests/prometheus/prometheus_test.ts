/** A real Prometheus scrapes dyno at work; every query that is shipped or documented finds data. */
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "@std/path";
import { assert, assertEquals } from "@std/assert";
import { openMetrics } from "../../lib/prometheus/open_metrics.ts";
import { serveMetrics } from "../../lib/prometheus/serve_metrics.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { startDyno } from "../e2e/dyno.ts";
import { buildFakeNvml, temporaryFolder } from "../native/fixtures.ts";
import { dashboards, queriesOf } from "./dashboards.ts";
import { DOCUMENTED, Prometheus, prometheus, promtool, unanswered } from "./prometheus.ts";
import { freePorts } from "../free_ports.ts";
import { until } from "../until.ts";

/** Families of what not every host has. */
const PERHAPS_ABSENT = /dyno_host_(disk|pressure|network)/;

/** The families that a server of metrics tells now. */
async function familiesAt(address: string): Promise<Set<string>> {
  const text = await (await fetch(`http://${address}/metrics`)).text();
  return new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
}

Deno.test("the dashboards are what Grafana imports", () => {
  const all = dashboards();
  assertEquals(all.length, 2);
  for (const { file, panels, uid, title, schemaVersion, templating } of all) {
    assert(uid && title && schemaVersion >= 36, file);
    assertEquals(new Set(panels.map(({ id }) => id)).size, panels.length, "ids");
    for (const { title, type, targets = [], datasource, gridPos } of panels) {
      assert(gridPos.x + gridPos.w <= 24, title);
      if (type === "row") continue;
      assertEquals(datasource, { type: "prometheus", uid: "${datasource}" }, title);
      assert(targets.length > 0, title);
    }
    assertEquals(templating.list[0].type, "datasource");
  }
});

Deno.test({
  name: "the scrape configuration and the alert rules are valid",
  ignore: promtool() === null,
  async fn() {
    const cwd = new URL("../../experiments/prometheus/", import.meta.url);
    const { success, stderr } = await new Deno.Command(promtool()!, {
      args: ["check", "config", "prometheus.yml"],
      cwd,
    }).output();
    assert(success, new TextDecoder().decode(stderr));
  },
});

Deno.test({
  name: "Prometheus scrapes a load, a suite and a server: every query finds data",
  ignore: prometheus() === null,
  async fn() {
    using folder = temporaryFolder();
    await using mock = await MockEndpoint.start({
      model: ["alpha", "beta"],
      behaviour: {
        default_response: "one two three four five six",
        tokens_per_second: 30,
        error_mode: "server_error",
        fault_rate: 0.1,
      },
    });
    const suite = {
      test_suite_id: "scraped",
      tests: Array.from({ length: 50 }, (_, i) => ({
        id: `t${i}`,
        name: `Test ${i}`,
        category: "words",
        prompt: `Say ${i}.`,
        evaluator: { name: "contains", expected: i % 4 ? ["one"] : ["nothing"] },
      })),
    };
    const write = (name: string, value: unknown) =>
      writeFileSync(join(folder.path, name), JSON.stringify(value));
    write("suite.json", suite);
    write("load.json", {
      kind: "load",
      name: "scraped",
      concurrency: 3,
      input_tokens: 8,
      slo: ["ttft:5000"],
      matrix: { requests: [60, 61, 62, 1_000_000] },
    });
    await using metrics = await openMetrics();
    await using server = await serveMetrics(() => metrics.text(), { host: "127.0.0.1", port: 0 });
    const ports = await freePorts(2);
    const addresses = [...ports.map((port) => `127.0.0.1:${port}`), new URL(server.url).host];
    await using prom = await Prometheus.start(folder.path, addresses); // sees them from the first on
    const env = {
      DYNO_NVML: await buildFakeNvml(folder.path),
      DYNO_FAKE_NVML: "devices=2;power_mw=250500;memory_used_mb=2048",
    };
    const started = (port: number, args: string[]) => {
      const flags = ["--endpoint", `${mock.url}/v1`, "--metrics-port", String(port)];
      return startDyno([...args, ...flags], { cwd: folder.path, env });
    };
    const load = started(ports[0], ["load", "load.json", "--model", "alpha", "--out", "loads"]);
    const suiteFlags = ["--model", "alpha,beta", "--retry-delay", "0.01", "--workers", "2"];
    const prefix = ["--metrics-prefix", "smi_bench"];
    const runs = started(ports[1], [
      "run",
      "suite.json",
      ...suiteFlags,
      ...prefix,
      "--out",
      "runs",
    ]);
    try {
      const out = join(folder.path, "runs");
      await until(() => existsSync(out) && readdirSync(out).length > 0);
      metrics.follow(join(out, readdirSync(out)[0]), { asTask: false });
      const busy = setInterval(() => countOnServer(metrics), 200);
      try {
        const shipped = dashboards().flatMap(queriesOf).map(({ query }) => query);
        const documented = DOCUMENTED.flatMap((query) => [
          query,
          query.replaceAll("smi_bench", "dyno"),
        ]);
        const missing = await unanswered(prom, [...documented, ...shipped]);
        const here = await familiesAt(addresses[0]);
        const wanted = missing.filter((query) =>
          !PERHAPS_ABSENT.test(query) || [...here].some((name) => query.includes(name))
        );
        assertEquals(wanted, [], `no data; the load said:\n${load.said()}`);
        for (const { templating } of dashboards()) {
          for (const { type, query } of templating.list) {
            if (type !== "query" || typeof query === "string") continue;
            const [, family, label] = /^label_values\((\w+), (\w+)\)$/.exec(query.query)!;
            assert((await prom.labelValues(family, label)).includes("alpha"), query.query);
          }
        }
        const [{ metric }] = await prom.query("DCGM_FI_DEV_GPU_UTIL{gpu='1'}");
        assertEquals([metric.UUID, metric.device], ["GPU-1-0", "nvidia1"]);
      } finally {
        clearInterval(busy);
      }
    } finally {
      for (const { kill } of [load, runs]) {
        try {
          kill("SIGINT");
        } catch { /* it has ended */ }
      }
      await Promise.all([load.finished, runs.finished]);
    }
  },
});

/** What a server counts itself. */
function countOnServer({ tasks, sweep }: Awaited<ReturnType<typeof openMetrics>>): void {
  tasks.httpRequest("GET", "/tasks/:id", 200, 0.003);
  tasks.validated(true);
  sweep.ended(true, 0.2);
  sweep.planned(4, 0);
}
