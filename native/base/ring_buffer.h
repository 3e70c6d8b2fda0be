/*
 * A ring of fixed-size records between one producer and one consumer, in its own mapping. When it
 * is full the new record is lost and counted: what was kept stays in order and whole.
 */
#ifndef DYNO_RING_BUFFER_H
#define DYNO_RING_BUFFER_H

#include <stdint.h>

struct ring;

/* Slots are rounded up to a power of two. NULL when memory is short. */
struct ring *ring_new(uint32_t slots, uint32_t record_bytes);
void ring_free(struct ring *ring);

/* Producer: where the next record goes, or NULL (and one more overrun) when the ring is full. */
void *ring_claim(struct ring *ring);

/* Producer: hands over the record last claimed. */
void ring_commit(struct ring *ring);

/* Consumer: copies out at most max_records and returns how many. */
uint32_t ring_drain(struct ring *ring, void *records, uint32_t max_records);

uint32_t ring_slots(const struct ring *ring);
uint64_t ring_overruns(const struct ring *ring);

/* Records handed over so far. */
uint64_t ring_committed(const struct ring *ring);

#endif
