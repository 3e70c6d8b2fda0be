/** When events of one kind came: the first time, the last time, and their number. */
export class EventSpan {
  /** CLOCK_MONOTONIC nanoseconds; null before the first. */
  first_ns: number | null = null;
  /** The last one, CLOCK_MONOTONIC nanoseconds; null before the first. */
  last_ns: number | null = null;
  /** How many there were. */
  count = 0;

  /** Counts an event at `t_ns`, CLOCK_MONOTONIC nanoseconds. */
  add(t_ns: number): void {
    this.first_ns ??= t_ns;
    this.last_ns = t_ns;
    this.count++;
  }

  /** The span of these events and others together. */
  with(others: Readonly<Pick<EventSpan, "first_ns" | "last_ns" | "count">>): EventSpan {
    const both = new EventSpan();
    for (const { first_ns, last_ns, count } of [this, others]) {
      if (first_ns === null || last_ns === null) continue;
      both.first_ns = Math.min(both.first_ns ?? first_ns, first_ns);
      both.last_ns = Math.max(both.last_ns ?? last_ns, last_ns);
      both.count += count;
    }
    return both;
  }
}
