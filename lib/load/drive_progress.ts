/** How far a load is. */

/** What is happening, for people to watch. */
export interface DriveProgress {
  /** The stage that runs now, warm-up stages counted, from 0. */
  stage: number;
  /** Requests sent so far. */
  sent: number;
  /** Requests sent and not answered yet. */
  in_flight: number;
  /** Requests that came to an end, whatever end. */
  ended: number;
  /** Of those that ended, the ones without a good answer. */
  failed: number;
  /** Stream events received. */
  events: number;
}
