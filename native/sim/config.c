#include "sim/config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PDF_SIZE 100 /* what Chunk reads; half a millisecond for each, +- 5 */
#define CHUNKS 50    /* what SimilaritySearch compares with; 2 ms for each */

enum { IO, CPU, EMBED_PROVIDER, LLM_PROVIDER, DEFAULT_PROVIDERS };

const char *const NODE_NAMES[NODE_TYPES] = {
    "Plan",
    "LoadPDF",
    "Chunk",
    "Embed",
    "SimilaritySearch",
    "ExtractEvidence",
    "Aggregate",
    "DecideNext",
};

#define LLM_CALL \
    {LLM_PROVIDER, {.kind = LATENCY_LOGNORMAL, .a = 6, .b = 0.8, .mu_per_token = 0.001}}

static const struct node_config NODES[NODE_TYPES] = {
    [NODE_PLAN] = LLM_CALL,
    [NODE_LOAD_PDF] = {IO, {.kind = LATENCY_LOGNORMAL, .a = 5, .b = 0.8, .mu_per_token = 0,
                            .slow_probability = 0.1, .slow_factor = 3}},
    [NODE_CHUNK] = {CPU, {.kind = LATENCY_UNIFORM, .a = 45 + 0.5 * PDF_SIZE,
                          .b = 55 + 0.5 * PDF_SIZE}},
    [NODE_EMBED] = {EMBED_PROVIDER, {.kind = LATENCY_GAMMA, .a = 4, .b = 25,
                                     .slow_probability = 0.05, .slow_factor = 2}},
    [NODE_SIMILARITY_SEARCH] = {CPU, {.kind = LATENCY_CONSTANT, .a = 20 + 2 * CHUNKS}},
    [NODE_EXTRACT_EVIDENCE] = LLM_CALL,
    [NODE_AGGREGATE] = {CPU, {.kind = LATENCY_LOGNORMAL, .a = 6, .b = 0.8}},
    [NODE_DECIDE_NEXT] = LLM_CALL,
};

static struct tier_config tier_of(int64_t concurrency, double tokens_per_s, double burst,
                                  double price, double failure_probability, int64_t timeout_ms)
{
    struct tier_config tier = {
        .concurrency = concurrency,
        .tokens_per_s = tokens_per_s,
        .burst = burst,
        .price = llround(price * MONEY_UNITS),
        .failure_probability = failure_probability,
        .timeout_ns = timeout_ms * NS_PER_MS,
        .max_retries = 3,
        .latency_factor = 1,
    };
    tier_config_finish(&tier);
    return tier;
}

static struct provider_config provider_of(const char *name, bool local)
{
    struct provider_config provider = {.local = local};
    snprintf(provider.name, sizeof provider.name, "%s", name);
    return provider;
}

static void add_tier(struct provider_config *provider, struct tier_config tier)
{
    provider->tiers[provider->tier_count++] = tier;
}

void config_defaults(struct config *config)
{
    memset(config, 0, sizeof *config);
    config->budget = llround(10 * MONEY_UNITS);
    config->in_flight_max = 200;
    config->provider_count = DEFAULT_PROVIDERS;
    struct provider_config *providers = config->providers;
    providers[IO] = provider_of("io", true);
    add_tier(&providers[IO], tier_of(2, 0, 0, 0, 0, 0));
    providers[CPU] = provider_of("cpu", true);
    add_tier(&providers[CPU], tier_of(4, 0, 0, 0, 0, 0));
    providers[EMBED_PROVIDER] = provider_of("embed_provider", false);
    add_tier(&providers[EMBED_PROVIDER], tier_of(4, 20, 50, 0.0001, 0.02, 10000));
    add_tier(&providers[EMBED_PROVIDER], tier_of(8, 100, 200, 0.0005, 0.01, 5000));
    providers[LLM_PROVIDER] = provider_of("llm_provider", false);
    add_tier(&providers[LLM_PROVIDER], tier_of(2, 5, 20, 0.01, 0.03, 30000));
    add_tier(&providers[LLM_PROVIDER], tier_of(4, 20, 50, 0.05, 0.02, 15000));
    memcpy(config->nodes, NODES, sizeof NODES);
    config_finish(config);
}

void tier_config_finish(struct tier_config *tier)
{
    if (tier->tokens_per_s <= 0) return;
    /* Rounded up, so that the bucket never exceeds the configured rate. */
    tier->token_period_ns = (int64_t)ceil(NS_PER_S / tier->tokens_per_s);
    tier->burst_ns = (int64_t)floor((tier->burst - 1) * (double)tier->token_period_ns);
}

void config_finish(struct config *config)
{
    for (int p = 0; p < config->provider_count; p++) {
        struct provider_config *provider = &config->providers[p];
        for (int t = 0; t < provider->tier_count; t++) {
            int place = t;
            for (; place > 0; place--) {
                int before = provider->by_price[place - 1];
                if (provider->tiers[before].price <= provider->tiers[t].price) break;
                provider->by_price[place] = before;
            }
            provider->by_price[place] = t;
        }
    }
}

int config_provider(const struct config *config, const char *name, size_t length)
{
    for (int p = 0; p < config->provider_count; p++)
        if (strlen(config->providers[p].name) == length &&
            memcmp(config->providers[p].name, name, length) == 0)
            return p;
    return -1;
}
