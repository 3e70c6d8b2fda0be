#include "base/stream.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BYTES_MIN (64u * 1024)
#define BYTES_MAX (1u << 30)
#define REWIND_BYTES (1u << 20) /* rewind no sooner: the newest lines are still in the consumer's cache */

struct stream {
    unsigned char *memory;
    uint32_t bytes;
    _Alignas(64) _Atomic uint64_t head; /* bytes ever committed */
    _Atomic uint64_t base; /* the position of the byte at the memory's start; changes only while the stream is empty */
    _Atomic uint32_t high_water;
    _Alignas(64) _Atomic uint64_t tail; /* bytes ever drained */
};

/* Maps the same pages twice in a row; NULL if that is not possible. */
static unsigned char *map_twice(size_t bytes)
{
    int fd = memfd_create("dyno", MFD_CLOEXEC);
    if (fd < 0) return NULL;
    unsigned char *memory = MAP_FAILED;
    if (ftruncate(fd, (off_t)bytes) == 0)
        memory = mmap(NULL, bytes * 2, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool whole = memory != MAP_FAILED;
    for (int half = 0; whole && half < 2; half++)
        whole = mmap(memory + (size_t)half * bytes, bytes, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED;
    close(fd);
    if (!whole && memory != MAP_FAILED) munmap(memory, bytes * 2);
    return whole ? memory : NULL;
}

struct stream *stream_new(uint32_t bytes)
{
    uint32_t rounded = BYTES_MIN;
    while (rounded < bytes && rounded < BYTES_MAX) rounded *= 2;
    struct stream *stream = aligned_alloc(64, sizeof *stream);
    if (!stream) return NULL;
    memset(stream, 0, sizeof *stream);
    stream->bytes = rounded;
    stream->memory = map_twice(rounded);
    if (stream->memory) return stream;
    free(stream);
    return NULL;
}

void stream_free(struct stream *stream)
{
    if (!stream) return;
    munmap(stream->memory, (size_t)stream->bytes * 2);
    free(stream);
}

uint32_t stream_room(struct stream *stream)
{
    uint64_t head = atomic_load_explicit(&stream->head, memory_order_relaxed);
    uint64_t tail = atomic_load_explicit(&stream->tail, memory_order_acquire);
    return stream->bytes - (uint32_t)(head - tail);
}

static unsigned char *place_of(const struct stream *stream, uint64_t byte)
{
    uint64_t base = atomic_load_explicit(&stream->base, memory_order_relaxed);
    return stream->memory + ((byte - base) & (stream->bytes - 1));
}

/*
 * A drained stream starts again at the beginning of its memory, so a stream whose consumer keeps up
 * uses little of it. The consumer reads the base only after it sees a head beyond its tail, and the
 * base changes only when there is none.
 */
void *stream_claim(struct stream *stream)
{
    uint64_t head = atomic_load_explicit(&stream->head, memory_order_relaxed);
    uint64_t base = atomic_load_explicit(&stream->base, memory_order_relaxed);
    if (head - base >= REWIND_BYTES &&
        head == atomic_load_explicit(&stream->tail, memory_order_acquire))
        atomic_store_explicit(&stream->base, head, memory_order_relaxed);
    return place_of(stream, head);
}

void stream_commit(struct stream *stream, uint32_t bytes)
{
    uint64_t head = atomic_load_explicit(&stream->head, memory_order_relaxed) + bytes;
    uint64_t tail = atomic_load_explicit(&stream->tail, memory_order_relaxed);
    if (head - tail > atomic_load_explicit(&stream->high_water, memory_order_relaxed))
        atomic_store_explicit(&stream->high_water, (uint32_t)(head - tail), memory_order_relaxed);
    atomic_store_explicit(&stream->head, head, memory_order_release);
}

uint32_t stream_used(const struct stream *stream)
{
    return (uint32_t)(atomic_load_explicit(&stream->head, memory_order_acquire) -
                      atomic_load_explicit(&stream->tail, memory_order_relaxed));
}

int32_t stream_drain(struct stream *stream, void *out, uint32_t bytes)
{
    uint64_t tail = atomic_load_explicit(&stream->tail, memory_order_relaxed);
    uint64_t head = atomic_load_explicit(&stream->head, memory_order_acquire);
    const unsigned char *from = place_of(stream, tail);
    uint64_t take = head - tail;
    if (take > bytes) {
        uint32_t record = 0;
        for (take = 0; take + record <= bytes; memcpy(&record, from + take, sizeof record))
            take += record;
        if (take == 0) return -(int32_t)record;
    }
    memcpy(out, from, take);
    atomic_store_explicit(&stream->tail, tail + take, memory_order_release);
    return (int32_t)take;
}

uint32_t stream_bytes(const struct stream *stream)
{
    return stream->bytes;
}

uint32_t stream_high_water(const struct stream *stream)
{
    return atomic_load_explicit(&stream->high_water, memory_order_relaxed);
}
