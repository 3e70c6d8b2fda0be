/* Our own random numbers, the same on every machine and for every policy. */
#ifndef SIM_RANDOM_H
#define SIM_RANDOM_H

#include <stdint.h>

/*
 * xoshiro256**. Each stream serves one purpose, so draws of one mechanism do not shift those of
 * another.
 */
struct random {
    uint64_t state[4];
};

/* Mixes `value` into `hash`; a chain of such calls identifies a stream. */
uint64_t random_hash(uint64_t hash, uint64_t value);

void random_seed(struct random *random, uint64_t seed);

uint64_t random_bits(struct random *random);

/* In [0, 1). */
double random_uniform(struct random *random);

double random_exponential(struct random *random, double mean);
double random_normal(struct random *random);
double random_gamma(struct random *random, double shape, double scale);

#endif
