/**
 * Traces of agents with tools and sub-agents, on a real server. What is right was written down from the peers
 * that read these forms: the bodies that AIPerf 0.13.0 sent to a server (aiperf.json), and the graph and the
 * prompts that inference-perf 0.7.0 made (inference_perf.json), of the same files.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../../lib/errors.ts";
import { planLoad } from "../../../lib/load/plan_load.ts";
import { readDataset } from "../../../lib/load/datasets/read_dataset.ts";
import { MockEndpoint } from "../../../lib/mock/server.ts";
import { load } from "../fixture.ts";
import type { LoadSettings } from "../../../lib/settings/load.ts";
import type { RequestRecord } from "../../../lib/run/request_record.ts";

const FOLDER = fileURLToPath(new URL("../../fixtures/agent_traces/", import.meta.url));
const read = (name: string) => JSON.parse(readFileSync(join(FOLDER, name), "utf8"));
const aiperf: Record<string, Record<string, unknown>[]> = read("aiperf.json");
const peer = read("inference_perf.json");

/** SGLang's, as its benchmark/datasets/agentic_trace.py describes it. */
const SGLANG = {
  metadata: { num_turns: 2, padded: true },
  conversations: [
    [
      {
        messages: [{ role: "system", content: "Act." }, { role: "user", content: "List files." }],
        prompt_tokens: 5,
      },
      { messages: [], prompt_tokens: 5 },
      { messages: [{ role: "user", content: "a.ts" }], prompt_tokens: 9, score: 1 },
    ],
    [{ messages: [{ role: "user", content: "Hello" }], prompt_tokens: 1 }],
  ],
};

type Sent = RequestRecord & { body: Record<string, unknown>; session_header?: string };

/** Sends a file's sessions to a server that says "live answer", and gives each request with its body. */
async function send(
  prompts: string,
  more: LoadSettings = {},
): Promise<Sent[] & { notes: string[] }> {
  await using mock = await MockEndpoint.start({
    script: { answers: [{ contains: "nobody answers", response: "" }] },
    behaviour: { default_response: "live answer", delay_s: 0.02 },
  });
  using run = await load({
    endpoint: `${mock.url}/v1`,
    transport: "portable",
    concurrency: 1,
    requests: 100,
    prompts,
    ...more,
  });
  const bodies = new Map(
    mock.requests.map(({ headers, body }) => [headers["x-request-id"], { headers, body }]),
  );
  const sent = run.records.map((record): Sent => {
    const { headers, body } = bodies.get(record.request_id!)!;
    return {
      ...record,
      body: body as Record<string, unknown>,
      session_header: headers["x-session-id"] as string,
    };
  });
  return Object.assign(sent, { notes: run.results.notes });
}

/** What a form says of a body, in AIPerf's names and in an order that does not hang on times. */
function told(bodies: readonly Record<string, unknown>[]): string[] {
  return bodies.map(({ model: _m, stream: _s, stream_options: _o, max_tokens, ...body }) => {
    const limit = max_tokens === undefined ? {} : { max_completion_tokens: max_tokens };
    return JSON.stringify(Object.entries({ ...limit, ...body }).sort());
  }).sort();
}

for (const name of ["dag", "mooncake_sessions", "multi_turn"]) {
  Deno.test(`${name}: the bodies are those that AIPerf sends`, async () => {
    const sent = await send(join(FOLDER, `${name}.jsonl`), { concurrency: 2 });
    assertEquals(told(sent.map(({ body }) => body)), told(aiperf[name]));
    assertEquals(sent.notes.filter((note) => note.includes("not used")), []);
  });
}

/** The request whose own words are these. */
function says(sent: readonly Sent[], words: string): Sent {
  const found = sent.filter(({ body }) => {
    const last = (body.messages as { content: unknown }[]).at(-1)!.content;
    return JSON.stringify(last).includes(words);
  });
  assertEquals(found.length, 1, words);
  return found[0];
}

const gap_ms = (before: Sent, after: Sent) => (after.t_intended_ns - before.t_end_ns) / 1e6;

Deno.test("sub-agents start after their parent's turn, and the turn that joins waits for them", async () => {
  const sent = await send(join(FOLDER, "dag.jsonl"));
  const of = (words: string) => says(sent, words);
  const [plan, look, again, check] = ["Plan it", "Look around", "Look again", "Check it"].map(of);
  const [second, third, a, b] = ["What did look find", "And check", "Way A", "Way B"].map(of);
  for (const child of [look, check]) assertAlmostEquals(gap_ms(plan, child), 0, 1e-6);
  assertAlmostEquals(gap_ms(look, again), 30, 1e-3);
  // 50 ms after its own turn's answer, and not before what it waits for
  const due_ms = Math.max(plan.t_end_ns + 50e6, again.t_end_ns);
  assertAlmostEquals(second.t_intended_ns, due_ms, 1e3);
  assertAlmostEquals(third.t_intended_ns, Math.max(second.t_end_ns + 20e6, check.t_end_ns), 1e3);
  assertAlmostEquals(gap_ms(third, a), 0, 1e-6);
  assertAlmostEquals(gap_ms(third, b), 10, 1e-3);
  assertEquals([plan, look, check, third, a].map(({ agent }) => agent), [
    undefined,
    "look",
    "check",
    undefined,
    "branch_a",
  ]);
  // both sub-agents were under way at once, although one session has one place
  assert(check.t_sent_ns! < look.t_end_ns && look.t_sent_ns! < check.t_end_ns);
  assertEquals(new Set(sent.map(({ session_header }) => session_header)), new Set(["root"]));
  assertEquals(new Set(sent.map(({ conversation }) => conversation)), new Set([0]));
});

Deno.test("each turn asks the model that it names, and without one its session's", async () => {
  const folder = mkdtempSync(join(tmpdir(), "dyno-agents-"));
  try {
    const path = join(folder, "models.jsonl");
    const ask = (content: string, more = {}) => ({
      messages: [{ role: "user", content }],
      ...more,
    });
    const rows = [
      {
        session_id: "s",
        turns: [ask("plan", { model: "large", spawns: ["look"] }), ask("join")],
      },
      { session_id: "look", turns: [ask("look", { model: "small" })] },
    ];
    writeFileSync(path, rows.map((row) => JSON.stringify(row)).join("\n"));
    // AIPerf of a turn's model: "Override the model name for this turn (otherwise the CLI --model wins)"
    const asked = async (settings: LoadSettings) => {
      const sent = await send(path, settings);
      return ["plan", "look", "join"].map((words) => says(sent, words).body.model);
    };
    assertEquals(await asked({}), ["large", "small", "large"]);
    assertEquals(await asked({ model: "mock" }), ["mock", "mock", "mock"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

Deno.test("concurrency counts sessions, however many sub-agents each has", async () => {
  const folder = mkdtempSync(join(tmpdir(), "dyno-agents-"));
  try {
    const path = join(folder, "many.jsonl");
    const ask = (text: string) => [{ role: "user", content: text }];
    const rows = Array.from({ length: 6 }, (_, i) => [
      {
        session_id: `s${i}`,
        turns: [{ messages: ask("a"), spawns: [`x${i}`, `y${i}`] }, { messages: ask("b") }],
      },
      ...["x", "y"].map((kind) => ({
        session_id: `${kind}${i}`,
        turns: [{ messages: ask(kind) }],
      })),
    ]).flat();
    writeFileSync(path, rows.map((row) => JSON.stringify(row)).join("\n"));
    const sent = await send(path, { concurrency: 2 });
    assertEquals(sent.length, 24);
    const sessions = Map.groupBy(sent, ({ conversation }) => conversation!);
    const spans = [...sessions.values()].map((own) => ({
      start: Math.min(...own.map(({ t_ready_ns }) => t_ready_ns)),
      end: Math.max(...own.map(({ t_end_ns }) => t_end_ns)),
    }));
    const most = Math.max(
      ...spans.map(({ start }) => spans.filter((s) => s.start <= start && start < s.end).length),
    );
    assertEquals(most, 2);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

Deno.test("a sub-agent that fails takes along what waits for it, and nothing else", async () => {
  const folder = mkdtempSync(join(tmpdir(), "dyno-agents-"));
  try {
    const path = join(folder, "fails.jsonl");
    const ask = (content: string, more = {}) => ({
      messages: [{ role: "user", content }],
      ...more,
    });
    const rows = [
      { session_id: "s", turns: [ask("go", { spawns: ["bad", "good"] }), ask("join")] },
      { session_id: "bad", turns: [ask("nobody answers"), ask("never")] },
      { session_id: "good", turns: [ask("one"), ask("two")] },
      { session_id: "next", turns: [ask("next")] },
    ];
    writeFileSync(path, rows.map((row) => JSON.stringify(row)).join("\n"));
    const sent = await send(path);
    const words = sent.map(({ body, failure }) => [
      (body.messages as { content: string }[]).at(-1)!.content,
      failure,
    ]);
    assertEquals(words.sort(), [
      ["go", null],
      ["next", null],
      ["nobody answers", "empty_reply"],
      ["one", null],
      ["two", null],
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

Deno.test("OpenTelemetry: what waits for what, how long, and the messages, as inference-perf has them", async () => {
  const { rows, form, notes } = await readDataset(join(FOLDER, "otel.json"));
  assertEquals([form, rows.length], ["otel", 1]);
  const [first] = rows;
  assertEquals(first.session, "tr1");
  const steps = [{ ...first, after: [], answers: undefined }, ...first.later];
  for (const [i, expected] of peer.otel.entries()) {
    const { messages, after, output_tokens } = steps[i];
    assertEquals(messages, expected.messages, expected.span);
    assertEquals(output_tokens, expected.output_tokens);
    assertEquals(after.map(({ step }) => step), expected.after, expected.span);
    for (const { wait_s } of after) assertAlmostEquals(wait_s! * 1000, expected.wait_ms, 1e-6);
  }
  // a recorded call of a tool stays, since its result follows; texts become the live answers
  assertEquals(steps.map(({ answers = [] }) => answers), [[], [], [], [], [{
    message: 4,
    step: 1,
  }]]);
  assertEquals(peer.otel[4].outputs, [{ message: 4, step: 1 }]);
  assertEquals(first.body, {
    model: "m-large",
    temperature: 0.2,
    tools: JSON.parse(read("otel.json").spans[1].attributes["gen_ai.tool.definitions"]),
  });
  assertEquals(notes.map((note) => note.replace(/^.*\(otel\): /, "")), [
    "a span that appears twice is sent once (1 row)",
    "spans that call no model are not sent (1 row)",
  ]);
  const sent = await send(join(FOLDER, "otel.json"), { model: "mock", trace_speed: 10 });
  const last = says(sent, "Anything to change?").body.messages as { content: string }[];
  assertEquals(last[4], { role: "assistant", content: "live answer" } as unknown);
  const [s2, s4, s5] = ["Munch, Fram", "Is Fram open", "Anything to change"].map((w) =>
    says(sent, w)
  );
  assertAlmostEquals(gap_ms(s2, s4), 30, 1e-3);
  assertAlmostEquals(s5.t_intended_ns, Math.max(s2.t_end_ns, s4.t_end_ns) + 30e6, 1e3);
});

Deno.test("OpenTelemetry: messages in parts, of developers, and tools' results under a user", async () => {
  const { rows: [first] } = await readDataset(join(FOLDER, "otel_parts.json"));
  const steps = [{ ...first, after: [] }, ...first.later];
  assertEquals(steps.length, peer.otel_parts.length);
  for (const [i, expected] of peer.otel_parts.entries()) {
    assertEquals(steps[i].messages, expected.messages, expected.span);
    assertEquals(steps[i].after.map(({ step }) => step), expected.after, expected.span);
    for (const { wait_s } of steps[i].after) {
      assertAlmostEquals(wait_s! * 1000, expected.wait_ms, 1e-6);
    }
  }
});

/** Words that two texts begin with together. */
function common(a: string[], b: string[]): number {
  const at = a.findIndex((word, i) => word !== b[i]);
  return at < 0 ? a.length : at;
}

Deno.test("Weka: prompts have the tokens and the common beginnings that inference-perf gives them", async () => {
  const sent = await send(join(FOLDER, "weka.json"), { trace_speed: 20 });
  const { calls, common: prefixes } = peer.weka;
  assertEquals(sent.length, calls.length);
  const ordered = sent.toSorted((a, b) => a.turn - b.turn); // as they started in the trace
  const texts = ordered.map(({ body }) =>
    (body.messages as { content: string }[])[0].content.split(" ")
  );
  assertEquals(
    texts.map((words, i) => [words.length, ordered[i].body.max_tokens]),
    // nobody can be asked for an answer of no tokens
    calls.map((call: { tokens: number; max_tokens: number }) => [
      call.tokens,
      Math.max(1, call.max_tokens),
    ]),
  );
  assertEquals(texts.map((a) => texts.map((b) => common(a, b))), prefixes);
  assert(
    sent.notes.some((note) => note.includes('"stop" of requests is not used')),
    `${sent.notes}`,
  );
});

Deno.test("Weka: sub-agents join the first main request that began after their end", async () => {
  const { rows: [row], form } = await readDataset(join(FOLDER, "weka.json"));
  assertEquals(form, "weka");
  const names = peer.weka.calls.map(({ name }: { name: string }) => name);
  const waits = row.later.map(({ after, agent }, i) => [
    names[i + 1],
    agent ?? null,
    after.map(({ step, wait_s }) => `${names[step]} +${Math.round(wait_s! * 1000)}`).sort(),
  ]);
  // by hand, of the trace's times: AIPerf's rule of joins, and the wait since the last of them ended
  assertEquals(waits, [
    ["sa_agent_001_s0_turn_0", "agent_001", ["parent_turn_0 +200"]],
    ["sa_agent_002_s0_turn_0", "agent_002", ["parent_turn_0 +200"]],
    ["sa_agent_002_s1_turn_0", "agent_002", ["parent_turn_0 +300"]],
    ["sa_agent_001_s0_turn_1", "agent_001", ["sa_agent_001_s0_turn_0 +100"]],
    ["parent_turn_1", null, ["parent_turn_0 +100", "sa_agent_001_s0_turn_1 +100"]],
    ["sa_agent_002_s0_turn_1", "agent_002", ["sa_agent_002_s0_turn_0 +300"]],
    ["parent_turn_2", null, [
      "parent_turn_1 +300",
      "sa_agent_002_s0_turn_1 +300",
      "sa_agent_002_s1_turn_0 +300",
    ]],
    ["sa_agent_003_s0_turn_0", "agent_003", ["parent_turn_2 +100"]],
    ["parent_turn_3", null, ["parent_turn_2 +200"]],
  ]);
});

/** Reads rows as a file of JSON lines. */
async function readRows(...rows: unknown[]) {
  const folder = mkdtempSync(join(tmpdir(), "dyno-agents-"));
  try {
    const path = join(folder, "t.jsonl");
    writeFileSync(path, rows.map((row) => JSON.stringify(row)).join("\n"));
    const found = await readDataset(path);
    await planLoad({ concurrency: 1, requests: 1, prompts: path });
    return found;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

Deno.test("blocks of one session are of no other one, unless the trace says so", async () => {
  const trace = (id: string, hash_id_scope: string) => ({
    id,
    models: ["m"],
    block_size: 4,
    hash_id_scope,
    requests: [{ t: 0, type: "n", model: "m", in: 8, out: 1, hash_ids: [1, 2] }],
  });
  const ids = async (scope: string) =>
    (await readRows(trace("a", scope), trace("b", scope))).rows.map(({ blocks }) => blocks!.ids);
  assertEquals(await ids("local"), [[0, 1], [2, 3]]);
  assertEquals(await ids("global"), [[0, 1], [0, 1]]);
});

Deno.test("what is wrong with a trace of agents is said with its place", async () => {
  const ask = [{ role: "user", content: "x" }];
  const weka = { id: "a", block_size: 16, requests: [{ t: 0, type: "n", in: 5, out: 1 }] };
  const span = {
    name: "chat m",
    start_time: "2026-05-01T10:00:00Z",
    attributes: { "gen_ai.input.messages": JSON.stringify(ask) },
  };
  const refused: [unknown[], string][] = [
    [[{ ...weka, block_size: 0 }], "t.jsonl:1: no block_size"],
    [[{ ...weka, hash_id_scope: "other" }], 'hash_id_scope: "other"; expected local or global'],
    [[{ ...weka, requests: [] }], "requests: none of the main agent's"],
    [[{ ...weka, requests: [{ t: 0, type: "x" }] }], 't.jsonl:1: requests[0]: type: "x"'],
    [[{ ...weka, requests: [{ t: 0, type: "n", in: 5 }] }], 'requests[0]: no "out"'],
    [[{ spans: [] }], "spans: none calls a model"],
    [[{ spans: [{ ...span, start_time: "soon" }] }], 'spans[0]: start_time: "soon"'],
    [
      [{ spans: [{ ...span, attributes: { "gen_ai.input.messages": "[{" } }] }],
      "gen_ai.input.messages: malformed JSON",
    ],
    [[{ session_id: "a", turns: [{ messages: ask, spawns: ["b"] }] }], '"b": there is no such'],
    [
      [{ session_id: "a", turns: [{ messages: ask, forks: ["b"] }, { messages: ask }] }, {
        session_id: "b",
        turns: [{ messages: ask }],
      }],
      "forks: they end the conversation",
    ],
    [
      [{ session_id: "a", turns: [{ messages: ask, spawns: [{ children: ["b"], join_at: 5 }] }] }],
      "join_at: 5; expected",
    ],
    [[{ session_id: "a", turns: [{ messages: ask }], orchestrator: true }], "orchestrator"],
    [[{ session_id: "a", turns: [{ role: "user" }] }], 'no "text"'],
  ];
  for (const [rows, message] of refused) {
    const error = await assertRejects(() => readRows(...rows), InputError);
    assert(error.message.includes(message), `${error.message}\nexpected: ${message}`);
  }
  const loop = [
    { session_id: "r", turns: [{ messages: ask, spawns: ["a"] }] },
    { session_id: "a", turns: [{ messages: ask, spawns: ["a"] }] },
  ];
  await assertRejects(() => readRows(...loop), InputError, "names itself");
  // AIPerf 0.13.0 refuses these too, and takes the lists that it writes where there is nothing
  const turn = (more: object) => [{ messages: ask, ...more }];
  const apart = [
    { session_id: "r", turns: turn({ forks: [], spawns: [] }), pre_session_spawns: [] },
    { session_id: "a", turns: turn({ spawns: ["b"] }) },
    { session_id: "b", turns: turn({ spawns: ["a"] }) },
  ];
  assertEquals((await readRows(apart[0])).rows.length, 1);
  await assertRejects(() => readRows(...apart), InputError, 't.jsonl:2: "a": only conversations');
  await assertRejects(() => readRows(apart[0], apart[0]), InputError, '"r": an earlier row has it');
  for (const entry of [3, {}, { chidl: "r" }, { children: ["r", 3] }]) {
    for (const list of ["spawns", "forks"]) {
      const row = { session_id: "s", turns: turn({ [list]: [entry] }) };
      await assertRejects(() => readRows(row), InputError, `turns[0]: ${list}[0]: expected`);
    }
  }
  const sticky = { concurrency: 1, requests: 1, connections: "sticky" as const };
  await assertRejects(
    () => planLoad({ ...sticky, prompts: join(FOLDER, "dag.jsonl") }),
    InputError,
    "--connections sticky",
  );
});

Deno.test("fields that nothing uses are named, within turns, spans and sub-agents too", async () => {
  const ask = [{ role: "user", content: "x" }];
  const noted = async (...rows: unknown[]) =>
    (await readRows(...rows)).notes.map((note) => note.replace(/^.*?\): /, "")).join("\n");
  const dag = await noted({ session_id: "a", extra_thing: 1, turns: [{ messages: ask, mood: 2 }] });
  assert(dag.includes('"mood" of a turn') && dag.includes('"extra_thing"'), dag);
  const turns = await noted({ session_id: "a", turns: [{ text: "x", weight: 2 }] });
  assert(turns.includes('"weight" of a turn'), turns);
  const spans = await noted({
    trace_id: "t",
    spans: [{
      name: "chat m",
      start_time: "2026-05-01T10:00:00Z",
      attributes: { "gen_ai.input.messages": ask, "gen_ai.request.best_of": 2 },
    }],
  });
  assert(spans.includes('attribute "gen_ai.request.best_of"'), spans);
});

Deno.test("SGLang's agents: a turn says its new messages to the live answers before", async () => {
  const folder = mkdtempSync(join(tmpdir(), "dyno-sglang-"));
  try {
    const path = join(folder, "agents.json");
    for (const text of [JSON.stringify(SGLANG), JSON.stringify(SGLANG, null, 2)]) {
      writeFileSync(path, text);
      const answered = await send(path, { output_tokens: 7 });
      const ofSession = ({ conversation, turn }: Sent) => (conversation ?? 1) * 9 + turn;
      const sent = answered.toSorted((a, b) => ofSession(a) - ofSession(b));
      const [system, list, next] = SGLANG.conversations[0].flatMap(({ messages }) => messages);
      const live = { role: "assistant", content: "live answer" };
      assertEquals(sent.map(({ body }) => body.messages), [
        [system, list],
        [system, list, live, next],
        [{ role: "user", content: "Hello" }],
      ]);
      assertEquals(sent.map(({ body }) => body.max_tokens), [7, 7, 7]);
      const told = answered.notes.filter((note) => note.includes("turn"))
        .map((note) => note.replace(path, ""));
      assertEquals(told, [
        " (sglang): a turn without messages is left out (1 row)",
        ' (sglang): "score" of a turn is not used (1 row)',
      ]);
    }
    writeFileSync(path, JSON.stringify({ conversations: [[{ messages: "Hi" }]] }));
    await assertRejects(() => readDataset(path), InputError, "conversations[0][0]: messages");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
