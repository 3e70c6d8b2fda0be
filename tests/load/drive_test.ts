/** The load itself on a real endpoint: what ends it, whether all of its plan was done, what it tells ahead. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { configureApi } from "../../lib/endpoint/api.ts";
import { openTransport } from "../../lib/endpoint/open_transport.ts";
import { InputError } from "../../lib/errors.ts";
import { Connections } from "../../lib/load/connections.ts";
import { Drive } from "../../lib/load/drive.ts";
import { planLoad } from "../../lib/load/plan_load.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { Budget } from "../../lib/run/budget.ts";
import { builtinPrices } from "../../lib/run/prices.ts";
import { RequestCost } from "../../lib/run/request_cost.ts";
import type { DriveOptions, DriveOutcome } from "../../lib/load/drive_options.ts";
import type { Transport } from "../../lib/endpoint/transport.ts";
import type { RequestRecord } from "../../lib/run/request_record.ts";
import type { LoadSettings } from "../../lib/settings/load.ts";

/** Drives a load. */
async function driven(
  settings: LoadSettings,
  transport: Transport,
  more: Pick<DriveOptions, "onRecord"> & Partial<DriveOptions>,
): Promise<DriveOutcome> {
  const [model, given] = ["mock", { ...settings, retry_attempts: 0 }];
  const api = await configureApi({ ...given, model }, transport, () => {});
  const { stages, pattern, prompts } = await planLoad(settings);
  const cost = new RequestCost(api.model, builtinPrices(), () => {});
  return await new Drive({
    connections: new Connections("pooled"),
    api,
    transport,
    stages,
    pattern,
    prompts,
    body: {},
    ignore_eos: false,
    session_header: "x-session-id",
    grace_s: 20,
    stop: { error_rate: null, saturation: false },
    cancellations: [],
    countTokens: null,
    budget: new Budget({ usd: null, tokens: null }, () => {}),
    costOf: () => cost,
    signal: new AbortController().signal,
    onStage: () => {},
    ...more,
  }).run();
}

for (const only of ["wire", "portable"] as const) {
  Deno.test(`a fault of ours in the middle of a load ends it and is thrown (${only})`, async () => {
    await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.01 } });
    await using transport = await openTransport({ only });
    const settings = { endpoint: mock.url, concurrency: 2, duration_s: 600 };
    let records = 0;
    const onRecord = () => {
      if (++records === 5) throw new InputError("the disk is full");
    };
    await assertRejects(
      () => driven(settings, transport, { onRecord }),
      InputError,
      "the disk is full",
    );
    assert(records < 1000, `${records}`); // ten minutes are some 100,000
  });

  Deno.test(`a load is complete when its plan was done, whenever Ctrl-C comes (${only})`, async () => {
    await using mock = await MockEndpoint.start();
    await using transport = await openTransport({ only });
    const plans: [settings: LoadSettings, planned: number][] = [
      [{ concurrency: 1, requests: 4 }, 4],
      [{ concurrency: 1, requests: 3, warmup: 2 }, 5],
      [{ rate: 100, requests: 4 }, 4],
      [{ concurrency: 1, requests: 2, turns: 3 }, 6],
      [{ stages: [{ concurrency: 1, requests: 2 }, { concurrency: 1, requests: 3 }] }, 5],
      [{ concurrency: 1, duration_s: 600 }, Infinity],
    ];
    for (const [plan, planned] of plans) {
      for (const after of planned === Infinity ? [3] : [planned - 1, planned]) {
        const stop = new AbortController();
        let records = 0, answered = 0;
        const onRecord = ({ failure }: RequestRecord) => {
          if (failure === null) answered++; // it may come with the one before it
          if (++records === after) stop.abort();
        };
        const settings = { endpoint: mock.url, input_tokens: 8, ...plan };
        const { signal } = stop;
        const { complete } = await driven(settings, transport, { onRecord, signal });
        assert(answered >= after);
        assertEquals(complete, answered === planned, `${JSON.stringify(plan)}, cut after ${after}`);
      }
    }
  });

  Deno.test(`what is begun is told ahead, in few lines and not by much (${only})`, async () => {
    await using mock = await MockEndpoint.start();
    await using transport = await openTransport({ only });
    for (const plan of [{ concurrency: 3, requests: 400 }, { rate: 300, requests: 400 }]) {
      let told = 0, lines = 0, ended = 0;
      const settings = { endpoint: mock.url, input_tokens: 8, ...plan };
      await driven(settings, transport, {
        onAhead(most) {
          assert(most > told);
          told = most;
          lines++;
        },
        onRecord: () => ended++,
      });
      assertEquals(ended, 400);
      assert(told >= 400 && told <= 450, `${told} told`);
      assert(lines <= 200, `${lines} lines`);
    }
  });
}
