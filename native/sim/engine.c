#include "sim/engine.h"

#include <math.h>
#include <string.h>

#include "sim/memory.h"

#define TIME_MAX (INT64_MAX / 4) /* 73 years: adding to it cannot overflow */

enum { FOR_ARRIVALS = 6 };

void engine_schedule(struct engine *engine, struct event *event, int64_t delay)
{
    if (engine->now > TIME_MAX) die("the simulated time runs beyond 73 years");
    queue_push(&engine->events, engine->now + delay, engine->event_sequence++, &event->link);
}

void engine_cancel(struct engine *engine, struct event *event)
{
    heap_remove(&engine->events, &event->link);
}

void engine_changed(struct engine *engine, const struct tier *tier)
{
    engine->changed |= 1u << tier->provider;
}

static struct provider *provider_of(struct engine *engine, const struct node *node)
{
    return &engine->providers[engine->config->nodes[node->type].provider];
}

static void wait_in(struct engine *engine, struct node *node, struct heap *queue, int64_t key)
{
    node->queue = queue;
    queue_push(queue, key, node->sequence, &node->ready);
    engine_changed(engine, &provider_of(engine, node)->tiers[0]);
}

void engine_queue(struct engine *engine, struct node *node)
{
    node->queued = engine->now;
    trace_queued(engine->trace, engine->now, node);
    wait_in(engine, node, &provider_of(engine, node)->queues[node->type],
            policy_key(&engine->policy, node));
}

static void spawn(void *context, struct workflow *workflow, enum node_type type, int32_t iter,
                  int32_t pdf, int32_t subquery)
{
    struct engine *engine = context;
    struct node *node = workflow_add(workflow, type, iter, pdf, subquery);
    node->sequence = engine->node_sequence++;
    node->born = engine->now;
    engine_queue(engine, node);
}

/*
 * Stops what is left of a workflow: everything after a failure, or the branches that nothing waited
 * for.
 */
static void end_workflow(struct engine *engine, struct workflow *workflow, const char *reason)
{
    while (workflow->nodes) {
        struct node *node = workflow->nodes;
        for (int i = 0; i < 2; i++)
            if (node->attempts[i]) attempt_cancel(engine, node->attempts[i], reason);
        if (node->queue) heap_remove(node->queue, &node->ready);
        workflow_drop(workflow, node);
    }
    engine->done++;
    engine->failed += workflow->failed;
    trace_done(engine->trace, engine->now, workflow, reason);
    output_workflow(engine->output, workflow, engine->now);
    workflow_free(workflow);
}

void engine_node_done(struct engine *engine, struct node *node)
{
    struct workflow *workflow = node->workflow;
    bool done = workflow_advance(workflow, node, engine->options, spawn, engine);
    workflow_drop(workflow, node);
    if (done) end_workflow(engine, workflow, "done");
}

void engine_workflow_failed(struct engine *engine, struct workflow *workflow, const char *reason)
{
    workflow->failed = true;
    end_workflow(engine, workflow, reason);
}

static void arrive(struct engine *engine)
{
    const struct options *options = engine->options;
    do {
        struct workflow *workflow =
            workflow_new(++engine->arrived, engine->now, options, engine->config);
        workflow->deadline = policy_deadline(&engine->policy, workflow);
        spawn(engine, workflow, NODE_PLAN, 0, -1, -1);
    } while (options->arrival_rate == 0 && engine->arrived < options->workflows);
    int64_t live = engine->arrived - engine->done;
    if (live > engine->live_peak) engine->live_peak = live;
    if (engine->arrived == options->workflows) return;
    double gap = random_exponential(&engine->arrivals, NS_PER_S / options->arrival_rate);
    engine_schedule(engine, &engine->arrival, llround(fmin(gap, (double)TIME_MAX)));
}

static void handle_event(struct engine *engine, struct event *event)
{
    switch (event->kind) {
    case EVENT_ARRIVAL:
        arrive(engine);
        break;
    case EVENT_ATTEMPT_END:
        attempt_end(engine, HEAP_OWNER(event, struct attempt, end));
        break;
    case EVENT_OVERDUE:
        attempt_overdue(engine, HEAP_OWNER(event, struct attempt, overdue));
        break;
    case EVENT_TOKEN:
        engine_changed(engine, HEAP_OWNER(event, struct tier, token));
        break;
    }
}

/*
 * Whether a tier has a slot and a token. If only the token is missing, schedules an event for its
 * arrival.
 */
static bool has_room(struct engine *engine, struct tier *tier)
{
    if (tier_has_room(tier, engine->now)) return true;
    if (tier_has_slot(tier) && tier->token.link.place == 0)
        engine_schedule(engine, &tier->token, tier_token_at(tier) - engine->now);
    return false;
}

/* What may start next: an attempt's hedge, or a node. */
struct choice {
    const struct heap_entry *entry;
    struct heap *heap;
    struct tier *tier;
    int64_t key; /* including its bias */
    bool is_hedge;
};

static bool before(const struct choice *a, const struct choice *b)
{
    if (!b->entry) return true;
    return a->key != b->key ? a->key < b->key : a->entry->sequence < b->entry->sequence;
}

static void consider(struct engine *engine, struct choice choice, struct provider *provider,
                     const int *route, int count, struct choice *best)
{
    choice.entry = heap_first(choice.heap);
    if (!choice.entry) return;
    choice.key += choice.entry->key;
    if (!before(&choice, best)) return;
    for (int i = 0; i < count; i++) {
        choice.tier = &provider->tiers[route[i]];
        if (!has_room(engine, choice.tier)) continue;
        *best = choice;
        return;
    }
}

static void consider_nodes(struct engine *engine, struct provider *provider, struct choice *best)
{
    int route[TIERS_MAX];
    for (int t = 0; t < NODE_TYPES; t++) {
        enum node_type type = (enum node_type)t;
        if (provider->queues[t].count == 0 && provider->frugal[t].count == 0) continue;
        struct choice choice = {.key = policy_bias(&engine->policy, type)};
        choice.heap = &provider->queues[t];
        int count = policy_route(&engine->policy, type, provider, engine->now, route);
        consider(engine, choice, provider, route, count, best);
        choice.heap = &provider->frugal[t];
        consider(engine, choice, provider, provider->config->by_price, 1, best);
    }
}

/* Slow attempts hold slots that others wait for, so their hedges go before new nodes. */
static bool choose_hedge(struct engine *engine, struct provider *provider, struct choice *best)
{
    for (int t = 0; t < provider->config->tier_count; t++) {
        struct tier *tier = &provider->tiers[t];
        const struct heap_entry *entry = heap_first(&tier->hedges);
        if (!entry || !has_room(engine, tier)) continue;
        *best = (struct choice){
            .entry = entry, .heap = &tier->hedges, .tier = tier, .is_hedge = true};
        return true;
    }
    return false;
}

static struct choice choose(struct engine *engine)
{
    struct choice best = {0};
    bool full = engine->in_flight >= engine->config->in_flight_max;
    for (int p = 0; p < engine->config->provider_count; p++) {
        if (!(engine->changed & 1u << p)) continue;
        if (choose_hedge(engine, &engine->providers[p], &best)) return best;
        if (full) continue; /* it stays marked as changed until other attempts end */
        bool nothing = !best.entry;
        consider_nodes(engine, &engine->providers[p], &best);
        if (nothing && !best.entry) engine->changed &= ~(1u << p);
    }
    return best;
}

static void launch_hedge(struct engine *engine, const struct choice *choice)
{
    struct attempt *straggler = HEAP_OWNER(choice->entry->link, struct attempt, hedge);
    struct node *node = straggler->node;
    heap_remove(choice->heap, &straggler->hedge);
    if (!attempt_affordable(engine, node->workflow, choice->tier)) return;
    node->workflow->hedges++;
    trace_hedge(engine->trace, engine->now, straggler, choice->tier);
    attempt_start(engine, node, choice->tier, true);
}

static void launch_node(struct engine *engine, const struct choice *choice)
{
    struct node *node = HEAP_OWNER(choice->entry->link, struct node, ready);
    struct provider *provider = provider_of(engine, node);
    int64_t key = choice->entry->key;
    heap_remove(choice->heap, &node->ready);
    node->queue = NULL;
    if (attempt_affordable(engine, node->workflow, choice->tier))
        attempt_start(engine, node, choice->tier, false);
    else if (choice->tier != &provider->tiers[provider->config->by_price[0]])
        wait_in(engine, node, &provider->frugal[node->type], key);
    else
        engine_workflow_failed(engine, node->workflow, "budget exhausted");
}

static void dispatch(struct engine *engine)
{
    while (engine->changed) {
        struct choice choice = choose(engine);
        if (!choice.entry) return;
        if (choice.is_hedge)
            launch_hedge(engine, &choice);
        else
            launch_node(engine, &choice);
    }
}

void engine_run(struct engine *engine, const struct options *options,
                const struct config *config, struct output *output, struct trace *trace)
{
    memset(engine, 0, sizeof *engine);
    engine->options = options;
    engine->config = config;
    engine->output = output;
    engine->trace = trace;
    policy_open(&engine->policy, options, config);
    for (int p = 0; p < config->provider_count; p++)
        provider_open(&engine->providers[p], config, p);
    random_seed(&engine->arrivals, random_hash(options->seed, FOR_ARRIVALS));
    engine->arrival.kind = EVENT_ARRIVAL;
    engine_schedule(engine, &engine->arrival, 0);
    while (engine->done < options->workflows) {
        const struct heap_entry *first = heap_first(&engine->events);
        if (!first) die("workflows are left, but nothing will happen");
        engine->now = first->key;
        /*
         * Everything that happens at one moment is processed before anything starts at that moment.
         */
        while (first && first->key == engine->now) {
            struct event *event = HEAP_OWNER(first->link, struct event, link);
            heap_remove(&engine->events, &event->link);
            engine->events_seen++;
            handle_event(engine, event);
            first = heap_first(&engine->events);
        }
        dispatch(engine);
    }
}

void engine_close(struct engine *engine)
{
    for (int p = 0; p < engine->config->provider_count; p++) provider_close(&engine->providers[p]);
    policy_close(&engine->policy);
    heap_free(&engine->events);
}
