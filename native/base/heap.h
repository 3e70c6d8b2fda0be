/*
 * The binary heap of all queues by time: requests that wait, streams whose event is due, the
 * simulator's events. Its members know their place, so that any of them can leave or move in
 * O(log n). Keys lie in the heap itself: an order is found without touching the members.
 */
#ifndef DYNO_HEAP_H
#define DYNO_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Embedded in whatever is queued. */
struct heap_link {
    size_t place; /* 1-based; 0 while in no heap */
};

struct heap_entry {
    int64_t key;
    uint64_t sequence; /* among equal keys the smaller goes first: the order is total */
    struct heap_link *link;
};

struct heap {
    struct heap_entry *entries;
    size_t count;
    size_t capacity;
};

/* False where memory is short: nothing was added. */
bool heap_push(struct heap *heap, int64_t key, uint64_t sequence, struct heap_link *link);

/* The least entry, or NULL. */
static inline const struct heap_entry *heap_first(const struct heap *heap)
{
    return heap->count > 0 ? &heap->entries[0] : NULL;
}

/* Gives a member another key; it keeps its sequence. It must be in the heap. */
void heap_move(struct heap *heap, struct heap_link *link, int64_t key);

/* Nothing happens to a link that is in no heap. */
void heap_remove(struct heap *heap, struct heap_link *link);

static inline bool heap_before(const struct heap_entry *a, const struct heap_entry *b)
{
    return a->key != b->key ? a->key < b->key : a->sequence < b->sequence;
}

void heap_free(struct heap *heap);

/* The struct around a link. */
#define HEAP_OWNER(pointer, type, member) \
    ((type *)(void *)((char *)(pointer) - offsetof(type, member)))

#endif
