/*
 * A ring of fixed-size records between one producer and one consumer, in its own mapping. When it
 * is full, a new record is dropped and counted; the records already in it stay complete and in
 * order.
 */
#ifndef DYNO_RING_BUFFER_H
#define DYNO_RING_BUFFER_H

#include <stdint.h>

struct ring;

/* The number of slots is rounded up to a power of two. NULL if memory is short. */
struct ring *ring_new(uint32_t slots, uint32_t record_bytes);
void ring_free(struct ring *ring);

/* Producer: where the next record goes, or NULL (counted as an overrun) if the ring is full. */
void *ring_claim(struct ring *ring);

/* Producer: hands over the record that was claimed last. */
void ring_commit(struct ring *ring);

/* Consumer: copies out at most max_records and returns how many. */
uint32_t ring_drain(struct ring *ring, void *records, uint32_t max_records);

uint32_t ring_slots(const struct ring *ring);
uint64_t ring_overruns(const struct ring *ring);

/* Records handed over so far. */
uint64_t ring_committed(const struct ring *ring);

#endif
