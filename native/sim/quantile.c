#include "sim/quantile.h"

#include <math.h>

#include "sim/memory.h"

#define OCTAVE (1 << QUANTILE_BITS)
#define NS_PER_MS 1e6

/* The first octave has exact buckets; after it, every power of two has OCTAVE buckets. */
static int bucket_of(int64_t value)
{
    uint64_t v = (uint64_t)value;
    if (v < OCTAVE) return (int)v;
    int shift = 63 - __builtin_clzll(v) - QUANTILE_BITS;
    return ((shift + 1) << QUANTILE_BITS) + (int)((v >> shift) & (OCTAVE - 1));
}

static double middle_of(int bucket)
{
    if (bucket < OCTAVE) return bucket;
    int shift = (bucket >> QUANTILE_BITS) - 1;
    return ldexp(OCTAVE + (bucket & (OCTAVE - 1)) + 0.5, shift);
}

static void settle(const struct quantile *quantile, struct quantile_cursor *cursor)
{
    if (quantile->count == 0) return;
    uint64_t rank = (uint64_t)ceil(cursor->share * (double)quantile->count);
    while (cursor->below >= rank) cursor->below -= quantile->counts[--cursor->bucket];
    while (cursor->below + quantile->counts[cursor->bucket] < rank)
        cursor->below += quantile->counts[cursor->bucket++];
}

static void restart(const struct quantile *quantile, struct quantile_cursor *cursor)
{
    cursor->bucket = 0;
    cursor->below = 0;
    settle(quantile, cursor);
}

/*
 * Halves the cumulative counts. The distribution keeps its shape, even if every bucket holds one
 * sample.
 */
static void fade(struct quantile *quantile)
{
    uint64_t seen = 0;
    for (int i = 0; i < QUANTILE_BUCKETS; i++) {
        uint64_t before = seen;
        seen += quantile->counts[i];
        quantile->counts[i] = seen / 2 - before / 2;
    }
    quantile->count = seen / 2;
    restart(quantile, &quantile->p50);
    restart(quantile, &quantile->p95);
}

struct quantile *quantile_new(uint64_t memory)
{
    struct quantile *quantile = memory_new(1, sizeof *quantile);
    quantile->p50.share = 0.5;
    quantile->p95.share = 0.95;
    quantile->memory = memory;
    return quantile;
}

void quantile_add(struct quantile *quantile, int64_t value)
{
    int bucket = bucket_of(value);
    quantile->counts[bucket]++;
    quantile->count++;
    quantile->p50.below += bucket < quantile->p50.bucket;
    quantile->p95.below += bucket < quantile->p95.bucket;
    settle(quantile, &quantile->p50);
    settle(quantile, &quantile->p95);
    if (quantile->memory > 0 && quantile->count >= 2 * quantile->memory) fade(quantile);
}

double quantile_p50(const struct quantile *quantile, double otherwise)
{
    return quantile->count > 0 ? middle_of(quantile->p50.bucket) / NS_PER_MS : otherwise;
}

double quantile_p95(const struct quantile *quantile, double otherwise)
{
    return quantile->count > 0 ? middle_of(quantile->p95.bucket) / NS_PER_MS : otherwise;
}
