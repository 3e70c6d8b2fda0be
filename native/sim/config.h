/* The simulated world: node types, what runs them, how long they take and what they cost. */
#ifndef SIM_CONFIG_H
#define SIM_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/latency.h"

#define NS_PER_MS 1000000
#define NS_PER_S 1000000000
#define MONEY_UNITS 1e9 /* prices are whole billionths, so that sums are exact */

#define PROVIDERS_MAX 16
#define TIERS_MAX 8
#define NAME_MAX_BYTES 64

/* In the order of the chain: a later type never comes before an earlier one. */
enum node_type {
    NODE_PLAN,
    NODE_LOAD_PDF,
    NODE_CHUNK,
    NODE_EMBED,
    NODE_SIMILARITY_SEARCH,
    NODE_EXTRACT_EVIDENCE,
    NODE_AGGREGATE,
    NODE_DECIDE_NEXT,
    NODE_TYPES,
};

struct tier_config {
    int64_t concurrency;
    int64_t token_period_ns; /* 0: no bucket */
    int64_t burst_ns;        /* how far calls may run ahead of one per period */
    double tokens_per_s, burst;
    int64_t price;
    double failure_probability;
    int64_t timeout_ns; /* 0: none */
    int64_t max_retries;
    double latency_factor;
    bool has_latency; /* used instead of the node type's latency */
    struct latency latency;
};

struct provider_config {
    char name[NAME_MAX_BYTES];
    bool local; /* workers on this host: free, never failing, not in tiers.csv */
    int tier_count;
    int by_price[TIERS_MAX]; /* the tiers, cheapest first */
    struct tier_config tiers[TIERS_MAX];
};

struct node_config {
    int provider;
    struct latency latency;
};

struct config {
    int64_t budget; /* of one workflow */
    int64_t in_flight_max;
    int provider_count;
    struct provider_config providers[PROVIDERS_MAX];
    struct node_config nodes[NODE_TYPES];
};

extern const char *const NODE_NAMES[NODE_TYPES];

void config_defaults(struct config *config);

/* Sets the fields of a tier that follow from its other fields. */
void tier_config_finish(struct tier_config *tier);

/* Sorts every provider's tiers by price. */
void config_finish(struct config *config);

/* The provider's index; -1 if there is none of that name. */
int config_provider(const struct config *config, const char *name, size_t length);

/*
 * Applies the file's settings over the existing ones. On failure returns false and a message with
 * file, line and key.
 */
bool config_read(struct config *config, const char *path, char *error, size_t error_size);

#endif
