/** How often and how long nobody answered at one of several endpoints, by a run's journal. */
import { durationText } from "../text/duration.ts";
import type { Fold } from "../run/fold.ts";
import type { EndpointSummary } from "./results.ts";

/** Of one endpoint. */
export type Away = Required<Pick<EndpointSummary, "lost" | "away_s" | "came_back">>;

/** Every endpoint that went away, while the events come. */
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

  /** A run was left: what comes after it is not known. */
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

  /** Of an endpoint, until the newest event. */
  of(endpoint: string): Away {
    this.left();
    const { lost = 0, away_s = 0, came_back = true } = this.#places.get(endpoint) ?? {};
    return { lost, away_s, came_back };
  }
}

/** How often each endpoint went away, and for how long. */
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

/** What is said of an endpoint that went away; null of one that did not. */
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
  return `${endpoint} went away ${times}${how}: its tests went on at the others`;
}
