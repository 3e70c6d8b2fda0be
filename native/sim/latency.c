#include "sim/latency.h"

#include <math.h>
#include <stdbool.h>

static double draw(const struct latency *latency, double tokens, struct random *random)
{
    switch (latency->kind) {
    case LATENCY_UNIFORM:
        return latency->a + (latency->b - latency->a) * random_uniform(random);
    case LATENCY_EXPONENTIAL:
        return random_exponential(random, latency->a);
    case LATENCY_LOGNORMAL:
        return exp(latency->a + latency->mu_per_token * tokens +
                   latency->b * random_normal(random));
    case LATENCY_GAMMA:
        return random_gamma(random, latency->a, latency->b);
    default:
        return latency->a;
    }
}

double latency_draw(const struct latency *latency, double tokens, struct random *random)
{
    double time = draw(latency, tokens, random);
    bool slow = latency->slow_probability > 0 &&
                random_uniform(random) < latency->slow_probability;
    return slow ? time * latency->slow_factor : time;
}
