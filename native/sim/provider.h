/* What runs attempts: tiers with slots and token buckets, and the queues in front of them. */
#ifndef SIM_PROVIDER_H
#define SIM_PROVIDER_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/config.h"
#include "base/heap.h"
#include "sim/quantile.h"

enum event_kind { EVENT_ARRIVAL, EVENT_ATTEMPT_END, EVENT_OVERDUE, EVENT_TOKEN };

struct event {
    struct heap_link link;
    enum event_kind kind;
};

struct tier {
    const struct tier_config *config;
    int provider, id;
    int64_t running;
    int64_t due; /* when the next call would be due if all calls came at the bucket's rate */
    struct event token;         /* a token becomes available, and something waits for it */
    struct heap hedges;         /* struct attempt: those that want a second attempt on this tier */
    struct quantile *waits;     /* of the whole run */
    struct quantile *now_waits; /* recent waits: what the next node can expect */
    double busy_ns;             /* summed over all its slots */
};

struct provider {
    const struct provider_config *config;
    struct tier tiers[TIERS_MAX];
    struct heap queues[NODE_TYPES]; /* struct node, most urgent first */
    struct heap frugal[NODE_TYPES]; /* nodes whose workflow can only afford the cheapest tier */
};

void provider_open(struct provider *provider, const struct config *config, int index);
void provider_close(struct provider *provider);

bool tier_has_slot(const struct tier *tier);

/* When the bucket has a token: now or earlier if it already has one. */
int64_t tier_token_at(const struct tier *tier);

/* Whether the tier has both a slot and a token, so that an attempt can start now. */
bool tier_has_room(const struct tier *tier, int64_t now);

/* Takes a slot and a token. */
void tier_take(struct tier *tier, int64_t now);
void tier_release(struct tier *tier, int64_t started, int64_t now);

void tier_record_wait(struct tier *tier, int64_t wait);

#endif
