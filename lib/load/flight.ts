/** A request of a load on its way. */
import type { Cut } from "./cancel.ts";
import type { Reply } from "../endpoint/answer.ts";
import type { Reservation } from "../run/budget.ts";
import type { RequestName } from "./request_names.ts";
import type { LoadPrompt } from "./prompts/session.ts";
import type { SessionRun } from "./session_run.ts";

/** A question that was handed to the transport. */
export interface Flight extends RequestName {
  request: number;
  stage: number;
  prompt: LoadPrompt;
  t_intended_ns: number | null;
  /** Its session; null for a single question. */
  running: SessionRun | null;
  /** Its place in the session, from 0. */
  turn: number;
  reply: Reply;
  /** Of several endpoints its number; null: the transport chooses it. */
  place: number | null;
  body: Record<string, unknown>;
  /** The model that it asks. */
  model: string;
  /** Where it is cut off; null: it is not. */
  cut: Cut | null;
  /** Its cut has come. */
  cutting: boolean;
  reservation: Reservation;
  /** What the listener found wrong. */
  error: Error | null;
}
