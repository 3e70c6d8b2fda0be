/** Energy by device and the health of the host, from a run's results and health.json. */
import { figure } from "../text/figure.ts";
import { join } from "node:path";
import { cutText, escapeHtml } from "./html.ts";
import { dataTable } from "./table.ts";
import { plainText } from "../run/plain_file.ts";
import type { RunDirectory } from "../run/directory.ts";
import type { HealthReport } from "../suite/health_report.ts";
import type { SuiteResults } from "../suite/results.ts";

const MOST_LINES = 100;
const HEADS = ["energy, J", "±, J", "mean, W", "idle, W", "above idle, J"];

/** The table of devices, and the energy per token and per test. */
export function energyTable({ energy }: SuiteResults): string {
  if (!energy) {
    return `<p class="note">Energy: this host has no energy source that could be read.</p>`;
  }
  const rows = energy.devices.map((device) => {
    const { energy_j, error_j, power_w, idle_w, above_idle_j } = device;
    const numbers = [energy_j, error_j, power_w, idle_w, above_idle_j]
      .map((value) => figure(value, 1));
    return { head: escapeHtml(device.device), cells: [...numbers, escapeHtml(device.method)] };
  });
  const heads = [...HEADS.map((html) => ({ html })), { html: "method", text: true }];
  const { total_j, j_per_token, tokens_per_j, j_per_solved_test } = energy;
  const parts = [
    `${total_j.toFixed(1)} J in all`,
    j_per_token === null ? "joules a token unknown" : `${j_per_token.toFixed(3)} J a token`,
    ...(tokens_per_j === null ? [] : [`${tokens_per_j.toFixed(2)} tokens a joule`]),
    j_per_solved_test === null
      ? "no test solved"
      : `${j_per_solved_test.toFixed(2)} J a solved test`,
  ];
  return `${dataTable("energy", "device", heads, rows)}
<p>${parts.join("; ")}.</p>
<p class="note">Energy from the first request to the end of the last, idle power included: the difference of the
device's counter, interpolated between the moments at which it moved (± half a step at each end), or power summed over
the intervals between readings (± one interval at the highest power). Energy is divided among the requests in
flight by the tokens that each produced. The ± does not include errors of the sensors.</p>`;
}

/** The content of health.json; empty for a run that is older than health.json. */
export function healthList(directory: RunDirectory): string {
  let health: HealthReport;
  try {
    health = JSON.parse(plainText(join(directory.path, "health.json")));
  } catch {
    return "";
  }
  const lines = [...health.alerts.map((alert) => alert.message), ...health.recommendations];
  const items = lines.slice(0, MOST_LINES).map((line) =>
    `<li>${escapeHtml(cutText(line, 300))}</li>`
  );
  const left = lines.length - items.length;
  if (left > 0) items.push(`<li>${left} more in health.json</li>`);
  return `<p>System: <b>${escapeHtml(health.system_status)}</b>.</p>${
    items.length ? `<ul>${items.join("")}</ul>` : ""
  }`;
}
