#include "sim/policy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/random.h"

#define FIRST_P50_MS 100
#define FIRST_P95_MS 300
#define FIRST_WAIT_MS 50
#define HEDGE_FACTOR 1.5
#define ESCALATION_GAIN 0.5 /* at least this many milliseconds must be gained per unit of money */
#define PATH_WEIGHT 1.0
#define SLACK_WEIGHT 0.5
#define AGE_WEIGHT 0.1
#define KEY_MAX 4e18 /* key and bias can be added without overflow */

enum { FOR_DEADLINE = 5 };

static bool critical(enum node_type type)
{
    return type == NODE_PLAN || type == NODE_AGGREGATE || type == NODE_DECIDE_NEXT ||
           type == NODE_EXTRACT_EVIDENCE;
}

/* Measures, for each type, the longest chain that can follow it in its iteration. */
static void measure_paths(struct policy *policy)
{
    double path = 0, *paths = policy->paths;
    for (int type = NODE_TYPES - 1; type >= 0; type--) {
        if (type == NODE_EXTRACT_EVIDENCE && !policy->searches) path = 0;
        bool exists = policy->searches ||
                      (type != NODE_EXTRACT_EVIDENCE && type != NODE_SIMILARITY_SEARCH);
        if (exists) path += policy->p50[type];
        paths[type] = path;
    }
    if (policy->searches) return;
    double aggregate = policy->p50[NODE_PLAN] + paths[NODE_AGGREGATE];
    if (aggregate > paths[NODE_PLAN]) paths[NODE_PLAN] = aggregate;
}

void policy_open(struct policy *policy, const struct options *options,
                 const struct config *config)
{
    enum policy_name name = options->policy;
    bool dag = name == POLICY_DAG_CHEAPEST || name == POLICY_DAG_ESCALATION || name == POLICY_FULL;
    bool escalates = name == POLICY_DAG_ESCALATION || name == POLICY_FULL;
    memset(policy, 0, sizeof *policy);
    policy->name = name;
    policy->routing = options->enable_model_routing;
    policy->dag_priority = dag && !options->disable_dag_priority;
    policy->escalation = escalates && policy->routing && !options->disable_escalation;
    policy->hedging = name == POLICY_FULL && policy->routing && !options->disable_hedging;
    policy->searches = options->subqueries > 0;
    workflow_totals(options, policy->totals);
    policy->config = config;
    for (int type = 0; type < NODE_TYPES; type++) {
        policy->p50[type] = FIRST_P50_MS;
        for (int t = 0; t < config->providers[config->nodes[type].provider].tier_count; t++)
            policy->service[type][t] = quantile_new(0);
    }
    measure_paths(policy);
}

void policy_close(struct policy *policy)
{
    for (int type = 0; type < NODE_TYPES; type++)
        for (int t = 0; t < TIERS_MAX; t++) free(policy->service[type][t]);
}

void policy_learn(struct policy *policy, enum node_type type, int tier, int64_t service)
{
    const struct config *config = policy->config;
    quantile_add(policy->service[type][tier], service);
    if (tier != config->providers[config->nodes[type].provider].by_price[0]) return;
    double p50 = quantile_p50(policy->service[type][tier], FIRST_P50_MS);
    if (p50 == policy->p50[type]) return;
    policy->p50[type] = p50;
    measure_paths(policy);
}

static int64_t key_of(double ns)
{
    return (int64_t)llround(fmin(fmax(ns, -KEY_MAX), KEY_MAX));
}

/*
 * Waiting nodes all age at the same rate, so only their birth times affect the order. The path
 * ahead is the same for all nodes of a type, so it is part of the bias.
 */
static int64_t dag_key(const struct policy *policy, const struct node *node)
{
    double longest = 0;
    for (int type = 0; type < NODE_TYPES; type++)
        if (node->workflow->live[type] > 0) longest = fmax(longest, policy->paths[type]);
    double slack = longest - policy->paths[node->type];
    double born_ms = (double)node->born / NS_PER_MS;
    return key_of((AGE_WEIGHT * born_ms - SLACK_WEIGHT / (1 + slack)) * NS_PER_MS);
}

/*
 * The share of the work that is left. Unlike the time that is left, it does not drift while p50s
 * are learned.
 */
static int64_t work_key(const struct policy *policy, const struct workflow *workflow)
{
    double left = 0, total = 0;
    for (int type = 0; type < NODE_TYPES; type++) {
        left += (double)workflow->remaining[type] * policy->p50[type];
        total += (double)policy->totals[type] * policy->p50[type];
    }
    return key_of(left / total * NS_PER_S * NS_PER_MS);
}

int64_t policy_key(const struct policy *policy, const struct node *node)
{
    if (policy->dag_priority) return dag_key(policy, node);
    if (policy->name == POLICY_EDF) return node->workflow->deadline;
    if (policy->name == POLICY_SJF) return work_key(policy, node->workflow);
    return node->born;
}

int64_t policy_bias(const struct policy *policy, enum node_type type)
{
    return policy->dag_priority ? key_of(-PATH_WEIGHT * policy->paths[type] * NS_PER_MS) : 0;
}

/* Expected queueing plus service time, in milliseconds. A tier with room has no queue. */
static double expected_time(const struct policy *policy, enum node_type type,
                            const struct tier *tier, int64_t now)
{
    double wait = tier_has_room(tier, now) ? 0 : quantile_p95(tier->now_waits, FIRST_WAIT_MS);
    return wait + quantile_p50(policy->service[type][tier->id], FIRST_P50_MS);
}

int policy_route(const struct policy *policy, enum node_type type,
                 const struct provider *provider, int64_t now, int route[TIERS_MAX])
{
    const struct provider_config *config = provider->config;
    if (!policy->routing) {
        for (int t = 0; t < config->tier_count; t++) route[t] = t;
        return config->tier_count;
    }
    const struct tier *cheap = &provider->tiers[config->by_price[0]];
    int count = 0, dearer = -1;
    if (policy->escalation && critical(type) && config->tier_count > 1) {
        double cheap_time = expected_time(policy, type, cheap, now), best_time = cheap_time;
        for (int t = 0; t < config->tier_count; t++) {
            double time = expected_time(policy, type, &provider->tiers[t], now);
            double price = (double)(config->tiers[t].price - cheap->config->price) / MONEY_UNITS;
            if (time >= best_time || cheap_time - time < ESCALATION_GAIN * price) continue;
            best_time = time;
            dearer = t;
        }
    }
    if (dearer >= 0) route[count++] = dearer;
    for (int i = 0; i < config->tier_count; i++)
        if (config->by_price[i] != dearer) route[count++] = config->by_price[i];
    return count;
}

int64_t policy_deadline(const struct policy *policy, const struct workflow *workflow)
{
    double path = 0;
    for (int type = 0; type < NODE_TYPES; type++) path += policy->p50[type];
    struct random random;
    random_seed(&random, random_hash(workflow->stream, FOR_DEADLINE));
    double patience = 1 + 2 * random_uniform(&random);
    double iterations = (double)workflow->remaining[NODE_PLAN];
    return workflow->arrived + key_of(patience * iterations * path * NS_PER_MS);
}

int64_t policy_hedge_after(const struct policy *policy, enum node_type type, int tier,
                           const struct provider *provider)
{
    if (!policy->hedging || !critical(type) || provider->config->tier_count < 2) return 0;
    double p95 = quantile_p95(policy->service[type][tier], FIRST_P95_MS);
    return (int64_t)ceil(HEDGE_FACTOR * p95 * NS_PER_MS);
}
