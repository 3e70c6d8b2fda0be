/**
 * The catalogue of faults: each one changes the parts of a good reply. To add one, add an entry
 * here and its name to error_mode.ts.
 */
import { connectionFaults } from "./connection.ts";
import { eventFaults } from "./events.ts";
import { framingFaults } from "./framing.ts";
import { statusFaults } from "./status.ts";
import type { FailureClass } from "../../endpoint/errors.ts";
import type { ErrorMode } from "./error_mode.ts";
import type { Fault, FaultContext } from "./fault.ts";
import type { ReplyPart } from "../parts.ts";

const catalogue = {
  ...connectionFaults,
  ...statusFaults,
  ...framingFaults,
  ...eventFaults,
} satisfies Record<ErrorMode, Fault>;

export type { ErrorMode };

/**
 * Names, one-line descriptions, and the class in which a client counts the fault; null if it counts
 * as an answer.
 */
export const errorModes: readonly {
  name: ErrorMode;
  description: string;
  failure: FailureClass | null;
}[] = Object.entries(catalogue).map(([name, { description, failure }]) => ({
  name: name as keyof typeof catalogue,
  description,
  failure,
}));

/** The parts of a reply, changed by a fault. */
export function withFault(mode: ErrorMode, parts: ReplyPart[], context: FaultContext): ReplyPart[] {
  const fault: Fault = catalogue[mode];
  return fault.apply(parts, context);
}
