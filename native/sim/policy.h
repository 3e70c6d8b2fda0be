/* Decides what goes first, and where. It knows about the future only what it has learned. */
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
    int64_t totals[NODE_TYPES]; /* nodes of a workflow if all iterations are needed */
    const struct config *config;
    struct quantile *service[NODE_TYPES][TIERS_MAX]; /* of successful attempts */
    double p50[NODE_TYPES];   /* of those on the cheapest tier */
    double paths[NODE_TYPES]; /* from a type to the end of its iteration, in p50s */
};

void policy_open(struct policy *policy, const struct options *options,
                 const struct config *config);
void policy_close(struct policy *policy);

void policy_learn(struct policy *policy, enum node_type type, int tier, int64_t service);

/*
 * The node with the smallest sum of key and bias goes first. The key is constant while the node
 * waits. The bias is shared by all waiting nodes of a type, and changes as the policy learns.
 */
int64_t policy_key(const struct policy *policy, const struct node *node);
int64_t policy_bias(const struct policy *policy, enum node_type type);

/* The tiers that a type of node may use now, best first; returns their number. */
int policy_route(const struct policy *policy, enum node_type type,
                 const struct provider *provider, int64_t now, int route[TIERS_MAX]);

/* The deadline of a new workflow, for edf. */
int64_t policy_deadline(const struct policy *policy, const struct workflow *workflow);

/* How long an attempt may run before it gets a second one; 0: no limit. */
int64_t policy_hedge_after(const struct policy *policy, enum node_type type, int tier,
                           const struct provider *provider);

#endif
