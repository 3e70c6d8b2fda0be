/* The simulation: events in time order, and at each moment what may start. */
#ifndef SIM_ENGINE_H
#define SIM_ENGINE_H

#include <stdint.h>

#include "sim/attempt.h"
#include "sim/config.h"
#include "base/heap.h"
#include "sim/options.h"
#include "sim/output.h"
#include "sim/policy.h"
#include "sim/provider.h"
#include "sim/random.h"
#include "sim/trace.h"
#include "sim/workflow.h"

struct engine {
    const struct options *options;
    const struct config *config;
    struct output *output;
    struct trace *trace; /* NULL: none */
    struct policy policy;
    struct provider providers[PROVIDERS_MAX];
    struct heap events;
    uint64_t event_sequence, hedge_sequence, node_sequence;
    uint32_t changed; /* bit mask of providers where something new may be able to start */
    int64_t now;
    int64_t in_flight; /* nodes with a running attempt */
    struct event arrival;
    struct random arrivals;
    int64_t arrived, done;
    int64_t failed; /* the failed ones of those done */
    uint64_t events_seen;
    int64_t live_peak; /* the most workflows alive at once */
};

/* Runs all workflows until they end. */
void engine_run(struct engine *engine, const struct options *options,
                const struct config *config, struct output *output, struct trace *trace);
void engine_close(struct engine *engine);

/* For attempts: */
void engine_schedule(struct engine *engine, struct event *event, int64_t delay);
void engine_cancel(struct engine *engine, struct event *event);
void engine_changed(struct engine *engine, const struct tier *tier);
void engine_queue(struct engine *engine, struct node *node);
void engine_node_done(struct engine *engine, struct node *node);
void engine_workflow_failed(struct engine *engine, struct workflow *workflow, const char *reason);

#endif
