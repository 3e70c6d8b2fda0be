/** Loads by https, and which connection each request of a load goes on: as the server saw it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { makeCertificate } from "../../lib/mock/certificate.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { dyno } from "../e2e/dyno.ts";
import { library } from "../native/fixtures.ts";
import { load } from "./fixture.ts";

/** A server by TLS, and the file of its certificate. */
async function secureMock(): Promise<AsyncDisposable & { mock: MockEndpoint; ca: string }> {
  const folder = mkdtempSync(join(tmpdir(), "dyno-tls-"));
  const ca = join(folder, "ca.pem");
  const pair = makeCertificate(["127.0.0.1"]);
  writeFileSync(ca, pair.cert);
  const mock = await MockEndpoint.start({ tls: pair, behaviour: { delay_s: 0.005 } });
  return {
    mock,
    ca,
    async [Symbol.asyncDispose]() {
      await mock.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** The requests of a load, without its first question. */
const asked = ({ requests }: MockEndpoint) => requests.filter(({ method }) => method === "POST");

for (const transport of ["wire", "portable"] as const) {
  Deno.test(`https: handshakes are in the records and the figures (${transport})`, async () => {
    await using secure = await secureMock();
    const { mock, ca } = secure;
    const settings = { endpoint: mock.url, ca, transport, concurrency: 4, requests: 24 };
    using kept = await load(settings);
    assertEquals([kept.results.transport, kept.results.verdict.insecure], [transport, undefined]);
    // the list of models was asked for on a connection that the first request goes on
    const made = kept.records.filter(({ connect_ns }) => connect_ns !== null);
    assert(made.length >= 3 && made.length <= 4, `${made.length} connections`);
    for (const { connect_ns, tls_ns } of kept.records) {
      assertEquals(connect_ns === null, tls_ns === null);
      assert((tls_ns ?? 0) <= (connect_ns ?? 0));
    }
    const { connect_ms, tls_ms } = kept.results.total.metrics;
    assertEquals([connect_ms?.n, tls_ms?.n], [made.length, made.length]);
    assertEquals(
      tls_ms!.max,
      Math.max(...made.map(({ tls_ns }) => tls_ns!)) / 1e6,
    );
  });

  Deno.test(`--connections new: none carries two requests (${transport})`, async () => {
    await using secure = await secureMock();
    const { mock, ca } = secure;
    const settings = { endpoint: mock.url, ca, transport, concurrency: 4, requests: 24 };
    using run = await load({ ...settings, connections: "new" });
    const numbers = asked(mock).map(({ connection }) => connection);
    assertEquals(new Set(numbers).size, 24);
    assert(run.records.every(({ tls_ns }) => tls_ns! > 0));
    assert(asked(mock).every(({ headers }) => headers.connection === "close"));
  });

  Deno.test(`--connections sticky: a session has its own, until its last turn (${transport})`, async () => {
    await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.005 } });
    const settings = { endpoint: mock.url, transport, concurrency: 3, requests: 9, turns: 3 };
    using run = await load({ ...settings, connections: "sticky" });
    assertEquals(run.results.total.requests.successful, 27);
    const of = new Map<string, Set<number>>();
    for (const { headers, connection } of asked(mock)) {
      const session = String((headers as Record<string, string>)["x-session-id"]);
      of.set(session, (of.get(session) ?? new Set()).add(connection));
    }
    assertEquals(of.size, 9);
    const used = [...of.values()].flatMap((each) => [...each]);
    assertEquals([used.length, new Set(used).size], [9, 9]);
    const single = { endpoint: mock.url, transport, concurrency: 2, requests: 4 };
    using shared = await load({ ...single, connections: "sticky" });
    assert(shared.results.notes.some((note) => note.includes("connections were shared")));
  });
}

Deno.test("plain http has no handshake: its figure is unknown, and not 0", async () => {
  await using mock = await MockEndpoint.start();
  using run = await load({ endpoint: mock.url, concurrency: 2, requests: 6 });
  assertEquals(run.results.total.metrics.tls_ms, null);
  assert(run.records.every(({ tls_ns }) => tls_ns === null));
});

Deno.test("--insecure is said before, in the verdict, in the metadata and in the report", async () => {
  await using secure = await secureMock();
  const { mock } = secure;
  const out = mkdtempSync(join(tmpdir(), "dyno-insecure-"));
  try {
    const words = ["load", "--endpoint", mock.url, "--concurrency", "2", "--requests", "6"];
    const refused = await dyno([...words, "--out", out]);
    assertEquals(refused.code, 2);
    assertMatch(refused.stderr, /its certificate is signed by itself.*--ca/);
    const { code, stderr } = await dyno([...words, "--out", out, "--insecure"]);
    assertEquals(code, 0, stderr);
    assertMatch(stderr, /INSECURE: .*\(--insecure\)[\s\S]*CLIENT [\s\S]*\nINSECURE {2}/);
    const [name] = [...Deno.readDirSync(out)].map(({ name }) => name)
      .filter((name) => name.startsWith("bench_"));
    const read = (file: string) => Deno.readTextFileSync(join(out, name, file));
    assertEquals(JSON.parse(read("run_metadata.json")).config.api_configuration.tls.insecure, true);
    assertEquals(JSON.parse(read("results.json")).verdict.insecure, true);
    assertMatch(read("report/index.html"), /INSECURE: the server's|INSECURE: the server&#39;s/);
    // without OpenSSL the same by the runtime's sockets, and said so
    const without = await dyno([...words, "--out", out, "--ca", secure.ca], {
      env: { DYNO_OPENSSL: "/nowhere" },
    });
    assertEquals(without.code, 0, without.stderr);
    assertMatch(without.stderr, /https uses the runtime's own sockets: DYNO_OPENSSL/);
  } finally {
    rmSync(out, { recursive: true });
  }
});

Deno.test("https goes over the wire where little else may be read than the certificate", async () => {
  await using secure = await secureMock();
  const folder = mkdtempSync(join(tmpdir(), "dyno-scoped-"));
  try {
    const net = new URL(secure.mock.url).host;
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--no-prompt", "--no-check", "--allow-env", "--allow-ffi", `--allow-net=${net}`],
        ...[`--allow-read=${folder},${secure.ca}`, `--allow-write=${folder}`, "--allow-sys"],
        ...[fileURLToPath(new URL("../../main.ts", import.meta.url)), "load", "--ca", secure.ca],
        ...["--endpoint", secure.mock.url, "--concurrency", "2", "--requests", "6"],
        ...["--sample-rate", "0", "--out", folder],
      ],
      env: {
        DYNO_NATIVE: (await library()).path,
        ...{ NODE_EXTRA_CA_CERTS: "", SSL_CERT_FILE: "", DENO_CERT: "" }, // of this host
      },
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    const [name] = [...Deno.readDirSync(folder)].map(({ name }) => name)
      .filter((name) => name.startsWith("bench_"));
    const results = JSON.parse(Deno.readTextFileSync(join(folder, name, "results.json")));
    assertEquals([results.transport, results.total.requests.successful], ["wire", 6]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
