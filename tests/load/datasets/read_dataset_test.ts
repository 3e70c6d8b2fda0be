/** Traces in each form, from real files; and what is said of files that are none. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../../lib/errors.ts";
import { readDataset } from "../../../lib/load/datasets/read_dataset.ts";
import { UNKNOWN_ROW as UNKNOWN } from "../../../lib/load/datasets/row.ts";
import type { Dataset } from "../../../lib/load/datasets/read_dataset.ts";

/** Reads `text` as a trace, by way of a file of the name. */
async function readText(text: string | Uint8Array, name = "trace"): Promise<Dataset> {
  const folder = await mkdtemp(join(tmpdir(), "dyno-trace-"));
  try {
    await writeFile(join(folder, name), text);
    const dataset = await readDataset(join(folder, name));
    return { ...dataset, notes: dataset.notes.map((note) => note.replace(`${folder}/`, "")) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

const lines = (...rows: unknown[]) => rows.map((row) => JSON.stringify(row) + "\n").join("");

Deno.test("other letters than were written are not sent: UTF-8, UTF-16 with its mark, nothing else", async () => {
  const latin1 = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  const utf16 = new Uint8Array(
    new Uint16Array([..."\uFEFFprompt\ncafé"].map((c) => c.charCodeAt(0))).buffer,
  );
  assertEquals((await readText(utf16)).rows.map(({ prompt }) => prompt), ["café"]);
  for (
    const text of ['{"prompt": "a"}\n{"prompt": "café"}\n', "prompt\ncafé\n", "prompt\ncaf\xe9"]
  ) {
    await assertRejects(
      () => readText(latin1(text)),
      InputError,
      "trace:2: has bytes that are not UTF-8",
    );
  }
});

Deno.test("our JSON lines: seconds or milliseconds, prompts or lengths", async () => {
  assertEquals(
    await readText(
      lines(
        { timestamp_s: 10, prompt: "Why?", session: "a" },
        { timestamp_s: 10.5, input_length: 7, output_length: 3, session_id: 12 },
        { timestamp_s: 12, prompt: "How?", input_length: 2, output_length: null, more: true },
      ),
    ),
    {
      form: "dyno",
      rows: [
        { ...UNKNOWN, t_s: 0, prompt: "Why?", session: "a" },
        { ...UNKNOWN, t_s: 0.5, input_tokens: 7, output_tokens: 3, session: "12" },
        { ...UNKNOWN, t_s: 2, prompt: "How?", input_tokens: 2 },
      ],
      timed: true,
      notes: ['trace (dyno): "more" is not used (1 row)'],
    },
  );
  const { form, rows } = await readText(
    "\uFEFF" +
      lines({ timestamp: 1500, input_length: 1 }, { timestamp: 4000, input_length: 1 }) + "\r\n\n",
  );
  assertEquals([form, ...rows.map(({ t_s }) => t_s)], ["dyno", 0, 2.5]);
});

Deno.test("Mooncake JSON lines: milliseconds and hash ids", async () => {
  assertEquals(
    await readText(
      lines(
        { timestamp: 27482, input_length: 1155, output_length: 52, hash_ids: [46, 47, 2353] },
        { timestamp: 30535, input_length: 1072, output_length: 26, hash_ids: [46, 47, 2366] },
      ),
      "conversation_trace.jsonl",
    ),
    {
      form: "mooncake",
      rows: [
        {
          ...UNKNOWN,
          t_s: 0,
          input_tokens: 1155,
          output_tokens: 52,
          blocks: { ids: [46, 47, 2353], tokens: 512 },
        },
        {
          ...UNKNOWN,
          t_s: 30.535 - 27.482,
          input_tokens: 1072,
          output_tokens: 26,
          blocks: { ids: [46, 47, 2366], tokens: 512 },
        },
      ],
      timed: true,
      notes: [],
    },
  );
});

Deno.test("BurstGPT: seconds; failures are counted, not replayed", async () => {
  const { form, rows, notes } = await readText(
    "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\r\n" +
      "5,ChatGPT,472,18,490,Conversation log\r\n" +
      "45.5,GPT-4,1087,0,1087,API log\r\n" +
      "118,ChatGPT,417,276.0,693,Conversation log\r\n",
  );
  assertEquals(form, "burstgpt");
  assertEquals(notes.at(-1), "trace (burstgpt): 1 row of no tokens skipped");
  assertEquals(rows, [
    { ...UNKNOWN, t_s: 0, input_tokens: 472, output_tokens: 18 },
    { ...UNKNOWN, t_s: 113, input_tokens: 417, output_tokens: 276 },
  ]);
});

Deno.test("BurstGPT with sessions, quotes and rows out of order", async () => {
  const { form, rows } = await readText(
    "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n" +
      '30,s-2,1.5,"GPT-4, new",5,6,11,"a ""log"""\n' +
      "20,,1.5,GPT-4,3,4,7,API log\n" +
      "30,s-1,1.5,GPT-4,7,8,15,Conversation log\n",
  );
  assertEquals(form, "burstgpt");
  assertEquals(rows, [
    { ...UNKNOWN, t_s: 0, input_tokens: 3, output_tokens: 4 },
    { ...UNKNOWN, t_s: 10, input_tokens: 5, output_tokens: 6, session: "s-2" },
    { ...UNKNOWN, t_s: 10, input_tokens: 7, output_tokens: 8, session: "s-1" },
  ]);
});

Deno.test("Azure: dates of both years' traces, finer than milliseconds", async () => {
  const { form, rows } = await readText(
    "TIMESTAMP,ContextTokens,GeneratedTokens\n" +
      "2023-11-16 23:59:59.9805901,374,44\n" +
      "2023-11-17 00:00:00.9951690,396,109\n",
  );
  assertEquals(form, "azure");
  assertEquals(rows[1].input_tokens, 396);
  assertAlmostEquals(rows[1].t_s!, 1.0145789, 1e-6);
  const offsets = await readText(
    "TIMESTAMP,ContextTokens,GeneratedTokens\n" +
      "2024-05-10 00:00:00.009930+00:00,2162,5\n" +
      "2024-05-10 02:00:01+01:00,2399,6\n",
  );
  assertAlmostEquals(offsets.rows[1].t_s!, 3600.99007, 1e-6);
});

Deno.test("what is wrong with a trace is said with file and line", async () => {
  const mooncake = { timestamp: 0, input_length: 5, output_length: 5, hash_ids: [1] };
  const burst = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n";
  const refused: [string, string][] = [
    ["", "trace: empty; expected rows"],
    ["a,b\n1,2\n", 'trace:2: fields "a,b" are of no known form'],
    ['{"payload": {"prompt": "x"}}\n{"id": 2}\n', 'trace:2: no "payload"'],
    ["[1, 2]", "trace: [0]: 1; expected an object"],
    ["{\n", "trace:1: malformed JSON"],
    [lines(mooncake) + "\n7\n", "trace:3: 7; expected an object"],
    [lines(mooncake, { ...mooncake, input_length: 2.5 }), "trace:2: input_length: 2.5; expected"],
    [lines({ ...mooncake, hash_ids: [1, "b"] }), 'trace:1: hash_ids: [1,"b"]; expected'],
    [
      lines({ ...mooncake, timestamp: "now" }),
      'trace:1: timestamp: "now"; expected a number of',
    ],
    [lines({ ...mooncake, timestamp_s: 1 }), 'trace:1: both of "timestamp_s"'],
    [
      lines({ prompt: "x" }, { prompt: "x", timestamp: 1 }),
      "trace: 1 of 2 rows have no time",
    ],
    [
      lines({ ...mooncake, hash_ids: [1, 2] }),
      "trace:1: hash_ids: 2 blocks of 512 tokens for 5 tokens; expected 1 at most",
    ],
    [lines({ timestamp_s: 0 }), 'trace:1: no "prompt" and no "input_length"'],
    [lines({ timestamp_s: 0, prompt: "" }), 'trace:1: prompt: ""; expected'],
    [lines({ timestamp_s: 0, prompt: "x", session: {} }), "trace:1: session: {}; expected"],
    [burst + "\n1,m,5,5,10,l\n\n2,m,,5,10,l\n", 'trace:5: Request tokens: ""; expected'],
    [burst + "soon,m,5,5,10,l\n", 'trace:2: Timestamp: "soon"; expected a number of seconds'],
    [burst + "1,m,5\n", "trace:2: 3 columns; expected 6"],
    [burst + "1,m,5,0,5,l\n", "trace: each row (of 1) has 0 tokens"],
    [burst, "trace: a header and no rows"],
    [
      "TIMESTAMP,ContextTokens,GeneratedTokens\n16/11/2023,1,1\n",
      'trace:2: TIMESTAMP: "16/11/2023"',
    ],
  ];
  for (const [text, message] of refused) {
    await assertRejects(() => readText(text), InputError, message);
  }
  await assertRejects(() => readDataset("/nowhere/trace"), InputError, "no such file");
  await assertRejects(() => readDataset(tmpdir()), InputError, "is a folder");
});

Deno.test("a session's rows of no tokens are left out wherever they stand, and one that says nothing is refused", async () => {
  const row = (more: object) => JSON.stringify({ session_id: "s", ...more }) + "\n";
  const some = (input_length: number, output_length = 2) => row({ input_length, output_length });
  const { rows, notes } = await readText(some(0) + some(5) + some(6, 0) + some(7) + some(8));
  assertEquals(rows.map(({ input_tokens, later }) => [input_tokens, later.length]), [[5, 2]]);
  assertEquals(rows[0].later.map(({ input_tokens, history }) => [input_tokens, history]), [
    [7, 0],
    [8, 1],
  ]);
  assertEquals(notes, ["trace (mooncake): 2 rows of no tokens skipped"]);
  await assertRejects(() => readText(some(5) + row({ delay: 3 })), InputError, "trace:2: no");
  const turns = (length: number) => [{ text: "a", output_length: length }, { text: "b" }];
  const told = await readText(row({ turns: turns(0) }) + row({ turns: turns(2) }));
  assertEquals(told.notes, [
    "trace (turns): 1 row of no tokens skipped, with 1 later request of their sessions",
  ]);
});

Deno.test("a long trace is read: no row is compared with all before it", async () => {
  const rows = Array.from({ length: 200_000 }, (_, i) => `${i * 3},ChatGPT,472,18,490,API log\n`);
  const trace = await readText(
    "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n" + rows.join(""),
  );
  assertEquals(trace.rows.length, 200_000);
});
