#!/bin/sh
# Runs a suite and lets it pass only if it is not worse than the baseline.
# Exit code: 0 pass, 3 regression, 4 too few problems to tell; 1 and 2 are of the run itself.
#
#   DYNO        how dyno is started        (deno run -A main.ts)
#   EXPERIMENT  what is run                (experiments/quickstart.json, on the mock endpoint)
#   BASELINE    dyno runs export RUN --format json --out BASELINE
#   MAX_DROP    how far the pass rate may fall
#   RUNS, OUT   folders of runs and of the gate's files
set -eu
DYNO=${DYNO:-deno run -A main.ts}
EXPERIMENT=${EXPERIMENT:-experiments/quickstart.json}
BASELINE=${BASELINE:-experiments/ci/baseline.json}
# 16 problems cannot rule out less; with some 350 of them, 5pp can be asked for
MAX_DROP=${MAX_DROP:-20pp}
RUNS=${RUNS:-runs}
OUT=${OUT:-gate}

mkdir -p "$OUT"
$DYNO run "$EXPERIMENT" --out "$RUNS"
$DYNO runs gate --runs "$RUNS" --baseline "$BASELINE" --candidate latest --max-drop "$MAX_DROP" \
  --min answer_rate=0.95 --max latency_p99_ms=60000 \
  --junit "$OUT/gate.xml" --markdown "$OUT/gate.md" ${GITHUB_ACTIONS:+--github}
