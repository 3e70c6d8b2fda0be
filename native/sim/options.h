/* The command line of the simulator. */
#ifndef SIM_OPTIONS_H
#define SIM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum policy_name {
    POLICY_FIFO_CHEAPEST,
    POLICY_DAG_CHEAPEST,
    POLICY_DAG_ESCALATION,
    POLICY_FULL,
    POLICY_EDF,
    POLICY_SJF,
    POLICY_NAMES,
};

struct options {
    int64_t workflows, pdfs, iters, subqueries;
    enum policy_name policy;
    uint64_t seed;
    double time_scale; /* only recorded: the simulation never waits */
    const char *out_dir;
    double heavy_tail_prob, heavy_tail_mult;
    bool enable_model_routing, disable_hedging, disable_escalation, disable_dag_priority;
    const char *config;  /* NULL: the built-in world */
    double arrival_rate; /* workflows per second; 0: all arrive at the start */
    bool trace;
    bool help;
};

extern const char *const POLICY_TEXTS[POLICY_NAMES];

/* Returns false and a message on failure. */
bool options_parse(struct options *options, int count, char **arguments, char *error,
                   size_t error_size);

void options_usage(FILE *out);

#endif
