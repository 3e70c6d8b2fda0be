/** The interface of what follows a task while it runs. */
import type { TaskMetrics } from "../../run/events.ts";

/** The agent and model of a run. */
export interface TaskSubject {
  agent: string | null;
  model: string | null;
}

/** What follows a task while it runs. */
export interface TaskWatch extends Disposable {
  /** Reads what is new; returns whether there was anything. `last`: nothing more will come. */
  refresh(last: boolean): boolean;
  metrics(): TaskMetrics;
  errors(): string[];
  /** Whether the work was finished, as far as its files show. */
  complete(): boolean;
  /** Null until the run has reported them. */
  facts(): TaskSubject | null;
}
