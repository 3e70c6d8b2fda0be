/** LiveCodeBench's format: contest problems, with tests on standard input or of a function. */
import { Buffer } from "node:buffer";
import { inflateSync } from "node:zlib";
import { z } from "zod";
import { InputError } from "../../errors.ts";
import { checkJson, type JsonFile } from "../../settings/json_file.ts";
import type { ProgramTests, PythonTests } from "./problem.ts";

/** The most bytes of a problem's unpacked cases: the largest published ones have 100 MB. */
const LARGEST_CASES = 512_000_000;

/**
 * The code that lcb_runner/evaluation/testing_util.py puts before each answer (import_string), and its
 * limits.
 */
const STARS =
  "string re datetime collections heapq bisect copy math random statistics itertools functools " +
  "operator io sys json builtins typing";
const PRELUDE = STARS.split(" ").map((name) => `from ${name} import *; `).join("") +
  `import ${STARS.replace(" builtins typing", "").split(" ").join(", ")}; ` +
  "sys.setrecursionlimit(50000); " +
  'getattr(sys, "set_int_max_str_digits", str)(50000)\n';

const form = z.object({
  question_id: z.string().min(1),
  question_content: z.string().min(1),
  starter_code: z.string().nullish(),
  public_test_cases: z.string(),
  private_test_cases: z.string().nullish(),
  metadata: z.string().nullish(),
});

const cases = z.array(z.object({
  input: z.string(),
  output: z.string(),
  testtype: z.enum(["stdin", "functional"]),
}));

/** A problem of this format in dyno's terms. */
export interface ContestProblem {
  /** The question's id. */
  id: string;
  /** The statement, with the starter code if there is some. */
  prompt: string;
  /** The function that the tests call; "main" for a program. */
  entry_point: string;
  /** Public tests first, then private ones. */
  tests: PythonTests | ProgramTests;
  /** The imports that LiveCodeBench adds to each answer. */
  prelude: string;
}

/**
 * Reads one problem.
 *
 * @throws {InputError} a missing or unreadable field, tests of both kinds, or a function's test without
 * its name.
 */
export function contestProblem(file: JsonFile): ContestProblem {
  const found = checkJson(file, form);
  const { question_id: id, question_content, starter_code } = found;
  const fail = (field: string, what: string) =>
    new InputError(`${file.path}:1:1: ${field}: ${what}`);
  const parsed = (field: string, text: string) => {
    try {
      return cases.parse(JSON.parse(text));
    } catch {
      throw fail(field, 'expected JSON: a list of {"input", "output", "testtype"}');
    }
  };
  const secret = found.private_test_cases?.trim() ?? "";
  const all = [
    ...parsed("public_test_cases", found.public_test_cases),
    ...secret === "" ? [] : parsed(
      "private_test_cases",
      secret.startsWith("[") ? secret : unpacked(secret) ??
        (() => {
          throw fail("private_test_cases", "neither JSON nor a text in base64, zlib and pickle");
        })(),
    ),
  ];
  if (all.length === 0) throw fail("public_test_cases", "holds no tests");
  if (all.some(({ testtype }) => testtype !== all[0].testtype)) {
    throw fail("public_test_cases", "stdin and functional tests in one problem");
  }
  const start = starter_code?.trim() ? `\n\nBegin with:\n\n${starter_code.trimEnd()}` : "";
  const prompt = question_content.trim() + start;
  if (all[0].testtype === "stdin") {
    const language = { name: "python", command: "{python} {file}", extension: "py" };
    const program = all.map(({ input, output }) => ({ input, output }));
    return {
      id,
      prompt,
      entry_point: "main",
      tests: { form: "program", language, cases: program, by_value: true },
      prelude: PRELUDE,
    };
  }
  const name = functionName(found.metadata ?? "");
  if (name === null) throw fail("metadata", 'no "func_name", which a functional test needs');
  return { id, prompt, entry_point: name, tests: functionTests(name, all), prelude: PRELUDE };
}

function functionName(metadata: string): string | null {
  try {
    const { func_name } = JSON.parse(metadata);
    return typeof func_name === "string" && /^[\p{L}_][\p{L}\p{N}_]*$/u.test(func_name)
      ? func_name
      : null;
  } catch {
    return null;
  }
}

/** A line of JSON for each argument; a tuple counts as a list, as in LiveCodeBench. */
function functionTests(
  name: string,
  all: readonly { input: string; output: string }[],
): PythonTests {
  const literal = (text: string) => JSON.stringify(text);
  const lines = all.map(({ input, output }) => {
    const args = input.split("\n").filter((line) => line.trim()).map((line) => plain(line));
    return `assert _listed(${name}(${args.join(", ")})) == ${plain(output)}`;
  });
  function plain(json: string): string {
    // a Python literal, when both languages write it in the same way
    return /^[-\d\s.,[\]"\w]*$/.test(json) && !/\b(?:true|false|null)\b/.test(json) && isJson(json)
      ? json.trim()
      : `json.loads(${literal(json)})`;
  }
  const setup = "import json\n\n\ndef _listed(value):\n" +
    "    return list(value) if isinstance(value, tuple) else value\n";
  return { form: "asserts", text: `${lines.join("\n")}\n`, setup };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Unpacks a text that was pickled, compressed and encoded in base64; null when it is something else. */
function unpacked(text: string): string | null {
  let bytes: Buffer;
  try {
    bytes = inflateSync(Buffer.from(text, "base64"), { maxOutputLength: LARGEST_CASES });
  } catch {
    return null;
  }
  // the pickle operations that a text needs: PROTO, FRAME, a text with its length, MEMOIZE, STOP
  for (let at = 0; at < bytes.length;) {
    const operation = bytes[at++];
    if (operation === 0x80) at += 1;
    else if (operation === 0x95) at += 8;
    else if (operation === 0x8c) return bytes.toString("utf8", at + 1, at + 1 + bytes[at]);
    else if (operation === 0x58) {
      return bytes.toString("utf8", at + 4, at + 4 + bytes.readUInt32LE(at));
    } else if (operation === 0x8d) {
      return bytes.toString("utf8", at + 8, at + 8 + Number(bytes.readBigUInt64LE(at)));
    } else return null;
  }
  return null;
}
