/** Requests that were not answered, by error class. */
import { grouped } from "../../text/grouped.ts";
import { cutText, escapeHtml } from "../html.ts";
import { counted } from "../../text/grouped.ts";
import { percentText } from "../../text/percent.ts";
import { dataTable, type TableRow } from "../table.ts";
import type { LoadResults } from "../../load/results.ts";
import type { RequestRecord } from "../../run/request_record.ts";

/**
 * The most different messages that are counted per class, because a server may write an id into
 * each.
 */
const MOST_MESSAGES = 1000;

/** A row for each class, with its most frequent message; one line if all requests were answered. */
export function errorTable({ total }: LoadResults, records: readonly RequestRecord[]): string {
  const { successful, failed, unfinished, unsent, cancelled = 0 } = total.requests;
  const due = successful + failed + unfinished + unsent + cancelled;
  if (due === 0) return `<p class="note">No request was due in the measured windows.</p>`;
  const failures: [string, number][] = Object.entries(total.errors)
    .toSorted((a, b) => b[1] - a[1]);
  if (unfinished) failures.push(["unfinished", unfinished]);
  if (unsent) failures.push(["unsent", unsent]);
  if (cancelled) failures.push(["cancelled", cancelled]);
  const counts = failures.filter(([, count]) => count > 0);
  if (counts.length === 0) return `<p class="note">Every request was answered.</p>`;
  const messages = messagesByClass(records);
  const rows = counts.map(([name, count]): TableRow => ({
    head: escapeHtml(name),
    cells: [
      grouped(count),
      percentText(count / due),
      mostFrequent(messages.get(name)),
    ],
  }));
  const heads = [{ html: "requests" }, { html: "share" }, {
    html: "most frequent message",
    text: true,
  }];
  return dataTable("requests without an answer", "class", heads, rows) +
    `<p class="note">Shares are of the ${
      counted(due, "request")
    } that were due in the measured windows.</p>`;
}

function messagesByClass(records: readonly RequestRecord[]): Map<string, Map<string, number>> {
  const classes = new Map<string, Map<string, number>>();
  for (const { failure, message, warmup } of records) {
    if (failure === null || message === null || warmup) continue;
    let messages = classes.get(failure);
    if (!messages) classes.set(failure, messages = new Map());
    if (messages.size >= MOST_MESSAGES && !messages.has(message)) continue;
    messages.set(message, (messages.get(message) ?? 0) + 1);
  }
  return classes;
}

function mostFrequent(messages: Map<string, number> | undefined): string {
  if (!messages) return "–";
  let best = "", most = 0;
  for (const [message, count] of messages) if (count > most) [best, most] = [message, count];
  const others = messages.size - 1;
  return `<span class="message" dir="auto">${escapeHtml(cutText(best, 300))}</span>${
    others > 0 ? `<small class="interval">and ${counted(others, "other message")}</small>` : ""
  }`;
}
