/** A request of a load while it is in flight. */
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
  /** The number of the request in its session, from 0. */
  turn: number;
  reply: Reply;
  /** The number of its endpoint, where there are several; null: the transport chooses it. */
  place: number | null;
  body: Record<string, unknown>;
  /** The model that it is for. */
  model: string;
  /** When it is cancelled; null: never. */
  cut: Cut | null;
  /** Whether it is being cancelled. */
  cutting: boolean;
  reservation: Reservation;
  /** The error that the listener found. */
  error: Error | null;
}
