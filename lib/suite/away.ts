/** How often and for how long each of several endpoints was unavailable, read from a run's journal. */
import { durationText } from "../text/duration.ts";
import type { Fold } from "../run/fold.ts";
import type { EndpointSummary } from "./results.ts";

/** The times for one endpoint. */
export type Away = Required<Pick<EndpointSummary, "lost" | "away_s" | "came_back">>;

/** Collects the times of every endpoint that became unavailable, event by event. */
class AwayTimes {
  readonly #places = new Map<string, Away & { since_ns: number | null }>();
  #last_ns = 0;

  lost(endpoint: string, now_ns: number): void {
    const place = this.#places.get(endpoint) ??
      { lost: 0, away_s: 0, came_back: false, since_ns: null };
    this.#places.set(endpoint, {
      ...place,
      lost: place.lost + 1,
      came_back: false,
      since_ns: now_ns,
    });
  }

  back(endpoint: string, now_ns: number): void {
    const place = this.#places.get(endpoint);
    if (!place || place.since_ns === null) return;
    place.away_s += (now_ns - place.since_ns) / 1e9;
    place.since_ns = null;
    place.came_back = true;
  }

  /** Notes that the session ended: how long an endpoint stayed unavailable afterwards is unknown. */
  left(): void {
    for (const place of this.#places.values()) {
      if (place.since_ns === null) continue;
      place.away_s += (this.#last_ns - place.since_ns) / 1e9;
      place.since_ns = null;
    }
  }

  passed(now_ns: number): void {
    this.#last_ns = now_ns;
  }

  /** The times of an endpoint, up to the latest event. */
  of(endpoint: string): Away {
    this.left();
    const { lost = 0, away_s = 0, came_back = true } = this.#places.get(endpoint) ?? {};
    return { lost, away_s, came_back };
  }
}

/** How often each endpoint was unavailable, and for how long. */
export const timesAway: Fold<"run", AwayTimes> = {
  kind: "run",
  begin: () => new AwayTimes(),
  take(away, event) {
    const { mono_ns } = event;
    if (mono_ns === null) return;
    if (event.event === "run_resumed") away.left();
    else if (event.event === "endpoint_lost") away.lost(event.endpoint, mono_ns);
    else if (event.event === "endpoint_back") away.back(event.endpoint, mono_ns);
    away.passed(mono_ns);
  },
};

/** The notice about an endpoint that was unavailable; null for one that never was. */
export function awayText(
  { endpoint, lost, away_s, came_back }: EndpointSummary,
): string | null {
  if (lost === 0) return null;
  const times = lost > 1 ? `${lost} times` : "once";
  const how = away_s === undefined
    ? ""
    : `, for ${away_s < 10 ? `${away_s.toFixed(1)} s` : durationText(away_s)}${
      came_back ? " in all" : ", and did not come back"
    }`;
  return `${endpoint} was unavailable ${times}${how}; its tests ran on the other endpoints`;
}
