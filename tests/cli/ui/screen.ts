/** dyno in a terminal of its own, and what its output looks like on the screen. */
import { spawn, spawnSync } from "node:child_process";
import process from "node:process";
import { DENO_DIR, DYNO } from "../../e2e/dyno.ts";

/** Whether script(1) is here, which makes terminals. */
export const hasTerminals = spawnSync("script", ["--version"]).error === undefined;

/** What Deno writes itself to clear its own progress of loading modules. */
// deno-lint-ignore no-control-regex
export const OF_DENO = /\x1b\[0G\x1b\[2K(?:\x1b\[J)?/g;

/** dyno in a terminal of so many columns; `during` may be a command that does something to it. */
export function inTerminal(
  args: string[],
  cwd: string,
  { columns = 100, during = "true", env = {} }: {
    columns?: number;
    during?: string;
    env?: Record<string, string>;
  } = {},
) {
  const quoted = [...DYNO, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  const command = `stty cols ${columns} rows 40; (${during}) & exec ${quoted}`;
  const child = spawn("script", ["-qefc", command, "/dev/null"], {
    cwd,
    env: { ...process.env, DENO_DIR, TERM: "xterm-256color", NO_COLOR: "", ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.setEncoding("utf8");
  child.stdout.on("data", (text) => said += text);
  const over = new Promise<number | null>((resolve) => child.on("close", resolve));
  return {
    said: () => said,
    key: (key: string) => void child.stdin.write(key),
    over: over.then((code) => (child.stdin.destroy(), code)),
  };
}

/** A screen of so many columns. It takes what dyno writes: text, \r, \n, \b, cursor up, clearing to the end of the row or the screen, colours. */
export class Screen {
  /** Rows from the first one ever written on: those that went up stay, as in a scroll-back. */
  readonly rows: string[][] = [[]];
  #row = 0;
  #column = 0;
  /** Sequences that it does not know: each would be a mode or a move that dyno has not promised. */
  readonly unknown: string[] = [];
  readonly #columns: number;

  constructor(columns: number) {
    this.#columns = columns;
  }

  write(text: string): void {
    // deno-lint-ignore no-control-regex
    for (const [part] of text.matchAll(/\x1b\[[?\d;]*[a-zA-Z]|\x1b.|[^]/gu)) this.#take(part);
  }

  /** The rows as text, without what is empty at the end. */
  text(): string {
    return this.rows.map((row) => Array.from(row, (cell) => cell ?? " ").join("").trimEnd())
      .join("\n").trimEnd();
  }

  #take(part: string): void {
    if (part === "\r") this.#column = 0;
    else if (part === "\n") this.#to(this.#row + 1);
    else if (part === "\b") this.#column = Math.max(0, this.#column - 1);
    // deno-lint-ignore no-control-regex
    else if (/^\x1b\[\d*A$/.test(part)) {
      this.#to(Math.max(0, this.#row - Number(part.slice(2, -1) || 1)));
    } else if (part === "\x1b[K") this.rows[this.#row].length = this.#column;
    else if (part === "\x1b[J") {
      this.rows[this.#row].length = this.#column;
      this.rows.length = this.#row + 1;
    } // deno-lint-ignore no-control-regex
    else if (/^\x1b\[[\d;]*m$/.test(part)) return;
    else if (part.startsWith("\x1b")) this.unknown.push(part);
    else {
      if (this.#column >= this.#columns) {
        this.#to(this.#row + 1);
        this.#column = 0;
      }
      this.rows[this.#row][this.#column++] = part;
    }
  }

  #to(row: number): void {
    this.#row = row;
    while (this.rows.length <= row) this.rows.push([]);
  }
}
