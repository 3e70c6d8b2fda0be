#include "sim/provider.h"

#include <stdlib.h>
#include <string.h>

#define RECENT_WAITS 256

void provider_open(struct provider *provider, const struct config *config, int index)
{
    memset(provider, 0, sizeof *provider);
    provider->config = &config->providers[index];
    for (int t = 0; t < provider->config->tier_count; t++) {
        struct tier *tier = &provider->tiers[t];
        tier->config = &provider->config->tiers[t];
        tier->provider = index;
        tier->id = t;
        tier->token.kind = EVENT_TOKEN;
        tier->waits = quantile_new(0);
        tier->now_waits = quantile_new(RECENT_WAITS);
    }
}

void provider_close(struct provider *provider)
{
    for (int t = 0; t < provider->config->tier_count; t++) {
        heap_free(&provider->tiers[t].hedges);
        free(provider->tiers[t].waits);
        free(provider->tiers[t].now_waits);
    }
    for (int type = 0; type < NODE_TYPES; type++) {
        heap_free(&provider->queues[type]);
        heap_free(&provider->frugal[type]);
    }
}

bool tier_has_slot(const struct tier *tier)
{
    return tier->running < tier->config->concurrency;
}

/*
 * A bucket of B tokens that starts full lets calls run B - 1 periods ahead of an even pace. So one
 * time describes its whole state, exact in whole nanoseconds.
 */
int64_t tier_token_at(const struct tier *tier)
{
    return tier->due - tier->config->burst_ns;
}

bool tier_has_room(const struct tier *tier, int64_t now)
{
    return tier_has_slot(tier) && tier_token_at(tier) <= now;
}

void tier_take(struct tier *tier, int64_t now)
{
    tier->running++;
    if (tier->config->token_period_ns == 0) return;
    if (tier->due < now) tier->due = now;
    tier->due += tier->config->token_period_ns;
}

void tier_release(struct tier *tier, int64_t started, int64_t now)
{
    tier->running--;
    tier->busy_ns += (double)(now - started);
}

void tier_record_wait(struct tier *tier, int64_t wait)
{
    quantile_add(tier->waits, wait);
    quantile_add(tier->now_waits, wait);
}
