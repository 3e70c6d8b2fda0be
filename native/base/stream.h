/*
 * A ring of records of any size between one producer and one consumer. Its memory is mapped twice
 * in a row, so that every record lies in one piece. The producer asks for room before it makes
 * records: what does not fit waits with the producer, nothing is lost.
 */
#ifndef DYNO_STREAM_H
#define DYNO_STREAM_H

#include <stdint.h>

struct stream;

/* Rounded up to a power of two of at least 64 KB. NULL and errno when memory is short. */
struct stream *stream_new(uint32_t bytes);
void stream_free(struct stream *stream);

/* Producer: bytes that fit now. */
uint32_t stream_room(struct stream *stream);

/* Producer: where the next record goes; there must be room for it. */
void *stream_claim(struct stream *stream);

/* Producer: hands over the record that was written where claim said. Its first word is its size. */
void stream_commit(struct stream *stream, uint32_t bytes);

/* Consumer: bytes that wait to be drained. */
uint32_t stream_used(const struct stream *stream);

/*
 * Consumer: copies whole records out, oldest first, as many as fit. Returns their bytes; where not
 * even one fits, its size negated.
 */
int32_t stream_drain(struct stream *stream, void *out, uint32_t bytes);

uint32_t stream_bytes(const struct stream *stream);

/* The most bytes that ever waited. */
uint32_t stream_high_water(const struct stream *stream);

#endif
