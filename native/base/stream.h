/*
 * A ring of records of any size between one producer and one consumer. Its memory is mapped twice
 * in a row, so every record is contiguous. The producer checks for room before it makes records:
 * what does not fit waits with the producer, and nothing is lost.
 */
#ifndef DYNO_STREAM_H
#define DYNO_STREAM_H

#include <stdint.h>

struct stream;

/* The size is rounded up to a power of two of at least 64 KB. NULL and errno if memory is short. */
struct stream *stream_new(uint32_t bytes);
void stream_free(struct stream *stream);

/* Producer: bytes that fit now. */
uint32_t stream_room(struct stream *stream);

/* Producer: where the next record goes; the caller has checked that there is room. */
void *stream_claim(struct stream *stream);

/*
 * Producer: hands over the record that was written at the claimed address. Its first word is its
 * size.
 */
void stream_commit(struct stream *stream, uint32_t bytes);

/* Consumer: bytes that are ready to be drained. */
uint32_t stream_used(const struct stream *stream);

/*
 * Consumer: copies out as many whole records as fit, oldest first. Returns their bytes, or the
 * negated size of the first one if it does not fit.
 */
int32_t stream_drain(struct stream *stream, void *out, uint32_t bytes);

uint32_t stream_bytes(const struct stream *stream);

/* The most bytes that ever waited in it. */
uint32_t stream_high_water(const struct stream *stream);

#endif
