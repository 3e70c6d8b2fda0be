/** How a command ends on Ctrl-C. */
import process from "node:process";
import { CancelledError } from "../execute/scope.ts";
import { EXIT } from "./ui/command.ts";
import type { Terminal } from "./ui/terminal.ts";

/**
 * Signals within this time count as one: a terminal signals the whole group, and npx or a task in
 * front passes the signal on too.
 */
const SAME_SIGNAL_MS = 1000;

/**
 * Runs work with a signal that the first Ctrl-C, SIGTERM or SIGHUP aborts. A second one, at least a
 * second later, exits immediately.
 */
export async function interruptible(
  work: (signal: AbortSignal) => Promise<number>,
  terminal: Terminal,
): Promise<number> {
  const controller = new AbortController();
  let first_ms = 0;
  const onSignal = () => {
    if (controller.signal.aborted) {
      if (performance.now() - first_ms < SAME_SIGNAL_MS) return;
      process.exit(EXIT.interrupted);
    }
    first_ms = performance.now();
    terminal.say();
    terminal.say("stopping: saving what is finished (press again to quit at once)");
    controller.abort(new CancelledError("interrupted"));
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of signals) process.on(name, onSignal);
  return await work(controller.signal); // the listeners stay, because the end can be interrupted too
}
