/** A load that waits for its server: one that is not there yet, one that still loads its model. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InputError } from "../../lib/errors.ts";
import { measureLoad } from "../../lib/load/run_loads.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { freePorts } from "../free_ports.ts";
import type { LoadSettings } from "../../lib/settings/load.ts";

async function measured(settings: LoadSettings) {
  const out = mkdtempSync(join(tmpdir(), "dyno-ready-"));
  const notices: string[] = [];
  try {
    const { results } = await measureLoad("load", {
      model: "mock",
      transport: "portable",
      concurrency: 1,
      requests: 2,
      sample_rate_hz: 0,
      ...settings,
    }, { out, signal: new AbortController().signal, onNotice: (line) => notices.push(line) });
    return { results, notices };
  } finally {
    rmSync(out, { recursive: true });
  }
}

Deno.test("a server that comes later is waited for", async () => {
  const [port] = await freePorts(1);
  const endpoint = `http://127.0.0.1:${port}/v1`;
  const starting = new Promise<MockEndpoint>((resolve) =>
    setTimeout(() => resolve(MockEndpoint.start({ port })), 700)
  );
  const { results, notices } = await measured({ endpoint, wait_ready_s: 60 });
  await using _mock = await starting;
  assertEquals(results.total.requests.successful, 2);
  assert(notices.some((line) => line.startsWith("waiting up to 60 s for")), `${notices}`);
});

Deno.test("a server that says 503 is waited for, and not for ever; one that answers is not", async () => {
  await using mock = await MockEndpoint.start({ behaviour: { status_code: 503 } });
  const settings = { endpoint: `${mock.url}/v1` };
  await assertRejects(
    () => measured({ ...settings, wait_ready_s: 0.6 }),
    InputError,
    "was not ready within 0.6 s",
  );
  await using ready = await MockEndpoint.start();
  const { notices } = await measured({ endpoint: `${ready.url}/v1`, wait_ready_s: 5 });
  assertEquals(notices.filter((line) => line.startsWith("waiting up")), []);
});

Deno.test("several URLs in one are refused, and what to do is said", async () => {
  for (const endpoint of ["http://a/v1,http://b/v1", "http://a:1/v1, https://b/v1"]) {
    await assertRejects(() => measured({ endpoint }), InputError, "holds a comma");
  }
});
