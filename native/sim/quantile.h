/* Quantiles of a stream of durations in bounded memory; adding and reading are O(1). */
#ifndef SIM_QUANTILE_H
#define SIM_QUANTILE_H

#include <stdint.h>

#define QUANTILE_BITS 6 /* 64 buckets per octave: an answer is within 0.8 % */
#define QUANTILE_BUCKETS ((64 - QUANTILE_BITS) << QUANTILE_BITS)

/* Points to the bucket that contains one quantile, and moves as the counts change. */
struct quantile_cursor {
    double share;
    int bucket;
    uint64_t below; /* samples in the buckets before it */
};

struct quantile {
    struct quantile_cursor p50, p95;
    uint64_t count;
    uint64_t memory; /* when there are twice this many samples, all counts are halved; 0: never */
    uint64_t counts[QUANTILE_BUCKETS];
};

/* With a memory, old samples fade out and the estimate follows changes. */
struct quantile *quantile_new(uint64_t memory);

/* Nanoseconds, not negative. */
void quantile_add(struct quantile *quantile, int64_t value);

/* In milliseconds; `otherwise` if there is no sample yet. */
double quantile_p50(const struct quantile *quantile, double otherwise);
double quantile_p95(const struct quantile *quantile, double otherwise);

#endif
