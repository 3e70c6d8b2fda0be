/** Opening a run: what lies on the disk while it is open, and what is given back, whatever goes wrong. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { settleApi } from "../../lib/endpoint/api.ts";
import { InputError } from "../../lib/errors.ts";
import { foldJournal } from "../../lib/run/fold.ts";
import { isLocked } from "../../lib/run/lock.ts";
import { runState } from "../../lib/run/run_state.ts";
import { RunSession, takeRun } from "../../lib/run/session.ts";
import { temporary } from "./runs_fixture.ts";
import type { RunOpening } from "../../lib/run/session.ts";

const SECRET = "sk-of-this-test-0123456789";

function opening(out: string, more: Partial<RunOpening> = {}): RunOpening {
  const headers = { "x-api-key": SECRET };
  const endpoint = "http://127.0.0.1:9/v1/chat/completions";
  return {
    out,
    kind: "suite",
    benchmark: "b",
    seed: 7,
    config: { api_configuration: { headers } },
    tags: ["nightly"],
    argv: ["run", `--header=x-api-key: ${SECRET}`],
    api: settleApi({ endpoint, model: "m", headers }, () => {}),
    onNotice: () => {},
    ...more,
  };
}

Deno.test("a new run: described and locked while it is open, its secrets nowhere", async () => {
  using folder = temporary();
  let path = "";
  {
    await using session = await RunSession.open(
      opening(folder.path, { suite: "{}\n", onDirectory: (directory) => path = directory.path }),
    );
    const { directory, journal, resumed, budget } = session;
    assertEquals([resumed, budget.limited, path], [false, false, directory.path]);
    assert(isLocked(directory.lock));
    journal.append({ event: "listener_failed", error: `the key is ${SECRET}` });
    assertEquals(await session.sample(0, new AbortController().signal), null);
    const metadata = JSON.parse(readFileSync(directory.metadata, "utf8"));
    const { kind, benchmark, model, agent, tags, seed } = metadata;
    assertEquals(
      [kind, benchmark, model, agent, tags, seed],
      ["suite", "b", "m", "real-openai-compatible", ["nightly"], 7],
    );
    await assertRejects(
      () => RunSession.open(opening(folder.path, { resume: directory.run_id })),
      InputError,
      `process ${process.pid}`,
    );
    assert(isLocked(directory.lock), "who was refused has not given it back");
  }
  assert(!existsSync(join(path, "run.lock")));
  const written = readdirSync(path).map((name) => readFileSync(join(path, name), "utf8")).join();
  assert(!written.includes(SECRET) && written.includes("***"));
});

Deno.test("a run is gone on with where it fits, and is refused by name where not", async () => {
  using folder = temporary();
  const { directory } = await made(folder.path);
  writeFileSync(join(directory.path, "results.json.tmp"), "{"); // of a killed writer
  {
    await using session = await RunSession.open(
      opening(folder.path, { resume: directory.run_id, argv: ["other"] }),
    );
    assertEquals([session.resumed, session.metadata.argv[0]], [true, "run"]);
    assert(!existsSync(join(directory.path, "results.json.tmp")));
    session.journal.append({
      event: "run_resumed",
      clock_anchor: null,
      finished: 0,
      planned: 1,
    });
  }
  const { state } = await foldJournal(directory.journal, runState);
  assertEquals([state.planned, state.ended], [1, null]);
  const refused = (more: Partial<RunOpening>, said: string) =>
    assertRejects(
      () => RunSession.open(opening(folder.path, { resume: directory.run_id, ...more })),
      InputError,
      said,
    );
  await refused({ benchmark: "c" }, 'of the suite "b", not "c"');
  const { api } = opening(folder.path);
  await refused({ api: { ...api, model: "n" } }, 'of the model "m", not "n"');
  writeFileSync(directory.metadata, "{");
  await refused({}, "run_metadata.json: missing or damaged");
  takeRun(directory)(); // nobody holds it
});

Deno.test("what cannot be written gives the run back", async () => {
  using folder = temporary();
  const { directory } = await made(folder.path);
  mkdirSync(join(folder.path, "kept"));
  const journal = readFileSync(directory.journal);
  Deno.removeSync(directory.journal);
  mkdirSync(directory.journal); // no file can be opened there
  const error = await assertRejects(
    () => RunSession.open(opening(folder.path, { resume: directory.run_id })),
    InputError,
  );
  assertStringIncludes(error.message, directory.journal);
  assert(!existsSync(directory.lock));
  Deno.removeSync(directory.journal);
  writeFileSync(directory.journal, journal);
  if (process.getuid?.() === 0) return; // root may write everywhere
  chmodSync(join(folder.path, "kept"), 0o500);
  await assertRejects(() => RunSession.open(opening(join(folder.path, "kept"))), InputError);
});

async function made(out: string) {
  await using session = await RunSession.open(opening(out));
  return { directory: session.directory };
}
