#include "sim/random.h"

#include <math.h>

#define GOLDEN_GAMMA 0x9e3779b97f4a7c15u
#define TWO_PI 6.283185307179586

/* The finalizer of splitmix64. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

uint64_t random_hash(uint64_t hash, uint64_t value)
{
    return mix(mix(hash + GOLDEN_GAMMA) ^ (value + 1) * GOLDEN_GAMMA);
}

void random_seed(struct random *random, uint64_t seed)
{
    for (int i = 0; i < 4; i++) random->state[i] = mix(seed += GOLDEN_GAMMA);
}

static uint64_t rotated(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

uint64_t random_bits(struct random *random)
{
    uint64_t *s = random->state;
    uint64_t bits = rotated(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotated(s[3], 45);
    return bits;
}

double random_uniform(struct random *random)
{
    return (double)(random_bits(random) >> 11) * 0x1p-53;
}

double random_exponential(struct random *random, double mean)
{
    return -mean * log1p(-random_uniform(random));
}

double random_normal(struct random *random)
{
    double radius = sqrt(-2 * log1p(-random_uniform(random)));
    return radius * cos(TWO_PI * random_uniform(random));
}

/* Marsaglia and Tsang; a shape below 1 is raised by one and corrected with a power. */
double random_gamma(struct random *random, double shape, double scale)
{
    if (shape < 1) {
        double lift = pow(1 - random_uniform(random), 1 / shape);
        return lift * random_gamma(random, shape + 1, scale);
    }
    double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double x = random_normal(random);
        double v = 1 + c * x;
        if (v <= 0) continue;
        v = v * v * v;
        double bound = 0.5 * x * x + d * (1 - v + log(v));
        if (log1p(-random_uniform(random)) < bound) return d * v * scale;
    }
}
