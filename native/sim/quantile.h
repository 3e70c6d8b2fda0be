/* Quantiles of a stream of durations in bounded memory, each add and each answer in O(1). */
#ifndef SIM_QUANTILE_H
#define SIM_QUANTILE_H

#include <stdint.h>

#define QUANTILE_BITS 6 /* 64 buckets an octave: an answer is within 0.8 % */
#define QUANTILE_BUCKETS ((64 - QUANTILE_BITS) << QUANTILE_BITS)

/* Stands on the bucket that holds one quantile and moves with the counts. */
struct quantile_cursor {
    double share;
    int bucket;
    uint64_t below; /* samples in the buckets before */
};

struct quantile {
    struct quantile_cursor p50, p95;
    uint64_t count;
    uint64_t memory; /* at twice as many samples all counts are halved; 0: never */
    uint64_t counts[QUANTILE_BUCKETS];
};

/* With a memory the old fades out: the estimate follows what changes. */
struct quantile *quantile_new(uint64_t memory);

/* Nanoseconds, not negative. */
void quantile_add(struct quantile *quantile, int64_t value);

/* In milliseconds; `otherwise` before the first sample. */
double quantile_p50(const struct quantile *quantile, double otherwise);
double quantile_p95(const struct quantile *quantile, double otherwise);

#endif
