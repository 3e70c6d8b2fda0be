/** GET /metrics of a server that runs tasks, read by promtool and a real Prometheus. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { MockEndpoint } from "../../lib/mock/server.ts";
import {
  checkMetrics,
  DOCUMENTED,
  Prometheus,
  prometheus,
  promtool,
  unanswered,
} from "../prometheus/prometheus.ts";
import { dyno } from "../e2e/dyno.ts";
import { promptTests, temporaryFolder } from "../suite/fixture.ts";
import { post, serveProcess, submit, taskOver, taskWhen } from "./fixture.ts";

Deno.test({
  name: "the documented queries find data on a server that ran tasks, and promtool nothing wrong",
  ignore: promtool() === null || prometheus() === null,
  async fn() {
    using place = temporaryFolder();
    const suite = { test_suite_id: "s", tests: promptTests(3) };
    writeFileSync(join(place.path, "suite.json"), JSON.stringify(suite));
    await using mock = await MockEndpoint.start({ behaviour: { delay_s: 1 } });
    const server = await serveProcess(place.path, ["--metrics-prefix", "smi_bench"]);
    try {
      await using prom = await Prometheus.start(place.path, [new URL(server.url).host]);
      const endpoint = `${mock.url}/v1`;
      const task = { kind: "suite", suite: "suite.json", endpoint, workers: 1, sample_rate_hz: 0 };
      const first = await submit(server.url, task);
      await taskWhen(server.url, first, "running");
      const during = await (await fetch(`${server.url}/metrics`)).text();
      assertMatch(during, /^smi_bench_active_tasks 1$/m);
      assertEquals((await taskOver(server.url, first)).status, "completed");
      await submit(server.url, { ...task, model: "mock" });
      // the first failure of a model whose tasks went well: its series is there at 0 before
      assertMatch(
        await (await fetch(`${server.url}/metrics`)).text(),
        /^smi_bench_task_requests_total\{.*model="mock",status="failed"\} 0$/m,
      );
      const nowhere = { ...task, model: "mock", endpoint: "http://127.0.0.1:9/v1" };
      const refused = await submit(server.url, nowhere);
      assertEquals((await taskOver(server.url, refused)).status, "failed");
      await (await post(`${server.url}/validate`, { kind: "no" })).body?.cancel();
      assertEquals(await unanswered(prom, DOCUMENTED), []);

      const text = await (await fetch(`${server.url}/metrics`)).text();
      assertEquals(await checkMetrics(text), "");
      const ended = text.split("\n").filter((line) =>
        line.startsWith("smi_bench_task_requests_total{") && !line.endsWith(" 0")
      );
      assertEquals(ended.length, 2, ended.join("\n"));
      assertStringIncludes(ended[0], 'agent_type="real-openai-compatible",simulation_mode="none"');
      assertMatch(ended[0], /model="mock".* 2$/);
      assertMatch(text, /^smi_bench_task_requests_total\{.*status="failed".*\} 1$/m);
      assertMatch(text, /^smi_bench_packages_processed_total\{.*result="success"\} 6$/m);
      assertStringIncludes(text, 'smi_bench_config_validation_requests_total{valid="false"} 1');
      const posts = 'method="POST",endpoint="/tasks",status_code="202"';
      assertStringIncludes(text, `smi_bench_http_requests_total{${posts}} 3`);
      assert(!text.includes(first.task_id), "a path of its own for each task");
    } finally {
      server.process.kill("SIGTERM");
      assertEquals((await server.process.finished).code, 0, server.process.said());
    }
  },
});

Deno.test("a prefix that no metric may have is refused before the server starts", async () => {
  using place = temporaryFolder();
  const { code, stderr } = await dyno(["serve", "--metrics-prefix", "9 lives"], {
    cwd: place.path,
  });
  assertEquals(code, 2);
  assertStringIncludes(stderr, '"9 lives"');
});
