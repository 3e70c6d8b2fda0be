/** What follows a task of any kind while it runs. */
import type { TaskMetrics } from "../../run/events.ts";

/** Who ran, against what. */
export interface TaskSubject {
  agent: string | null;
  model: string | null;
}

/** What follows a task while it runs. */
export interface TaskWatch extends Disposable {
  /** Reads what came since; whether something did. `last`: nothing comes any more. */
  refresh(last: boolean): boolean;
  metrics(): TaskMetrics;
  errors(): string[];
  /** Whether it came to its end, as far as can be told from what it left. */
  complete(): boolean;
  /** Null until the run has told. */
  facts(): TaskSubject | null;
}
