/** command: a user's program judges the answer. */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { z } from "zod";
import { seconds } from "../../settings/setting.ts";
import { CancelledError } from "../../execute/scope.ts";
import { verdict } from "./verdict.ts";
import type { Answer, Evaluator } from "../evaluator.ts";

const LONGEST_OUTPUT = 1024 * 1024;

const options = z.strictObject({
  /** The program and its arguments; no shell is involved. */
  command: z.array(z.string().min(1)).min(1),
  timeout_s: seconds({ above: true, named: true }).default(30),
});

const reply = z.object({
  passed: z.boolean(),
  score: z.number().min(0).max(1).optional(),
  detail: z.string().optional(),
});

/**
 * Passes a text to a program; returns what it printed. Its whole process group is ended afterwards.
 *
 * @throws {CancelledError} the signal is aborted.
 * @throws {Error} no such program, another exit code than 0, no end in time, more than 1 MB of output.
 */
export function runProgram(
  command: string[],
  input: string,
  timeout_s: number,
  { signal, directory = process.cwd() }: Pick<Answer, "signal" | "directory">,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command[0], command.slice(1), {
      cwd: directory,
      detached: true,
      stdio: "pipe",
    });
    let stdout = "", stderr = "";
    let ended: Error | null = null;
    const end = (error: Error) => {
      ended ??= error;
      endGroup(child);
    };
    const timer = setTimeout(() => end(new Error(`no end after ${timeout_s} s`)), timeout_s * 1000);
    const onAbort = () => end(new CancelledError());
    signal.addEventListener("abort", onAbort, { once: true });
    child.stdout.on("data", (bytes) => {
      stdout += bytes;
      if (stdout.length > LONGEST_OUTPUT) end(new Error("more than 1 MB of output"));
    });
    child.stderr.on("data", (bytes) => stderr = (stderr + bytes).slice(-2000));
    child.stdin.on("error", () => {}); // a program need not read its input
    child.stdin.end(input);
    const settle = (error: Error | null) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      if (error === null) return resolve(stdout);
      const said = stderr.trim().split("\n").slice(-3).join(" ");
      const missing = (error as { code?: string }).code === "ENOENT";
      reject(
        error instanceof CancelledError ? error : new Error(
          missing
            ? `${command[0]}: there is no such program (ENOENT); it is run in ${directory}`
            : `${command[0]}: ${error.message}${said ? `: ${said}` : ""} (run in ${directory})`,
        ),
      );
    };
    child.on("error", (error) => settle(error));
    child.on(
      "close",
      (code, by) =>
        settle(
          ended ?? (code === 0 ? null : new Error(by ? `ended by ${by}` : `exit code ${code}`)),
        ),
    );
  });
}

function endGroup(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, "SIGKILL");
  } catch {
    child.kill("SIGKILL");
  }
}

function inputOf({ test, prompt_text, response_text, reasoning_text }: Answer): string {
  return JSON.stringify({
    test,
    prompt: prompt_text,
    response: response_text,
    reasoning: reasoning_text,
  });
}

export const command: Evaluator<z.infer<typeof options>> = {
  name: "command",
  options: options as z.ZodType<z.infer<typeof options>>,
  async evaluate(answer, { command, timeout_s }) {
    const output = await runProgram(command, inputOf(answer), timeout_s, answer);
    let value: unknown;
    try {
      value = JSON.parse(output);
    } catch {
      throw new Error(
        `${command[0]}: printed no JSON; expected {"passed": true, "score": 0.8, "detail": "…"}`,
      );
    }
    const checked = reply.safeParse(value);
    if (!checked.success) {
      const [issue] = checked.error.issues;
      throw new Error(`${command[0]}: printed ${issue.path.join(".") || "JSON"}: ${issue.message}`);
    }
    const { passed, score, detail } = checked.data;
    const judged = verdict("command", passed, detail ?? "");
    return score === undefined ? judged : { ...judged, created_hits: score, hit_rate: score };
  },
};
