/**
 * The share of a load that each of several processes sent, with its clock and its client's figures.
 */
import { cutText, escapeHtml } from "../html.ts";
import { dataTable } from "../table.ts";
import { short } from "../../text/figure.ts";
import { partTable } from "./stage_table.ts";
import type { LoadResults, ShardResults } from "../../load/results.ts";
import type { TableRow } from "../table.ts";

/** The figures of each shard, then their clocks. */
export function shardSection(shards: readonly ShardResults[], results: LoadResults): string {
  const heads = ["host", "clock ahead, ms", "known to ± ms", "moved by, ms", "late, ms", "client"];
  const rows = shards.map((shard): TableRow => ({
    head: escapeHtml(shard.name),
    cells: [
      escapeHtml(cutText(shard.host ?? "–", 100)),
      // a clock that is ahead has its times moved back
      ...[
        shard.clock && -shard.clock.offset_ms,
        shard.clock?.error_ms,
        shard.clock?.drift_ms == null ? null : -shard.clock.drift_ms,
        shard.late_ms,
      ].map(short),
      escapeHtml(
        shard.lost === null
          ? (shard.trust?.verdict ?? "unknown").replaceAll("_", " ")
          : `lost: ${shard.lost}`,
      ),
    ],
  }));
  return partTable("shard", shards, results) +
    dataTable("clocks of shards", "shard", heads.map((html) => ({ html })), rows) +
    `<p class="note">All times are on the clock of the dyno that began the shards; the records of all shards
together are what every figure above is made of.</p>`;
}
