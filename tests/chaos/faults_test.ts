/**
 * Every fault of the mock's catalogue, by both transports, in suites and in loads: half of the
 * requests are hit, each is counted in its class, the other half gets its answers, and memory stays
 * where it is.
 */
import process from "node:process";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { errorModes } from "../../lib/mock/faults/catalogue.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { load } from "../load/fixture.ts";
import { promptTests, runOnMock, suiteFrom, temporaryFolder } from "../suite/fixture.ts";

/** Four bodies at a time, which end at 64 MB each, held in pieces, and what is not collected yet. */
const MOST_GROWTH_BYTES = 4 * 3 * (64 << 20);
/** Faults that change what an answer says, or how many tokens it is told to have. */
const ALTERED = /^(doubled|reordered|usage|lone|invalid|empty_event|multi)_/;
const text = Array.from({ length: 12 }, (_, i) => `w${i}`).join(" ");

const modes = errorModes.map((mode) => ({
  ...mode,
  timeout: mode.failure === "timeout" && mode.name !== "gateway_timeout" ? 1 : 20,
}));

/** A mock that spoils half of the requests. */
const mockWith = (error_mode: typeof errorModes[number]["name"]) =>
  MockEndpoint.start({
    behaviour: { default_response: text, tokens_per_second: 2000, error_mode, fault_rate: 0.5 },
  });

/** How many requests were hit: some, and not all. */
function hitOf(mock: MockEndpoint): number {
  const asked = mock.requests.filter(({ method }) => method === "POST");
  const hit = asked.filter(({ fault }) => fault !== null).length;
  assert(hit > 0 && hit < asked.length, `${hit} of ${asked.length} were hit`);
  return hit;
}

/**
 * Every hit is a failure of that class. Only a kept connection that is closed before a byte of the
 * answer may have been closed before the request came: that is sent once more on a fresh one. On a
 * busy machine a request that was not hit may take longer than its timeout too.
 */
function assertCounted(failures: string[], failure: string | null, hit: number): void {
  assertEquals(failures.filter((found) => found !== failure), []);
  const found = failures.length;
  const right = failure === "connect" ? found <= hit : found === hit;
  if (failure === "timeout" && found > hit) return;
  assert(failure === null || right, `${found} failures, ${hit} were hit`);
}

async function withinMemory(run: () => Promise<void>): Promise<void> {
  const before = process.memoryUsage().rss;
  await run();
  const grown = process.memoryUsage().rss - before;
  assert(grown < MOST_GROWTH_BYTES, `memory grew by ${grown >> 20} MB`);
}

for (const transport of ["wire", "portable"] as const) {
  Deno.test(`a load under every fault (${transport})`, (t) =>
    withinMemory(async () => {
      for (const { name, failure, timeout } of modes) {
        await t.step(`${name}: ${failure ?? "answered"}`, async () => {
          await using mock = await mockWith(name);
          const settings = { endpoint: mock.url, model: "mock", transport, concurrency: 4 };
          // which are hit depends on what they say: of 10 fresh ones now and then none is
          using run = await load({ ...settings, prompt_seed: 1, timeout, requests: 10 });
          assertEquals(run.records.length, 10);
          assertCounted(run.records.flatMap(({ failure }) => failure ?? []), failure, hitOf(mock));
          if (ALTERED.test(name)) return;
          for (const record of run.records.filter(({ failure }) => failure === null)) {
            assertEquals(record.completion_tokens, 12);
          }
        });
      }
    }));

  Deno.test(`a suite under every fault (${transport})`, (t) =>
    withinMemory(async () => {
      const suite = suiteFrom(promptTests(8));
      for (const { name, failure, timeout } of modes) {
        await t.step(`${name}: ${failure ?? "answered"}`, async () => {
          await using mock = await mockWith(name);
          using folder = temporaryFolder();
          const api = { timeout, retry_attempts: 0 };
          const running = runOnMock(mock, { suite, workers: 4, out: folder.path, transport, api });
          if (failure === "auth") { // a refused key ends the run, and says so
            await assertRejects(() => running, InputError, "authentication failed");
            return;
          }
          const { tests } = await running;
          assertEquals(tests.length, 8);
          const again = name === "reject_stream_options"; // asked again without them
          const failures = tests.flatMap(({ error_class }) => error_class ?? []);
          assertCounted(failures, again ? null : failure, hitOf(mock));
          if (ALTERED.test(name)) return;
          for (const test of tests.filter(({ success }) => success)) {
            assertEquals(test.response_text, text);
          }
        });
      }
    }));
}
