/* A workflow: a DAG of which only the nodes reached so far exist. */
#ifndef SIM_WORKFLOW_H
#define SIM_WORKFLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/config.h"
#include "base/heap.h"
#include "sim/options.h"

struct attempt;
struct workflow;

/* A node whose predecessors are all done. It is freed when it is done itself. */
struct node {
    struct heap_link ready;
    struct heap *queue; /* the queue that it waits in */
    struct workflow *workflow;
    struct node *previous, *next; /* in the list of the workflow's live nodes */
    enum node_type type;
    int32_t iter, pdf, subquery; /* pdf and subquery are -1 if a type has none */
    uint64_t number;             /* within the workflow, from 1 */
    uint64_t sequence;           /* within the run: older nodes have smaller numbers */
    int64_t born;                /* when it became ready */
    int64_t queued;              /* the same, or when it was queued again after a failure */
    int32_t launched;            /* attempts started so far */
    int32_t failures;
    struct attempt *attempts[2]; /* running: the first, and its hedge */
};

struct workflow {
    int64_t id;
    uint64_t stream; /* the seed of its random numbers */
    int64_t arrived;
    int64_t deadline;
    int64_t cost;    /* of all attempts started, including running ones */
    double reserve;  /* the cost of all remaining calls on the cheapest tiers */
    int64_t awaited; /* ExtractEvidence nodes that Aggregate waits for */
    int64_t live[NODE_TYPES];
    int64_t remaining[NODE_TYPES]; /* nodes not done, if all iterations are needed */
    struct node *nodes;
    uint64_t nodes_made;
    bool failed;
    int64_t retries, cancellations, hedges;
    int64_t wasted_ns; /* of attempts that failed or were cancelled */
};

/* Called to make the node ready. */
typedef void workflow_spawn(void *context, struct workflow *workflow, enum node_type type,
                            int32_t iter, int32_t pdf, int32_t subquery);

/* Counts the nodes of each type over all iterations. */
void workflow_totals(const struct options *options, int64_t totals[NODE_TYPES]);

struct workflow *workflow_new(int64_t id, int64_t arrived, const struct options *options,
                              const struct config *config);

void workflow_free(struct workflow *workflow);

/* Adds a live node; the caller queues it. */
struct node *workflow_add(struct workflow *workflow, enum node_type type, int32_t iter,
                          int32_t pdf, int32_t subquery);

/* Removes a node from the live ones and frees it. */
void workflow_drop(struct workflow *workflow, struct node *node);

/* Makes the successors of a finished node ready. True if the workflow is done. */
bool workflow_advance(struct workflow *workflow, const struct node *node,
                      const struct options *options, workflow_spawn *spawn, void *context);

/* Tokens of a call: only Plan's prompts grow. */
double node_tokens(const struct node *node, const struct options *options);

/* The seed of one attempt's stream. It depends on what is attempted, not on when or where. */
uint64_t node_stream(const struct node *node, int32_t attempt);

#endif
