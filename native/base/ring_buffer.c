#include "base/ring_buffer.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

/* Producer and consumer write to separate cache lines. */
struct ring {
    _Alignas(64) _Atomic uint64_t head; /* records ever committed */
    _Atomic uint64_t overruns;
    _Alignas(64) _Atomic uint64_t tail; /* records ever drained */
    _Alignas(64) uint32_t slots;
    uint32_t record_bytes;
    size_t mapped_bytes;
    unsigned char records[];
};

static unsigned char *slot_of(struct ring *ring, uint64_t sequence)
{
    return ring->records + (sequence & (ring->slots - 1)) * ring->record_bytes;
}

struct ring *ring_new(uint32_t slots, uint32_t record_bytes)
{
    uint32_t rounded = 1;
    while (rounded < slots && rounded < 1u << 30) rounded <<= 1;
    size_t bytes = sizeof(struct ring) + (size_t)rounded * record_bytes;
    struct ring *ring =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (ring == MAP_FAILED) return NULL;
    ring->slots = rounded;
    ring->record_bytes = record_bytes;
    ring->mapped_bytes = bytes;
    return ring;
}

void ring_free(struct ring *ring)
{
    if (ring) munmap(ring, ring->mapped_bytes);
}

void *ring_claim(struct ring *ring)
{
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    if (head - tail == ring->slots) {
        atomic_fetch_add_explicit(&ring->overruns, 1, memory_order_relaxed);
        return NULL;
    }
    return slot_of(ring, head);
}

void ring_commit(struct ring *ring)
{
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    atomic_store_explicit(&ring->head, head + 1, memory_order_release);
}

uint32_t ring_drain(struct ring *ring, void *records, uint32_t max_records)
{
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    uint64_t count = head - tail;
    if (count > max_records) count = max_records;
    uint64_t to_end = ring->slots - (tail & (ring->slots - 1));
    uint64_t first = count < to_end ? count : to_end;
    memcpy(records, slot_of(ring, tail), first * ring->record_bytes);
    memcpy((unsigned char *)records + first * ring->record_bytes, ring->records,
           (count - first) * ring->record_bytes);
    atomic_store_explicit(&ring->tail, tail + count, memory_order_release);
    return (uint32_t)count;
}

uint32_t ring_slots(const struct ring *ring)
{
    return ring->slots;
}

uint64_t ring_overruns(const struct ring *ring)
{
    return atomic_load_explicit(&ring->overruns, memory_order_relaxed);
}

uint64_t ring_committed(const struct ring *ring)
{
    return atomic_load_explicit(&ring->head, memory_order_relaxed);
}
