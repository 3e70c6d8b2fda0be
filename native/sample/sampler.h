/*
 * The sampler: a thread on absolute deadlines that reads the fast sources and writes one record a
 * tick into the ring, and two threads, for slow sensors and the GPU, whose last values it copies.
 */
#ifndef DYNO_SAMPLER_H
#define DYNO_SAMPLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sampler;

struct sampler *sampler_open(const char *options, char *error, size_t error_size);
bool sampler_start(struct sampler *sampler, char *error, size_t error_size);
uint32_t sampler_drain(struct sampler *sampler, void *records, uint32_t bytes);
int32_t sampler_layout(const struct sampler *sampler, char *json, size_t size);
int32_t sampler_status(struct sampler *sampler, char *json, size_t size);

/* False when a thread is stuck in a driver's call: it must then never be freed. */
bool sampler_stop(struct sampler *sampler);
void sampler_free(struct sampler *sampler);

#endif
