#include "sim/attempt.h"

#include <math.h>
#include <stdlib.h>

#include "sim/engine.h"
#include "sim/memory.h"

#define SERVICE_MIN_MS 1
#define SERVICE_MAX_MS 1e9
#define RESERVE_FACTOR 1.25 /* the cost of the rest, with a margin for retries */

static struct provider *provider_of(struct engine *engine, const struct tier *tier)
{
    return &engine->providers[tier->provider];
}

bool attempt_affordable(const struct engine *engine, const struct workflow *workflow,
                        const struct tier *tier)
{
    const struct provider_config *provider = &engine->config->providers[tier->provider];
    int64_t left = engine->config->budget - workflow->cost - tier->config->price;
    if (tier->config->price == provider->tiers[provider->by_price[0]].price) return left >= 0;
    return (double)left >= RESERVE_FACTOR * workflow->reserve;
}

/*
 * Makes all random draws of an attempt, from the node's own stream and always in one order. A
 * policy that starts an attempt elsewhere or later so gets the same luck.
 */
static int64_t draw_service(const struct engine *engine, struct attempt *attempt)
{
    const struct node *node = attempt->node;
    const struct options *options = engine->options;
    const struct tier_config *tier = attempt->tier->config;
    struct random random;
    random_seed(&random, node_stream(node, attempt->number));
    bool errs = random_uniform(&random) < tier->failure_probability;
    bool heavy = random_uniform(&random) < options->heavy_tail_prob;
    const struct latency *latency =
        tier->has_latency ? &tier->latency : &engine->config->nodes[node->type].latency;
    double ms = latency_draw(latency, node_tokens(node, options), &random);
    ms *= tier->latency_factor;
    if (heavy) ms *= options->heavy_tail_mult;
    ms = fmin(fmax(ms, SERVICE_MIN_MS), SERVICE_MAX_MS);
    int64_t service = llround(ms * NS_PER_MS);
    attempt->outcome = errs ? ATTEMPT_ERRS : ATTEMPT_SUCCEEDS;
    if (tier->timeout_ns == 0 || service <= tier->timeout_ns) return service;
    attempt->outcome = ATTEMPT_TIMES_OUT;
    return tier->timeout_ns;
}

void attempt_start(struct engine *engine, struct node *node, struct tier *tier, bool is_hedge)
{
    struct workflow *workflow = node->workflow;
    struct attempt *attempt = memory_new(1, sizeof *attempt);
    attempt->end.kind = EVENT_ATTEMPT_END;
    attempt->overdue.kind = EVENT_OVERDUE;
    attempt->node = node;
    attempt->tier = tier;
    attempt->is_hedge = is_hedge;
    attempt->started = engine->now;
    attempt->number = node->launched++;
    node->attempts[is_hedge ? 1 : 0] = attempt;
    const struct provider_config *provider = provider_of(engine, tier)->config;
    if (attempt->number == 0)
        workflow->reserve -= (double)provider->tiers[provider->by_price[0]].price;
    workflow->cost += tier->config->price;
    tier_take(tier, engine->now);
    trace_start(engine->trace, engine->now, attempt);
    engine_schedule(engine, &attempt->end, draw_service(engine, attempt));
    if (is_hedge) return;
    engine->in_flight++;
    tier_record_wait(tier, engine->now - node->queued);
    int64_t after =
        policy_hedge_after(&engine->policy, node->type, tier->id, provider_of(engine, tier));
    if (after > 0) engine_schedule(engine, &attempt->overdue, after);
}

static struct tier *next_tier(struct engine *engine, const struct tier *tier)
{
    struct provider *provider = provider_of(engine, tier);
    return &provider->tiers[(tier->id + 1) % provider->config->tier_count];
}

/* Releases everything the attempt holds. Its node stays. */
static void release(struct engine *engine, struct attempt *attempt)
{
    struct node *node = attempt->node;
    node->attempts[attempt->is_hedge ? 1 : 0] = NULL;
    if (!node->attempts[0] && !node->attempts[1]) engine->in_flight--;
    engine_cancel(engine, &attempt->end);
    engine_cancel(engine, &attempt->overdue);
    heap_remove(&next_tier(engine, attempt->tier)->hedges, &attempt->hedge);
    tier_release(attempt->tier, attempt->started, engine->now);
    engine_changed(engine, attempt->tier);
    free(attempt);
}

void attempt_cancel(struct engine *engine, struct attempt *attempt, const char *reason)
{
    struct workflow *workflow = attempt->node->workflow;
    workflow->cancellations++;
    workflow->wasted_ns += engine->now - attempt->started;
    trace_cancel(engine->trace, engine->now, attempt, reason);
    release(engine, attempt);
}

static void failed(struct engine *engine, struct attempt *attempt)
{
    struct node *node = attempt->node;
    int64_t retries = attempt->tier->config->max_retries;
    node->workflow->wasted_ns += engine->now - attempt->started;
    trace_fail(engine->trace, engine->now, attempt);
    release(engine, attempt);
    node->failures++;
    if (node->attempts[0] || node->attempts[1]) return; /* the other may still succeed */
    if (node->failures > retries) {
        engine_workflow_failed(engine, node->workflow, "retries exhausted");
        return;
    }
    node->workflow->retries++;
    engine_queue(engine, node);
}

void attempt_end(struct engine *engine, struct attempt *attempt)
{
    struct node *node = attempt->node;
    if (attempt->outcome != ATTEMPT_SUCCEEDS) {
        failed(engine, attempt);
        return;
    }
    policy_learn(&engine->policy, node->type, attempt->tier->id, engine->now - attempt->started);
    trace_finish(engine->trace, engine->now, attempt);
    release(engine, attempt);
    for (int i = 0; i < 2; i++)
        if (node->attempts[i]) attempt_cancel(engine, node->attempts[i], "the other was first");
    engine_node_done(engine, node);
}

void attempt_overdue(struct engine *engine, struct attempt *attempt)
{
    int64_t ran = engine->now - attempt->started;
    int64_t after = policy_hedge_after(&engine->policy, attempt->node->type, attempt->tier->id,
                                       provider_of(engine, attempt->tier));
    if (after > ran) { /* a new threshold was learned meanwhile */
        engine_schedule(engine, &attempt->overdue, after - ran);
        return;
    }
    struct tier *tier = next_tier(engine, attempt->tier);
    queue_push(&tier->hedges, engine->now, engine->hedge_sequence++, &attempt->hedge);
    engine_changed(engine, tier);
}
