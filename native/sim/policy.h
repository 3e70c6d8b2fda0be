/* What goes first, and where to. Everything it knows of the future it has learned. */
#ifndef SIM_POLICY_H
#define SIM_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/config.h"
#include "sim/options.h"
#include "sim/provider.h"
#include "sim/workflow.h"

struct policy {
    enum policy_name name;
    bool dag_priority, routing, escalation, hedging;
    bool searches; /* subqueries > 0: Aggregate comes after the searches */
    int64_t totals[NODE_TYPES]; /* nodes of a workflow, were all iterations needed */
    const struct config *config;
    struct quantile *service[NODE_TYPES][TIERS_MAX]; /* of attempts that succeeded */
    double p50[NODE_TYPES];   /* of them on the cheapest tier */
    double paths[NODE_TYPES]; /* from a type to the end of its iteration, in p50s */
};

void policy_open(struct policy *policy, const struct options *options,
                 const struct config *config);
void policy_close(struct policy *policy);

void policy_learn(struct policy *policy, enum node_type type, int tier, int64_t service);

/*
 * The node with the least sum of key and bias goes first. The key stands still while the node
 * waits; the bias is what all waiting nodes of its type share, and moves with what is learned.
 */
int64_t policy_key(const struct policy *policy, const struct node *node);
int64_t policy_bias(const struct policy *policy, enum node_type type);

/* Tiers that a type of node may take now, the best first; returns how many. */
int policy_route(const struct policy *policy, enum node_type type,
                 const struct provider *provider, int64_t now, int route[TIERS_MAX]);

/* By when a new workflow should be done, for edf. */
int64_t policy_deadline(const struct policy *policy, const struct workflow *workflow);

/* How long an attempt may run before it gets a second one; 0: for ever. */
int64_t policy_hedge_after(const struct policy *policy, enum node_type type, int tier,
                           const struct provider *provider);

#endif
