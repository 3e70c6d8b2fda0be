/*
 * The report files. Data per workflow goes to disk; only two numbers per workflow stay in memory.
 */
#ifndef SIM_OUTPUT_H
#define SIM_OUTPUT_H

#include <limits.h>
#include <stdio.h>

#include "sim/provider.h"
#include "sim/workflow.h"

struct series {
    double *values;
    size_t count, capacity;
};

struct output {
    char summary_path[PATH_MAX], workflows_path[PATH_MAX], tiers_path[PATH_MAX],
        trace_path[PATH_MAX];
    FILE *workflows;
    struct series makespans, costs;
    double makespan_sum, cost_sum;
};

struct summary {
    double makespan_mean, makespan_p50, makespan_p95, makespan_p99, cost_mean, cost_p50;
};

/* Makes the folder and its parents. Ends the program on failure. */
void output_open(struct output *output, const char *folder);

/* Writes a row of workflows.csv; rows are in the order in which workflows end. */
void output_workflow(struct output *output, const struct workflow *workflow, int64_t now);

/* Writes tiers.csv for a run of this many nanoseconds. */
void output_tiers(const struct output *output, const struct provider *providers, int count,
                  int64_t span);

/* Finishes workflows.csv and writes summary.csv. */
struct summary output_close(struct output *output);

#endif
