/** What is said below the table of a load's stages: intervals, objectives, cost, energy, notes. */
import { columnFigure } from "../../text/figure.ts";
import { costText } from "../../text/dollars.ts";
import { inDigits } from "../../text/grouped.ts";
import { sloText } from "../../load/slo.ts";
import { judgedText } from "../../load/statement.ts";
import { LEAST_UNITS } from "../../stats/ratio.ts";
import { wrapped } from "../ui/paragraph.ts";
import { percentEstimate, percentText } from "../../text/percent.ts";
import type { LoadResults, Metric, StageResults } from "../../load/results.ts";
import type { Estimate } from "../../stats/interval.ts";

const MOST_NOTES = 20;

/** All lines below a load's table and verdict, after an empty one; none where there is nothing to say. */
export function linesBelow(results: LoadResults): string[] {
  const lines = [
    ...intervalLines(results.total),
    ...connectionLines(results.total),
    ...turnLines(results),
    ...warmupLines(results),
    ...probeLines(results),
    ...outcomeLines(results),
    ...results.notes.slice(0, MOST_NOTES).flatMap((note) => wrapped("note: ", note)),
    ...(results.notes.length > MOST_NOTES
      ? [`${results.notes.length - MOST_NOTES} more notes in results.json`]
      : []),
  ];
  return lines.length > 0 ? ["", ...lines] : [];
}

/** Connections with TLS, whose handshakes are a load in themselves. */
function connectionLines({ metrics: { connect_ms, tls_ms } }: StageResults): string[] {
  if (!connect_ms || !tls_ms) return [];
  const times = ({ p50, p99 }: Metric) => `p50 ${columnFigure(p50)}, p99 ${columnFigure(p99)} ms`;
  return [
    `${connect_ms.n} new connections: connect ${times(connect_ms)}; of it TLS ${times(tls_ms)}`,
  ];
}

function intervalLines({ metrics: { ttft_ms } }: StageResults): string[] {
  const { p50 = null, p99 = null } = ttft_ms?.intervals ?? {};
  const parts = [intervalText("p50", p50, ttft_ms), intervalText("p99", p99, ttft_ms)];
  const known = parts.filter((part) => part !== null);
  if (known.length === 0) return [];
  return [`ttft ${known.join(", ")} ms (95 % intervals, ${(p50 ?? p99)?.method})`];
}

function ttftText(metric: Pick<Metric, "p50" | "p99"> | null | undefined): string {
  if (!metric) return "ttft unknown";
  return `ttft p50 ${columnFigure(metric.p50)}, p99 ${columnFigure(metric.p99)} ms`;
}

function turnLines({ turns = [] }: LoadResults): string[] {
  return turns.map(({ turn, requests, answered, ttft_ms, prompt_tokens_mean, cached_share }) => {
    const known = [
      `${answered} of ${requests} answered`,
      ttftText(ttft_ms),
      ...(prompt_tokens_mean === null ? [] : [`${columnFigure(prompt_tokens_mean)} prompt tokens`]),
      ...(cached_share === null ? [] : [`${percentText(cached_share)} of them cached`]),
    ];
    return `${turn} turns: ${known.join(", ")}`;
  });
}

/** The warm-up's results: comparing them with the total shows whether the server was warm. */
function warmupLines({ warmup }: LoadResults): string[] {
  if (warmup === undefined) return [];
  const { requests, window, metrics } = warmup;
  const { successful, sent, unsent } = requests;
  return [
    `warm-up: ${successful} of ${sent + unsent} answered in ${columnFigure(window.duration_s)} s, ${
      ttftText(metrics.ttft_ms)
    }`,
  ];
}

function probeLines({ probes }: LoadResults): string[] {
  if (probes === undefined) return [];
  const { rate_per_s, requests, answered, failed, ttft_ms } = probes;
  const known = [
    `${answered} of ${requests} answered`,
    ...(failed ? [`${failed} failed`] : []),
    ttftText(ttft_ms),
  ];
  return [`probes during the load (${rate_per_s}/s): ${known.join(", ")}`];
}

function intervalText(
  name: "p50" | "p99",
  estimate: Estimate | null,
  metric: Metric | null,
): string | null {
  if (!estimate || !metric) return null;
  return `${name} ${columnFigure(metric[name])} [${columnFigure(estimate.low)}, ${
    columnFigure(estimate.high)
  }]`;
}

/** Why the load ended, what was not answered, how many requests missed the SLOs, and the energy. */
function outcomeLines(results: LoadResults): string[] {
  const { total, slos, energy, stopped_because, complete, total_cost_usd } = results;
  const { unfinished, unsent, cancelled } = total.requests;
  const lines: string[] = [];
  if (stopped_because !== null) lines.push(...wrapped("ended early: ", stopped_because));
  else if (!complete) {
    const again = "a load cannot be continued: run it again to measure all of it";
    lines.push(...wrapped("interrupted: ", `the figures are those of what was measured; ${again}`));
  }
  const classes = Object.entries(total.errors).map(([name, n]) => `${n} ${name}`);
  if (unfinished) classes.push(`${unfinished} unfinished`);
  if (unsent) classes.push(`${unsent} unsent`);
  if (classes.length) lines.push(...wrapped("without an answer: ", classes.join(", ")));
  if (cancelled) lines.push(`cancelled by this client: ${cancelled}, as asked`);
  const { goodput } = total;
  if (goodput) {
    const missed = slos.map((slo) => `${sloText(slo)} by ${goodput.missed[sloText(slo)] ?? "–"}`);
    const share = goodput.share ? `met by ${percentEstimate(goodput.share)}; ` : "";
    const unknown = slos.map(sloText).filter((text) => goodput.unknown?.[text])
      .map((text) => `${text} of ${goodput.unknown![text]}`);
    const untold = unknown.length > 0 ? `; unknown, so not met: ${unknown.join(", ")}` : "";
    lines.push(...wrapped("SLOs: ", `${share}missed: ${missed.join(", ")}${untold}`));
    lines.push(...fewLines(results));
  }
  for (const statement of results.statements ?? []) {
    lines.push(...wrapped("objective: ", judgedText(statement)));
  }
  if (total_cost_usd !== null) {
    lines.push(
      `cost ${
        costText(
          total_cost_usd,
          results.requests_of_unknown_cost,
          results.ledger?.total.requests_cut_off,
        )
      }`,
    );
  }
  if (energy) {
    const { energy_j, error_j, per_token_j, unknown = [] } = energy;
    const token = per_token_j === null ? "" : `, ${inDigits(per_token_j, 3)} J a token`;
    const more = unknown.length > 0 ? `; without ${unknown.join(", ")}: unknown` : "";
    const told = `${energy_j.toFixed(1)} ± ${error_j.toFixed(1)} J${token}`;
    lines.push(...wrapped("energy ", `${told}, idle power included${more}`));
  }
  return lines;
}

/** Which rows have too few requests for a goodput; if that is true of the whole load, only that. */
function fewLines({ total, stages, endpoints = [], models = [] }: LoadResults): string[] {
  const isFew = ({ goodput }: StageResults) => goodput?.requests_per_s === null;
  const told = `unknown with fewer than ${LEAST_UNITS} requests`;
  if (isFew(total)) return wrapped("goodput –: ", told);
  const named = (what: string, parts: readonly StageResults[]) => {
    const names = parts.filter(isFew).map(({ name }) => name);
    return names.length === 0 ? [] : [`${what}${names.length > 1 ? "s" : ""} ${names.join("; ")}`];
  };
  const few = [named("stage", stages), named("endpoint", endpoints), named("model", models)].flat();
  return few.length === 0 ? [] : wrapped("goodput –: ", `${told}, as in ${few.join("; ")}`);
}
