/** The 34 tests of the runner that its users named, over real HTTP, in their seven groups. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { loadSuite } from "../../lib/settings/load_suite.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { testIdsByCategory } from "../../lib/suite/selection.ts";
import { jsonIn, promptTests, runOnMock, suiteFrom, temporaryFolder } from "./fixture.ts";
import type { ExecutionProgress } from "../../lib/suite/progress.ts";

const BASE_SUITE = {
  test_suite_id: "integration_base_tests",
  version: "1.0.0",
  description: "base models",
  tests: [
    {
      id: "complex_test_01",
      name: "Complex Synthesis Test",
      category: "complex_synthesis",
      reasoning_type: "general",
      prompt: "Analyze the following reports and name what they agree on.",
      parameters: { max_tokens: 1500, temperature: 0.4, top_p: 0.95 },
    },
    {
      id: "math_test_01",
      name: "Math Test",
      category: "mathematical_reasoning",
      reasoning_type: "mathematical",
      prompt: "What is 17 times 3?",
      parameters: { max_tokens: 100, temperature: 0 },
      evaluator: { name: "numeric", expected: 51 },
    },
    {
      id: "cot_test_01",
      name: "Chain of Thought Test",
      category: "chain_of_thought",
      reasoning_type: "chain_of_thought",
      prompt: "Explain step by step why the sky looks blue.",
      parameters: { max_tokens: 300 },
      evaluator: { name: "reasoning_score" },
    },
  ],
};

const INSTRUCT_SUITE = {
  test_suite_id: "integration_instruct_tests",
  version: "1.0.0",
  tests: ["monitoring", "monitoring", "log_analysis"].map((category, i) => ({
    id: `linux_${i}`,
    name: `Linux ${i}`,
    category,
    reasoning_type: "general",
    messages: [
      { role: "system", content: "You are a system administrator." },
      { role: "user", content: `Write a shell command for task ${i}` },
    ],
    parameters: { max_tokens: 500, temperature: 0.1 },
  })),
};

// 1. Configuration and test loading

Deno.test("test_load_base_model_test_suite", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "base.json");
  writeFileSync(path, JSON.stringify(BASE_SUITE));
  const { suite } = await loadSuite(path);
  assertEquals(suite.tests.map((test) => test.category), [
    "complex_synthesis",
    "mathematical_reasoning",
    "chain_of_thought",
  ]);
  assertEquals(suite.tests[0].parameters?.max_tokens, 1500);
});

Deno.test("test_load_instruct_model_test_suite", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "instruct.json");
  writeFileSync(path, JSON.stringify(INSTRUCT_SUITE));
  const { suite } = await loadSuite(path);
  assertEquals(suite.tests[0].messages?.map((message) => message.role), ["system", "user"]);
  assertEquals(suite.tests[0].prompt, undefined);
});

Deno.test("test_category_filtering", () => {
  const { suite } = suiteFrom(promptTests(7, ["Math_Easy", "math_hard", "Logic"]));
  assertEquals(testIdsByCategory(suite, "logic"), ["t2", "t5"]);
  assertEquals(testIdsByCategory(suite, "MATH_*"), ["t0", "t1", "t3", "t4", "t6"]);
  assertEquals(testIdsByCategory(suite, "math_?ard"), ["t1", "t4"]);
  assertEquals(testIdsByCategory(suite, "easy"), ["t0", "t3", "t6"]);
  assertEquals(testIdsByCategory(suite, "none"), []);
});

Deno.test("test_malformed_json_handling", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "broken.json");
  writeFileSync(path, '{"test_suite_id": "x",\n "tests": [');
  await assertRejects(() => loadSuite(path), InputError, `${path}:2:12: malformed JSON`);
});

Deno.test("test_missing_file_handling", async () => {
  await assertRejects(() => loadSuite("/nowhere/suite.json"), InputError, "no such file");
});

// 2. HTTP communication

Deno.test("test_completions_api_request_format", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const run = await runOnMock(mock, {
    suite: suiteFrom(promptTests(1)),
    out: folder.path,
    path: "/v1/completions",
  });
  const [request] = mock.requests;
  assertEquals([request.method, request.path], ["POST", "/v1/completions"]);
  assertEquals(request.body, {
    model: "mock",
    prompt: "Question number 0",
    max_tokens: 50,
    temperature: 0.4,
    top_p: 0.95,
    stream: true,
    stream_options: { include_usage: true },
  });
  assertEquals(run.tests[0].response_text, "Mock response text");
});

Deno.test("test_chat_api_request_format", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const { messages } = INSTRUCT_SUITE.tests[0];
  await runOnMock(mock, {
    suite: suiteFrom([INSTRUCT_SUITE.tests[0], ...promptTests(1)]),
    out: folder.path,
    workers: 1,
    api: { stream: false, headers: { "x-custom-header": "value" } },
  });
  const [first, second] = mock.requests;
  assertEquals(first.path, "/v1/chat/completions");
  assertEquals(first.body, {
    model: "mock",
    messages,
    max_tokens: 500,
    temperature: 0.1,
    stream: false,
  });
  assertEquals(first.headers["x-custom-header"], "value");
  assertEquals((second.body as { messages: unknown }).messages, [
    { role: "user", content: "Question number 0" },
  ]);
});

Deno.test("test_retry_logic_on_server_error", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  mock.configure({ error_mode: "server_error", fault_count: 2 });
  const run = await runOnMock(mock, { suite: suiteFrom(promptTests(1)), out: folder.path });
  assertEquals([run.tests[0].success, run.tests[0].attempts, mock.requests.length], [true, 3, 3]);
  const journal = readFileSync(run.directory.journal, "utf8");
  assertEquals(journal.match(/"event":"llm_request_error"/g)?.length, 2);
});

Deno.test("test_timeout_handling", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  mock.configure({ error_mode: "timeout" });
  const api = { timeout: 0.2, retry_attempts: 1 };
  const run = await runOnMock(mock, { suite: suiteFrom(promptTests(1)), out: folder.path, api });
  const [result] = run.tests;
  assertEquals([result.success, result.timed_out, result.error_class], [false, true, "timeout"]);
  assertEquals(result.attempts, 2);
  assert(result.elapsed_seconds >= 0.4);
});

Deno.test("test_response_parsing", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  mock.configure({ default_response: "Custom answer with ümläuts and 数字" });
  const run = await runOnMock(mock, { suite: suiteFrom(promptTests(1)), out: folder.path });
  const [result] = run.tests;
  assertEquals(result.response_text, "Custom answer with ümläuts and 数字");
  assertEquals([result.prompt_tokens, result.completion_tokens], [3, 6]);
  assertEquals([result.token_source, result.finish_reason], ["usage", "stop"]);
  const choice = (result.api_response?.choices as { message: { content: string } }[])[0];
  assertEquals(choice.message.content, result.response_text);
});

// 3. Concurrent execution

Deno.test("test_concurrent_worker_management", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  mock.configure({ delay_s: 0.2 });
  const run = await runOnMock(mock, {
    suite: suiteFrom(promptTests(6)),
    out: folder.path,
    workers: 3,
  });
  const sum_s = run.tests.reduce((sum, result) => sum + result.execution_time, 0);
  assertEquals(run.results.aggregate.successful, 6);
  assert(run.wall_s < sum_s, `${run.wall_s} s for ${sum_s} s of tests`);
});

Deno.test("test_thread_safe_progress_tracking", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const seen: ExecutionProgress[] = [];
  await runOnMock(mock, {
    suite: suiteFrom(promptTests(20)),
    out: folder.path,
    workers: 5,
    onProgress: (progress) => seen.push(progress),
  });
  assertEquals(
    seen.map((progress) => progress.completed_tests),
    [...Array(21).keys()],
  );
  assert(seen.every((p) => p.successful_tests + p.failed_tests === p.completed_tests));
  assertEquals(seen.at(-1)?.total_tokens_generated, 60);
});

Deno.test("test_worker_count_limits", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  mock.configure({ delay_s: 0.1 });
  const suite = suiteFrom(promptTests(6));
  const most = async (workers: number) => {
    const { tests } = await runOnMock(mock, { suite, out: folder.path, workers });
    const spans = tests.map((result) => result.timing!);
    return Math.max(
      ...spans.map(({ t_sent_ns }) =>
        spans.filter((other) => other.t_sent_ns <= t_sent_ns && t_sent_ns < other.t_end_ns).length
      ),
    );
  };
  assertEquals(await most(1), 1);
  assertEquals(await most(3), 3);
});

Deno.test("test_error_handling_in_concurrent_execution", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start({ seed: 3 });
  mock.configure({ error_mode: "server_error", fault_rate: 0.5 });
  const run = await runOnMock(mock, {
    suite: suiteFrom(promptTests(30)),
    out: folder.path,
    workers: 6,
    api: { retry_attempts: 0 },
  });
  const { successful, errors, errors_by_class } = run.results.aggregate;
  assertEquals(successful + errors, 30);
  assert(successful > 3 && errors > 3, `${successful} answered, ${errors} not`);
  assertEquals(errors_by_class, { http_5xx: errors });
});

// 4. Result management

Deno.test("test_individual_result_file_creation", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const suite = suiteFrom([{
    ...promptTests(1)[0],
    evaluator: { name: "contains", expected: "Mock" },
  }]);
  const run = await runOnMock(mock, { suite, out: folder.path });
  assertEquals(run.files, ["Test_0_completion.txt", "Test_0_result.json"]);
  const result = jsonIn(join(run.directory.items, "Test_0_result.json"));
  for (
    const field of [
      "test_id",
      "test_name",
      "success",
      "response_text",
      "execution_time",
      "prompt_tokens",
      "completion_tokens",
      "tokens_per_second",
      "error_message",
      "timestamp",
      "api_response",
      "performance_metrics",
      "evaluation_result",
      "reasoning_score",
      "reasoning_type",
    ]
  ) assert(field in result, field);
  assertMatch(result.timestamp, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assertEquals(result.evaluation_result.passed, true);
});

Deno.test("test_completion_text_file_creation", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const run = await runOnMock(mock, { suite: suiteFrom(promptTests(1)), out: folder.path });
  const text = readFileSync(join(run.directory.items, "Test_0_completion.txt"), "utf8");
  assertMatch(
    text,
    /PROMPT\n=+\nQuestion number 0\n[^]*COMPLETION\n=+\nMock response text\n[^]*METRICS\n=+\n[^]*completion_tokens: 3/,
  );
});

Deno.test("test_batch_results_aggregation", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const batches = (path: string) =>
    readdirSync(path).filter((name) => name.startsWith("batch_results_"));
  const one = await runOnMock(mock, { suite: suiteFrom(promptTests(1)), out: folder.path });
  assertEquals(batches(one.directory.path), []);
  const many = await runOnMock(mock, { suite: suiteFrom(promptTests(4)), out: folder.path });
  const [name] = batches(many.directory.path);
  assertMatch(name, /^batch_results_\d{8}_\d{6}\.json$/);
  const batch = jsonIn(join(many.directory.path, name));
  assertEquals([batch.aggregate.tests, batch.items.length], [4, 4]);
  assertEquals(batch.execution_progress.completed_tests, 4);
  assertEquals(batch.config.api_configuration.model, "mock");
});

Deno.test("test_file_naming_conventions", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const named = ["Sum: 2/3?", "sum 2 3", "../up", "Sum: 2/3?"];
  const suite = suiteFrom(
    named.map((name, i) => ({ id: `n${i}`, name, category: "c", prompt: `p${i}` })),
  );
  const run = await runOnMock(mock, { suite, out: folder.path });
  assertEquals(run.files.length, 8);
  assertEquals(new Set(run.files.map((name) => name.toLowerCase())).size, 8);
  assert(run.files.every((name) => /^[\w.-]+$/.test(name)));
  assert(run.files.includes("Sum_2_3_result.json") && run.files.includes("up_completion.txt"));
});

Deno.test("test_output_directory_creation", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const out = join(folder.path, "deeply", "nested", "runs");
  const run = await runOnMock(mock, { suite: suiteFrom(promptTests(1)), out });
  assertEquals(run.directory.path, join(out, run.run_id));
  assert(statSync(run.directory.items).isDirectory() && existsSync(run.directory.results));
});

// 5. Performance monitoring

Deno.test("test_execution_time_measurement", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  mock.configure({ delay_s: 0.3 });
  const { tests: [result] } = await runOnMock(mock, {
    suite: suiteFrom(promptTests(1)),
    out: folder.path,
  });
  assert(result.execution_time >= 0.295, `${result.execution_time} s`);
  assert(result.timing!.ttft_ms! >= 295 && result.timing!.ttft_ms! <= result.timing!.e2e_ms);
});

Deno.test("test_token_counting", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const suite = suiteFrom([{ id: "a", name: "A", category: "c", prompt: "one two three four" }]);
  mock.configure({ default_response: "five tokens are in here" });
  const asked = await runOnMock(mock, { suite, out: folder.path });
  assertEquals([asked.tests[0].prompt_tokens, asked.tests[0].completion_tokens], [4, 5]);
  mock.configure({ default_response: "five tokens are in here", error_mode: "usage_missing" });
  const silent = await runOnMock(mock, { suite, out: folder.path });
  assertEquals([silent.tests[0].prompt_tokens, silent.tests[0].completion_tokens], [null, 5]);
  assertEquals(silent.tests[0].token_source, "events");
});

Deno.test("test_performance_metrics_collection", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  mock.configure({ delay_s: 0.3 });
  Deno.env.set("DYNO_NVML", join(folder.path, "none")); // as on a host without a GPU, wherever this runs
  const run = await runOnMock(mock, {
    suite: suiteFrom(promptTests(2)),
    out: folder.path,
    sample_rate_hz: 10,
  }).finally(() => Deno.env.delete("DYNO_NVML"));
  const { performance_metrics } = jsonIn(join(run.directory.items, "Test_0_result.json"));
  assert(performance_metrics.samples >= 2, `${performance_metrics.samples} samples`);
  assert(
    performance_metrics.cpu_usage_percent >= 0 && performance_metrics.cpu_usage_percent <= 100,
  );
  assert(performance_metrics.memory_used_gb > 0);
  assertEquals(performance_metrics.gpu_usage_percent, null);
  assert(statSync(join(run.directory.path, "samples.bin")).size > 0);
  const off = await runOnMock(mock, { suite: suiteFrom(promptTests(1)), out: folder.path });
  assertEquals(off.results.aggregate.successful, 1);
});

Deno.test("test_tokens_per_second_calculation", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  mock.configure({ default_response: "a b c d e f g h i j", tokens_per_second: 50 });
  const { tests: [result] } = await runOnMock(mock, {
    suite: suiteFrom(promptTests(1)),
    out: folder.path,
  });
  assertAlmostEquals(result.tokens_per_second!, 10 / result.execution_time, 1e-9);
  const { tpot_ms } = result.timing!;
  assert(
    tpot_ms! > 15 && tpot_ms! <= result.timing!.e2e_ms / 9,
    `tpot ${tpot_ms} ms at 50 tokens/s`,
  );
});

// 6. Error handling and edge cases

Deno.test("test_server_500_error_handling", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  mock.configure({ error_mode: "server_error" });
  const { tests: [result] } = await runOnMock(mock, {
    suite: suiteFrom(promptTests(1)),
    out: folder.path,
  });
  assertEquals([result.success, result.error_class, result.attempts], [false, "http_5xx", 3]);
  assertStringIncludes(result.error_message!, "HTTP 500");
});

Deno.test("test_rate_limiting_handling", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  mock.configure({ error_mode: "rate_limit", fault_count: 1, retry_after: "1" });
  const seconds = await runOnMock(mock, { suite: suiteFrom(promptTests(1)), out: folder.path });
  assertEquals([seconds.tests[0].success, seconds.tests[0].attempts], [true, 2]);
  assert(seconds.tests[0].elapsed_seconds >= 1);
  const date = new Date(Date.now() + 2000).toUTCString(); // whole seconds: 1 to 2 s from now
  mock.configure({ error_mode: "rate_limit", fault_count: 1, retry_after: date });
  const dated = await runOnMock(mock, { suite: suiteFrom(promptTests(1)), out: folder.path });
  assert(dated.tests[0].success && dated.tests[0].elapsed_seconds >= 0.9);
  mock.configure({ error_mode: "rate_limit", retry_after: "3600" });
  const api = { timeout: 5 };
  const { tests: [refused] } = await runOnMock(mock, {
    suite: suiteFrom(promptTests(1)),
    out: folder.path,
    api,
  });
  assertEquals([refused.error_class, refused.attempts], ["http_429", 1]);
});

Deno.test("test_network_connection_error", async () => {
  using folder = temporaryFolder();
  const mock = await MockEndpoint.start();
  const suite = suiteFrom(promptTests(3));
  const run = await runOnMock(mock, {
    suite,
    out: folder.path,
    workers: 1,
    onProgress: ({ completed_tests }) => {
      if (completed_tests === 1) void mock.close(); // goes away after the first answer
    },
  });
  await mock.close();
  assertEquals(run.tests.map((result) => result.error_class), [null, "connect", "connect"]);
  assertEquals(run.tests[1].attempts, 3);
  await assertRejects(
    () => runOnMock(mock, { suite, out: folder.path }),
    InputError,
    "cannot connect",
  );
});

Deno.test("test_invalid_test_id_handling", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const suite = suiteFrom(promptTests(12));
  const run = (tests: string[]) => runOnMock(mock, { suite, out: folder.path, tests });
  const error = await assertRejects(() => run(["t1", "t111"]), InputError, 'no test "t111"');
  assertStringIncludes(error.message, '"t11"');
  assertEquals(readdirSync(folder.path), []);
});

Deno.test("test_empty_test_suite_handling", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "empty.json");
  writeFileSync(path, '{"test_suite_id": "empty", "tests": []}');
  await assertRejects(() => loadSuite(path), InputError, "the suite has no tests");
});

Deno.test("test_disk_space_error_simulation", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const suite = suiteFrom(promptTests(2));
  const readOnly = join(folder.path, "read-only");
  mkdirSync(readOnly);
  chmodSync(readOnly, 0o555);
  const root = process.getuid?.() === 0; // whom modes do not bind
  const out = root ? "/proc/dyno" : join(readOnly, "runs");
  await assertRejects(() => runOnMock(mock, { suite, out }), InputError, "cannot write");
});

Deno.test("test_malformed_response_handling", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const suite = suiteFrom(promptTests(1));
  const failure = async (
    error_mode: "malformed_event" | "empty_reply" | "truncated_stream" | "not_json",
  ) => {
    mock.configure({ error_mode, default_response: "a b c d e f" });
    const { tests: [result] } = await runOnMock(mock, { suite, out: folder.path });
    return [result.error_class, result.attempts];
  };
  assertEquals(await failure("malformed_event"), ["malformed", 1]);
  assertEquals(await failure("empty_reply"), ["empty_reply", 1]);
  assertEquals(await failure("truncated_stream"), ["truncated", 3]);
  assertEquals(await failure("not_json"), ["malformed", 1]);
});

// 7. End to end

Deno.test("test_complete_base_model_workflow", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start({
    script: { answers: [{ contains: "17 times 3", response: "17 * 3 = 51" }] },
  });
  mock.configure({ default_response: "First, light scatters. Therefore the sky is blue." });
  const path = join(folder.path, "base.json");
  writeFileSync(path, JSON.stringify(BASE_SUITE));
  const run = await runOnMock(mock, {
    suite: await loadSuite(path),
    out: folder.path,
    path: "/v1/completions",
  });
  assertEquals(run.results.aggregate.successful, 3);
  assertEquals(run.files.length, 6);
  assertEquals(mock.requests.every((request) => request.path === "/v1/completions"), true);
  const [synthesis, math, thought] = run.results.items;
  assertEquals([synthesis.passed, math.passed, math.score?.hit_rate], [null, true, 1]);
  assert(thought.reasoning_score! > 0 && thought.reasoning_score! <= 1);
  assertEquals(thought.reasoning_type, "chain_of_thought");
});

Deno.test("test_complete_instruct_model_workflow", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const suite = suiteFrom(INSTRUCT_SUITE.tests);
  const run = await runOnMock(mock, { suite, out: folder.path, path: "/v1" });
  assertEquals(run.results.complete, true);
  assertEquals(mock.requests.map((request) => request.path), Array(3).fill("/v1/chat/completions"));
  const events = readFileSync(run.directory.journal, "utf8").trim().split("\n").map((line) =>
    JSON.parse(line).event
  );
  assertEquals([events[0], events.at(-1)], ["run_started", "run_finished"]);
  assertEquals(events.filter((event) => event === "package_finished").length, 3);
  const metadata = jsonIn(run.directory.metadata);
  assertEquals([metadata.schema_version, metadata.kind, metadata.model], [1, "suite", "mock"]);
});

Deno.test("test_category_specific_execution", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const suite = suiteFrom(INSTRUCT_SUITE.tests);
  const tests = testIdsByCategory(suite.suite, "Monitoring");
  const byIds = await runOnMock(mock, { suite, out: folder.path, tests });
  const byCategory = await runOnMock(mock, { suite, out: folder.path, categories: ["MONITOR*"] });
  for (const run of [byIds, byCategory]) {
    assertEquals(run.results.items.map((item) => item.test_id), ["linux_0", "linux_1"]);
    assertEquals(run.results.categories.map(({ category }) => category), ["monitoring"]);
  }
});

Deno.test("test_progress_tracking_integration", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  mock.configure({ delay_s: 0.02 });
  const seen: ExecutionProgress[] = [];
  await runOnMock(mock, {
    suite: suiteFrom(promptTests(5)),
    out: folder.path,
    workers: 1,
    onProgress: (progress) => seen.push(progress),
  });
  assertEquals([seen[0].total_tests, seen[0].completed_tests], [5, 0]);
  const last = seen[5];
  assertEquals([last.completed_tests, last.successful_tests, last.failed_tests], [5, 5, 0]);
  assertEquals([seen[0].estimated_remaining_time, last.estimated_remaining_time], [null, 0]);
  for (let i = 2; i <= 5; i++) {
    assert(seen[i].elapsed_time >= seen[i - 1].elapsed_time);
    assert(seen[i - 1].estimated_remaining_time! > 0 && seen[i].tests_per_second > 0);
  }
});
