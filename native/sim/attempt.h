/* One run of a node on a tier, from taking its token to its end. */
#ifndef SIM_ATTEMPT_H
#define SIM_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/provider.h"
#include "sim/workflow.h"

enum attempt_outcome { ATTEMPT_SUCCEEDS, ATTEMPT_ERRS, ATTEMPT_TIMES_OUT };

struct attempt {
    struct event end;
    struct event overdue;   /* when it has run so long that a second attempt may pay off */
    struct heap_link hedge; /* in the queue of the tier that the second attempt would run on */
    struct node *node;
    struct tier *tier;
    int32_t number; /* the number of this attempt of the node, from 0 */
    bool is_hedge;
    enum attempt_outcome outcome; /* decided at the start, but used only by the event queue */
    int64_t started;
};

struct engine;

/*
 * Whether the workflow can pay for a call. A dearer tier must leave enough for everything that
 * remains.
 */
bool attempt_affordable(const struct engine *engine, const struct workflow *workflow,
                        const struct tier *tier);

void attempt_start(struct engine *engine, struct node *node, struct tier *tier, bool is_hedge);

/* Handles the event of the attempt's end. */
void attempt_end(struct engine *engine, struct attempt *attempt);

/* The attempt has run as long as the policy waits: asks for a second one, or keeps waiting. */
void attempt_overdue(struct engine *engine, struct attempt *attempt);

void attempt_cancel(struct engine *engine, struct attempt *attempt, const char *reason);

#endif
