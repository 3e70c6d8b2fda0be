/** What is said of TLS: checked before anything is sent, in every form that takes it. */
import { join } from "node:path";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { settleApi } from "../../lib/endpoint/api.ts";
import { USUAL_TLS, withWireLines } from "../../lib/endpoint/tls.ts";
import { InputError } from "../../lib/errors.ts";
import { makeCertificate } from "../../lib/mock/certificate.ts";
import { batchModelSchema } from "../../lib/settings/batch.ts";
import { readLoadExperiment } from "../../lib/settings/load_experiment.ts";
import { taskRequestSchema } from "../../lib/server/tasks/request.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { experimentOf } from "../../lib/settings/experiment.ts";
import { parseJson } from "../../lib/settings/json_file.ts";
import { apisOf } from "../../lib/schedule/apis.ts";
import { resolveEvaluator } from "../../lib/suite/evaluate.ts";
import type { Batch } from "../../lib/settings/batch.ts";
import type { EvaluatorChoice } from "../../lib/settings/suite.ts";

const endpoint = "https://127.0.0.1:1/v1";

function files(folder: string) {
  const at = (name: string) => join(folder, name);
  const { key, cert } = makeCertificate(["a.test"]);
  Deno.writeTextFileSync(at("cert.pem"), cert);
  Deno.writeTextFileSync(at("key.pem"), key);
  Deno.writeTextFileSync(at("both.pem"), cert + key);
  Deno.writeTextFileSync(at("text.pem"), "no PEM");
  return { cert: at("cert.pem"), key: at("key.pem"), both: at("both.pem"), text: at("text.pem") };
}

Deno.test("TLS: files are checked before anything is sent; a key's value is not repeated", () => {
  using folder = temporaryFolder();
  const { cert, key, both, text } = files(folder.path);
  const settled = (given: object) => settleApi({ endpoint, model: "m", ...given }, () => {}).tls;
  assertEquals(settled({}), USUAL_TLS);
  assertEquals(settled({ ca: cert, cert, key }), { ...USUAL_TLS, ca: cert, cert, key });
  assertEquals(settled({ cert: both }).key, null);
  const wrong: [object, string][] = [
    [{ ca: join(folder.path, "none.pem") }, "--ca: "],
    [{ ca: text }, `--ca: ${text}: holds no certificate`],
    [{ ca: key }, `--ca: ${key}: holds no certificate`],
    [{ cert }, `--cert: ${cert}: holds no key; name the file of its key with --key`],
    [{ cert, key: cert }, `--key: ${cert}: holds no private key`],
    [{ key }, "--api-key-env"],
    [{ cert, key: "sk-secret" }, "--key: no file that can be read"],
  ];
  for (const [given, told] of wrong) {
    const error = assertThrows(() => settled(given), InputError);
    assertStringIncludes(error.message, told);
    assert(!error.message.includes("sk-secret"));
  }
});

Deno.test("TLS: --insecure is warned of once it matters", () => {
  const told: string[] = [];
  const warn = (line: string) => told.push(line);
  settleApi({ endpoint: "http://127.0.0.1:1/v1", model: "m", insecure: true }, warn);
  assertEquals(told, []);
  settleApi({ endpoint, model: "m", insecure: true }, warn);
  assert(told.length === 1 && told[0].startsWith("INSECURE: "), told.join());
});

Deno.test("TLS: the wire's lines hold no line that a path brings along", () => {
  // without those that this host's environment names
  const lines = (url: string, tls = {}) =>
    withWireLines(new URL(url), { ...USUAL_TLS, ...tls }, (all) => all)
      .filter((line) => !line.startsWith("ca "));
  assertEquals(lines("https://a.test./v1", { insecure: true }), ["tls a.test", "insecure"]);
  assertEquals(lines("https://[::1]:8/")[0], "tls ::1");
  assertThrows(() => lines("https://a.test/", { ca: "a\ninsecure" }), InputError, "line break");
});

Deno.test("TLS: experiments name files beside them, models of a batch their own, tasks none", async () => {
  using folder = temporaryFolder();
  files(folder.path);
  const path = join(folder.path, "load.json");
  const load = { kind: "load", name: "a", endpoint, ca: "cert.pem", concurrency: 1, requests: 1 };
  Deno.writeTextFileSync(path, JSON.stringify(load));
  const [{ settings }] = (await readLoadExperiment(path, {})).runs;
  const placed = join(folder.path, "cert.pem");
  assertEquals(settings.ca, placed);
  const experiment = { name: "e", suite: "s.json", endpoint, ca: "cert.pem" };
  const file = parseJson(join(folder.path, "e.json"), JSON.stringify(experiment));
  assertEquals(experimentOf(file).ca, placed);
  const own = { endpoint, model: "j", ca: "cert.pem" };
  const judge = { name: "judge", rubric: "x", ...own };
  const judges = { name: "judge", rubric: "x", judges: [own, { ...own, ca: "/a.pem" }] };
  const models = async (choice: EvaluatorChoice) =>
    (await resolveEvaluator(choice, "s.json", folder.path)).models.map(({ ca }) => ca);
  assertEquals(await models(judge), [placed]);
  assertEquals(await models({ name: "all", evaluators: [judges] }), [placed, "/a.pem"]);
  const batch = { models: [{ provider: "own", ...own }], questions: [] };
  const [api] = apisOf(
    { ...batch, path: join(folder.path, "b.json") } as unknown as Batch,
    undefined,
    () => {},
  );
  assertEquals(api.tls.ca, placed);
  const model = { provider: "own", model: "m", endpoint, ca: "/a.pem", insecure: true };
  assertEquals(batchModelSchema.parse(model), model);
  const task = { kind: "load", endpoint, concurrency: 1, requests: 1 };
  assert(taskRequestSchema.safeParse(task).success);
  const suite = { kind: "suite", suite: "a.json", endpoint };
  assert(taskRequestSchema.safeParse(suite).success);
  for (const own of [{ insecure: true }, { ca: "/a" }, { cert: "/a" }, { key: "/a" }]) {
    assert(!taskRequestSchema.safeParse({ ...task, ...own }).success, JSON.stringify(own));
    assert(!taskRequestSchema.safeParse({ ...suite, ...own }).success, JSON.stringify(own));
  }
});
