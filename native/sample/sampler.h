/*
 * The sampler: a thread with absolute deadlines that reads the fast sources and writes one record
 * per tick into the ring. Two more threads read the slow sensors and the GPU; the record copies
 * their latest values.
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

/* False if a thread is stuck in a driver's call: the sampler must then never be freed. */
bool sampler_stop(struct sampler *sampler);
void sampler_free(struct sampler *sampler);

#endif
