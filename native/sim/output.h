/* The report files. What grows with the workflows goes to disk; two numbers of each stay. */
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

/* Makes the folder and what is above it. Ends the program when it cannot. */
void output_open(struct output *output, const char *folder);

/* A row of workflows.csv, in the order in which they end. */
void output_workflow(struct output *output, const struct workflow *workflow, int64_t now);

/* Over a span of that many nanoseconds. */
void output_tiers(const struct output *output, const struct provider *providers, int count,
                  int64_t span);

/* Ends workflows.csv and writes summary.csv. */
struct summary output_close(struct output *output);

#endif
