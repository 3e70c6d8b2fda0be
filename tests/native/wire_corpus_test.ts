/** Both parsers of responses, the native one and TypeScript's, over one corpus: they agree. */
import { Buffer } from "node:buffer";
import { isDeepStrictEqual } from "node:util";
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { EndpointError } from "../../lib/endpoint/errors.ts";
import { Exchange } from "../../lib/endpoint/portable/exchange.ts";
import type { ExchangeOutcome as Settled } from "../../lib/endpoint/portable/exchange.ts";
import { type Case, CASES, type Outcome } from "./corpus.ts";
import { run, temporaryFolder } from "./fixtures.ts";

/** Longer responses are cut at some places instead of all. */
const EVERY_BYTE_MAX = Deno.env.get("DYNO_TEST_LONG") ? 6000 : 1000;
/** All beginnings of a response up to here are parsed as responses that broke off. */
const PREFIXES_MAX = 400;

interface NativeOutcome extends Outcome {
  fault: string;
  /** In how many ways it was cut, and the first cut that came to something else; −1 for none. */
  ways: number;
  differs: number;
}

async function nativeOutcomes(program: string, responses: Buffer[]): Promise<NativeOutcome[]> {
  const child = new Deno.Command(program, { stdin: "piped", stdout: "piped", stderr: "piped" })
    .spawn();
  const write = async () => {
    const writer = child.stdin.getWriter();
    for (const response of responses) {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(response.length);
      await writer.write(new Uint8Array(Buffer.concat([length, response])));
    }
    await writer.close();
  };
  const [{ success, stdout, stderr }] = await Promise.all([child.output(), write()]);
  assert(success, new TextDecoder().decode(stderr));
  const lines = new TextDecoder().decode(stdout).trimEnd().split("\n");
  assertEquals(lines.length, responses.length);
  return lines.map((line) => JSON.parse(line));
}

/** What TypeScript's parsers make of pieces behind which the peer closes. */
function portableOutcome(pieces: Buffer[]): Outcome {
  const events: string[] = [];
  let settled: Settled | null = null;
  let keep_alive = false;
  let left = false;
  const exchange = new Exchange(
    { method: "GET", url: new URL("http://a/"), headers: {}, body: "", timeout_s: 100 },
    { onEvent: (data) => events.push(data), onErrorEvent: (data) => events.push(`!${data}`) },
    0,
    (outcome) => settled = outcome,
  );
  for (const piece of pieces) {
    if (settled && piece.length > 0) left = true;
    exchange.read(piece);
    keep_alive = (settled as Settled | null)?.keepAlive ?? false;
  }
  exchange.closed(null);
  const { error, exchange: { status, body } } = settled as unknown as Settled;
  const malformed = error instanceof EndpointError && error.failure === "malformed";
  return {
    ending: malformed ? "malformed" : error ? "cut" : "whole",
    status: malformed ? 0 : status,
    keep_alive: keep_alive && !left,
    body,
    events,
  };
}

/** Where it is known, a malformed response's status is said; here it is not compared. */
function comparable({ ending, status, keep_alive, body, events }: Outcome): Outcome {
  return { ending, status: ending === "malformed" ? 0 : status, keep_alive, body, events };
}

/** As TypeScript decodes it: no body that did not come whole. */
function decoded(outcome: Outcome): Outcome {
  const text = (bytes: string) => Buffer.from(bytes, "latin1").toString("utf8");
  const body = outcome.ending === "whole" ? text(outcome.body) : "";
  return { ...outcome, body, events: outcome.events.map(text) };
}

/** A short message where the texts are of megabytes. */
function assertSame(found: Outcome, expected: Outcome, what: string): void {
  if (isDeepStrictEqual(found, expected)) return;
  const short = (outcome: Outcome) =>
    JSON.stringify(outcome, (_key, value) => typeof value === "string" ? value.slice(0, 80) : value)
      .slice(0, 400);
  throw new Error(`${what}: ${short(found)} instead of ${short(expected)}`);
}

function* cuts(length: number): Generator<number> {
  const step = length <= EVERY_BYTE_MAX ? 1 : Math.ceil(length / 4);
  for (let cut = 0; cut < length; cut += step) yield cut;
  yield length;
}

function piecesOf(bytes: Buffer, size: number): Buffer[] {
  const count = Math.ceil(bytes.length / size);
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}

function checkPortable({ name, response, expected }: Case): void {
  const wanted = decoded(expected);
  for (const cut of cuts(response.length)) {
    const pieces = [response.subarray(0, cut), response.subarray(cut)];
    assertSame(portableOutcome(pieces), wanted, `${name}, cut at ${cut}`);
  }
  const size = response.length <= EVERY_BYTE_MAX ? 1 : 1000;
  assertSame(portableOutcome(piecesOf(response, size)), wanted, `${name}, ${size} bytes at a time`);
}

Deno.test("the corpus of responses, cut in every way", async (t) => {
  using folder = temporaryFolder();
  await run("make", "-s", `BUILD=${folder.path}`, "corpus");
  const program = join(folder.path, "corpus_asan");

  await t.step("native: as expected, however the response is cut", async () => {
    const outcomes = await nativeOutcomes(program, CASES.map(({ response }) => response));
    for (const [i, outcome] of outcomes.entries()) {
      const { name, expected, response } = CASES[i];
      assertSame(comparable(outcome), expected, `${name} (${outcome.fault})`);
      assertEquals(outcome.differs, -1, `${name}: cut there it is something else`);
      assert(outcome.ways > Math.min(response.length, 32), `${name}: ${outcome.ways} ways`);
    }
  });

  await t.step("TypeScript: the same", () => CASES.forEach(checkPortable));

  await t.step("both agree on every beginning of the well-formed ones", async () => {
    const good = CASES.filter(({ response, expected }) =>
      expected.ending !== "malformed" && response.length <= PREFIXES_MAX
    );
    const prefixes = good.flatMap(({ name, response }) =>
      Array.from(
        response,
        (_, at) => ({ name: `${name} to ${at}`, bytes: response.subarray(0, at) }),
      )
    );
    const outcomes = await nativeOutcomes(program, prefixes.map(({ bytes }) => bytes));
    for (const [i, outcome] of outcomes.entries()) {
      const { name, bytes } = prefixes[i];
      const portable = portableOutcome([bytes]);
      assertSame(portable, decoded(comparable(outcome)), name);
      assert(portable.ending !== "malformed", name);
    }
  });
});
