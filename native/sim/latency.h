/* The duration of an attempt: a distribution, with an occasional slow one. */
#ifndef SIM_LATENCY_H
#define SIM_LATENCY_H

#include "sim/random.h"

enum latency_kind {
    LATENCY_CONSTANT,    /* a: value */
    LATENCY_UNIFORM,     /* a: low, b: high */
    LATENCY_EXPONENTIAL, /* a: mean */
    LATENCY_LOGNORMAL,   /* a: mu, b: sigma */
    LATENCY_GAMMA,       /* a: shape, b: scale */
    LATENCY_KINDS,
};

struct latency {
    enum latency_kind kind;
    double a, b;
    double mu_per_token; /* added to a lognormal's mu for every token */
    double slow_probability, slow_factor;
};

/* Returns milliseconds. */
double latency_draw(const struct latency *latency, double tokens, struct random *random);

#endif
