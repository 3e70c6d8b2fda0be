/* One run of a node on a tier, from its token to its end. */
#ifndef SIM_ATTEMPT_H
#define SIM_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/provider.h"
#include "sim/workflow.h"

enum attempt_outcome { ATTEMPT_SUCCEEDS, ATTEMPT_ERRS, ATTEMPT_TIMES_OUT };

struct attempt {
    struct event end;
    struct event overdue;   /* when it has run so long that a second one may pay */
    struct heap_link hedge; /* in the tier that the second one would run on */
    struct node *node;
    struct tier *tier;
    int32_t number; /* of the node's attempts, from 0 */
    bool is_hedge;
    enum attempt_outcome outcome; /* known from the start, to nobody but the event queue */
    int64_t started;
};

struct engine;

/* Whether the workflow may pay for a call; a dearer tier must leave enough for all the rest. */
bool attempt_affordable(const struct engine *engine, const struct workflow *workflow,
                        const struct tier *tier);

void attempt_start(struct engine *engine, struct node *node, struct tier *tier, bool is_hedge);

/* The event of its end. */
void attempt_end(struct engine *engine, struct attempt *attempt);

/* It has run as long as the policy waits: asks for a second one, or waits on. */
void attempt_overdue(struct engine *engine, struct attempt *attempt);

void attempt_cancel(struct engine *engine, struct attempt *attempt, const char *reason);

#endif
